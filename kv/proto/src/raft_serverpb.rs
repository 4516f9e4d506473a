//! Raft messages and snapshots between stores, and what a store keeps of a region (`raft_serverpb.proto`).
//!
//! The raft message itself is opaque here: a message field and a bytes field have one encoding, and the raft crate
//! brings its own codec. Extras of the public messages that are not read yet are left out; unknown fields are skipped when
//! decoding.

use bytes::Bytes;

use crate::metapb;

/// A raft message between two peers of a region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RaftMessage {
    #[prost(uint64, tag = "1")]
    pub region_id: u64,
    #[prost(message, optional, tag = "2")]
    pub from_peer: Option<metapb::Peer>,
    #[prost(message, optional, tag = "3")]
    pub to_peer: Option<metapb::Peer>,
    /// An encoded `eraftpb.Message`.
    #[prost(bytes = "bytes", tag = "4")]
    pub message: Bytes,
    #[prost(message, optional, tag = "5")]
    pub region_epoch: Option<metapb::RegionEpoch>,
    /// The receiving peer is no member any more and shall destroy itself.
    #[prost(bool, tag = "6")]
    pub is_tombstone: bool,
    /// Bounds of the region, for a store that does not know it.
    #[prost(bytes = "bytes", tag = "7")]
    pub start_key: Bytes,
    #[prost(bytes = "bytes", tag = "8")]
    pub end_key: Bytes,
    /// In a tombstone message: the region was merged into this one.
    #[prost(message, optional, tag = "9")]
    pub merge_target: Option<metapb::Region>,
    /// Ours alone: the peers of a region that nobody uses agree to sleep. A store that does not know it finds no raft
    /// message beside it that it takes.
    #[prost(message, optional, tag = "100")]
    pub rest: Option<Rest>,
}

/// What a peer says of its rest.
#[derive(Clone, Copy, PartialEq, Eq, ::prost::Message)]
pub struct Rest {
    #[prost(enumeration = "RestKind", tag = "1")]
    pub kind: i32,
    #[prost(uint64, tag = "2")]
    pub term: u64,
    /// The last entry in the log of the sender.
    #[prost(uint64, tag = "3")]
    pub index: u64,
}

/// See [`Rest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum RestKind {
    Unknown = 0,
    Wake = 1,
    Ask = 2,
    Agree = 3,
    Sleep = 4,
    Check = 5,
}

/// A piece of a snapshot: first the message that announces it, then its data.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct SnapshotChunk {
    #[prost(message, optional, tag = "1")]
    pub message: Option<RaftMessage>,
    #[prost(bytes = "bytes", tag = "2")]
    pub data: Bytes,
}

/// What the raft message that announces a snapshot says about it.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RaftSnapshotData {
    #[prost(message, optional, tag = "1")]
    pub region: Option<metapb::Region>,
    /// Bytes of the data; 0 when they are not known before the end.
    #[prost(uint64, tag = "2")]
    pub file_size: u64,
    #[prost(uint64, tag = "4")]
    pub version: u64,
}

/// Life of a peer on its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum PeerState {
    Normal = 0,
    Applying = 1,
    Tombstone = 2,
    Merging = 3,
    Unavailable = 4,
}

/// A merge under way, kept by the source; or beside a tombstone, the region that it was merged into.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct MergeState {
    #[prost(uint64, tag = "1")]
    pub min_index: u64,
    #[prost(message, optional, tag = "2")]
    pub target: Option<metapb::Region>,
    #[prost(uint64, tag = "3")]
    pub commit: u64,
}

/// What a store keeps of a region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RegionLocalState {
    #[prost(enumeration = "PeerState", tag = "1")]
    pub state: i32,
    #[prost(message, optional, tag = "2")]
    pub region: Option<metapb::Region>,
    #[prost(message, optional, tag = "3")]
    pub merge_state: Option<MergeState>,
    /// Ours alone, of a tombstone: from this epoch on the peer had gone through the history of its region by its log.
    #[prost(message, optional, tag = "100")]
    pub history_from: Option<metapb::RegionEpoch>,
}

/// A stream was taken to its end.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Done {}
