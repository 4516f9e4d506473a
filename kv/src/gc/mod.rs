//! Garbage collection: old versions go, and dropped ranges.
//!
//! ```text
//! owner (kv/client)   safe point = min(now - life time, oldest running start_ts, holds of services)
//!                     resolve every lock at or below it, in all regions -> publish it at PD
//! worker (every store, for the regions it leads)
//!     poll PD -> raise SafePoint -> walk: keys with garbage -> Collect command -> raft -> every replica
//! ```
//! The worker never resolves locks: the owner did, everywhere, before the safe point was published. A store alone
//! could not, because the record of a transaction's primary and the lock of a secondary may be in different regions,
//! and removing the first before the second is resolved would roll back half of a committed transaction.
//!
//! - [`SafePoint`]: what this store may have removed; reads and new locks below it are refused.
//! - [`sieve`]: the rules, record by record, for one key.
//! - [`walk`]: finds keys with garbage in a bounded part of a region.
//! - [`collect`]: removes the garbage of some keys, as a command with latches, replicated like any other.
//! - [`Collector`]: paces walks and commands over one region; [`Worker`] visits all regions.
//! - [`delete_range`]: removes a range of one region with all its versions, for dropped tables and indexes.
//! - [`destroy_range`]: removes a range from one store, past raft, regions and locks.
//!
//! A region in which nothing was written since its last walk, and that holds nothing that a later safe point would
//! turn into garbage, is not walked again. Space on disk comes back when the engine compacts.
//!
//! Deliberately missing: a compaction filter, which would save the walk and the log but removes on each replica by
//! itself.
mod collect;
mod delete_range;
mod destroy_range;
mod safe_point;
mod sieve;
mod walk;
mod worker;

pub use delete_range::delete_range;
pub use destroy_range::destroy_range;
pub use safe_point::SafePoint;
pub use worker::{Collector, Worker};

#[cfg(test)]
mod tests;
