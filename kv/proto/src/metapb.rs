//! What PD and the stores say about the cluster: stores, regions, peers, epochs (`metapb.proto`).
//!
//! Encryption and flashback fields of a region are not read here, so they are left out; unknown fields are skipped when decoding.

use bytes::Bytes;

/// Life of a store as PD keeps it; `Tombstone` is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum StoreState {
    Up = 0,
    Offline = 1,
    Tombstone = 2,
}

/// Finer life of a store, beside `StoreState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum NodeState {
    Preparing = 0,
    Serving = 1,
    Removing = 2,
    Removed = 3,
}

/// Role of a peer in its raft group; the last two exist only inside a joint configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum PeerRole {
    Voter = 0,
    Learner = 1,
    IncomingVoter = 2,
    DemotingVoter = 3,
}

/// Identity of the cluster.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Cluster {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(uint32, tag = "2")]
    pub max_peer_count: u32,
}

/// One label of a store, used by placement.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct StoreLabel {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// One store (a `kv` process and its data directory).
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Store {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// what clients dial, `host:port`
    #[prost(string, tag = "2")]
    pub address: String,
    #[prost(enumeration = "StoreState", tag = "3")]
    pub state: i32,
    #[prost(message, repeated, tag = "4")]
    pub labels: Vec<StoreLabel>,
    #[prost(string, tag = "5")]
    pub version: String,
    #[prost(string, tag = "6")]
    pub peer_address: String,
    #[prost(string, tag = "7")]
    pub status_address: String,
    #[prost(string, tag = "8")]
    pub git_hash: String,
    #[prost(int64, tag = "9")]
    pub start_timestamp: i64,
    #[prost(string, tag = "10")]
    pub deploy_path: String,
    #[prost(int64, tag = "11")]
    pub last_heartbeat: i64,
    #[prost(bool, tag = "12")]
    pub physically_destroyed: bool,
    #[prost(enumeration = "NodeState", tag = "13")]
    pub node_state: i32,
}

/// Version of a region: `conf_ver` counts membership changes, `version` range changes.
#[derive(Clone, Copy, Eq, Hash, PartialEq, ::prost::Message)]
pub struct RegionEpoch {
    #[prost(uint64, tag = "1")]
    pub conf_ver: u64,
    #[prost(uint64, tag = "2")]
    pub version: u64,
}

/// One replica of a region. Its id is unique in the cluster and never used again.
#[derive(Clone, Copy, Eq, Hash, PartialEq, ::prost::Message)]
pub struct Peer {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(uint64, tag = "2")]
    pub store_id: u64,
    #[prost(enumeration = "PeerRole", tag = "3")]
    pub role: i32,
    #[prost(bool, tag = "4")]
    pub is_witness: bool,
}

/// A range of keys replicated as one raft group.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Region {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// memcomparable-encoded, inclusive; empty means the beginning of the key space
    #[prost(bytes = "bytes", tag = "2")]
    pub start_key: Bytes,
    /// memcomparable-encoded, exclusive; empty means the end of the key space
    #[prost(bytes = "bytes", tag = "3")]
    pub end_key: Bytes,
    #[prost(message, optional, tag = "4")]
    pub region_epoch: Option<RegionEpoch>,
    #[prost(message, repeated, tag = "5")]
    pub peers: Vec<Peer>,
}
