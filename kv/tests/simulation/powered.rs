//! A state engine and a raft log in memory whose writes are effects of a machine: the power may fail before any.
//!
//! The memory engines go on after a failure, because a step that is under way must come to its end; what counts is
//! the image that was taken at the failure. See `Machine::effect`.

use std::path::Path;

use bytes::Bytes;
use rutile_kv_engine::{
    Engine, EngineMetrics, Entry, HardState, MemoryEngine, MemoryRaftLog, RaftLog, RaftLogBatch,
    RaftLogMetrics, Result, Snapshot, WriteBatch,
};
use rutile_kv_env::Machine;
use rutile_kv_types::Cf;

/// A state engine that loses its power with its machine.
pub struct PoweredEngine {
    pub inner: MemoryEngine,
    pub machine: Machine,
}

impl Engine for PoweredEngine {
    fn snapshot(&self) -> Box<dyn Snapshot> {
        self.inner.snapshot()
    }

    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()> {
        self.machine.effect();
        self.inner.write(batch, sync)
    }

    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Bytes>> {
        self.inner.get(cf, key)
    }

    fn get_with(&self, cf: Cf, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.inner.get_with(cf, key, visit)
    }

    fn flush(&self) -> Result<()> {
        self.machine.effect();
        self.inner.flush()
    }

    fn delete_range(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        self.machine.effect();
        self.inner.delete_range(cf, start, end)
    }

    fn destroy_range(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        self.machine.effect();
        self.inner.destroy_range(cf, start, end)
    }

    fn checkpoint(&self, dir: &Path) -> Result<()> {
        self.inner.checkpoint(dir)
    }

    fn approximate_size(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        self.inner.approximate_size(cf, start, end)
    }

    fn approximate_keys(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        self.inner.approximate_keys(cf, start, end)
    }

    fn metrics(&self) -> EngineMetrics {
        self.inner.metrics()
    }
}

/// A raft log that loses its power with its machine, also between a write and its sync.
pub struct PoweredRaftLog {
    pub inner: MemoryRaftLog,
    pub machine: Machine,
}

impl RaftLog for PoweredRaftLog {
    fn append(&self, batch: RaftLogBatch, sync: bool) -> Result<()> {
        self.machine.effect();
        self.inner.append(batch, false)?;
        if sync {
            self.sync()?;
        }
        Ok(())
    }

    fn entries(&self, region_id: u64, low: u64, high: u64, max_bytes: u64) -> Result<Vec<Entry>> {
        self.inner.entries(region_id, low, high, max_bytes)
    }

    fn first_index(&self, region_id: u64) -> Option<u64> {
        self.inner.first_index(region_id)
    }

    fn last_index(&self, region_id: u64) -> Option<u64> {
        self.inner.last_index(region_id)
    }

    fn term(&self, region_id: u64, index: u64) -> Result<u64> {
        self.inner.term(region_id, index)
    }

    fn hard_state(&self, region_id: u64) -> Result<Option<HardState>> {
        self.inner.hard_state(region_id)
    }

    fn compact_to(&self, region_id: u64, index: u64) -> Result<()> {
        self.machine.effect();
        self.inner.compact_to(region_id, index)
    }

    fn region_ids(&self) -> Vec<u64> {
        self.inner.region_ids()
    }

    fn get_state(&self, region_id: u64, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.inner.get_state(region_id, key)
    }

    fn sync(&self) -> Result<()> {
        self.machine.effect();
        self.inner.sync()
    }

    fn purge(&self) -> Result<Vec<u64>> {
        self.inner.purge()
    }

    fn metrics(&self) -> RaftLogMetrics {
        self.inner.metrics()
    }
}
