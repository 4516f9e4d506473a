//! Finding regions, splitting them, and what their leaders report.

use bytes::Bytes;

use super::{RequestHeader, ResponseHeader, TimeInterval};
use crate::metapb;

/// A peer that was not heard of for `down_seconds`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PeerStats {
    #[prost(message, optional, tag = "1")]
    pub peer: Option<metapb::Peer>,
    #[prost(uint64, tag = "2")]
    pub down_seconds: u64,
}

/// Looks up the region that holds a memcomparable-encoded key.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetRegionRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(bytes = "bytes", tag = "2")]
    pub region_key: Bytes,
}

/// Looks up a region by id.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetRegionByIdRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(uint64, tag = "2")]
    pub region_id: u64,
}

/// The region with its last known leader.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetRegionResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, optional, tag = "2")]
    pub region: Option<metapb::Region>,
    #[prost(message, optional, tag = "3")]
    pub leader: Option<metapb::Peer>,
    #[prost(message, repeated, tag = "5")]
    pub down_peers: Vec<PeerStats>,
    #[prost(message, repeated, tag = "6")]
    pub pending_peers: Vec<metapb::Peer>,
}

/// Lists regions in key order; a `limit` of zero or less means no limit.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ScanRegionsRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(bytes = "bytes", tag = "2")]
    pub start_key: Bytes,
    #[prost(int32, tag = "3")]
    pub limit: i32,
    #[prost(bytes = "bytes", tag = "4")]
    pub end_key: Bytes,
}

/// Asks for regions to be spread over the stores; those of a group evenly.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ScatterRegionRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    /// For clients that know nothing of `regions_id`.
    #[prost(uint64, tag = "2")]
    pub region_id: u64,
    #[prost(string, tag = "5")]
    pub group: String,
    #[prost(uint64, repeated, tag = "6")]
    pub regions_id: Vec<u64>,
    #[prost(uint64, tag = "7")]
    pub retry_limit: u64,
    #[prost(bool, tag = "8")]
    pub skip_store_limit: bool,
}

/// Answer to [`ScatterRegionRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ScatterRegionResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    /// Of the regions, so many were spread, or were well placed.
    #[prost(uint64, tag = "2")]
    pub finished_percentage: u64,
}

/// A region with its leader.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Region {
    #[prost(message, optional, tag = "1")]
    pub region: Option<metapb::Region>,
    #[prost(message, optional, tag = "2")]
    pub leader: Option<metapb::Peer>,
    #[prost(message, repeated, tag = "3")]
    pub down_peers: Vec<PeerStats>,
    #[prost(message, repeated, tag = "4")]
    pub pending_peers: Vec<metapb::Peer>,
}

/// Answer to [`ScanRegionsRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ScanRegionsResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, repeated, tag = "4")]
    pub regions: Vec<Region>,
}

/// Asks for the ids of `split_count` new regions.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct AskBatchSplitRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(message, optional, tag = "2")]
    pub region: Option<metapb::Region>,
    #[prost(uint32, tag = "3")]
    pub split_count: u32,
}

/// Ids of one new region and of its peers, in the order of the parent's peers.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct SplitId {
    #[prost(uint64, tag = "1")]
    pub new_region_id: u64,
    #[prost(uint64, repeated, tag = "2")]
    pub new_peer_ids: Vec<u64>,
}

/// Answer to [`AskBatchSplitRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct AskBatchSplitResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, repeated, tag = "2")]
    pub ids: Vec<SplitId>,
}

/// Tells PD the regions a split made, the one that kept its id last.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ReportBatchSplitRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(message, repeated, tag = "2")]
    pub regions: Vec<metapb::Region>,
}

/// Answer to [`ReportBatchSplitRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ReportBatchSplitResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
}

/// A store's resolved timestamp: nothing commits there at or below it any more.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ReportMinResolvedTsRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(uint64, tag = "2")]
    pub store_id: u64,
    #[prost(uint64, tag = "3")]
    pub min_resolved_ts: u64,
}

/// Answer to [`ReportMinResolvedTsRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ReportMinResolvedTsResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
}

/// Sent by the leader of a region every minute and at each change.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RegionHeartbeatRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(message, optional, tag = "2")]
    pub region: Option<metapb::Region>,
    #[prost(message, optional, tag = "3")]
    pub leader: Option<metapb::Peer>,
    #[prost(message, repeated, tag = "4")]
    pub down_peers: Vec<PeerStats>,
    #[prost(message, repeated, tag = "5")]
    pub pending_peers: Vec<metapb::Peer>,
    #[prost(uint64, tag = "6")]
    pub bytes_written: u64,
    #[prost(uint64, tag = "7")]
    pub bytes_read: u64,
    #[prost(uint64, tag = "8")]
    pub keys_written: u64,
    #[prost(uint64, tag = "9")]
    pub keys_read: u64,
    /// bytes
    #[prost(uint64, tag = "10")]
    pub approximate_size: u64,
    #[prost(message, optional, tag = "12")]
    pub interval: Option<TimeInterval>,
    #[prost(uint64, tag = "13")]
    pub approximate_keys: u64,
    #[prost(uint64, tag = "14")]
    pub term: u64,
}
