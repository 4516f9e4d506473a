//! The concurrency manager: `max_ts` and the in-memory lock table of a store.
//!
//! A one-phase or async commit picks its commit timestamp on the store instead of asking PD, so the
//! store must know every timestamp it has ever answered a read at. Two orders carry the whole proof:
//!
//! ```text
//! reader:  raise max_ts to read_ts   ->  look into the lock table  ->  take the snapshot
//! writer:  put the key handle into the table  ->  read max_ts and publish the lock (one mutex)
//! ```
//! If the reader misses the writer's handle, its raise of `max_ts` came first, so the writer commits
//! above `read_ts` and snapshot isolation lets the reader ignore it. If the reader meets the handle, it sees
//! the lock with its `min_commit_ts` and waits or goes past it. All four accesses are `SeqCst`: with
//! anything weaker each side could miss the other (store buffering).
//!
//! There is one `max_ts` per store, not per region, and it never falls. A region that got its
//! leader elsewhere must raise it from PD before the first such commit; `raftstore` sees to that.
mod lock_table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lock_table::LockTable;
pub use lock_table::{KeyHandle, KeyHandleGuard};
use rutile_kv_types::{Lock, TimeStamp};

/// Shared by all regions of a store.
#[derive(Default)]
pub struct ConcurrencyManager {
    max_ts: AtomicU64,
    table: Arc<LockTable>,
}

impl ConcurrencyManager {
    /// Starts with `max_ts` at what is known already, for example a timestamp just fetched.
    pub fn new(max_ts: TimeStamp) -> Self {
        ConcurrencyManager { max_ts: AtomicU64::new(max_ts.into_inner()), table: Arc::default() }
    }

    /// The largest timestamp anybody read at.
    pub fn max_ts(&self) -> TimeStamp {
        TimeStamp::from(self.max_ts.load(Ordering::SeqCst))
    }

    /// Raises `max_ts`. `MAX` means "the latest", which is no timestamp, and raises nothing.
    pub fn raise_max_ts(&self, ts: TimeStamp) {
        if ts != TimeStamp::MAX {
            self.max_ts.fetch_max(ts.into_inner(), Ordering::SeqCst);
        }
    }

    /// Puts a handle for the encoded `key` into the table. The caller holds the latch of the key.
    pub fn lock_key(&self, key: &[u8]) -> KeyHandleGuard {
        self.table.insert(key)
    }

    /// Calls `check` with the lock published for `key`, if any.
    pub fn read_key<E>(
        &self,
        key: &[u8],
        check: impl FnOnce(&Lock, &Arc<KeyHandle>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.table.get(key) {
            Some(handle) => handle.with_lock(|lock| check(lock, &handle)),
            None => Ok(()),
        }
    }

    /// Calls `check` for each published lock with `start <= key < end`; an empty `end` has no bound.
    pub fn read_range<E>(
        &self,
        start: &[u8],
        end: &[u8],
        mut check: impl FnMut(&[u8], &Lock, &Arc<KeyHandle>) -> Result<(), E>,
    ) -> Result<(), E> {
        for handle in self.table.range(start, end) {
            handle.with_lock(|lock| check(handle.key(), lock, &handle))?;
        }
        Ok(())
    }

    /// How many keys have a handle now.
    #[cfg(test)]
    pub fn locked_keys(&self) -> usize {
        self.table.len()
    }
}

#[cfg(test)]
mod tests;
