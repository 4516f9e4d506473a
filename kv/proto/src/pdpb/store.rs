//! Bootstrap, ids and stores.

use super::{RequestHeader, ResponseHeader};
use crate::metapb;

/// Founds the cluster with its first store and first region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct BootstrapRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(message, optional, tag = "2")]
    pub store: Option<metapb::Store>,
    #[prost(message, optional, tag = "3")]
    pub region: Option<metapb::Region>,
}

/// Answer to [`BootstrapRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct BootstrapResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
}

/// Whether the cluster was founded.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct IsBootstrappedRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
}

/// Answer to [`IsBootstrappedRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct IsBootstrappedResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(bool, tag = "2")]
    pub bootstrapped: bool,
}

/// Asks for one id; stores, regions and peers share one sequence.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct AllocIdRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
}

/// Answer to [`AllocIdRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct AllocIdResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(uint64, tag = "2")]
    pub id: u64,
}

/// Looks up one store.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetStoreRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(uint64, tag = "2")]
    pub store_id: u64,
}

/// Answer to [`GetStoreRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetStoreResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, optional, tag = "2")]
    pub store: Option<metapb::Store>,
    #[prost(message, optional, tag = "3")]
    pub stats: Option<StoreStats>,
}

/// Registers a store or changes its addresses and labels.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PutStoreRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(message, optional, tag = "2")]
    pub store: Option<metapb::Store>,
}

/// Answer to [`PutStoreRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PutStoreResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
}

/// Lists stores.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetAllStoresRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(bool, tag = "2")]
    pub exclude_tombstone_stores: bool,
}

/// Answer to [`GetAllStoresRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetAllStoresResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(message, repeated, tag = "2")]
    pub stores: Vec<metapb::Store>,
}

/// Seconds since 1970, both ends.
#[derive(Clone, Copy, Eq, Hash, PartialEq, ::prost::Message)]
pub struct TimeInterval {
    #[prost(uint64, tag = "1")]
    pub start_timestamp: u64,
    #[prost(uint64, tag = "2")]
    pub end_timestamp: u64,
}

/// Load and space of a store since its last heartbeat.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct StoreStats {
    #[prost(uint64, tag = "1")]
    pub store_id: u64,
    #[prost(uint64, tag = "2")]
    pub capacity: u64,
    #[prost(uint64, tag = "3")]
    pub available: u64,
    #[prost(uint32, tag = "4")]
    pub region_count: u32,
    #[prost(uint32, tag = "5")]
    pub sending_snap_count: u32,
    #[prost(uint32, tag = "6")]
    pub receiving_snap_count: u32,
    #[prost(uint32, tag = "7")]
    pub start_time: u32,
    #[prost(uint32, tag = "8")]
    pub applying_snap_count: u32,
    #[prost(bool, tag = "9")]
    pub is_busy: bool,
    #[prost(uint64, tag = "10")]
    pub used_size: u64,
    #[prost(uint64, tag = "11")]
    pub bytes_written: u64,
    #[prost(uint64, tag = "12")]
    pub keys_written: u64,
    #[prost(uint64, tag = "13")]
    pub bytes_read: u64,
    #[prost(uint64, tag = "14")]
    pub keys_read: u64,
    #[prost(message, optional, tag = "15")]
    pub interval: Option<TimeInterval>,
    #[prost(uint64, tag = "22")]
    pub slow_score: u64,
}

/// Sent by each store every ten seconds.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct StoreHeartbeatRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(message, optional, tag = "2")]
    pub stats: Option<StoreStats>,
}

/// Answer to [`StoreHeartbeatRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct StoreHeartbeatResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(string, tag = "3")]
    pub cluster_version: String,
}
