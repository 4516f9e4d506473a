//! Host of pushed-down plans.
//!
//! The host knows regions, snapshots, ranges, paging, memory bounds and cancellation; what a plan means it does not
//! know. That is the [`Endpoint`](rutile_kv_proto::endpoint::Endpoint)'s, which the SQL layer implements and the
//! server plugs in. One request:
//!
//! ```text
//! region checks -> in-memory locks passed -> snapshot -> a place in the pool -> endpoint reads rows -> answer
//!                                                        blocking thread, never an async worker
//! ```
//! Deliberately missing: a cache of answers and streaming; an answer that would grow large is paged instead.
mod host;
mod range_scanner;

pub use host::{EndpointSlot, Host};

#[cfg(test)]
mod tests;
