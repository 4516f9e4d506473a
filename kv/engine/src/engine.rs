//! The state engine: sorted pairs in column families.

use std::path::Path;

use bytes::Bytes;
use rutile_kv_types::Cf;

use crate::{EngineMetrics, Result, Snapshot, WriteBatch};

/// Sorted pairs in column families, with atomic batches over all of them.
///
/// All methods may block on the disk; call them from threads that may.
pub trait Engine: Send + Sync + 'static {
    /// The present state of all column families; later writes do not change it.
    fn snapshot(&self) -> Box<dyn Snapshot>;

    /// Applies all changes of the batch or none, also over a crash. With `sync` they and everything written before
    /// are durable on return; without, a crash may lose a suffix of the batches, never one out of the middle.
    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()>;

    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Bytes>>;

    /// Shows the value to `visit` without copying it; false when there is none.
    fn get_with(&self, cf: Cf, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// Makes everything written so far durable in table files.
    fn flush(&self) -> Result<()>;

    /// Removes `[start, end)` from one column family, as one atomic write. Snapshots taken before still see it.
    fn delete_range(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()>;

    /// Removes `[start, end)` and gives its space back at once where whole files can go. Snapshots taken before may
    /// lose the range as well: only for data that nobody can read any more.
    fn destroy_range(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()>;

    /// Copies the present state to a new directory (hard links where possible), from which an engine can be opened.
    fn checkpoint(&self, dir: &Path) -> Result<()>;

    /// Bytes that `[start, end)` takes, unflushed data included; an empty end is infinity. An estimate.
    fn approximate_size(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64>;

    /// Keys in `[start, end)`, old versions counted one by one; an empty end is infinity. An estimate.
    fn approximate_keys(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64>;

    fn metrics(&self) -> EngineMetrics;
}
