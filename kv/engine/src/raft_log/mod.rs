//! The raft log: entries, hard state and small state of many raft groups.
//!
//! `log` is the trait, `batch` what is written at once, `durable` the one on disk (raft-engine, one fsync for all
//! regions of a batch) over `files`, which keep in `synced` how far the log must be whole;
//! `tail` drops what a power failure damaged behind that. `memory` is the log that can lose what was not synced.
//! `cache` holds recent entries decoded and `terms` the few places where the term changes, because raft asks for both
//! far more often than the disk should.

mod batch;
mod cache;
mod durable;
mod files;
mod log;
mod memory;
mod synced;
mod tail;
mod terms;

pub use batch::{RaftLogBatch, RaftLogOp};
pub use durable::EngineRaftLog;
pub use log::RaftLog;
pub use memory::MemoryRaftLog;
