//! What was acknowledged survives a kill and a power failure; what was not may, and at most once.
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::{Cf, Key};

use super::cluster::{Client, Cluster, Disk};
use crate::Config;

const WRITERS: usize = 8;
const ROWS: usize = 40;

/// Eight writers at once; answers what was acknowledged.
async fn write_rows(client: &Client, round: usize) -> BTreeMap<Bytes, Bytes> {
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let client = client.clone();
        writers.push(async move {
            let mut acknowledged = Vec::new();
            for row in 0..ROWS {
                let (key, value) = (format!("w{writer}-{row:03}"), format!("{round}-{writer}-{row}"));
                client.put(&key, &value).await.expect("acknowledged");
                acknowledged.push((Bytes::from(key), Bytes::from(value)));
            }
            acknowledged
        });
    }
    futures::future::join_all(writers).await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_rows_survive_power_failures() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    for round in 0..3 {
        let expected = write_rows(&cluster.client(), round).await;
        let appends = cluster.store().metrics().raft_appends;
        assert!(appends < (WRITERS * ROWS) as u64, "{appends} syncs for {} commits", WRITERS * ROWS);
        cluster.kill().await;
        if let Disk::Memory { engine, .. } = &cluster.disk {
            let lost = engine.dump().iter().all(|(cf, ..)| *cf == Cf::Raft) || round > 0;
            assert!(lost, "the state engine is not synced per write, so the log is what is tested");
        }
        cluster.open().await;
        assert_eq!(cluster.client().scan_all(cluster.pd.ts()).await, expected, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_rows_survive_a_kill_on_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cluster = Cluster::start(Disk::Directory(directory.path().to_owned()), Config::default()).await;
    for round in 0..2 {
        let expected = write_rows(&cluster.client(), round).await;
        cluster.kill().await;
        cluster.open().await;
        assert_eq!(cluster.client().scan_all(cluster.pd.ts()).await, expected, "round {round}");
    }
    let store = cluster.store.take().expect("a running store");
    store.stop().await.expect("a clean stop");
    drop(store);
    cluster.open().await;
    assert_eq!(cluster.client().get("w0-000").await.as_deref(), Some(b"1-0-0".as_slice()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_truncated_only_behind_what_is_flushed() {
    let config = Config { raft_log_gc_bytes: 2 << 10, ..Config::default() };
    let mut cluster = Cluster::start(Disk::memory(), config).await;
    let mut expected = BTreeMap::new();
    for round in 0..4 {
        let compactions = cluster.store().metrics().log_compactions;
        let client = cluster.client();
        let mut row = 0;
        // Until a truncation happened, then some more that only the log has.
        while cluster.store().metrics().log_compactions == compactions || row % 50 != 0 {
            let (key, value) = (format!("r{:03}", row % 200), format!("{round}-{row}"));
            client.put(&key, &value).await.expect("acknowledged");
            expected.insert(Bytes::from(key), Bytes::from(value));
            row += 1;
        }
        cluster.kill().await;
        cluster.open().await;
        assert_eq!(cluster.client().scan_all(cluster.pd.ts()).await, expected, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_and_their_transactions_survive_as_well() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    let start_version = cluster.pd.ts();
    let (_, context) = client.locate(b"a");
    let mutation = |key: &'static str| kvrpcpb::Mutation {
        op: kvrpcpb::Op::Put as i32,
        key: Bytes::from(key),
        value: Bytes::from(vec![b'x'; 300]),
        assertion: 0,
    };
    let request = kvrpcpb::PrewriteRequest {
        context: Some(context.clone()),
        mutations: vec![mutation("a"), mutation("b")],
        primary_lock: Bytes::from("a"),
        start_version,
        lock_ttl: 3000,
        ..Default::default()
    };
    let response = client.service.kv_prewrite(request.clone()).await.expect("answered");
    assert_eq!((response.region_error, response.errors), (None, Vec::new()));
    cluster.kill().await;
    cluster.open().await;
    let client = cluster.client();
    let repeated = client.service.kv_prewrite(request).await.expect("answered");
    assert_eq!((repeated.region_error, repeated.errors), (None, Vec::new()), "repeating it succeeds");
    let commit_version = cluster.pd.ts();
    let keys = vec![Bytes::from("a"), Bytes::from("b")];
    let context = Some(context);
    let commit = kvrpcpb::CommitRequest { context, start_version, keys, commit_version };
    let response = client.service.kv_commit(commit.clone()).await.expect("answered");
    assert_eq!((response.region_error, response.error), (None, None));
    cluster.kill().await;
    cluster.open().await;
    let client = cluster.client();
    let response = client.service.kv_commit(commit).await.expect("answered");
    assert_eq!((response.region_error, response.error), (None, None), "repeating it succeeds");
    assert_eq!(client.get("b").await.map(|value| value.len()), Some(300));
    assert_eq!(client.get_at("b", commit_version - 1).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_phase_commits_stay_above_reads_answered_before_a_restart() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let read_ts = cluster.pd.ts();
    assert_eq!(cluster.client().get_at("k", read_ts).await, None);
    cluster.kill().await;
    cluster.open().await;
    let commit_ts = cluster.client().put("k", "v").await.expect("acknowledged");
    assert!(commit_ts > read_ts, "max_ts is learned from PD before the first such commit");
    assert_eq!(cluster.client().get_at("k", read_ts).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn founding_is_repeated_until_both_sides_know() {
    let cluster = Cluster {
        pd: super::pd::TestPd::new(),
        disk: Disk::memory(),
        config: Config::default(),
        store: None,
    };
    cluster.pd.lose_bootstrap_answer.store(true, Ordering::SeqCst);
    let store = cluster.try_open().await.expect("PD knows the region, so the lost answer does no harm");
    let store_id = store.store_id();
    store.halt().await.expect("threads end");
    drop(store);
    let store = cluster.try_open().await.expect("opens again");
    assert_eq!(store.store_id(), store_id, "the store keeps its identity");
    assert_eq!(cluster.pd.sorted().len(), 1, "one cluster, one region");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_checked_against_the_region() {
    let cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    let (region, context) = client.locate(b"k");
    let get = |context: kvrpcpb::Context| {
        let service = client.service.clone();
        async move {
            let request =
                kvrpcpb::GetRequest { context: Some(context), key: Bytes::from("k"), version: 1000 };
            service.kv_get(request).await.expect("answered").region_error.map(|error| *error)
        }
    };
    assert_eq!(get(context.clone()).await, None);
    let wrong_region = kvrpcpb::Context { region_id: 999, ..context.clone() };
    assert!(get(wrong_region).await.expect("refused").region_not_found.is_some());
    let mut peer = region.peers[0];
    peer.store_id += 1;
    let wrong_store = kvrpcpb::Context { peer: Some(peer), ..context.clone() };
    assert!(get(wrong_store).await.expect("refused").store_not_match.is_some());
    let mut peer = region.peers[0];
    peer.id += 1;
    let wrong_peer = kvrpcpb::Context { peer: Some(peer), ..context.clone() };
    assert!(get(wrong_peer).await.expect("refused").mismatch_peer_id.is_some());
    let mut epoch = region.region_epoch.expect("an epoch");
    epoch.version += 1;
    let wrong_epoch = kvrpcpb::Context { region_epoch: Some(epoch), ..context.clone() };
    let error = get(wrong_epoch).await.expect("refused").epoch_not_match.expect("the epoch");
    assert_eq!(error.current_regions, vec![region.clone()]);
    let old_term = kvrpcpb::Context { term: 1, ..context.clone() };
    assert!(get(old_term).await.expect("refused").stale_command.is_some());
    let missing = kvrpcpb::Context { peer: None, ..context };
    let request = kvrpcpb::GetRequest { context: Some(missing), key: Bytes::from("k"), version: 1000 };
    assert!(client.service.kv_get(request).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_store_takes_nothing_on() {
    let cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    client.put("k", "v").await.expect("acknowledged");
    cluster.store().stop().await.expect("a clean stop");
    assert!(client.put("k", "w").await.is_err());
    let split_keys = vec![Bytes::from("s")];
    let (_, context) = client.locate(b"s");
    let split = kvrpcpb::SplitRegionRequest { context: Some(context), split_keys, is_raw_kv: false };
    assert!(client.service.split_region(split).await.is_err(), "nobody waits for a thread that is gone");
    let Disk::Memory { engine, .. } = &cluster.disk else { unreachable!("in memory") };
    engine.crash(0);
    let key = Key::from_raw(b"k");
    let records = engine.dump().into_iter().filter(|(cf, at, _)| *cf == Cf::Write && key.is_version_of(at));
    assert_eq!(records.count(), 1, "a clean stop flushes, so the state engine alone has the row");
}

/// Values of each key in the order they were written: acknowledged, except that the last one may be under way.
#[derive(Default)]
struct History {
    values: BTreeMap<Bytes, Vec<Bytes>>,
    under_way: BTreeMap<Bytes, Bytes>,
}

impl History {
    fn add(&mut self, rows: Vec<(Bytes, Bytes)>) {
        if let Some((key, value)) = rows.last() {
            self.under_way.insert(key.clone(), value.clone());
        }
        for (key, value) in rows {
            self.values.entry(key).or_default().push(value);
        }
    }

    /// Everything acknowledged is there; what was under way may be. Afterwards it is known.
    fn check(&mut self, found: &BTreeMap<Bytes, Bytes>) {
        let under_way = std::mem::take(&mut self.under_way);
        for (key, values) in &mut self.values {
            let value = found.get(key);
            if values.last() == value {
                continue;
            }
            let newest = values.pop();
            assert_eq!(newest.as_ref(), under_way.get(key), "{key:?}: an acknowledged value is lost");
            assert_eq!(values.last(), value, "{key:?}: an acknowledged value is lost");
        }
        self.values.retain(|_, values| !values.is_empty());
        let written = |key: &&Bytes| !self.values.contains_key(*key);
        assert_eq!(found.keys().find(written), None, "nobody wrote this");
    }
}

/// Writes until the store ends; the last row is the one whose fate is not known.
async fn write_until_the_end(
    client: Client,
    round: usize,
    writer: usize,
    keys: usize,
) -> Vec<(Bytes, Bytes)> {
    let mut rows = Vec::new();
    for row in 0.. {
        let (key, value) = (format!("w{writer}-{:03}", row % keys), format!("{round}-{writer}-{row}"));
        let ended = client.put(&key, &value).await.is_err();
        rows.push((Bytes::from(key), Bytes::from(value)));
        if ended {
            break;
        }
    }
    rows
}

/// Rounds of writers, each ended by a power failure that leaves some batches of the state engine.
async fn kill_writers(config: Config, keys: usize, writes: u64) -> Cluster {
    let mut cluster = Cluster::start(Disk::memory(), config).await;
    let mut history = History::default();
    for (round, kept) in [0, usize::MAX, 3, 50, 1, 400].into_iter().enumerate() {
        let client = cluster.client();
        let writers = (0..WRITERS).map(|writer| write_until_the_end(client.clone(), round, writer, keys));
        let enough = cluster.store().metrics().proposals + writes;
        let kill = async {
            while cluster.store().metrics().proposals < enough {
                tokio::task::yield_now().await;
            }
            cluster.store().halt().await.expect("threads end");
        };
        let (rows, ()) = futures::future::join(futures::future::join_all(writers), kill).await;
        rows.into_iter().for_each(|rows| history.add(rows));
        cluster.kill_keeping(kept).await;
        cluster.open().await;
        while cluster.pd.sorted().len() < cluster.store().metrics().regions as usize {
            tokio::task::yield_now().await;
        }
        history.check(&cluster.client().scan_all(cluster.pd.ts()).await);
    }
    cluster
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_writers_loses_nothing_acknowledged() {
    kill_writers(Config::default(), 7, 300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_one_in_the_middle_of_splits_and_log_truncations() {
    let config = Config { region_split_keys: 100, raft_log_gc_bytes: 8 << 10, ..Config::default() };
    let cluster = kill_writers(config, 60, 500).await;
    assert!(cluster.store().metrics().regions > 3, "{:?}", cluster.store().metrics());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_without_lease_asks_the_quorum() {
    let cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    client.put("k", "v").await.expect("acknowledged");
    assert_eq!(client.get("k").await.as_deref(), Some(b"v".as_slice()));
    assert_eq!(cluster.store().metrics().read_barriers, 0, "under the lease no thread is asked");
    cluster.store().suspend_leases();
    assert_eq!(client.get("k").await.as_deref(), Some(b"v".as_slice()));
    assert_eq!(cluster.store().metrics().read_barriers, 1);
    assert_eq!(client.get("k").await.as_deref(), Some(b"v".as_slice()));
    assert_eq!(cluster.store().metrics().read_barriers, 1, "the quorum gave a new lease");
}
