//! Where peers and leaders go in a cluster of processes: labels, rules, weights, hot regions, a store that stays away.

use serde_json::Value;

use super::process::Cluster;
use super::writers::{Writers, check};

/// Stores of the peers of a region, and the one that leads.
fn places(region: &Value) -> (Vec<u64>, Option<u64>) {
    let peers = region["peers"].as_array().expect("peers").iter();
    let mut stores: Vec<u64> = peers.filter_map(|peer| peer["store_id"].as_u64()).collect();
    stores.sort_unstable();
    (stores, region["leader"]["store_id"].as_u64())
}

/// The value of a label, by store.
fn zone_of(cluster: &Cluster, store_id: u64) -> String {
    let shown = cluster.ask(&["store", &store_id.to_string()]);
    let labels = shown["store"]["labels"].as_array().expect("labels").clone();
    let zone = labels.iter().find(|label| label["key"] == "zone").expect("a zone");
    zone["value"].as_str().expect("a value").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_are_kept_apart_and_led_where_rules_say() {
    let mut cluster = Cluster::start(0, &[]);
    for zone in ["a", "a", "b", "c"] {
        cluster.add_store_with(&["--labels", &format!("zone={zone}")]);
    }
    cluster.ask(&["config", "set", "location-labels", "zone"]);
    cluster.ask(&["config", "set", "store-limit", "10000"]);
    cluster.until_replicated(3).await;
    cluster
        .until("three zones for every region", |cluster| {
            let apart = |region: &Value| {
                let mut zones: Vec<String> =
                    places(region).0.iter().map(|store_id| zone_of(cluster, *store_id)).collect();
                zones.sort_unstable();
                zones == ["a", "b", "c"]
            };
            cluster.regions().iter().all(apart).then_some(())
        })
        .await;
    let rules = r#"[
        {"group_id": "pd", "id": "leader", "role": "leader", "count": 1, "index": 1,
         "label_constraints": [{"key": "zone", "op": "in", "values": ["b"]}]},
        {"group_id": "pd", "id": "default", "role": "voter", "count": 2, "index": 2, "location_labels": ["zone"]}
    ]"#;
    let path = cluster.write_file("rules.json", rules);
    cluster.ask(&["placement-rules", "save", "--in", &path]);
    cluster
        .until("leaders in zone b", |cluster| {
            let led =
                |region: &Value| places(region).1.is_some_and(|store_id| zone_of(cluster, store_id) == "b");
            cluster.regions().iter().all(led).then_some(())
        })
        .await;
    let region = cluster.regions()[0]["id"].to_string();
    cluster
        .until("a fit", |cluster| {
            let fit = cluster.ask(&["placement-rules", "fit", &region]);
            (fit["is-satisfied"] == true).then_some(())
        })
        .await;
    assert!(cluster.try_ask(&["topology"]).0.is_some_and(|page| page["location-labels"][0] == "zone"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_stays_away_is_replaced() {
    let mut cluster = Cluster::start(4, &[]);
    cluster.ask(&["config", "set", "max-store-down-time", "25s"]);
    cluster.ask(&["config", "set", "store-limit", "10000"]);
    cluster.until_replicated(3).await;
    let client = cluster.client().await;
    let writers = Writers::start(&cluster.env, &client).await;
    writers.advance(10).await;
    let (stores, leader) = places(&cluster.regions()[0]);
    let gone = *stores.iter().find(|store_id| Some(**store_id) != leader).expect("a follower");
    let index = cluster.index_of(gone);
    cluster.stores[index].kill();
    let away = |cluster: &Cluster| {
        let left = |region: &Value| !places(region).0.contains(&gone) && places(region).0.len() == 3;
        cluster.regions().iter().all(left).then_some(())
    };
    cluster.until("every region leaves the store", away).await;
    writers.advance(10).await;
    check(&client, &writers.stop().await).await;
    client.close().await;
    let (status, _) = cluster.try_ask(&["status"]);
    let status = status.expect("a page");
    assert_eq!(status["healthy"], false, "a store is down: {status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_and_written_is_told() {
    let cluster = Cluster::start(1, &[]);
    let client = cluster.client().await;
    let writers = Writers::start(&cluster.env, &client).await;
    cluster
        .until("traffic", |cluster| {
            let rates = cluster.ask(&["hot", "store"]);
            let rate = |name: &str| {
                rates[name].as_object().and_then(|stores| stores.values().next()).and_then(Value::as_u64)
            };
            (rate("keys-write-rate") > Some(0)).then_some(())
        })
        .await;
    let top = cluster.ask(&["region", "topwrite"]);
    assert!(top["regions"][0]["written_keys_rate"].as_u64() > Some(0), "{top}");
    check(&client, &writers.stop().await).await;
    client.close().await;
}
