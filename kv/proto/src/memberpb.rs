//! What members of a PD group tell each other: `rutile.pd.Member`, which is this program's own and no part of the public
//! protocol.
//!
//! The raft message is opaque here, as it is between stores. A large one comes in pieces, which follow each other on one
//! stream.

use bytes::Bytes;

/// A raft message between two members, or a piece of it.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct MemberMessage {
    /// 0 while the sender's group has none.
    #[prost(uint64, tag = "1")]
    pub cluster_id: u64,
    #[prost(uint64, tag = "2")]
    pub from: u64,
    #[prost(uint64, tag = "3")]
    pub to: u64,
    /// An encoded `eraftpb.Message`, or the next piece of one.
    #[prost(bytes = "bytes", tag = "4")]
    pub message: Bytes,
    /// The message is complete with this piece.
    #[prost(bool, tag = "5")]
    pub is_last: bool,
}

/// A member asks to be taken into the group, or says where it is now.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct JoinRequest {
    #[prost(uint64, tag = "1")]
    pub member_id: u64,
    #[prost(string, tag = "2")]
    pub name: String,
    /// Where others reach it, for messages and for clients.
    #[prost(string, repeated, tag = "3")]
    pub urls: Vec<String>,
}

#[derive(Clone, PartialEq, ::prost::Message)]
pub struct JoinResponse {
    #[prost(uint64, tag = "1")]
    pub cluster_id: u64,
}

/// A stream of messages was taken to its end.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Done {}
