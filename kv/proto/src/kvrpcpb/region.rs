//! Requests to a region as a whole: splitting it at given keys, removing a range of it. And one to a store as a whole.

use bytes::Bytes;

use super::Context;
use crate::{errorpb, metapb};

/// `split_keys` are user keys; the store encodes them.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct SplitRegionRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", repeated, tag = "3")]
    pub split_keys: Vec<Bytes>,
    #[prost(bool, tag = "4")]
    pub is_raw_kv: bool,
}

/// All resulting regions in key order.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct SplitRegionResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, repeated, tag = "4")]
    pub regions: Vec<metapb::Region>,
}

/// Removes the keys `[start_key, end_key)` of one region with all their versions, on every replica.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct DeleteRangeRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub start_key: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub end_key: Bytes,
    #[prost(bool, tag = "4")]
    pub notify_only: bool,
}

/// Answer to [`DeleteRangeRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct DeleteRangeResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
}

/// Removes `[start_key, end_key)` from this store alone, whatever regions and versions there are: only for keys that
/// nobody will read again.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct UnsafeDestroyRangeRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub start_key: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub end_key: Bytes,
}

/// Answer to [`UnsafeDestroyRangeRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct UnsafeDestroyRangeResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
}
