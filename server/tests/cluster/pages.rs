//! What stores and placement drivers tell over HTTP on the port that they serve.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::process::Cluster;

fn get(address: &str, page: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(stream, "GET {page} HTTP/1.1\r\nHost: rutile\r\nConnection: close\r\n\r\n").expect("is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("is answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{page}: {answer}");
    answer
}

/// The values without labels of a page of metrics.
pub fn metrics(address: &str) -> BTreeMap<String, f64> {
    let page = get(address, "/metrics");
    assert!(page.contains("# EOF"), "{page}");
    let pairs = page.lines().filter_map(|line| line.split_once(' '));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

fn status(address: &str) -> Value {
    let page = get(address, "/status");
    let body = page.lines().find(|line| line.starts_with('{')).expect("a body");
    serde_json::from_str(body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_part_has_metrics() {
    let cluster = Cluster::start(1, &[]);
    cluster.until_replicated(1).await;
    let (pd, store) = (&cluster.pd[0].address, &cluster.stores[0].address);

    let told = metrics(pd);
    for (name, value) in [("is_leader", 1.0), ("members", 1.0), ("stores_up", 1.0), ("stores_down", 0.0)] {
        assert_eq!(told.get(&format!("rutile_pd_{name}")), Some(&value), "{name}: {told:?}");
    }
    let regions = told["rutile_pd_regions"];
    assert!(regions >= 5.0, "{regions}");
    let told = metrics(store);
    assert_eq!(told.get("rutile_store_leaders"), Some(&regions), "{told:?}");
    assert!(told["rutile_raft_append_seconds_count"] > 0.0, "{told:?}");
    assert!(told["rutile_process_resident_memory_bytes"] > 1e6, "{told:?}");

    let (of_pd, of_store) = (status(pd), status(store));
    assert_eq!((&of_pd["role"], &of_store["role"]), (&Value::from("pd"), &Value::from("kv")));
    assert_eq!(of_store["store_id"].as_u64(), Some(cluster.store_table()[0].0));
}
