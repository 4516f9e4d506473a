//! The replicated, transactional key-value store: one store of a cluster, or the only one.
//!
//! ```text
//! service       the wire: region checks, requests to commands, errors to wire
//! txn           Percolator commands, latches, scheduler          coprocessor   host of pushed-down plans
//! lock_manager  waiting for pessimistic locks, deadlocks         pessimistic_locks     those that only the leader knows
//! mvcc          versions: point get, scan                        concurrency_manager   max_ts, in-memory locks
//! gc            old versions and dropped ranges                  raw           keys without transactions
//! replica       the seam: snapshot, propose
//! raftstore     multi-raft over the raft log and the state engine
//! ```
//! [`Store`] is the facade: open it over an engine, a raft log and a PD client, hand [`Store::service`] to a
//! carrier, stop it. Knows nothing of MySQL.
//!
//! Deliberately missing so far: merging of regions.
mod concurrency_manager;
mod config;
mod coprocessor;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod gc;
mod keys;
#[cfg(test)]
mod local_replica;
mod lock_manager;
mod metrics;
mod mvcc;
mod pessimistic_locks;
mod raftstore;
mod raw;
mod replica;
mod service;
mod space;
mod store;
mod traffic;
mod txn;
mod write_set;

pub use config::Config;
pub use error::{Error, KeyError, RegionError, Result};
pub use metrics::Snapshot as MetricsSnapshot;
pub use raftstore::NewStore;
pub use service::{DetectorCarrier, DetectorStream, RaftCarrier, SnapshotReceiver, SnapshotStream};
pub use store::Store;
