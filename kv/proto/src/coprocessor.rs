//! Pushed-down plans: the request to a region, its answer, and what carries plan and data.
//!
//! In process the plan and the answer travel as shared objects, on a network as bytes ([`Payload`]). The structs are
//! therefore not protobuf messages; a network carrier writes [`Payload::Encoded`] into `coprocessor.Request.data`.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::{errorpb, kvrpcpb};

/// Half-open range of user keys (`coprocessor.KeyRange`); an empty end means the end of the key space.
#[derive(Clone, PartialEq, Eq, Hash, ::prost::Message)]
pub struct KeyRange {
    #[prost(bytes = "bytes", tag = "1")]
    pub start: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub end: Bytes,
}

/// A plan or an answer: by reference inside a process, as bytes between processes.
#[derive(Clone)]
pub enum Payload {
    Encoded(Bytes),
    Shared(Arc<dyn Any + Send + Sync>),
    /// A plan in both forms, where one store is in this process and others are not; each answers in its own.
    Either(Arc<dyn Any + Send + Sync>, Bytes),
}

impl Payload {
    /// Shares a value with the other side of an in-process carrier.
    pub fn shared<T: Any + Send + Sync>(value: T) -> Payload {
        Payload::Shared(Arc::new(value))
    }

    /// The shared value, when it is one and has this type.
    pub fn downcast<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        match self {
            Payload::Encoded(_) => None,
            Payload::Shared(value) | Payload::Either(value, _) => Arc::clone(value).downcast::<T>().ok(),
        }
    }

    /// What goes over a network, when it can.
    pub fn into_bytes(self) -> Option<Bytes> {
        match self {
            Payload::Encoded(bytes) | Payload::Either(_, bytes) => Some(bytes),
            Payload::Shared(_) => None,
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Payload::Encoded(bytes) => write!(f, "Encoded({} bytes)", bytes.len()),
            Payload::Shared(_) => f.write_str("Shared(..)"),
            Payload::Either(_, bytes) => write!(f, "Either(.., {} bytes)", bytes.len()),
        }
    }
}

/// Runs a plan over ranges of one region.
#[derive(Clone, Debug)]
pub struct CoprocessorRequest {
    pub context: Option<kvrpcpb::Context>,
    /// Kind of the plan; the endpoint gives the numbers their meaning.
    pub tp: u32,
    pub start_ts: u64,
    /// Ascending and disjoint; the store clips them to the region.
    pub ranges: Vec<KeyRange>,
    pub plan: Payload,
    /// Rows after which the store may stop and name a resume point; 0 means no paging.
    pub paging_rows: u64,
}

/// Answer of one region.
#[derive(Clone, Debug, Default)]
pub struct CoprocessorResponse {
    pub region_error: Option<errorpb::Error>,
    pub locked: Option<kvrpcpb::LockInfo>,
    /// Text of an endpoint error, or of any other failure; empty means success.
    pub other_error: String,
    /// The endpoint's own error object, when the carrier is in process.
    pub error_payload: Option<Payload>,
    pub data: Option<Payload>,
    /// Where to go on: `start` is the first key not yet read. `None` means that all ranges are done.
    pub next: Option<KeyRange>,
}

/// Wire form of the request (`coprocessor.Request`).
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Request {
    #[prost(message, optional, tag = "1")]
    pub context: Option<kvrpcpb::Context>,
    #[prost(int64, tag = "2")]
    pub tp: i64,
    #[prost(bytes = "bytes", tag = "3")]
    pub data: Bytes,
    #[prost(message, repeated, tag = "4")]
    pub ranges: Vec<KeyRange>,
    #[prost(uint64, tag = "7")]
    pub start_ts: u64,
    #[prost(uint64, tag = "10")]
    pub paging_size: u64,
}

/// Wire form of the answer (`coprocessor.Response`). `range` is what a page read, from the start of the first range on.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Response {
    #[prost(bytes = "bytes", tag = "1")]
    pub data: Bytes,
    #[prost(message, optional, boxed, tag = "2")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, optional, tag = "3")]
    pub locked: Option<kvrpcpb::LockInfo>,
    #[prost(string, tag = "4")]
    pub other_error: String,
    #[prost(message, optional, tag = "5")]
    pub range: Option<KeyRange>,
}
