//! What PD and its clients tell each other, without wire types.

use bytes::Bytes;
use rutile_kv_types::{Peer, Region, TimeStamp};

/// A region and its last known leader, which is unknown only before the first heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderRegion {
    pub region: Region,
    pub leader: Option<Peer>,
}

/// Life of a store; a tombstone never comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreState {
    #[default]
    Up,
    Offline,
    Tombstone,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    pub id: u64,
    /// `host:port` that clients dial; any non-empty name in process.
    pub address: String,
    pub status_address: String,
    pub version: String,
    pub labels: Vec<(String, String)>,
    pub state: StoreState,
}

/// Load and space of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    pub store_id: u64,
    pub capacity_bytes: u64,
    pub available_bytes: u64,
    pub used_bytes: u64,
    pub region_count: u32,
    pub is_busy: bool,
    pub bytes_written: u64,
    pub keys_written: u64,
    pub bytes_read: u64,
    pub keys_read: u64,
    /// How slow its disk is: 1 when it is not, 100 at worst; 0 when it was not told.
    pub slow_score: u64,
}

/// What the leader of a region reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegionHeartbeat {
    pub region: Region,
    pub leader: Option<Peer>,
    pub term: u64,
    pub approximate_size_bytes: u64,
    pub approximate_keys: u64,
    pub bytes_written: u64,
    pub keys_written: u64,
    pub bytes_read: u64,
    pub keys_read: u64,
    /// Peers whose log is behind what the leader still keeps.
    pub pending_peers: Vec<Peer>,
    /// Peers not heard of, with the seconds of silence.
    pub down_peers: Vec<(Peer, u64)>,
}

/// Ids for one region that a split will make; `peer_ids` follow the order of the parent's peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitIds {
    pub region_id: u64,
    pub peer_ids: Vec<u64>,
}

/// A service that holds the GC safe point back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSafePoint {
    pub service_id: String,
    pub safe_point: TimeStamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyspace {
    pub id: u32,
    pub name: String,
}

/// Key that sorts after every encoded user key of practical length; looking it up finds the last region.
///
/// PD's protocol has no "region before a key", so reverse scans ask for a key just below the bound, and for this one
/// when there is no bound.
pub fn beyond_all_keys() -> Bytes {
    const LEN: usize = 256;
    Bytes::from_static(&[u8::MAX; LEN])
}
