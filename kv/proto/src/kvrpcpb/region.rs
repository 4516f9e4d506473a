//! Splitting a region at given keys.

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
