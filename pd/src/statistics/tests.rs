//! Rates and hot regions, from heartbeats as values.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Monotonic;
use rutile_kv_types::{Peer, PeerRole, Region};
use rutile_pd_client::RegionHeartbeat;

use super::{Access, Flows, History, Rate, hot};

fn at(seconds: u64) -> Monotonic {
    Monotonic::from_origin(Duration::from_secs(seconds))
}

fn beat(leader_store: u64, bytes_read: u64, bytes_written: u64) -> RegionHeartbeat {
    let peer = |store_id: u64| Peer { id: store_id + 100, store_id, role: PeerRole::Voter };
    let region = Region { id: 2, peers: [1, 2, 3].map(peer).to_vec(), ..Region::default() };
    let leader = Some(peer(leader_store));
    RegionHeartbeat { region, leader, bytes_read, bytes_written, ..RegionHeartbeat::default() }
}

const MIB: u64 = 1 << 20;

#[test]
fn much_traffic_again_and_again_is_hot_and_cools_down() {
    let flows = Flows::default();
    for (index, second) in [0, 10, 11, 20, 30].into_iter().enumerate() {
        flows.told(&beat(1, if index == 0 { 0 } else { 5 * MIB }, 1_000), at(second), second * 1_000);
    }
    let flow = flows.all()[&2].clone();
    assert_eq!((flow.degree(Access::Read), flow.degree(Access::Write)), (3, 0));
    let steady = flow.rate(Access::Read).bytes;
    assert!((MIB / 2..MIB).contains(&steady), "5 and 10 MiB in ten seconds each: {steady}");
    assert_eq!(flow.updated_ms, 30_000);
    flows.told(&beat(1, 0, 0), at(40), 0);
    assert_eq!(flows.all()[&2].degree(Access::Read), 2);
    flows.told(&beat(2, 50 * MIB, 0), at(50), 0);
    let flow = flows.all()[&2].clone();
    assert_eq!((flow.rate(Access::Read), flow.degree(Access::Read)), (Rate::default(), 0), "another leader");
    flows.forget(|_| true, at(229));
    assert_eq!(flows.all().len(), 1);
    flows.forget(|_| true, at(230));
    assert!(flows.all().is_empty());
}

#[test]
fn every_replica_writes_and_the_leader_reads() {
    let flows = Flows::default();
    for second in [0, 10, 20] {
        flows.told(&beat(2, 10 * MIB, 10 * MIB), at(second), 0);
    }
    let (regions, flows) = ([Arc::new(beat(2, 0, 0))], flows.all());
    let stores = hot::by_store(&regions, &flows);
    assert_eq!((stores[&1].read, stores[&1].written.bytes), (Rate::default(), MIB));
    assert_eq!((stores[&2].read.bytes, stores[&2].of(Access::Write, true).bytes), (MIB, MIB));
    let at_stores = |access, degree| -> Vec<u64> {
        hot::peers(&regions, &flows, access, degree).iter().map(|peer| peer.store_id).collect()
    };
    assert_eq!(at_stores(Access::Read, 2), [2]);
    assert_eq!(at_stores(Access::Write, 2), [1, 2, 3]);
    assert_eq!(at_stores(Access::Write, 3), [] as [u64; 0]);
    let history = History::default();
    let now_hot = || hot::peers(&regions, &flows, Access::Read, 1);
    for (second, expected) in [(0, 1), (59, 1), (60, 2)] {
        let sample = || now_hot().into_iter().map(|peer| (Access::Read, peer)).collect();
        history.note(at(second), second * 1_000, sample);
        assert_eq!(history.all().len(), expected);
    }
    assert_eq!(history.all()[0].at_ms, 60_000);
}
