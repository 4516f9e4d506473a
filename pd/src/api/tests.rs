//! The pages of a small cluster, and the forms of what they show.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use rutile_kv_env::Simulation;
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch, TimeStamp};
use rutile_pd_client::{RegionHeartbeat, Store, StoreStats};
use serde_json::{Value, json};
use tower_service::Service as _;

use super::{answer, key, pages};
use crate::pd::Pd;
use crate::{Member, PdConfig};

pub(crate) struct Fixture {
    pub(crate) simulation: Simulation,
    member: Arc<Member>,
    pd: Arc<Pd>,
}

impl Fixture {
    pub(crate) fn empty() -> Fixture {
        let simulation = Simulation::new(1);
        let mut config = PdConfig::new("/pd");
        config.client_urls = vec!["http://127.0.0.1:2379".to_owned()];
        let member = Arc::new(Member::open(simulation.env(), config).expect("opens"));
        let pd = Arc::clone(&member.reign_now().expect("leads alone").pd);
        Fixture { simulation, member, pd }
    }

    /// One store, two regions that meet at `m`.
    pub(crate) fn new() -> Fixture {
        let fixture = Fixture::empty();
        let store = Store { id: 1, address: "127.0.0.1:20160".to_owned(), ..Store::default() };
        let cluster = &fixture.pd.cluster;
        let peer = |id| Peer { id, store_id: 1, role: PeerRole::Voter };
        let region = |id, start: &'static str, end: &'static str, version| Region {
            id,
            start_key: start.into(),
            end_key: end.into(),
            epoch: RegionEpoch { conf_ver: 1, version },
            peers: vec![peer(id + 100)],
        };
        cluster.bootstrap(store, region(2, "", "", 1)).expect("founds");
        for (id, start, end, bytes) in [(2, "m", "", 3_u64 << 20), (3, "", "m", 0)] {
            let beat = RegionHeartbeat {
                region: region(id, start, end, 2),
                leader: Some(peer(id + 100)),
                approximate_size_bytes: bytes,
                ..RegionHeartbeat::default()
            };
            cluster.region_heartbeat(beat).expect("takes");
        }
        let stats = StoreStats { store_id: 1, capacity_bytes: 1_000_204_886_016, ..StoreStats::default() };
        cluster.store_heartbeat(stats).expect("takes");
        fixture
    }

    pub(crate) fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask("GET", path, "")
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(format!("/pd/api/v1{path}"));
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        self.simulation.block_on(async {
            let answer = pages(self.member.clone()).call(request).await.expect("never fails");
            let status = answer.status();
            let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
            (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
        })
    }

    fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }
}

#[test]
fn stores_show_what_they_hold_and_whether_they_report() {
    let fixture = Fixture::new();
    let stores = fixture.ok("/stores");
    assert_eq!(stores["count"], 1);
    let store = fixture.ok("/store/1");
    assert_eq!(store, stores["stores"][0]);
    assert_eq!(store["store"]["state_name"], "Up");
    assert_eq!(store["status"]["capacity"], "931.5GiB");
    assert_eq!((&store["status"]["region_count"], &store["status"]["region_size"]), (&json!(2), &json!(3)));
    fixture.simulation.clock().advance(Duration::from_secs(21));
    assert_eq!(fixture.ok("/store/1")["store"]["state_name"], "Disconnected");
    fixture.simulation.clock().advance(Duration::from_secs(1_800));
    assert_eq!(fixture.ok("/store/1")["store"]["state_name"], "Down");
    assert_eq!(fixture.ok("/stores?state=2")["count"], 0);
    assert_eq!(fixture.get("/store/9").0, StatusCode::NOT_FOUND);
    assert_eq!(fixture.get("/store/x").0, StatusCode::BAD_REQUEST);
    assert_eq!(fixture.get("/stores?state=7").0, StatusCode::BAD_REQUEST);
}

#[test]
fn the_resolved_timestamp_is_the_least_of_all_stores_and_never_falls() {
    let fixture = Fixture::new();
    let cluster = &fixture.pd.cluster;
    let unknown = json!({ "is_real_time": false, "min_resolved_ts": 0, "persist_interval": "0s" });
    assert_eq!(fixture.ok("/min-resolved-ts"), unknown);
    let store = Store { id: 5, address: "127.0.0.1:20161".to_owned(), ..Store::default() };
    cluster.put_store(store, &[]).expect("registers");
    let report = |store, ts| cluster.report_min_resolved_ts(store, TimeStamp::new(ts));
    report(1, 70).expect("takes");
    assert_eq!(fixture.ok("/min-resolved-ts"), unknown, "one store is not heard yet");
    report(5, 50).expect("takes");
    assert_eq!(fixture.ok("/min-resolved-ts")["min_resolved_ts"], 50);
    let stores = json!({ "1": 70, "5": 50 });
    assert_eq!(fixture.ok("/min-resolved-ts?scope=cluster")["stores_min_resolved_ts"], stores);
    let one = fixture.ok("/min-resolved-ts?scope=1");
    assert_eq!((&one["min_resolved_ts"], &one["stores_min_resolved_ts"]), (&json!(70), &json!({ "1": 70 })));
    assert_eq!(fixture.ok("/min-resolved-ts/5")["min_resolved_ts"], 50);
    report(5, 40).expect("takes");
    assert_eq!(
        fixture.ok("/min-resolved-ts/5")["min_resolved_ts"],
        40,
        "a peer that came brought an older lock"
    );
    assert_eq!(fixture.ok("/min-resolved-ts")["min_resolved_ts"], 50);
    report(9, 60).expect_err("no such store");
    for (path, status) in [
        ("/min-resolved-ts/9", StatusCode::NOT_FOUND),
        ("/min-resolved-ts?scope=1,9", StatusCode::NOT_FOUND),
        ("/min-resolved-ts?scope=all", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(fixture.get(path).0, status, "{path}");
    }
}

#[test]
fn regions_are_found_by_id_key_range_store_and_order() {
    let fixture = Fixture::new();
    assert_eq!(fixture.ok("/regions")["count"], 2);
    assert_eq!(fixture.ok("/regions/count")["count"], 2);
    let region = fixture.ok("/region/id/2");
    assert_eq!((&region["start_key"], &region["end_key"]), (&json!("6D"), &json!("")));
    assert_eq!(region["leader"], json!({ "id": 102, "store_id": 1, "role_name": "Voter" }));
    assert_eq!(fixture.ok("/region/id/9"), Value::Null);
    assert_eq!(fixture.ok("/region/key/a")["id"], 3);
    assert_eq!(fixture.ok("/region/key/6D?format=hex")["id"], 2);
    let ids = |path: &str| -> Vec<u64> {
        let page = fixture.ok(path);
        let regions = page["regions"].as_array().expect("a list").iter();
        regions.map(|region| region["id"].as_u64().expect("an id")).collect()
    };
    assert_eq!(ids("/regions/key?key=a&limit=1"), [3]);
    assert_eq!(ids("/regions/key?key=%6d&limit=-1"), [2]);
    assert_eq!(ids("/regions/store/1"), [3, 2]);
    assert_eq!(ids("/regions/sibling/3"), [2]);
    assert_eq!(ids("/regions/size?limit=1"), [2]);
    assert_eq!(ids("/regions/check/miss-peer"), [3, 2]);
    assert_eq!(ids("/regions/check/empty-region"), [3]);
    for path in ["/regions/check/odd", "/regions/odd", "/regions/sibling/9"] {
        assert_eq!(fixture.get(path).0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn members_and_the_cluster_are_shown_before_it_is_founded() {
    let fixture = Fixture::empty();
    let members = fixture.ok("/members");
    assert_eq!(members["header"]["cluster_id"], fixture.pd.cluster_id());
    assert_eq!(members["leader"]["client_urls"], json!(["http://127.0.0.1:2379"]));
    assert_eq!(fixture.ok("/health")[0]["health"], true);
    assert_eq!(fixture.ok("/cluster/status")["is_initialized"], false);
    assert_eq!(fixture.ok("/gc/safepoint"), json!({ "service_gc_safe_points": [], "gc_safe_point": 0 }));
    assert_eq!(fixture.ok("/config")["replication"]["max-replicas"], 3);
    let (status, text) = fixture.get("/stores");
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text, "the cluster is not bootstrapped");
}

#[test]
fn sizes_times_and_keys_have_one_form() {
    let sizes: Vec<String> = [0, 1_023, 1_024, 1_536, 7 << 30].map(answer::size).to_vec();
    assert_eq!(sizes, ["0B", "1023B", "1KiB", "1.5KiB", "7GiB"]);
    assert_eq!([5, 65, 3_600].map(answer::duration), ["5s", "1m5s", "1h0m0s"]);
    assert_eq!(answer::time(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(answer::time(951_782_400_123), "2000-02-29T00:00:00.123Z");
    assert_eq!(answer::time(1_772_323_199_000), "2026-02-28T23:59:59.000Z");
    let decoded = |text, query| key::decode(text, query).map_err(|failure| failure.1);
    assert_eq!(decoded("a%00%fF", None), Ok(b"a\0\xff".to_vec()));
    assert_eq!(decoded("6d", Some("x=1&format=hex")), Ok(b"m".to_vec()));
    assert!(decoded("a%0", None).is_err() && decoded("6", Some("format=hex")).is_err());
}
