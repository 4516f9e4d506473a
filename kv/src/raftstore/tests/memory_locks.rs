//! Pessimistic locks in the leader's memory: what they cost, and what becomes of them when regions split, leaders die,
//! and leaders are about to hand over.
use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;

use super::cluster::{Client, Cluster, Disk};
use crate::{Config, MetricsSnapshot};

/// One pessimistic transaction, a request at a time.
struct Transaction<'a> {
    client: &'a Client,
    start_ts: u64,
    for_update_ts: u64,
}

fn mutation(key: &str, op: kvrpcpb::Op) -> kvrpcpb::Mutation {
    let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), Bytes::from_static(b"new"));
    kvrpcpb::Mutation { op: op as i32, key, value, assertion: 0 }
}

impl<'a> Transaction<'a> {
    fn begin(client: &'a Client) -> Self {
        let start_ts = client.pd.ts();
        Transaction { client, start_ts, for_update_ts: start_ts }
    }

    async fn lock(&mut self, key: &str) {
        self.for_update_ts = self.client.pd.ts();
        let request = kvrpcpb::PessimisticLockRequest {
            context: Some(self.client.locate(key.as_bytes()).1),
            mutations: vec![mutation(key, kvrpcpb::Op::PessimisticLock)],
            primary_lock: Bytes::copy_from_slice(key.as_bytes()),
            start_version: self.start_ts,
            lock_ttl: 60_000,
            for_update_ts: self.for_update_ts,
            ..Default::default()
        };
        let response = self.client.service.kv_pessimistic_lock(request).await.expect("answered");
        assert_eq!((response.region_error, response.errors), (None, Vec::new()));
    }

    async fn prewrite(&self, key: &str) -> Result<(), kvrpcpb::KeyError> {
        loop {
            let request = kvrpcpb::PrewriteRequest {
                context: Some(self.client.locate(key.as_bytes()).1),
                mutations: vec![mutation(key, kvrpcpb::Op::Put)],
                primary_lock: Bytes::copy_from_slice(key.as_bytes()),
                start_version: self.start_ts,
                for_update_ts: self.for_update_ts,
                pessimistic_actions: vec![
                    kvrpcpb::prewrite_request::PessimisticAction::DoPessimisticCheck as i32,
                ],
                lock_ttl: 60_000,
                ..Default::default()
            };
            let response = self.client.service.kv_prewrite(request).await.expect("answered");
            if response.region_error.is_none() {
                return response.errors.into_iter().next().map_or(Ok(()), Err);
            }
            tokio::task::yield_now().await;
        }
    }

    async fn commit(&self, key: &str) {
        self.prewrite(key).await.expect("the lock is there");
        self.client.commit(&[key], self.start_ts).await;
    }
}

/// Keys of pessimistic locks, in memory or stored, of all regions.
async fn locks(client: &Client) -> Vec<Bytes> {
    let mut found = Vec::new();
    for region in client.pd.sorted() {
        let context = Some(super::cluster::context_of(&region));
        let request = kvrpcpb::ScanLockRequest { context, max_version: client.pd.ts(), ..Default::default() };
        let response = client.service.kv_scan_lock(request).await.expect("answered");
        assert_eq!(response.region_error, None);
        found.extend(response.locks.into_iter().map(|lock| lock.key));
    }
    found
}

async fn split(client: &Client, key: &str) {
    loop {
        let request = kvrpcpb::SplitRegionRequest {
            context: Some(client.locate(key.as_bytes()).1),
            split_keys: vec![Bytes::copy_from_slice(key.as_bytes())],
            is_raw_kv: false,
        };
        if client.service.split_region(request).await.expect("answered").region_error.is_none() {
            return;
        }
        // PD may not have heard of the last split yet.
        tokio::task::yield_now().await;
    }
}

fn region_of(client: &Client, key: &str) -> u64 {
    client.locate(key.as_bytes()).0.id
}

/// Entries and rounds with a sync that locking, prewrite and commit of one key cost.
async fn costs(in_memory_pessimistic_locks: bool) -> [(u64, u64); 3] {
    let config = Config { in_memory_pessimistic_locks, ..Config::default() };
    let cluster = Cluster::start(Disk::memory(), config).await;
    let client = cluster.client();
    client.put("k", "old").await.expect("acknowledged");
    let costs = |before: MetricsSnapshot| {
        let now = cluster.store().metrics();
        (now.raft_entries - before.raft_entries, now.raft_appends - before.raft_appends)
    };
    let mut transaction = Transaction::begin(&client);
    let before = cluster.store().metrics();
    transaction.lock("k").await;
    let lock = costs(before);
    let before = cluster.store().metrics();
    transaction.prewrite("k").await.expect("the lock is there");
    let prewrite = costs(before);
    let before = cluster.store().metrics();
    client.commit(&["k"], transaction.start_ts).await;
    let metrics = cluster.store().metrics();
    let kept = (metrics.memory_locks, metrics.memory_locks_refused);
    assert_eq!(kept, if in_memory_pessimistic_locks { (1, 0) } else { (0, 1) });
    assert_eq!(client.get("k").await.as_deref(), Some(b"new".as_slice()));
    cluster.store().check_locks();
    [lock, prewrite, costs(before)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_in_memory_costs_no_entry_and_no_sync() {
    assert_eq!(costs(false).await, [(1, 1); 3]);
    assert_eq!(costs(true).await, [(0, 0), (1, 1), (1, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_takes_locks_in_memory_along() {
    let cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    let mut transactions = Vec::new();
    for key in ["a", "g", "m", "t"] {
        let mut transaction = Transaction::begin(&client);
        transaction.lock(key).await;
        transactions.push((key, transaction));
    }
    for at in ["m", "g"] {
        split(&client, at).await;
    }
    for (key, transaction) in &transactions {
        // No retry but for region errors: the lock is there at once.
        transaction.commit(key).await;
        assert_eq!(client.get(key).await.as_deref(), Some(b"new".as_slice()));
    }
    assert_eq!(cluster.store().metrics().memory_locks_refused, 0);
    for key in ["a", "g", "m", "t"] {
        assert_eq!(cluster.store().memory_locks(region_of(&client, key)), 0, "{key}");
    }
    cluster.store().check_locks();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_lost_with_the_leader_is_made_good_unless_somebody_wrote() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    client.put("a", "old").await.expect("acknowledged");
    client.put("b", "old").await.expect("acknowledged");
    let (mut first, mut second) = (Transaction::begin(&client), Transaction::begin(&client));
    first.lock("a").await;
    second.lock("b").await;
    assert_eq!(locks(&client).await, ["a", "b"]);
    let (first, second) = ((first.start_ts, first.for_update_ts), (second.start_ts, second.for_update_ts));
    cluster.kill().await;
    cluster.open().await;
    let client = cluster.client();
    let again = |(start_ts, for_update_ts)| Transaction { client: &client, start_ts, for_update_ts };
    assert!(locks(&client).await.is_empty());
    client.put("b", "of another").await.expect("nobody holds it");
    again(first).commit("a").await;
    let error = again(second).prewrite("b").await.expect_err("somebody wrote");
    assert!(error.abort.contains("LockMissingAmendFail"), "{error:?}");
    assert_eq!(client.get("b").await.as_deref(), Some(b"of another".as_slice()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_that_were_handed_over_outlive_the_leader() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    let region_id = region_of(&client, "a");
    let (mut first, mut second) = (Transaction::begin(&client), Transaction::begin(&client));
    first.lock("a").await;
    second.lock("b").await;
    assert!(cluster.store().hand_over_locks(region_id, true).await, "nothing else is on its way");
    // Behind the proposal in the log, so that it finds the ordinary lock.
    second.commit("b").await;
    let mut third = Transaction::begin(&client);
    third.lock("c").await;
    assert_eq!(cluster.store().metrics().memory_locks_refused, 1, "no new one is kept in memory");
    assert_eq!((cluster.store().memory_locks(region_id), locks(&client).await.len()), (0, 2));
    cluster.store().check_locks();
    let (start_ts, for_update_ts) = (first.start_ts, first.for_update_ts);
    cluster.kill().await;
    cluster.open().await;
    let client = cluster.client();
    assert_eq!(locks(&client).await, ["a", "c"]);
    let first = Transaction { client: &client, start_ts, for_update_ts };
    first.commit("a").await;

    // A leadership that stays takes locks into memory again.
    cluster.store().hand_over_locks(region_id, true).await;
    cluster.store().hand_over_locks(region_id, false).await;
    let mut fourth = Transaction::begin(&client);
    fourth.lock("d").await;
    assert_eq!(cluster.store().memory_locks(region_id), 1);
}
