//! From wire messages to the words of `kv/types`.
//!
//! Total on purpose: an unknown role reads as voter and a missing epoch as zero, which the store's own checks refuse.

use rutile_kv_proto::{metapb, pdpb};
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};

use crate::cluster::{LeaderRegion, RegionHeartbeat, Store, StoreState, StoreStats};

pub fn peer(wire: &metapb::Peer) -> Peer {
    let role = match wire.role() {
        metapb::PeerRole::Voter => PeerRole::Voter,
        metapb::PeerRole::Learner => PeerRole::Learner,
        metapb::PeerRole::IncomingVoter => PeerRole::IncomingVoter,
        metapb::PeerRole::DemotingVoter => PeerRole::DemotingVoter,
    };
    Peer { id: wire.id, store_id: wire.store_id, role }
}

/// A leader field; id 0 is how the Go side writes "none".
pub fn leader(wire: Option<&metapb::Peer>) -> Option<Peer> {
    wire.filter(|leader| leader.id != 0).map(peer)
}

pub fn epoch(wire: Option<&metapb::RegionEpoch>) -> RegionEpoch {
    wire.map_or(RegionEpoch::default(), |epoch| RegionEpoch {
        conf_ver: epoch.conf_ver,
        version: epoch.version,
    })
}

pub fn region(wire: &metapb::Region) -> Region {
    Region {
        id: wire.id,
        start_key: wire.start_key.clone(),
        end_key: wire.end_key.clone(),
        epoch: epoch(wire.region_epoch.as_ref()),
        peers: wire.peers.iter().map(peer).collect(),
    }
}

pub fn leader_region(wire: &pdpb::Region) -> Option<LeaderRegion> {
    wire.region
        .as_ref()
        .map(|meta| LeaderRegion { region: region(meta), leader: leader(wire.leader.as_ref()) })
}

pub fn store(wire: &metapb::Store) -> Store {
    let state = match wire.state() {
        metapb::StoreState::Up => StoreState::Up,
        metapb::StoreState::Offline => StoreState::Offline,
        metapb::StoreState::Tombstone => StoreState::Tombstone,
    };
    Store {
        id: wire.id,
        address: wire.address.clone(),
        status_address: wire.status_address.clone(),
        version: wire.version.clone(),
        labels: wire.labels.iter().map(|label| (label.key.clone(), label.value.clone())).collect(),
        state,
    }
}

pub fn store_stats(wire: &pdpb::StoreStats) -> StoreStats {
    StoreStats {
        store_id: wire.store_id,
        capacity_bytes: wire.capacity,
        available_bytes: wire.available,
        used_bytes: wire.used_size,
        region_count: wire.region_count,
        is_busy: wire.is_busy,
        bytes_written: wire.bytes_written,
        keys_written: wire.keys_written,
        bytes_read: wire.bytes_read,
        keys_read: wire.keys_read,
        slow_score: wire.slow_score,
    }
}

pub fn region_heartbeat(wire: &pdpb::RegionHeartbeatRequest) -> Option<RegionHeartbeat> {
    let meta = wire.region.as_ref()?;
    Some(RegionHeartbeat {
        region: region(meta),
        leader: leader(wire.leader.as_ref()),
        term: wire.term,
        approximate_size_bytes: wire.approximate_size,
        approximate_keys: wire.approximate_keys,
        bytes_written: wire.bytes_written,
        keys_written: wire.keys_written,
        bytes_read: wire.bytes_read,
        keys_read: wire.keys_read,
        pending_peers: wire.pending_peers.iter().map(peer).collect(),
        down_peers: wire
            .down_peers
            .iter()
            .filter_map(|stats| stats.peer.as_ref().map(|down| (peer(down), stats.down_seconds)))
            .collect(),
    })
}
