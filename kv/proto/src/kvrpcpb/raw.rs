//! Raw keys: values without versions and transactions, some with an end of life.

use bytes::Bytes;

use super::{Context, KeyRange, KvPair};
use crate::errorpb;

/// Reads one raw key.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawGetRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub key: Bytes,
    #[prost(string, tag = "3")]
    pub cf: String,
}

/// An empty value with `not_found` false is a value of length zero.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawGetResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub value: Bytes,
    #[prost(bool, tag = "4")]
    pub not_found: bool,
}

/// Reads several raw keys of one region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawBatchGetRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub keys: Vec<Bytes>,
    #[prost(string, tag = "3")]
    pub cf: String,
}

/// Absent keys are left out.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawBatchGetResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, repeated, tag = "2")]
    pub pairs: Vec<KvPair>,
}

/// Sets one raw key; `ttl` in seconds, 0 for none. `for_cas` asks for order with compare-and-swap.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawPutRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub value: Bytes,
    #[prost(string, tag = "4")]
    pub cf: String,
    #[prost(uint64, tag = "5")]
    pub ttl: u64,
    #[prost(bool, tag = "6")]
    pub for_cas: bool,
}

/// Answer to [`RawPutRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawPutResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
}

/// Sets several raw keys. `ttls` holds nothing, one for all pairs, or one for each; `ttl` is its older form.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawBatchPutRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(message, repeated, tag = "2")]
    pub pairs: Vec<KvPair>,
    #[prost(string, tag = "3")]
    pub cf: String,
    #[prost(uint64, tag = "4")]
    pub ttl: u64,
    #[prost(bool, tag = "5")]
    pub for_cas: bool,
    #[prost(uint64, repeated, tag = "6")]
    pub ttls: Vec<u64>,
}

/// Answer to [`RawBatchPutRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawBatchPutResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
}

/// Removes one raw key.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawDeleteRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub key: Bytes,
    #[prost(string, tag = "3")]
    pub cf: String,
    #[prost(bool, tag = "4")]
    pub for_cas: bool,
}

/// Answer to [`RawDeleteRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawDeleteResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
}

/// Removes several raw keys of one region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawBatchDeleteRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub keys: Vec<Bytes>,
    #[prost(string, tag = "3")]
    pub cf: String,
    #[prost(bool, tag = "4")]
    pub for_cas: bool,
}

/// Answer to [`RawBatchDeleteRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawBatchDeleteResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
}

/// Reads up to `limit` raw pairs. In reverse, `start_key` is the exclusive upper bound and `end_key` the inclusive lower one.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawScanRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub start_key: Bytes,
    #[prost(uint32, tag = "3")]
    pub limit: u32,
    #[prost(bool, tag = "4")]
    pub key_only: bool,
    #[prost(string, tag = "5")]
    pub cf: String,
    #[prost(bool, tag = "6")]
    pub reverse: bool,
    #[prost(bytes = "bytes", tag = "7")]
    pub end_key: Bytes,
}

/// Fewer pairs than `limit` means that the region holds no more.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawScanResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, repeated, tag = "2")]
    pub kvs: Vec<KvPair>,
}

/// Removes the raw keys `[start_key, end_key)` of one region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawDeleteRangeRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub start_key: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub end_key: Bytes,
    #[prost(string, tag = "4")]
    pub cf: String,
}

/// Answer to [`RawDeleteRangeRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawDeleteRangeResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
}

/// Several scans of one region, each up to `each_limit` pairs.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawBatchScanRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(message, repeated, tag = "2")]
    pub ranges: Vec<KeyRange>,
    #[prost(uint32, tag = "3")]
    pub each_limit: u32,
    #[prost(bool, tag = "4")]
    pub key_only: bool,
    #[prost(string, tag = "5")]
    pub cf: String,
    #[prost(bool, tag = "6")]
    pub reverse: bool,
}

/// The pairs of all ranges, one after another.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawBatchScanResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, repeated, tag = "2")]
    pub kvs: Vec<KvPair>,
}

/// Asks how long a raw key lives.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawGetKeyTtlRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub key: Bytes,
    #[prost(string, tag = "3")]
    pub cf: String,
}

/// `ttl` in seconds, 0 for ever.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawGetKeyTtlResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
    #[prost(uint64, tag = "3")]
    pub ttl: u64,
    #[prost(bool, tag = "4")]
    pub not_found: bool,
}

/// Sets one raw key if it has the previous value, or none when `previous_not_exist`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawCasRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub value: Bytes,
    #[prost(bool, tag = "4")]
    pub previous_not_exist: bool,
    #[prost(bytes = "bytes", tag = "5")]
    pub previous_value: Bytes,
    #[prost(string, tag = "6")]
    pub cf: String,
    #[prost(uint64, tag = "7")]
    pub ttl: u64,
}

/// The previous value comes along whether the swap happened or not.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawCasResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
    #[prost(bool, tag = "3")]
    pub succeed: bool,
    #[prost(bool, tag = "4")]
    pub previous_not_exist: bool,
    #[prost(bytes = "bytes", tag = "5")]
    pub previous_value: Bytes,
}

/// Runs a plug-in of the store over raw keys.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawCoprocessorRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(string, tag = "2")]
    pub copr_name: String,
    #[prost(string, tag = "3")]
    pub copr_version_req: String,
    #[prost(message, repeated, tag = "4")]
    pub ranges: Vec<KeyRange>,
    #[prost(bytes = "bytes", tag = "5")]
    pub data: Bytes,
}

/// Answer to [`RawCoprocessorRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RawCoprocessorResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(string, tag = "2")]
    pub error: String,
    #[prost(bytes = "bytes", tag = "3")]
    pub data: Bytes,
}
