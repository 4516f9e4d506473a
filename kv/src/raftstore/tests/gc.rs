//! Garbage collection and range removal in a whole store: what goes, what stays, and what a restart makes of it.
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_env::{Env, TaskEnd};
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::Cf;

use super::cluster::{Client, Cluster, Disk};
use crate::Config;

const KEYS: usize = 3;
const UPDATES: usize = 1_000;

fn config() -> Config {
    Config { gc_poll_interval: Duration::from_millis(1), gc_bytes_per_second: u64::MAX, ..Config::default() }
}

fn records(cluster: &Cluster, cf: Cf) -> usize {
    match &cluster.disk {
        Disk::Memory { engine, .. } => engine.dump().iter().filter(|(found, ..)| *found == cf).count(),
        Disk::Directory(_) => unreachable!("these tests count in memory"),
    }
}

/// Updates all keys; short and long values take turns.
async fn update(client: &Client, from: usize, to: usize) {
    let writers = (0..KEYS).map(|key| async move {
        for version in from..to {
            let value = format!("{version}-").repeat(if version % 2 == 0 { 1 } else { 100 });
            client.put(&format!("k{key}"), &value).await.expect("acknowledged");
        }
    });
    futures::future::join_all(writers).await;
}

async fn wait_until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("garbage collection goes on");
}

async fn wait_for_passes(cluster: &Cluster, passes: u64) {
    wait_until(|| cluster.store().metrics().gc_passes >= passes).await;
}

/// The error of a read at `version`, if it is refused.
async fn refusal(client: &Client, key: &str, version: u64) -> Option<String> {
    let (_, context) = client.locate(key.as_bytes());
    let key = Bytes::copy_from_slice(key.as_bytes());
    let request = kvrpcpb::GetRequest { context: Some(context), key, version };
    let response = client.service.kv_get(request).await.expect("the store answers");
    assert_eq!(response.region_error, None);
    response.error.map(|error| error.abort)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_updated_a_thousand_times_shrink_while_readers_at_the_safe_point_stay_right() {
    let mut cluster = Cluster::start(Disk::memory(), config()).await;
    let client = cluster.client();
    update(&client, 0, UPDATES / 2).await;
    let safe_point = cluster.pd.ts();
    let expected = client.scan_all(safe_point).await;
    update(&client, UPDATES / 2, UPDATES).await;
    let newest = client.scan_all(cluster.pd.ts()).await;
    assert_eq!(records(&cluster, Cf::Write), KEYS * UPDATES);

    let reader = client.clone();
    let read = expected.clone();
    let reading = async move {
        let mut rounds = 0_u64;
        while refusal(&reader, "k0", safe_point - 1).await.is_none() || rounds < 100 {
            assert_eq!(reader.scan_all(safe_point).await, read);
            rounds += 1;
            // These reads never wait, and a thread that is never given back can keep the timers to itself.
            tokio::task::yield_now().await;
        }
    };
    let reading = Env::real().spawn.spawn("reader", Box::pin(reading));
    cluster.pd.safe_point.store(safe_point, Ordering::SeqCst);
    wait_for_passes(&cluster, 1).await;
    assert_eq!(reading.join().await, TaskEnd::Finished, "readers at the safe point see no difference");
    let text = refusal(&client, "k0", safe_point - 1).await.expect("refused");
    assert!(text.starts_with("GC life time is shorter than transaction duration"), "{text}");
    assert_eq!(records(&cluster, Cf::Write), KEYS * (UPDATES / 2 + 1));
    assert_eq!(client.scan_all(safe_point).await, expected);

    cluster.kill().await;
    cluster.open().await;
    let client = cluster.client();
    assert!(refusal(&client, "k0", safe_point - 1).await.is_some(), "the safe point is known before serving");
    cluster.pd.safe_point.store(cluster.pd.ts(), Ordering::SeqCst);
    wait_until(|| (records(&cluster, Cf::Write), records(&cluster, Cf::Default)) == (KEYS, KEYS)).await;
    assert_eq!(client.scan_all(cluster.pd.ts()).await, newest);
    cluster.store().check_locks();
}

/// What a crash leaves of a removal is finished by the log, and an idle region is not walked again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_region_is_left_alone() {
    let cluster = Cluster::start(Disk::memory(), config()).await;
    let client = cluster.client();
    update(&client, 0, 10).await;
    let mut walked = Vec::new();
    for pass in 1..=5 {
        cluster.pd.safe_point.store(cluster.pd.ts(), Ordering::SeqCst);
        wait_for_passes(&cluster, pass).await;
        walked.push(cluster.store().metrics().gc_records_walked);
    }
    assert_eq!(walked[1], walked[4], "nothing was written since: {walked:?}");
    assert_eq!(records(&cluster, Cf::Write), KEYS);
}

fn delete_range(client: &Client, start: &str, end: &str) -> kvrpcpb::DeleteRangeRequest {
    let bytes = |key: &str| Bytes::copy_from_slice(key.as_bytes());
    let context = Some(client.locate(start.as_bytes()).1);
    kvrpcpb::DeleteRangeRequest { context, start_key: bytes(start), end_key: bytes(end), notify_only: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_range_is_gone_with_its_locks_and_stays_gone() {
    for on_disk in [false, true] {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = if on_disk { Disk::Directory(directory.path().to_owned()) } else { Disk::memory() };
        let mut cluster = Cluster::start(disk, config()).await;
        let client = cluster.client();
        for key in ["a", "d1", "d2", "m"] {
            client.put(key, &"x".repeat(300)).await.expect("acknowledged");
        }
        client.lock(["d3", "d4"]).await;
        let stays = client.lock(["n1", "n2"]).await;
        let removed =
            client.service.kv_delete_range(delete_range(&client, "d", "m")).await.expect("answered");
        assert_eq!((removed.region_error, removed.error.as_str()), (None, ""));
        cluster.store().check_locks();
        client.commit(&["n1", "n2"], stays).await;
        let keys = |pairs: std::collections::BTreeMap<Bytes, Bytes>| pairs.into_keys().collect::<Vec<_>>();
        let expected: Vec<Bytes> = ["a", "m", "n1", "n2"].map(Bytes::from).to_vec();
        assert_eq!(keys(client.scan_all(cluster.pd.ts()).await), expected);
        client.put("d5", "new").await.expect("the range can be used again");
        drop(client);
        cluster.kill().await;
        cluster.open().await;
        let client = cluster.client();
        let again = client.service.kv_delete_range(delete_range(&client, "d", "m")).await.expect("answered");
        assert_eq!(again.region_error, None);
        assert_eq!(keys(client.scan_all(cluster.pd.ts()).await), expected);
        cluster.store().check_locks();
        for (start, end) in [("m", "d"), ("d", "d"), ("d", "")] {
            let refused = client.service.kv_delete_range(delete_range(&client, start, end)).await;
            assert!(refused.is_err(), "{start} {end}");
        }
    }
}
