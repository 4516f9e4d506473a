//! Timestamps.

use super::{RequestHeader, ResponseHeader};

/// Asks for `count` timestamps.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TsoRequest {
    #[prost(message, optional, tag = "1")]
    pub header: Option<RequestHeader>,
    #[prost(uint32, tag = "2")]
    pub count: u32,
    #[prost(string, tag = "3")]
    pub dc_location: String,
}

/// The value is `physical << 18 | logical`.
#[derive(Clone, Copy, Eq, Hash, PartialEq, ::prost::Message)]
pub struct Timestamp {
    /// milliseconds since 1970
    #[prost(int64, tag = "1")]
    pub physical: i64,
    #[prost(int64, tag = "2")]
    pub logical: i64,
    #[prost(uint32, tag = "3")]
    pub suffix_bits: u32,
}

/// `timestamp` is the last of the block of `count` timestamps.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TsoResponse {
    #[prost(message, optional, tag = "1")]
    pub header: Option<ResponseHeader>,
    #[prost(uint32, tag = "2")]
    pub count: u32,
    #[prost(message, optional, tag = "3")]
    pub timestamp: Option<Timestamp>,
}
