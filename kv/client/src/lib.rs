//! The transaction client: what the SQL layer calls.
//!
//! ```text
//!   Client ─ begin ──→ Transaction ─ get/scan: membuffer over Snapshot
//!      │                    ├─ lock_keys: pessimistic locks, kept alive by heartbeats
//!      │                    └─ commit ──→ committer (pure machine + async shell)
//!      ├─ snapshot ─→ Snapshot ─ get, batch_get, scan
//!      ├─ coprocessor ─→ stream of answers
//!      └─ run_gc, delete_range
//!                 │ all of them
//!            region: cache, call with repair      lock_resolver
//!                 │
//!        Arc<dyn TikvService> by store id (in process: the store itself)
//! ```
//!
//! Transactions are Percolator's (Peng and Dabek, "Large-scale Incremental Processing", OSDI 2010) with TiKV's wire:
//! prewrite everywhere, commit the primary, then the rest in the background; in one region everything is one request
//! (1PC). Async commit answers small transactions with their last prewrite instead. A region that splits, moves or changes
//! its leader in the middle of anything is found again and never seen by the caller. Pessimistic transactions lock
//! keys while they run; see [`Transaction::lock_keys`]. Every wait has a budget, and the error that ends it names the
//! last cause.
//!
//! Deliberately missing: reads of the nearest peer, stale reads, and network carriers.

mod background;
mod backoff;
mod client;
mod commit_limit;
mod committer;
mod config;
mod coprocessor;
mod delete_range;
mod error;
mod gc;
mod heartbeat;
mod keyspace;
mod lock_resolver;
mod region;
mod replica_read;
mod running;
mod snapshot;
mod stores;
mod transaction;

pub use client::Client;
pub use commit_limit::CommitLimit;
pub use config::ClientConfig;
pub use coprocessor::CoprocessorOptions;
pub use error::{Error, Result, WaitFor};
pub use replica_read::ReplicaRead;
pub use rutile_kv_proto::Payload;
pub use snapshot::{ScanOptions, Scanner, Snapshot};
pub use stores::{PlanForm, StaticStores, Stores};
pub use transaction::{
    LockOptions, LockWait, LockedKeys, MemBuffer, Savepoint, Transaction, TransactionOptions, View,
};

#[cfg(test)]
mod tests;
