//! From the words of `kv/types` to wire messages.

use rutile_kv_proto::{metapb, pdpb};
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};

use crate::cluster::{LeaderRegion, RegionHeartbeat, Store, StoreState, StoreStats};

pub fn peer(peer: &Peer) -> metapb::Peer {
    let role = match peer.role {
        PeerRole::Voter => metapb::PeerRole::Voter,
        PeerRole::Learner => metapb::PeerRole::Learner,
        PeerRole::IncomingVoter => metapb::PeerRole::IncomingVoter,
        PeerRole::DemotingVoter => metapb::PeerRole::DemotingVoter,
    };
    metapb::Peer { id: peer.id, store_id: peer.store_id, role: role as i32, is_witness: false }
}

pub fn epoch(epoch: RegionEpoch) -> metapb::RegionEpoch {
    metapb::RegionEpoch { conf_ver: epoch.conf_ver, version: epoch.version }
}

pub fn region(region: &Region) -> metapb::Region {
    metapb::Region {
        id: region.id,
        start_key: region.start_key.clone(),
        end_key: region.end_key.clone(),
        region_epoch: Some(epoch(region.epoch)),
        peers: region.peers.iter().map(peer).collect(),
    }
}

pub fn leader_region(found: &LeaderRegion) -> pdpb::Region {
    pdpb::Region {
        region: Some(region(&found.region)),
        leader: found.leader.as_ref().map(peer),
        down_peers: Vec::new(),
        pending_peers: Vec::new(),
    }
}

pub fn store(store: &Store) -> metapb::Store {
    let state = match store.state {
        StoreState::Up => metapb::StoreState::Up,
        StoreState::Offline => metapb::StoreState::Offline,
        StoreState::Tombstone => metapb::StoreState::Tombstone,
    };
    metapb::Store {
        id: store.id,
        address: store.address.clone(),
        status_address: store.status_address.clone(),
        version: store.version.clone(),
        labels: store
            .labels
            .iter()
            .map(|(key, value)| metapb::StoreLabel { key: key.clone(), value: value.clone() })
            .collect(),
        state: state as i32,
        ..metapb::Store::default()
    }
}

pub fn store_stats(stats: &StoreStats) -> pdpb::StoreStats {
    pdpb::StoreStats {
        store_id: stats.store_id,
        capacity: stats.capacity_bytes,
        available: stats.available_bytes,
        used_size: stats.used_bytes,
        region_count: stats.region_count,
        is_busy: stats.is_busy,
        bytes_written: stats.bytes_written,
        keys_written: stats.keys_written,
        bytes_read: stats.bytes_read,
        keys_read: stats.keys_read,
        slow_score: stats.slow_score,
        ..pdpb::StoreStats::default()
    }
}

pub fn region_heartbeat(beat: &RegionHeartbeat) -> pdpb::RegionHeartbeatRequest {
    pdpb::RegionHeartbeatRequest {
        region: Some(region(&beat.region)),
        leader: beat.leader.as_ref().map(peer),
        term: beat.term,
        approximate_size: beat.approximate_size_bytes,
        approximate_keys: beat.approximate_keys,
        bytes_written: beat.bytes_written,
        keys_written: beat.keys_written,
        bytes_read: beat.bytes_read,
        keys_read: beat.keys_read,
        pending_peers: beat.pending_peers.iter().map(peer).collect(),
        down_peers: beat
            .down_peers
            .iter()
            .map(|(down, seconds)| pdpb::PeerStats { peer: Some(peer(down)), down_seconds: *seconds })
            .collect(),
        ..pdpb::RegionHeartbeatRequest::default()
    }
}
