//! The table of one region as its users share it.
use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_types::{Cf, Key, Lock, Region};

use super::held::Held;
use super::table::{At, Begun, Budget, LockChange, MovedLock, Table};
use crate::error::{RegionError, Result};
use crate::write_set::WriteSet;

/// Pessimistic locks of one region in the memory of its leader. The mutex is held for moments only.
#[derive(Debug)]
pub struct MemoryLocks {
    table: Mutex<Table>,
}

/// Locks that end with a write on its way. Dropped untold they stay: the write was given up before it was proposed, or
/// the store is ending.
#[must_use]
pub struct Leaving {
    table: Arc<MemoryLocks>,
    term: u64,
    keys: Vec<Vec<u8>>,
}

impl Leaving {
    /// The write is applied, or will never be.
    pub fn finish(mut self, applied: bool) {
        let keys = std::mem::take(&mut self.keys);
        self.table.table.lock().finish(self.term, &keys, applied);
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.keys.is_empty() {
            self.table.table.lock().finish(self.term, &self.keys, false);
        }
    }
}

impl MemoryLocks {
    /// No locks, and no room for any before [`MemoryLocks::open`].
    pub fn new(version: u64) -> Self {
        MemoryLocks { table: Mutex::new(Table::new(version)) }
    }

    /// Gives it room, and the locks that came with a split. To be called before anybody else sees the table.
    pub fn open(&self, budget: Arc<Budget>, moved: Vec<MovedLock>) {
        self.table.lock().open(budget, moved);
    }

    /// The peer leads in `term`, or no longer when 0; `is_first` when the region had no leader before. To be called
    /// before anybody else can learn of the term.
    pub fn lead(&self, term: u64, is_first: bool) {
        self.table.lock().lead(term, is_first);
    }

    /// The locks of some keys that the caller has latched. To be asked for before the snapshot is taken.
    pub fn find<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> Held {
        self.table.lock().find(keys)
    }

    /// The locks with `start <= key < end` (encoded, empty end = no bound) that are wanted. To be asked for before the
    /// snapshot is taken.
    pub fn range(&self, start: &[u8], end: &[u8], wanted: impl Fn(&Lock) -> bool) -> Held {
        self.table.lock().range(start, end, wanted)
    }

    /// Does what a command decided at `at`. New locks for which there is no room join its writes; answers how many that
    /// are, and what leaves with the writes.
    pub fn begin(
        self: &Arc<Self>,
        at: At,
        changes: Vec<LockChange>,
        writes: &mut WriteSet,
    ) -> Result<(usize, Leaving)> {
        let begun = self.table.lock().begin(at, &changes, !writes.is_empty());
        let begun = begun.map_err(|_| RegionError::StaleCommand)?;
        let (mut keys, mut refused) = (Vec::new(), 0);
        for change in changes {
            match change {
                LockChange::Add(key, lock) if begun == Begun::WithoutNew => {
                    writes.put(Cf::Lock, key.as_encoded(), &lock.to_bytes());
                    refused += 1;
                }
                LockChange::Add(..) | LockChange::Replace(..) => {}
                LockChange::Release(key) | LockChange::Store(key) => keys.push(key.into_encoded()),
            }
        }
        Ok((refused, Leaving { table: self.clone(), term: at.term, keys }))
    }

    /// Freezes the table and answers the locks that have to be proposed now, and whether these are the last: not so
    /// while writes are on their way that end other locks, because locks come back from writes that are refused.
    pub fn hand_over(&self) -> (Vec<MovedLock>, bool) {
        let mut table = self.table.lock();
        (table.hand_over(), !table.has_leaving())
    }

    /// What was handed over at `term` is in the lock CF, or will never be.
    pub fn stored(&self, term: u64, keys: &[Vec<u8>], applied: bool) {
        self.table.lock().stored(term, keys, applied);
    }

    /// The leadership stays here: takes new locks again.
    pub fn keep(&self) {
        self.table.lock().keep();
    }

    /// Changes the region: `publish` makes it visible while nobody else sees the table. Answers the locks outside it.
    pub fn change_region(&self, region: &Region, publish: impl FnOnce()) -> Vec<MovedLock> {
        let mut table = self.table.lock();
        let moved = table.narrow(region.epoch.version, &region.start_key, &region.end_key);
        publish();
        moved
    }

    /// Everything in a range was removed.
    pub fn remove_range(&self, start: &[u8], end: &[u8]) {
        self.table.lock().remove_range(start, end);
    }

    /// Number of locks.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.table.lock().measure().0
    }
}
