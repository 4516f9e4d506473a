//! Raft messages between stores (`raft_serverpb.proto`).
//!
//! The raft message itself is opaque here: a message field and a bytes field have one encoding, and the raft crate
//! brings its own codec. Snapshots, tombstones and the other extras of the public message are not read yet, so they
//! are left out; unknown fields are skipped when decoding.

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
}
