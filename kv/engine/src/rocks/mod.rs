//! The state engine on disk: RocksDB.
//!
//! `options` is the tuning per column family, `engine` the handle, `snapshot` and `iterator` the reads, `estimate` the
//! sizes of ranges, `error` what its messages become.
//!
//! The write-ahead log is kept, so that batches over column families stay atomic and a process crash loses nothing;
//! it is not synced per write, because the raft log can replay what a power loss takes.

mod engine;
mod error;
mod estimate;
#[expect(clippy::mem_forget, reason = "in what self_cell generates")]
mod iterator;
mod options;
#[expect(clippy::mem_forget, reason = "in what self_cell generates")]
mod snapshot;

pub use engine::RocksEngine;

/// All column families are created at open, so the map of handles never changes and needs no lock.
type Db = rocksdb::DBWithThreadMode<rocksdb::SingleThreaded>;
