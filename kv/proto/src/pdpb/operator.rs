//! Steps of an operator that PD hands to the leader of a region.

use bytes::Bytes;

use super::ResponseHeader;
use crate::metapb;

/// Kind of a membership change (`eraftpb.proto`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum ConfChangeType {
    AddNode = 0,
    RemoveNode = 1,
    AddLearnerNode = 2,
}

/// Adds, promotes or removes one peer.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ChangePeer {
    #[prost(message, optional, tag = "1")]
    pub peer: Option<metapb::Peer>,
    #[prost(enumeration = "ConfChangeType", tag = "2")]
    pub change_type: i32,
}

/// Several changes at once through a joint configuration; none means leave it.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ChangePeerV2 {
    #[prost(message, repeated, tag = "1")]
    pub changes: Vec<ChangePeer>,
}

/// Moves leadership to `peer`, or to the best of `peers`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TransferLeader {
    #[prost(message, optional, tag = "1")]
    pub peer: Option<metapb::Peer>,
    #[prost(message, repeated, tag = "2")]
    pub peers: Vec<metapb::Peer>,
}

/// Merges the region into its neighbour.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Merge {
    #[prost(message, optional, tag = "1")]
    pub target: Option<metapb::Region>,
}

/// How split keys are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum CheckPolicy {
    Scan = 0,
    Approximate = 1,
    Usekey = 2,
}

/// Splits the region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct SplitRegion {
    #[prost(enumeration = "CheckPolicy", tag = "1")]
    pub policy: i32,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub keys: Vec<Bytes>,
}

/// At most one command; none when the region is well.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RegionHeartbeatResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, optional, tag = "2")]
    pub change_peer: Option<ChangePeer>,
    #[prost(message, optional, tag = "3")]
    pub transfer_leader: Option<TransferLeader>,
    #[prost(uint64, tag = "4")]
    pub region_id: u64,
    #[prost(message, optional, tag = "5")]
    pub region_epoch: Option<metapb::RegionEpoch>,
    #[prost(message, optional, tag = "6")]
    pub target_peer: Option<metapb::Peer>,
    #[prost(message, optional, tag = "7")]
    pub merge: Option<Merge>,
    #[prost(message, optional, tag = "8")]
    pub split_region: Option<SplitRegion>,
    #[prost(message, optional, tag = "9")]
    pub change_peer_v2: Option<ChangePeerV2>,
}
