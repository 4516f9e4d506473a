//! Versions: what is stored under a user key, and who sees which of it.
//!
//! ```text
//! lock CF      key                 -> Lock     at most one, of a transaction not yet decided
//! write CF     key @ commit_ts     -> Write    newest first; Put, Delete, Lock or Rollback
//! default CF   key @ start_ts      -> value    only when longer than 255 bytes
//! ```
//! A reader at `ts` looks at the lock first: one that could still commit at or below `ts` stops it. Then the
//! newest record at or below `ts` decides. Everything here works on an engine snapshot and writes nothing;
//! commands collect their changes in a [`WriteBuffer`].
//!
//! - [`Reader`]: single facts for commands: the lock, the newest record, the record of a transaction.
//! - [`PointGetter`]: reads of single keys, one lock get and one write seek each.
//! - [`ForwardScanner`], [`BackwardScanner`]: ranges, as a merge of the write and the lock iterator.
//!
//! Deliberately missing: read-committed isolation. Garbage collection is in `gc`.

// What is stored must come back as it was: numbers are not cut or bent in silence (tests may).
#![cfg_attr(
    not(test),
    deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)
)]
mod backward;
mod forward;
mod point_get;
mod read_options;
mod reader;
mod write_buffer;

pub use backward::BackwardScanner;
pub use forward::ForwardScanner;
pub use point_get::PointGetter;
pub use read_options::{LockVerdict, ReadOptions, Versions, judge_lock};
pub use reader::{Reader, TxnRecord};
pub use write_buffer::WriteBuffer;

#[cfg(test)]
mod tests;
