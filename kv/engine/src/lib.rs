//! The local disk under a store: the state engine, the raft log, and the directory they live in.
//!
//! What: [`Engine`] keeps sorted pairs in column families with atomic batches, snapshots and bounded iterators;
//! [`RocksEngine`] is the one on disk, [`MemoryEngine`] the one for tests and simulation, which can lose what was not
//! synced. [`RaftLog`] keeps entries, hard state and small state of many raft groups; [`EngineRaftLog`] writes all
//! groups of a batch with one fsync, [`MemoryRaftLog`] is its twin in memory. [`DataDir`] guards a directory by a
//! format version and a lock.
//!
//! How: the raft log is the write-ahead log of the store, so the state engine is not synced per write; whoever
//! truncates the raft log must [`Engine::flush`] first (fsync and replay rules: `RaftLog::compact_to`).
//!
//! Deliberately missing: raft logic, MVCC, and any knowledge of what keys mean beyond "the write CF ends in a
//! timestamp", which the bloom filters need.

// What is stored must come back as it was: numbers are not cut or bent in silence (tests may).
#![cfg_attr(
    not(test),
    deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)
)]

mod config;
mod data_dir;
mod engine;
mod error;
mod memory;
mod metrics;
mod raft_log;
mod rocks;
mod snapshot;
mod write_batch;

pub use config::{EngineConfig, RaftLogConfig};
pub use data_dir::{DATA_FORMAT_VERSION, DataDir};
pub use engine::Engine;
pub use error::{Error, Result};
pub use memory::MemoryEngine;
pub use metrics::{EngineMetrics, RaftLogMetrics};
pub use raft_log::{EngineRaftLog, MemoryRaftLog, RaftLog, RaftLogBatch, RaftLogOp};
pub use rocks::RocksEngine;
pub use snapshot::{EngineIterator, IterOptions, Snapshot};
pub use write_batch::{WriteBatch, WriteOp};

/// The types of raft-rs that the raft log stores, so that users need not name another crate.
pub use raft::eraftpb::{Entry, HardState};
