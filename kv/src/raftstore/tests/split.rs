//! Splits: by request, by size, under writers, and across crashes.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rutile_kv_proto::{kvrpcpb, metapb};
use rutile_kv_types::Key;

use super::cluster::{Client, Cluster, Disk, context_of};
use crate::Config;

/// Regions must cover the key space without gap or overlap.
fn check_cover(regions: &[metapb::Region]) {
    assert!(regions[0].start_key.is_empty() && regions[regions.len() - 1].end_key.is_empty());
    for pair in regions.windows(2) {
        assert_eq!(pair[0].end_key, pair[1].start_key);
    }
}

async fn split(client: &Client, keys: &[&str]) -> kvrpcpb::SplitRegionResponse {
    let (_, context) = client.locate(keys[0].as_bytes());
    let split_keys = keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect();
    let request = kvrpcpb::SplitRegionRequest { context: Some(context), split_keys, is_raw_kv: false };
    client.service.split_region(request).await.expect("answered")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_requested_split_keeps_the_id_on_the_right() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    for key in ["a", "g", "m", "t"] {
        client.put(key, key).await.expect("acknowledged");
    }
    let (before, old_context) = client.locate(b"a");
    let response = split(&client, &["g", "m"]).await;
    assert_eq!(response.region_error, None);
    let regions = response.regions;
    check_cover(&regions);
    assert_eq!(regions.len(), 3);
    assert_eq!(regions[2].id, before.id);
    assert_eq!(regions[0].end_key, Key::from_raw(b"g").into_encoded());
    let version = before.region_epoch.expect("an epoch").version + 2;
    assert!(regions.iter().all(|region| region.region_epoch.expect("an epoch").version == version));
    // The old epoch is refused, for reads and writes alike.
    let key = Bytes::from("a");
    let request = kvrpcpb::GetRequest { context: Some(old_context), key, version: cluster.pd.ts() };
    let error = client.service.kv_get(request).await.expect("answered").region_error.expect("refused");
    assert!(error.epoch_not_match.is_some());
    // A key of another region is refused in the right epoch.
    let key = Bytes::from("a");
    let request =
        kvrpcpb::GetRequest { context: Some(context_of(&regions[2])), key, version: cluster.pd.ts() };
    let error = client.service.kv_get(request).await.expect("answered").region_error.expect("refused");
    assert!(error.key_not_in_region.is_some());
    // A key outside can not be split at, a bound needs no split.
    let outside = split_at(&client, &regions[2], "a").await;
    assert!(outside.region_error.expect("refused").key_not_in_region.is_some());
    assert_eq!(split_at(&client, &regions[2], "m").await.regions.len(), 1);
    for key in ["a", "g", "m", "t"] {
        assert_eq!(client.get(key).await.as_deref(), Some(key.as_bytes()));
        client.put(key, "new").await.expect("acknowledged");
    }
    // The split and everything after it come out of the log again.
    cluster.kill().await;
    cluster.open().await;
    let client = cluster.client();
    for key in ["a", "g", "m", "t"] {
        assert_eq!(client.get(key).await.as_deref(), Some(b"new".as_slice()));
    }
}

async fn split_at(client: &Client, region: &metapb::Region, key: &str) -> kvrpcpb::SplitRegionResponse {
    let split_keys = vec![Bytes::copy_from_slice(key.as_bytes())];
    let request =
        kvrpcpb::SplitRegionRequest { context: Some(context_of(region)), split_keys, is_raw_kv: false };
    client.service.split_region(request).await.expect("answered")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_never_notice_splits() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..4 {
        let (client, done) = (cluster.client(), done.clone());
        writers.push(tokio_spawn(async move {
            let mut acknowledged = BTreeMap::new();
            let mut round = 0;
            while !done.load(Ordering::SeqCst) {
                let key = format!("k{:02}-{writer}", round % 26);
                let value = format!("{round}");
                client.put(&key, &value).await.expect("acknowledged");
                acknowledged.insert(Bytes::from(key), Bytes::from(value));
                round += 1;
            }
            acknowledged
        }));
    }
    let client = cluster.client();
    for cut in (1..26).rev() {
        let key = format!("k{cut:02}");
        loop {
            // PD may still have the range of an earlier split; ask again until it knows.
            if split(&client, &[&key]).await.region_error.is_none() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    done.store(true, Ordering::SeqCst);
    let mut expected = BTreeMap::new();
    for writer in writers {
        expected.extend(writer.await.expect("the writer ended well"));
    }
    wait_for_regions(&cluster, 26).await;
    assert_eq!(client.scan_all(cluster.pd.ts()).await, expected);
    assert_eq!(cluster.store().metrics().splits, 25);
    cluster.kill().await;
    cluster.open().await;
    assert_eq!(cluster.store().metrics().regions, 26);
    assert_eq!(cluster.client().scan_all(cluster.pd.ts()).await, expected);
}

#[expect(clippy::disallowed_methods, reason = "a test runs on the runtime of its own")]
fn tokio_spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(future)
}

/// Waits until PD was told of this many regions.
async fn wait_for_regions(cluster: &Cluster, count: usize) {
    while cluster.pd.sorted().len() < count {
        tokio::task::yield_now().await;
    }
    check_cover(&cluster.pd.sorted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regions_split_by_size_and_by_keys() {
    for config in [
        Config { region_split_bytes: 4 << 10, ..Config::default() },
        Config { region_split_keys: 40, ..Config::default() },
    ] {
        let mut cluster = Cluster::start(Disk::memory(), config).await;
        let client = cluster.client();
        let mut expected = BTreeMap::new();
        let mut row = 0;
        while cluster.pd.sorted().len() < 4 {
            // Short and long values, so that both column families count.
            let (key, value) = (format!("row{row:06}"), "x".repeat(if row % 3 == 0 { 400 } else { 20 }));
            client.put(&key, &value).await.expect("acknowledged");
            expected.insert(Bytes::from(key), Bytes::from(value));
            row += 1;
            assert!(row < 100_000, "regions do not split");
        }
        cluster.kill().await;
        cluster.open().await;
        // Heartbeats after the start tell PD what it has not heard yet.
        while cluster.pd.sorted().len() < cluster.store().metrics().regions as usize {
            tokio::task::yield_now().await;
        }
        check_cover(&cluster.pd.sorted());
        assert_eq!(cluster.client().scan_all(cluster.pd.ts()).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_locks_survives_splits_and_restarts() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    let first = client.lock(["a", "n"]).await;
    let second = client.lock(["b", "x"]).await;
    cluster.store().check_locks();
    client.commit(&["a", "a"], first).await;
    cluster.store().check_locks();
    assert_eq!(split(&client, &["f", "m"]).await.region_error, None);
    wait_for_regions(&cluster, 3).await;
    cluster.store().check_locks();
    client.commit(&["n"], first).await;
    cluster.store().check_locks();
    cluster.kill().await;
    cluster.open().await;
    cluster.store().check_locks();
    let client = cluster.client();
    // Regions without locks are read without looking for any; the others still block.
    assert!(client.get("n").await.is_some());
    let (_, context) = client.locate(b"x");
    let request =
        kvrpcpb::GetRequest { context: Some(context), key: Bytes::from("x"), version: cluster.pd.ts() };
    let response = client.service.kv_get(request).await.expect("answered");
    assert!(response.error.expect("locked").locked.is_some());
    client.commit(&["b"], second).await;
    client.commit(&["x"], second).await;
    cluster.store().check_locks();
    assert_eq!(client.scan_all(cluster.pd.ts()).await.len(), 4);
}
