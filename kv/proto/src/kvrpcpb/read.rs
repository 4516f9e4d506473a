//! Snapshot reads: get, batch get, scan.

use bytes::Bytes;

use super::{Context, KeyError, KvPair};
use crate::errorpb;

/// Reads one key at `version`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub key: Bytes,
    #[prost(uint64, tag = "3")]
    pub version: u64,
}

/// An empty value with `not_found` false is a value of length zero.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct GetResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub error: Option<Box<KeyError>>,
    #[prost(bytes = "bytes", tag = "3")]
    pub value: Bytes,
    #[prost(bool, tag = "4")]
    pub not_found: bool,
}

/// Reads several keys of one region at `version`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct BatchGetRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub keys: Vec<Bytes>,
    #[prost(uint64, tag = "3")]
    pub version: u64,
}

/// Absent keys are left out; a locked key gives a pair with an error.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct BatchGetResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, repeated, tag = "2")]
    pub pairs: Vec<KvPair>,
    #[prost(message, optional, boxed, tag = "5")]
    pub error: Option<Box<KeyError>>,
}

/// Reads up to `limit` pairs. In reverse, `start_key` is the exclusive upper bound and `end_key` the inclusive lower one.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ScanRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub start_key: Bytes,
    #[prost(uint32, tag = "3")]
    pub limit: u32,
    #[prost(uint64, tag = "4")]
    pub version: u64,
    #[prost(bool, tag = "5")]
    pub key_only: bool,
    #[prost(bool, tag = "6")]
    pub reverse: bool,
    #[prost(bytes = "bytes", tag = "7")]
    pub end_key: Bytes,
    #[prost(uint32, tag = "8")]
    pub sample_step: u32,
}

/// Fewer pairs than `limit` means that the region holds no more.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ScanResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, repeated, tag = "2")]
    pub pairs: Vec<KvPair>,
    #[prost(message, optional, boxed, tag = "3")]
    pub error: Option<Box<KeyError>>,
}
