//! The service through its client: headers, refusals, and the whole of a small life.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Simulation;
use rutile_kv_proto::{Code, PdService, pdpb};
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch, TimeStamp};
use rutile_pd_client::{Error as ClientError, PdClient, Store, StoreStats};

use crate::{Member, PdConfig};

fn open(simulation: &Simulation) -> Arc<Member> {
    Arc::new(Member::open(simulation.env(), PdConfig::new(PathBuf::from("/pd"))).expect("opens"))
}

fn connect(simulation: &Simulation, pd: &Arc<Member>) -> PdClient {
    let service: Arc<dyn PdService> = Arc::clone(pd) as Arc<dyn PdService>;
    simulation.block_on(PdClient::connect(simulation.env(), service)).expect("connects")
}

fn first_region(id: u64, peer_id: u64, store_id: u64) -> Region {
    Region {
        id,
        epoch: RegionEpoch { conf_ver: 1, version: 1 },
        peers: vec![Peer { id: peer_id, store_id, role: PeerRole::Voter }],
        ..Region::default()
    }
}

#[test]
fn a_store_founds_the_cluster_and_finds_it_again() {
    let simulation = Simulation::new(1);
    let pd = open(&simulation);
    let client = connect(&simulation, &pd);
    simulation.block_on(async {
        assert!(!client.is_bootstrapped().await.expect("answers"));
        let refused = client.region(b"k").await.expect_err("no region yet");
        assert!(matches!(refused, ClientError::Refused { kind: pdpb::ErrorType::NotBootstrapped, .. }));
        let store_id = client.alloc_id().await.expect("answers");
        let region_id = client.alloc_id().await.expect("answers");
        let peer_id = client.alloc_id().await.expect("answers");
        let store = Store { id: store_id, address: "local".into(), ..Store::default() };
        client.bootstrap(&store, &first_region(region_id, peer_id, store_id)).await.expect("founds");
        client.put_store(&store).await.expect("registers");
        client.store_heartbeat(&StoreStats { store_id, ..StoreStats::default() }).await.expect("beats");
        let found = client.region(b"k").await.expect("found");
        assert_eq!(found.region.id, region_id);
        assert_eq!(found.leader.map(|leader| leader.id), Some(peer_id));
        assert_eq!(client.stores().await.expect("answers"), [store]);
        assert_eq!(client.load_keyspace("DEFAULT").await.expect("answers").id, 0);
        let refused = client.load_keyspace("other").await.expect_err("unknown");
        assert!(matches!(refused, ClientError::Refused { kind: pdpb::ErrorType::EntryNotFound, .. }));
    });
    let cluster_id = pd.cluster_id();
    drop((client, pd));
    simulation.disk().crash(0);
    let pd = open(&simulation);
    assert_eq!(pd.cluster_id(), cluster_id);
    let client = connect(&simulation, &pd);
    assert!(simulation.block_on(client.is_bootstrapped()).expect("answers"));
}

#[test]
fn the_safe_point_never_goes_back() {
    let simulation = Simulation::new(2);
    let client = connect(&simulation, &open(&simulation));
    simulation.block_on(async {
        let forward = TimeStamp::new(100);
        assert_eq!(client.update_gc_safe_point(forward).await.expect("answers"), forward);
        assert_eq!(client.update_gc_safe_point(TimeStamp::new(50)).await.expect("answers"), forward);
        assert_eq!(client.gc_safe_point().await.expect("answers"), forward);
    });
}

#[test]
fn a_service_holds_the_safe_point_back() {
    let simulation = Simulation::new(4);
    let client = connect(&simulation, &open(&simulation));
    let ts = TimeStamp::new;
    simulation.block_on(async {
        let hour = Duration::from_secs(3600);
        client.update_service_gc_safe_point("backup", ts(50), hour).await.expect("answers");
        let binding =
            client.update_service_gc_safe_point("gc_worker", ts(90), Duration::MAX).await.expect("answers");
        assert_eq!((binding.service_id.as_str(), binding.safe_point), ("backup", ts(50)));
        assert_eq!(client.update_gc_safe_point(ts(90)).await.expect("answers"), ts(50));
        client.update_service_gc_safe_point("backup", ts(0), Duration::ZERO).await.expect("answers");
        assert_eq!(client.update_gc_safe_point(ts(90)).await.expect("answers"), ts(90));
        let refused = client.update_service_gc_safe_point("", ts(99), hour).await;
        assert!(refused.is_err(), "a service needs a name");
    });
}

#[test]
fn another_cluster_id_is_refused() {
    let simulation = Simulation::new(3);
    let pd = open(&simulation);
    let header = Some(pdpb::RequestHeader { cluster_id: pd.cluster_id() + 1, sender_id: 0 });
    let request = pdpb::TsoRequest { header, count: 1, dc_location: String::new() };
    let status = simulation.block_on(pd.tso(request)).expect_err("must be refused");
    assert_eq!(status.code, Code::FailedPrecondition);
}
