//! The trait of the raft log.

use raft::eraftpb::{Entry, HardState};

use super::RaftLogBatch;
use crate::{RaftLogMetrics, Result};

/// Logs of many raft groups in one store.
pub trait RaftLog: Send + Sync + 'static {
    /// Applies the whole batch or, over a crash, nothing of it. With `sync` it is durable on return: one fsync for
    /// all regions in it, shared with batches that other threads append at the same time.
    fn append(&self, batch: RaftLogBatch, sync: bool) -> Result<()>;

    /// Entries `[low, high)` up to `max_bytes`, but at least one. [`crate::Error::Compacted`] and
    /// [`crate::Error::Unavailable`] tell which end is missing.
    fn entries(&self, region_id: u64, low: u64, high: u64, max_bytes: u64) -> Result<Vec<Entry>>;

    /// Index of the oldest entry; `None` when the region has no entries.
    fn first_index(&self, region_id: u64) -> Option<u64>;

    /// Index of the newest entry; `None` when the region has no entries.
    fn last_index(&self, region_id: u64) -> Option<u64>;

    /// Term of one entry.
    fn term(&self, region_id: u64, index: u64) -> Result<u64>;

    fn hard_state(&self, region_id: u64) -> Result<Option<HardState>>;

    /// Forgets entries below `index`, not durably. What the entries did must be durable in the state engine before:
    /// after a crash they are not there to be applied again.
    fn compact_to(&self, region_id: u64, index: u64) -> Result<()>;

    /// Regions with anything stored, sorted.
    fn region_ids(&self) -> Vec<u64>;

    /// Small state of a region beside the log (for instance its local state), written without sync.
    fn put_state(&self, region_id: u64, key: &[u8], value: &[u8]) -> Result<()> {
        let mut batch = RaftLogBatch::new();
        batch.put_state(region_id, key, value);
        self.append(batch, false)
    }

    fn get_state(&self, region_id: u64, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Makes everything appended so far durable.
    fn sync(&self) -> Result<()>;

    /// Gives space back; answers the regions whose old entries hold it back and that should be compacted.
    fn purge(&self) -> Result<Vec<u64>>;

    fn metrics(&self) -> RaftLogMetrics;
}
