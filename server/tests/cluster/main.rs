//! `rutile start pd`, `rutile start kv` and `rutile start sql` as processes: they replicate, outlive one another, come and
//! go, and nothing that was acknowledged is lost.

mod certificates;
mod deadlock;
mod drain;
mod growth;
mod local;
mod pages;
mod placement;
mod process;
mod replica_read;
mod sql_nodes;
mod tikv;
mod timestamps;
mod work;
mod writers;

use std::time::Duration;

use bytes::Bytes;
use process::Cluster;
use rutile_kv_types::Key;
use serde_json::Value;
use timestamps::Timestamps;
use writers::{Writers, check};

/// Writers go on within this time after the store that led their region was killed.
const OUTAGE_MAX: Duration = Duration::from_secs(10);

/// The region of the writers' keys.
fn region_of_writers(cluster: &Cluster) -> Value {
    let key = Key::from_raw(b"w0").into_encoded();
    let key: String = key.iter().map(|byte| format!("{byte:02X}")).collect();
    cluster.ask(&["region", "key", &key])
}

/// The store that leads it.
fn leader(cluster: &Cluster) -> Option<u64> {
    region_of_writers(cluster)["leader"]["store_id"].as_u64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_outlives_its_processes() {
    let mut cluster = Cluster::start(3, &[]);
    cluster.until_replicated(3).await;
    let client = cluster.client().await;
    let writers = Writers::start(&cluster.env, &client).await;
    writers.advance(30).await;

    let killed = leader(&cluster).expect("a leader");
    let index = cluster.index_of(killed);
    cluster.stores[index].kill();
    let outage = writers.advance(30).await;
    assert!(outage < OUTAGE_MAX, "writers stood still for {outage:?}");
    assert_ne!(leader(&cluster), Some(killed), "another store leads");

    cluster.restart(index);
    cluster.until_replicated(3).await;
    writers.advance(30).await;
    let acknowledged = writers.stop().await;
    check(&client, &acknowledged).await;
    client.close().await;

    cluster.restart_all();
    let client = cluster.client().await;
    check(&client, &acknowledged).await;
    let writers = Writers::start(&cluster.env, &client).await;
    writers.advance(1).await;
    writers.stop().await;
    client.close().await;
}

/// Keys of each writer before the cluster grows: enough for a good number of regions.
const GROWN: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_come_and_go() {
    let mut cluster = Cluster::start(3, &["--region-split-keys", "20"]);
    cluster.ask(&["config", "set", "store-limit", "10000"]);
    cluster.until_replicated(3).await;
    let client = cluster.client().await;
    let writers = Writers::start(&cluster.env, &client).await;
    writers.advance(GROWN).await;

    let former: Vec<u64> = cluster.store_table().iter().map(|(id, ..)| *id).collect();
    cluster.add_store();
    cluster
        .until("an even spread", |cluster| {
            let stores = cluster.store_table();
            let spread =
                |counts: Vec<u64>| counts.iter().max().zip(counts.iter().min()).map(|(max, min)| max - min);
            let leaders = spread(stores.iter().map(|(_, _, leaders, _)| *leaders).collect());
            let peers = spread(stores.iter().map(|(_, _, _, peers)| *peers).collect());
            (stores.len() == 4 && leaders <= Some(2) && peers <= Some(2)).then_some(())
        })
        .await;

    let gone = former[0];
    cluster.ask(&["store", "delete", &gone.to_string()]);
    cluster
        .until("a tombstone", |cluster| {
            let shown = cluster.ask(&["store", &gone.to_string()]);
            (shown["store"]["state_name"] == "Tombstone").then_some(())
        })
        .await;
    let (_, refused) = cluster.try_ask(&["store", "delete", &former[1].to_string()]);
    assert!(refused.contains("2 stores would be left"), "{refused}");
    let index = cluster.index_of(gone);
    cluster.stores[index].kill();
    writers.advance(10).await;
    cluster.until_replicated(3).await;
    check(&client, &writers.stop().await).await;
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_regions_come_together() {
    let cluster = Cluster::start(3, &[]);
    cluster.until_replicated(3).await;
    let before = cluster.regions().len();
    let client = cluster.client().await;
    let writers = Writers::start(&cluster.env, &client).await;
    writers.advance(30).await;
    let keys: Vec<Bytes> = ('a'..='p').map(|letter| Bytes::from(letter.to_string())).collect();
    for keys in keys.chunks(5).chain([&[Bytes::from("w1"), Bytes::from("w2")][..]]) {
        client.split_region(keys).await.expect("splits");
    }
    let count = |cluster: &Cluster| cluster.regions().len();
    cluster.until("many regions", |cluster| (count(cluster) > keys.len()).then_some(())).await;
    cluster.until_replicated(3).await;
    writers.advance(10).await;
    // Two by hand, the others by themselves.
    cluster.ask(&["config", "set", "merge-schedule-limit", "8"]);
    let regions = cluster.regions();
    let id = |n: usize| regions[n]["id"].to_string();
    cluster.ask(&["operator", "add", "merge-region", &id(3), &id(4)]);
    let ended = |cluster: &Cluster| {
        let ended = cluster.ask(&["operator", "check", &id(3)]);
        (ended["status"] != "RUNNING").then(|| ended["status"].clone())
    };
    assert_eq!(cluster.until("a merge", ended).await, "SUCCESS");
    let (_, refused) = cluster.try_ask(&["operator", "add", "merge-region", &id(0), &id(9)]);
    assert!(refused.contains("no neighbours"), "{refused}");
    cluster.ask(&["config", "set", "split-merge-interval", "0s"]);
    // The bounds of the key space DEFAULT stay, and what is behind its end is another one up to the first region there.
    cluster.until("few regions", |cluster| (count(cluster) == before + 1).then_some(())).await;
    writers.advance(30).await;
    check(&client, &writers.stop().await).await;
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_moves_regions() {
    let cluster = Cluster::start(3, &[]);
    cluster.ask(&["scheduler", "pause", "all", "3600"]);
    cluster.until_replicated(3).await;
    let region = cluster.regions().pop().expect("a region");
    let (id, from) = (region["id"].to_string(), region["leader"]["store_id"].as_u64().expect("a leader"));
    let others: Vec<u64> =
        cluster.store_table().iter().map(|(id, ..)| *id).filter(|store_id| *store_id != from).collect();
    let of_region = |cluster: &Cluster| cluster.ask(&["region", &id]);

    cluster.ask(&["operator", "add", "transfer-leader", &id, &others[0].to_string()]);
    let led_by = |cluster: &Cluster| of_region(cluster)["leader"]["store_id"].as_u64();
    cluster.until("a transfer", |cluster| (led_by(cluster) == Some(others[0])).then_some(())).await;
    let ended = cluster.ask(&["operator", "check", &id]);
    assert_eq!((&ended["name"], &ended["status"]), (&"transfer-leader".into(), &"SUCCESS".into()));

    // A peer that is removed is made up again, as another one.
    let peer_on = |cluster: &Cluster, store_id: u64| {
        let region = of_region(cluster);
        let peers = region["peers"].as_array().expect("peers").clone();
        peers.iter().find(|peer| peer["store_id"] == store_id).and_then(|peer| peer["id"].as_u64())
    };
    let former = peer_on(&cluster, from).expect("a peer");
    cluster.ask(&["operator", "add", "remove-peer", &id, &from.to_string()]);
    let other = |cluster: &Cluster| peer_on(cluster, from).filter(|peer| *peer != former);
    cluster.until("another peer", other).await;
    cluster.until_replicated(3).await;

    cluster.ask(&["scheduler", "resume", "all"]);
    cluster.ask(&["scheduler", "add", "evict-leader-scheduler", &others[0].to_string()]);
    cluster
        .until("eviction", |cluster| {
            let stores = cluster.store_table();
            stores.iter().any(|(id, _, leaders, _)| *id == others[0] && *leaders == 0).then_some(())
        })
        .await;
    let before = cluster.regions().len();
    let client = cluster.client().await;
    let writers = Writers::start(&cluster.env, &client).await;
    writers.advance(20).await;
    check(&client, &writers.stop().await).await;
    let last = region_of_writers(&cluster)["id"].to_string();
    cluster.ask(&["operator", "add", "split-region", &last]);
    cluster.until("a split", |cluster| (cluster.regions().len() > before).then_some(())).await;
    let (_, refused) = cluster.try_ask(&["operator", "add", "transfer-leader", &last, "999"]);
    assert!(refused.contains("no peer on store 999"), "{refused}");
    client.close().await;
}

/// A timestamp comes within this time after the placement driver that led was killed, or stopped.
const TIMESTAMP_GAP_MAX: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn placement_drivers_outlive_the_one_that_leads() {
    let mut cluster = Cluster::start_group(3, 3);
    cluster.until_replicated(3).await;
    let client = cluster.client().await;
    let writers = Writers::start(&cluster.env, &client).await;
    let timestamps = Timestamps::start(&cluster.env, cluster.pd_client().await);
    writers.advance(20).await;
    for _ in 0..3 {
        let killed = cluster.until("a PD leader", Cluster::pd_leader).await;
        cluster.pd[killed].kill();
        timestamps.advance(100).await;
        let outage = writers.advance(20).await;
        assert!(outage < OUTAGE_MAX, "writers stood still for {outage:?}");
        let next = cluster.until("another PD leader", Cluster::pd_leader).await;
        assert_ne!(next, killed);
        cluster.restart_pd(killed);
        cluster.until_members_are_well(3).await;
    }
    // One that stands still longer than its lease grants nothing when it goes on.
    let stopped = cluster.until("a PD leader", Cluster::pd_leader).await;
    cluster.pd[stopped].signal("STOP");
    timestamps.advance(100).await;
    writers.advance(20).await;
    cluster.pd[stopped].signal("CONT");
    cluster.until_members_are_well(3).await;
    // Leadership goes where it is sent.
    let target = cluster.pd[stopped].name.clone();
    cluster.ask(&["member", "leader", "transfer", &target]);
    let led = |cluster: &Cluster| (cluster.pd_leader() == Some(stopped)).then_some(());
    cluster.until("a transfer", led).await;
    timestamps.advance(100).await;
    let (taken, longest) = timestamps.stop().await;
    println!("{taken} timestamps, the longest wait {longest:?}");
    assert!(longest < TIMESTAMP_GAP_MAX, "no timestamp for {longest:?}");
    let acknowledged = writers.stop().await;
    check(&client, &acknowledged).await;
    client.close().await;

    cluster.restart_all();
    let client = cluster.client().await;
    check(&client, &acknowledged).await;
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn placement_drivers_come_and_go() {
    let mut cluster = Cluster::start(1, &[]);
    let client = cluster.client().await;
    let writers = Writers::start(&cluster.env, &client).await;
    writers.advance(10).await;
    cluster.add_pd();
    cluster.until_members_are_well(2).await;
    cluster.add_pd();
    cluster.until_members_are_well(3).await;
    let founder = cluster.until("a PD leader", Cluster::pd_leader).await;
    assert_eq!(founder, 0, "who founded the group leads it");
    let (_, refused) = cluster.try_ask(&["member", "delete", "name", "pd"]);
    assert!(refused.contains("pd leads"), "{refused}");
    cluster.ask(&["member", "leader", "resign"]);
    let led = |cluster: &Cluster| cluster.pd_leader().filter(|leader| *leader != founder);
    cluster.until("another PD leader", led).await;
    cluster.ask(&["member", "delete", "name", "pd"]);
    cluster.pd.remove(founder).kill();
    cluster.until_members_are_well(2).await;
    writers.advance(10).await;
    check(&client, &writers.stop().await).await;
    client.close().await;
}
