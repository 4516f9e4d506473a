//! The RocksDB handle.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{Cache, ColumnFamily, FlushOptions, WriteBufferManager, WriteOptions};
use rutile_kv_env::failpoint;
use rutile_kv_types::Cf;

use super::error::from_rocks;
use super::snapshot::RocksSnapshot;
use super::{Db, estimate, options};
use crate::engine::Engine;
use crate::write_batch::{WriteBatch, WriteOp};
use crate::{EngineConfig, EngineMetrics, Result, Snapshot};

/// The state engine on disk. Clones share the database; it is flushed and closed with the last handle, snapshot or
/// iterator.
#[derive(Clone)]
pub struct RocksEngine {
    shared: Arc<Shared>,
}

/// What handles, snapshots and iterators keep alive.
pub(super) struct Shared {
    db: Db,
    path: PathBuf,
    cache: Cache,
    /// Bounds the memtables of all column families together.
    _buffers: WriteBufferManager,
}

impl RocksEngine {
    /// Opens or creates a database in `path`.
    pub fn open(path: &Path, config: &EngineConfig) -> Result<RocksEngine> {
        let cache = Cache::new_lru_cache(config.block_cache_bytes);
        let buffers = WriteBufferManager::new_write_buffer_manager(config.write_buffer_total_bytes, false);
        let families = options::families(config, &cache);
        let db = Db::open_cf_descriptors(&options::database(config, &buffers), path, families)
            .map_err(|error| from_rocks(path, error))?;
        let shared = Shared { db, path: path.to_owned(), cache, _buffers: buffers };
        Ok(RocksEngine { shared: Arc::new(shared) })
    }

    pub fn path(&self) -> &Path {
        &self.shared.path
    }
}

impl Shared {
    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    pub(super) fn family(&self, cf: Cf) -> &ColumnFamily {
        self.db.cf_handle(cf.name()).expect("every column family is opened with the database")
    }

    pub(super) fn error(&self, error: rocksdb::Error) -> crate::Error {
        from_rocks(&self.path, error)
    }

    /// An integer property summed over all column families; what a release does not know counts as zero.
    fn property(&self, name: &str) -> u64 {
        Cf::ALL.into_iter().map(|cf| self.family_property(cf, name)).sum()
    }

    pub(super) fn family_property(&self, cf: Cf, name: &str) -> u64 {
        self.db.property_int_value_cf(self.family(cf), name).ok().flatten().unwrap_or(0)
    }

    fn database_property(&self, name: &str) -> u64 {
        self.db.property_int_value(name).ok().flatten().unwrap_or(0)
    }

    fn flush(&self) -> Result<()> {
        failpoint!("rocks::engine::flush", |text: String| Err(io::Error::other(text).into()));
        let families = Cf::ALL.map(|cf| self.family(cf));
        let mut options = FlushOptions::default();
        options.set_wait(true);
        self.db.flush_cfs_opt(&families, &options).map_err(|error| self.error(error))
    }

    fn write(&self, batch: &WriteBatch, sync: bool) -> Result<()> {
        failpoint!("rocks::engine::write", |text: String| Err(io::Error::other(text).into()));
        let mut rocks_batch =
            rocksdb::WriteBatch::with_capacity_bytes(batch.size_bytes() + 16 * batch.len() + 16);
        for op in batch.ops() {
            match op {
                WriteOp::Put { cf, key, value } => rocks_batch.put_cf(self.family(cf), key, value),
                WriteOp::Delete { cf, key } => rocks_batch.delete_cf(self.family(cf), key),
                WriteOp::DeleteRange { cf, start, end } => {
                    rocks_batch.delete_range_cf(self.family(cf), start, end)
                }
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.db.write_opt(rocks_batch, &options).map_err(|error| self.error(error))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Nothing depends on it: the next open replays the write-ahead log, and the raft log behind it.
        if let Err(error) = self.flush() {
            tracing::warn!(path = %self.path.display(), %error, "state engine was not flushed at shutdown");
        }
        self.db.cancel_all_background_work(true);
    }
}

impl Engine for RocksEngine {
    fn snapshot(&self) -> Box<dyn Snapshot> {
        Box::new(RocksSnapshot::new(self.shared.clone()))
    }

    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()> {
        self.shared.write(&batch, sync)
    }

    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Bytes>> {
        let pinned = self.shared.db.get_pinned_cf(self.shared.family(cf), key);
        let pinned = pinned.map_err(|error| self.shared.error(error))?;
        Ok(pinned.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn get_with(&self, cf: Cf, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let pinned = self.shared.db.get_pinned_cf(self.shared.family(cf), key);
        let pinned = pinned.map_err(|error| self.shared.error(error))?;
        Ok(pinned.map(|value| visit(&value)).is_some())
    }

    fn flush(&self) -> Result<()> {
        self.shared.flush()
    }

    fn delete_range(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.delete_range(cf, start, end);
        self.write(batch, false)
    }

    fn destroy_range(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        if start >= end {
            return Ok(());
        }
        let dropped = self.shared.db.delete_file_in_range_cf(self.shared.family(cf), start, end);
        dropped.map_err(|error| self.shared.error(error))?;
        self.delete_range(cf, start, end)
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        let checkpoint = Checkpoint::new(&self.shared.db).map_err(|error| self.shared.error(error))?;
        checkpoint.create_checkpoint(dir).map_err(|error| self.shared.error(error))
    }

    fn approximate_size(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        Ok(estimate::range(&self.shared, cf, start, end)?.bytes)
    }

    fn approximate_keys(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        Ok(estimate::range(&self.shared, cf, start, end)?.keys)
    }

    fn metrics(&self) -> EngineMetrics {
        let shared = &self.shared;
        let delayed = shared.database_property("rocksdb.actual-delayed-write-rate");
        let stopped = shared.database_property("rocksdb.is-write-stopped");
        EngineMetrics {
            memtable_bytes: shared.property("rocksdb.cur-size-all-mem-tables"),
            block_cache_bytes: shared.cache.get_usage() as u64,
            table_files_bytes: shared.property("rocksdb.live-sst-files-size"),
            pending_compaction_bytes: shared.property("rocksdb.estimate-pending-compaction-bytes"),
            snapshots: shared.database_property("rocksdb.num-snapshots"),
            is_write_stalled: delayed != 0 || stopped != 0,
            background_errors: shared.database_property("rocksdb.background-errors"),
            keys_estimate: shared.property("rocksdb.estimate-num-keys"),
        }
    }
}
