//! Async commits whose owner died: the keys decide, and everybody finds the same.

use bytes::Bytes;
use rutile_kv_client::{Error, ScanOptions};
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::{KeyRange, TimeStamp};

use super::{Cluster, all, begin, context_of, key, start, value};

/// A client that dies after some prewrites.
struct Dying {
    start_ts: TimeStamp,
    primary: usize,
    secondaries: Vec<usize>,
}

impl Dying {
    async fn begin(cluster: &Cluster, primary: usize, secondaries: &[usize]) -> Dying {
        let start_ts = cluster.client.timestamp().await.expect("a timestamp");
        Dying { start_ts, primary, secondaries: secondaries.to_vec() }
    }

    /// The answer to the prewrite of one key, with a lock whose time is over in a millisecond.
    async fn prewrite(
        &self,
        cluster: &Cluster,
        n: usize,
        use_async_commit: bool,
    ) -> kvrpcpb::PrewriteResponse {
        let mutation = kvrpcpb::Mutation {
            op: kvrpcpb::Op::Put as i32,
            key: key(n),
            value: value(n),
            ..kvrpcpb::Mutation::default()
        };
        let request = kvrpcpb::PrewriteRequest {
            context: context_of(cluster, n).await,
            mutations: vec![mutation],
            primary_lock: key(self.primary),
            start_version: self.start_ts.into_inner(),
            lock_ttl: 1,
            use_async_commit,
            secondaries: self.secondaries.iter().map(|n| key(*n)).collect(),
            txn_size: 1 + self.secondaries.len() as u64,
            ..kvrpcpb::PrewriteRequest::default()
        };
        let answer = cluster.store.service().kv_prewrite(request).await.expect("answers");
        assert_eq!(answer.region_error, None);
        answer
    }

    async fn lock(&self, cluster: &Cluster, n: usize, use_async_commit: bool) -> TimeStamp {
        let answer = self.prewrite(cluster, n, use_async_commit).await;
        assert_eq!(answer.errors, []);
        assert_eq!(answer.min_commit_ts != 0, use_async_commit);
        answer.min_commit_ts.into()
    }
}

async fn start_with_regions() -> Cluster {
    let cluster = start().await;
    cluster.client.split_region(&[key(3), key(6)]).await.expect("splits");
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_committed_when_all_keys_are_prewritten() {
    // Whichever key is met first.
    for first in [1, 4, 7] {
        let cluster = start_with_regions().await;
        let dying = Dying::begin(&cluster, 1, &[4, 7]).await;
        let mut commit_ts = TimeStamp::ZERO;
        for n in [1, 4, 7] {
            commit_ts = commit_ts.max(dying.lock(&cluster, n, true).await);
        }
        let reader = begin(&cluster.client).await;
        assert_eq!(reader.get(&key(first)).await.expect("reads"), Some(value(first)));
        let before = cluster.client.snapshot(TimeStamp::new(commit_ts.into_inner() - 1));
        assert_eq!(before.get(&key(first)).await.expect("reads"), None, "committed at {commit_ts}");
        // Another client finds the same without the memory of the first one.
        let reader = begin(&cluster.two_phases).await;
        let pairs = all(&reader, KeyRange::all(), ScanOptions::default()).await;
        assert_eq!(pairs, [1, 4, 7].map(|n| (key(n), value(n))));
        cluster.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_rolled_back_when_a_key_is_missing() {
    for first in [1, 4] {
        let cluster = start_with_regions().await;
        let dying = Dying::begin(&cluster, 1, &[4, 7]).await;
        dying.lock(&cluster, 1, true).await;
        dying.lock(&cluster, 4, true).await;
        assert_eq!(begin(&cluster.client).await.get(&key(first)).await.expect("reads"), None);
        // The owner was only slow: it can not complete any more.
        let late = dying.prewrite(&cluster, 7, true).await;
        let conflict = late.errors.first().and_then(|error| error.conflict.as_ref()).expect("too late");
        assert_eq!(conflict.reason(), kvrpcpb::write_conflict::Reason::SelfRolledBack);
        let pairs = all(&begin(&cluster.two_phases).await, KeyRange::all(), ScanOptions::default()).await;
        assert_eq!(pairs, []);
        cluster.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fell_back_to_two_phases_needs_its_commit() {
    let cluster = start_with_regions().await;
    let dying = Dying::begin(&cluster, 1, &[4]).await;
    dying.lock(&cluster, 1, true).await;
    dying.lock(&cluster, 4, false).await;
    assert_eq!(begin(&cluster.client).await.get(&key(1)).await.expect("reads"), None);
    assert_eq!(begin(&cluster.two_phases).await.get(&key(4)).await.expect("reads"), None);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_key_is_committed_alone() {
    let cluster = start_with_regions().await;
    let dying = Dying::begin(&cluster, 1, &[]).await;
    dying.lock(&cluster, 1, true).await;
    let mut writer = begin(&cluster.client).await;
    writer.put(key(1), Bytes::from_static(b"later"));
    writer.commit().await.expect("commits behind it");
    let mut conflicting = begin(&cluster.client).await;
    let dying = Dying::begin(&cluster, 1, &[]).await;
    dying.lock(&cluster, 1, true).await;
    conflicting.put(key(1), Bytes::from_static(b"too late"));
    assert!(matches!(conflicting.commit().await, Err(Error::WriteConflict { .. })));
    assert_eq!(begin(&cluster.client).await.get(&key(1)).await.expect("reads"), Some(value(1)));
    cluster.stop().await;
}

/// The owner had begun to write its records.
#[tokio::test(flavor = "multi_thread")]
async fn a_committed_secondary_tells_the_timestamp() {
    let cluster = start_with_regions().await;
    let dying = Dying::begin(&cluster, 1, &[4, 7]).await;
    let mut commit_ts = TimeStamp::ZERO;
    for n in [1, 4, 7] {
        commit_ts = commit_ts.max(dying.lock(&cluster, n, true).await);
    }
    let request = kvrpcpb::CommitRequest {
        context: context_of(&cluster, 7).await,
        start_version: dying.start_ts.into_inner(),
        keys: vec![key(7)],
        commit_version: commit_ts.into_inner(),
    };
    let answer = cluster.store.service().kv_commit(request).await.expect("answers");
    assert_eq!((answer.region_error, answer.error), (None, None));
    let reader = begin(&cluster.client).await;
    assert_eq!(reader.get(&key(4)).await.expect("reads"), Some(value(4)));
    assert_eq!(cluster.client.snapshot(commit_ts).get(&key(1)).await.expect("reads"), Some(value(1)));
    cluster.stop().await;
}
