//! The coprocessor endpoint: what a store calls to run a pushed-down plan.
//!
//! The store's coprocessor host checks region and locks, opens the snapshot and hands the endpoint a scanner over the
//! ranges. The trait lives beside the wire so that the SQL layer can implement it without knowing the store.

use bytes::Bytes;

use crate::coprocessor::{KeyRange, Payload};
use crate::{errorpb, kvrpcpb};

/// Runs pushed-down plans at the store. Called on a bounded blocking pool, never on an async worker.
pub trait Endpoint: Send + Sync {
    fn handle(&self, request: EndpointRequest<'_>) -> Result<EndpointResponse, EndpointError>;
}

/// One call of the endpoint.
pub struct EndpointRequest<'a> {
    pub tp: u32,
    pub start_ts: u64,
    pub plan: &'a Payload,
    pub rows: &'a mut dyn RangeScanner,
    /// Rows after which the endpoint should stop and hand back [`RangeScanner::resume_point`]; 0 means no paging.
    pub paging_rows: u64,
    /// True once nobody waits for the answer; asked between batches of rows.
    pub cancelled: &'a dyn Fn() -> bool,
}

/// What a call of the endpoint produced.
#[derive(Debug)]
pub struct EndpointResponse {
    pub data: Payload,
    /// `None` when every range was read to its end.
    pub next: Option<KeyRange>,
}

/// Why a call of the endpoint failed.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The scan met a lock or a region change; the client repairs it and comes again.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The plan itself failed. `payload` is the endpoint's own error, kept whole by the in-process carrier.
    #[error("{message}")]
    Failed { message: String, payload: Option<Payload> },
    #[error("the request was cancelled")]
    Cancelled,
}

/// User key and value, borrowed from the scanner.
pub type Pair<'a> = (&'a [u8], &'a [u8]);

/// Walks the visible pairs of all ranges of a request in key order, at the request's timestamp, locks checked.
pub trait RangeScanner {
    /// The next pair, valid until the next call. `None` after the last range.
    fn next(&mut self) -> Result<Option<Pair<'_>>, ScanError>;

    /// The part not yet read; `None` when nothing is left.
    fn resume_point(&self) -> Option<KeyRange>;
}

/// Why a scan stopped.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("key is locked by transaction {}", .0.lock_version)]
    Locked(Box<kvrpcpb::LockInfo>),
    #[error("region error: {}", .0.message)]
    Region(Box<errorpb::Error>),
    #[error("{0}")]
    Other(String),
}

/// The key right after `key` in byte order.
pub fn next_key(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    Bytes::from(next)
}
