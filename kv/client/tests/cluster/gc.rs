//! Garbage collection: what the safe point waits for, and what goes below it; removed ranges.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::{Client, Error, ScanOptions};
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::{Cf, KeyRange, TimeStamp};

use super::{Cluster, all, begin, context_of, fill, key, start, value};

async fn write_versions(client: &Client, keys: std::ops::Range<usize>, versions: usize) {
    for version in 0..versions {
        let mut transaction = begin(client).await;
        for n in keys.clone() {
            transaction.put(key(n), value(n + 1_000 * version));
        }
        transaction.commit().await.expect("commits");
    }
}

fn records(cluster: &Cluster, cf: Cf) -> usize {
    cluster.engine.dump().iter().filter(|(found, ..)| *found == cf).count()
}

/// Waits for what the store does in the background.
async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("the store goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_transaction_holds_garbage_collection_back() {
    let cluster = start().await;
    let client = &cluster.client;
    write_versions(client, 0..20, 3).await;
    client.split_region(&[key(5), key(15)]).await.expect("splits");
    let reader = begin(client).await;
    let held = reader.start_ts();
    write_versions(client, 0..20, 5).await;
    assert_eq!(client.advance_gc_safe_point(Duration::ZERO).await.expect("advances"), held);
    let scan = reader.snapshot();
    drop(reader);
    assert_eq!(client.advance_gc_safe_point(Duration::ZERO).await.expect("advances"), held, "a scan goes on");
    // Two versions of the first three are older than what the reader sees.
    until(|| records(&cluster, Cf::Write) == 20 * 6).await;
    assert_eq!(scan.get(&key(7)).await.expect("reads"), Some(value(2_007)));
    drop(scan);
    let late = client.snapshot(held);
    assert!(client.advance_gc_safe_point(Duration::from_secs(600)).await.expect("advances") >= held);
    drop(late);
    let advanced = client.advance_gc_safe_point(Duration::ZERO).await.expect("advances");
    assert!(advanced > held);
    until(|| records(&cluster, Cf::Write) == 20).await;
    match client.snapshot(held).get(&key(7)).await {
        Err(Error::Aborted(text)) => {
            assert!(text.starts_with("GC life time is shorter than transaction duration"), "{text}")
        }
        other => panic!("a read below the safe point must fail, got {other:?}"),
    }
    let reader = begin(client).await;
    assert_eq!(reader.get(&key(7)).await.expect("reads"), Some(value(4_007)));
    cluster.stop().await;
}

/// Prewrites two keys of two regions, the first is the primary, as a client that dies then.
async fn leave_locks(cluster: &Cluster, start_ts: TimeStamp, keys: [usize; 2], lock_ttl: u64) {
    for n in keys {
        let mutation = kvrpcpb::Mutation {
            op: kvrpcpb::Op::Put as i32,
            key: key(n),
            value: value(n + 500),
            assertion: 0,
        };
        let request = kvrpcpb::PrewriteRequest {
            context: context_of(cluster, n).await,
            mutations: vec![mutation],
            primary_lock: key(keys[0]),
            start_version: start_ts.into_inner(),
            lock_ttl,
            ..Default::default()
        };
        let answer = cluster.store.service().kv_prewrite(request).await.expect("answered");
        assert_eq!((answer.region_error, answer.errors), (None, Vec::new()));
    }
}

async fn commit_primary(cluster: &Cluster, start_ts: TimeStamp, n: usize) {
    let request = kvrpcpb::CommitRequest {
        context: context_of(cluster, n).await,
        start_version: start_ts.into_inner(),
        keys: vec![key(n)],
        commit_version: cluster.client.timestamp().await.expect("a timestamp").into_inner(),
    };
    let answer = cluster.store.service().kv_commit(request).await.expect("answered");
    assert_eq!((answer.region_error, answer.error), (None, None));
}

/// Leaves a transaction that is committed at its primary, key 1, and not at its secondary, key 6.
async fn commit_half(cluster: &Cluster) {
    let half = cluster.client.timestamp().await.expect("a timestamp");
    leave_locks(cluster, half, [1, 6], 0).await;
    commit_primary(cluster, half, 1).await;
}

/// Locks of a dead client are resolved by their primaries before anything goes; a living one is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn old_locks_are_resolved_before_the_safe_point_moves() {
    let cluster = start().await;
    let client = &cluster.client;
    fill(client, 0..10).await;
    client.split_region(&[key(5)]).await.expect("splits");
    // Committed at its primary, the secondary in the other region left behind.
    commit_half(&cluster).await;
    // The record of the primary becomes garbage.
    let mut over = begin(client).await;
    over.put(key(1), value(9_001));
    over.commit().await.expect("commits");
    let dead = client.timestamp().await.expect("a timestamp");
    leave_locks(&cluster, dead, [2, 7], 0).await;
    let living = client.timestamp().await.expect("a timestamp");
    leave_locks(&cluster, living, [3, 8], 3_600_000).await;
    let safe_point = client.advance_gc_safe_point(Duration::ZERO).await.expect("advances");
    assert_eq!(safe_point, living.prev(), "it stops below the transaction that lives");
    assert_eq!(records(&cluster, Cf::Lock), 2, "only the living locks are left");
    // One version of each key; the rollbacks of the dead transaction go too.
    until(|| records(&cluster, Cf::Write) == 10).await;
    let reader = client.snapshot(safe_point);
    for (n, expected) in [(1, 9_001), (6, 506), (2, 2), (7, 7), (3, 3), (8, 8)] {
        assert_eq!(reader.get(&key(n)).await.expect("reads"), Some(value(expected)), "key {n}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_range_spans_regions_and_leaves_its_neighbours() {
    let cluster = start().await;
    let client = &cluster.client;
    write_versions(client, 0..100, 2).await;
    // The other client does not know the new regions.
    client.split_region(&[key(20), key(40), key(60)]).await.expect("splits");
    cluster.two_phases.delete_range(KeyRange::new(key(10), key(70))).await.expect("removes");
    let left = all(&begin(client).await, KeyRange::all(), ScanOptions::default()).await;
    let expected: Vec<Bytes> = (0..10).chain(70..100).map(key).collect();
    assert_eq!(left.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), expected);
    assert_eq!(records(&cluster, Cf::Write), 40 * 2, "with all versions");
    client.delete_range(KeyRange::new(key(10), key(70))).await.expect("again is no error");
    let unbounded = client.delete_range(KeyRange::new(key(10), "")).await;
    assert!(matches!(unbounded, Err(Error::Unsupported(_))), "{unbounded:?}");
    cluster.stop().await;
}

/// The primary's record is in the range, its secondary is not: it must be committed before the record goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_primary_has_committed_its_secondaries() {
    let cluster = start().await;
    let client = &cluster.client;
    fill(client, 0..10).await;
    client.split_region(&[key(5)]).await.expect("splits");
    commit_half(&cluster).await;
    client.delete_range(KeyRange::new(key(0), key(3))).await.expect("removes");
    let reader = begin(client).await;
    assert_eq!(reader.get(&key(6)).await.expect("reads"), Some(value(506)));
    assert_eq!(reader.get(&key(1)).await.expect("reads"), None);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_works_in_the_background_until_the_client_is_closed() {
    let cluster = start().await;
    let owner = cluster.client.clone();
    let rounds = async move { owner.run_gc(Duration::ZERO, Duration::from_millis(1)).await };
    let rounds = cluster.client.env().spawn.spawn("gc-owner", Box::pin(rounds));
    let dropped = cluster.client.clone();
    let removed = async move { dropped.delete_range(KeyRange::new(key(50), key(60))).await };
    write_versions(&cluster.client, 0..20, 30).await;
    cluster.client.env().spawn.spawn("removal", Box::pin(async move { removed.await.expect("removes") }));
    until(|| records(&cluster, Cf::Write) == 20).await;
    cluster.client.close().await;
    rounds.join().await;
    cluster.two_phases.close().await;
    cluster.store.stop().await.expect("the store stops");
}
