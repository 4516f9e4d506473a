//! Conversions keep what they convert; bootstrapping clients meet a refusing PD.

use bytes::Bytes;
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};

use crate::{RegionHeartbeat, Store, StoreState, from_wire, to_wire};

fn region() -> Region {
    Region {
        id: 7,
        start_key: Bytes::from_static(b"a"),
        end_key: Bytes::new(),
        epoch: RegionEpoch { conf_ver: 2, version: 9 },
        peers: vec![
            Peer { id: 8, store_id: 1, role: PeerRole::Voter },
            Peer { id: 9, store_id: 2, role: PeerRole::Learner },
        ],
    }
}

#[test]
fn regions_survive_the_wire() {
    assert_eq!(from_wire::region(&to_wire::region(&region())), region());
}

#[test]
fn stores_survive_the_wire() {
    let store = Store {
        id: 3,
        address: "127.0.0.1:20160".into(),
        labels: vec![("zone".into(), "z1".into())],
        state: StoreState::Offline,
        ..Store::default()
    };
    assert_eq!(from_wire::store(&to_wire::store(&store)), store);
}

#[test]
fn heartbeats_survive_the_wire() {
    let region = region();
    let beat = RegionHeartbeat {
        leader: region.peers.first().cloned(),
        pending_peers: region.peers.clone(),
        down_peers: vec![(Peer { id: 9, store_id: 2, role: PeerRole::Learner }, 700)],
        region,
        term: 6,
        approximate_size_bytes: 1 << 20,
        ..RegionHeartbeat::default()
    };
    assert_eq!(from_wire::region_heartbeat(&to_wire::region_heartbeat(&beat)), Some(beat));
}

#[test]
fn a_leader_with_id_zero_is_none() {
    let none = rutile_kv_proto::metapb::Peer::default();
    assert_eq!(from_wire::leader(Some(&none)), None);
}
