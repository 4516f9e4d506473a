//! Merges of one store: by request, under writers, across crashes, with locks, and refused ones.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use rutile_kv_proto::{kvrpcpb, metapb, pdpb};
use rutile_kv_types::Key;

use super::cluster::{Client, Cluster, Disk};
use crate::Config;

/// Splits and waits until PD knows.
async fn split(client: &Client, keys: &[&str]) {
    for key in keys {
        let start_key = Key::from_raw(key.as_bytes()).into_encoded();
        while *client.locate(key.as_bytes()).0.start_key != *start_key {
            let (_, context) = client.locate(key.as_bytes());
            let split_keys = vec![Bytes::copy_from_slice(key.as_bytes())];
            let request =
                kvrpcpb::SplitRegionRequest { context: Some(context), split_keys, is_raw_kv: false };
            client.service.split_region(request).await.expect("answered");
            tokio::task::yield_now().await;
        }
    }
}

/// Asks the store, as PD does, to merge the region of one key into that of another.
fn ask_merge(cluster: &Cluster, source: &metapb::Region, target: &metapb::Region) {
    let step = pdpb::RegionHeartbeatResponse {
        region_id: source.id,
        region_epoch: source.region_epoch,
        merge: Some(pdpb::Merge { target: Some(target.clone()) }),
        ..pdpb::RegionHeartbeatResponse::default()
    };
    cluster.store().take_step(&step);
}

/// Merges and waits until PD knows.
async fn merge(cluster: &Cluster, source: &str, target: &str) {
    let client = cluster.client();
    loop {
        let (from, to) = (client.locate(source.as_bytes()).0, client.locate(target.as_bytes()).0);
        if from.id == to.id {
            return;
        }
        ask_merge(cluster, &from, &to);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merged_region_is_a_part_of_its_neighbour_also_after_a_crash() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    let keys = ["a", "g", "m", "t"];
    for key in keys {
        client.put(key, key).await.expect("acknowledged");
    }
    split(&client, &["g", "m", "t"]).await;
    let regions = client.pd.sorted();
    assert_eq!(regions.len(), 4);
    let version = |key: &str| client.locate(key.as_bytes()).0.region_epoch.expect("an epoch").version;
    let expected = version("m").max(version("g") + 1) + 1;
    // To the right, to the left, and what came of it once more.
    let target = client.locate(b"m").0.id;
    merge(&cluster, "g", "m").await;
    assert_eq!(client.locate(b"g").0.id, target, "the target takes over");
    assert_eq!(version("m"), expected, "the source has ended one version further, and the whole is newer");
    merge(&cluster, "t", "m").await;
    let (source, context) = client.locate(b"a");
    merge(&cluster, "a", "g").await;
    assert_eq!(client.pd.sorted().len(), 1);
    let request =
        kvrpcpb::GetRequest { context: Some(context), key: Bytes::from("a"), version: cluster.pd.ts() };
    let error = client.service.kv_get(request).await.expect("answered").region_error;
    assert!(error.is_some_and(|error| error.region_not_found.is_some()), "region {} is gone", source.id);
    for round in 0..2 {
        let client = cluster.client();
        for key in keys {
            assert_eq!(client.get(key).await.as_deref(), Some(key.as_bytes()), "round {round}");
        }
        cluster.store().check_locks();
        cluster.kill().await;
        cluster.open().await;
    }
    let client = cluster.client();
    assert_eq!(client.scan_all(client.pd.ts()).await.len(), keys.len());
    split(&client, &["m"]).await;
    merge(&cluster, "a", "m").await;
    client.put("a", "new").await.expect("acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_never_notice_merges() {
    let mut cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..4 {
        let (client, done) = (cluster.client(), done.clone());
        writers.push(tokio_spawn(async move {
            let mut acknowledged = BTreeMap::new();
            let mut round = 0;
            while !done.load(Ordering::SeqCst) {
                let key = format!("{}{writer}", char::from(b'a' + (round % 26) as u8));
                client.put(&key, &round.to_string()).await.expect("acknowledged");
                assert_eq!(client.get(&key).await.as_deref(), Some(round.to_string().as_bytes()));
                acknowledged.insert(Bytes::from(key), Bytes::from(round.to_string()));
                round += 1;
            }
            acknowledged
        }));
    }
    for round in 0..8 {
        split(&cluster.client(), &["h", "p"]).await;
        if round % 2 == 0 {
            merge(&cluster, "h", "p").await;
            merge(&cluster, "p", "a").await;
        } else {
            merge(&cluster, "h", "a").await;
            merge(&cluster, "a", "p").await;
        }
        if round == 5 {
            // Nothing is lost that was acknowledged, whatever is under way.
            ask_merge_all(&cluster);
        }
    }
    done.store(true, Ordering::SeqCst);
    let mut expected = BTreeMap::new();
    for writer in writers {
        expected.extend(writer.await.expect("ends"));
    }
    for round in 0..2 {
        let client = cluster.client();
        assert_eq!(client.scan_all(client.pd.ts()).await, expected, "round {round}");
        cluster.kill().await;
        cluster.open().await;
    }
}

fn ask_merge_all(cluster: &Cluster) {
    let regions = cluster.pd.sorted();
    for pair in regions.windows(2) {
        ask_merge(cluster, &pair[0], &pair[1]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locks_are_found_after_a_merge() {
    let cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    client.put("b", "old").await.expect("acknowledged");
    split(&client, &["g"]).await;
    let start_ts = client.lock(["a", "b"]).await;
    merge(&cluster, "a", "g").await;
    cluster.store().check_locks();
    let request = kvrpcpb::GetRequest {
        context: Some(client.locate(b"b").1),
        key: Bytes::from("b"),
        version: client.pd.ts(),
    };
    let answer = client.service.kv_get(request).await.expect("answered");
    let locked = answer.error.and_then(|error| error.locked).expect("the lock came along");
    assert_eq!(locked.lock_version, start_ts);
    client.commit(&["a", "b"], start_ts).await;
    assert_eq!(client.get("b").await, Some(Bytes::from(vec![b'x'; 300])));
    cluster.store().check_locks();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_that_does_not_fit_changes_nothing() {
    let cluster = Cluster::start(Disk::memory(), Config::default()).await;
    let client = cluster.client();
    split(&client, &["g", "p"]).await;
    let regions = client.pd.sorted();
    let (left, middle, right) = (&regions[0], &regions[1], &regions[2]);
    ask_merge(&cluster, left, right);
    ask_merge(&cluster, left, left);
    let mut older = middle.clone();
    older.region_epoch = Some(metapb::RegionEpoch { conf_ver: 1, version: 1 });
    ask_merge(&cluster, left, &older);
    ask_merge(&cluster, &older, right);
    let mut larger = middle.clone();
    larger.end_key = Key::from_raw(b"z").into_encoded().into();
    ask_merge(&cluster, left, &larger);
    // Behind all of them.
    client.put("a", "a").await.expect("acknowledged");
    assert_eq!(client.get("a").await.as_deref(), Some(b"a".as_slice()));
    assert_eq!(client.pd.sorted(), regions);
    assert_eq!(cluster.store().metrics().merges, 0);
}

#[expect(clippy::disallowed_methods, reason = "a test runs on the runtime of its own")]
fn tokio_spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(future)
}
