//! The changes of one command, in the words of Percolator.
//!
//! The buffer knows which of the locks are in memory, so that a command need not: what it does to one of those changes
//! the table there, and joins the replicated changes only where the lock CF gets a lock.
use rutile_kv_types::{Cf, Key, Lock, TimeStamp, Write};

use crate::pessimistic_locks::{Held, LockChange};
use crate::write_set::WriteSet;

/// Collects changes; [`WriteBuffer::into_changes`] hands them over.
#[derive(Debug, Default)]
pub struct WriteBuffer {
    writes: WriteSet,
    held: Held,
    locks: Vec<LockChange>,
}

impl WriteBuffer {
    /// A buffer with room for `bytes`; `held` are the locks in memory of the command's keys.
    pub fn new(held: Held, bytes: usize) -> Self {
        WriteBuffer { writes: WriteSet::with_capacity(bytes), held, locks: Vec::new() }
    }

    /// Locks a key that has no lock, in memory if there is room.
    pub fn put_pessimistic_lock(&mut self, key: &Key, lock: Lock) {
        debug_assert!(
            lock.is_pessimistic() && !lock.primary.is_empty(),
            "a pessimistic lock names its primary"
        );
        self.locks.push(LockChange::Add(key.clone(), lock));
    }

    /// Locks a key that has no lock.
    pub fn put_lock(&mut self, key: &Key, lock: &Lock) {
        debug_assert!(!lock.primary.is_empty(), "a lock names its primary");
        self.writes.put(Cf::Lock, key.as_encoded(), &lock.to_bytes());
    }

    /// Changes the lock of a key that has one.
    pub fn replace_lock(&mut self, key: &Key, lock: &Lock) {
        if !self.held.is_unproposed(key) {
            return self.writes.replace(Cf::Lock, key.as_encoded(), &lock.to_bytes());
        }
        if lock.is_pessimistic() {
            return self.locks.push(LockChange::Replace(key.clone(), lock.clone()));
        }
        self.locks.push(LockChange::Store(key.clone()));
        self.put_lock(key, lock);
    }

    /// Removes the lock of a key that has one.
    pub fn unlock(&mut self, key: &Key) {
        if self.held.is_unproposed(key) {
            self.locks.push(LockChange::Release(key.clone()));
        } else {
            self.writes.delete(Cf::Lock, key.as_encoded());
        }
    }

    /// Adds a record; `key` may have room for the timestamp.
    pub fn put_write(&mut self, key: Key, commit_ts: TimeStamp, write: &Write) {
        debug_assert!(commit_ts >= write.start_ts, "records sit at or above their start");
        self.writes.put(Cf::Write, key.append_ts(commit_ts).as_encoded(), &write.to_bytes());
    }

    /// Removes a record.
    pub fn delete_write(&mut self, key: Key, commit_ts: TimeStamp) {
        self.writes.delete(Cf::Write, key.append_ts(commit_ts).as_encoded());
    }

    /// Stores a long value.
    pub fn put_value(&mut self, key: Key, start_ts: TimeStamp, value: &[u8]) {
        self.writes.put(Cf::Default, key.append_ts(start_ts).as_encoded(), value);
    }

    /// Removes a long value.
    pub fn delete_value(&mut self, key: Key, start_ts: TimeStamp) {
        self.writes.delete(Cf::Default, key.append_ts(start_ts).as_encoded());
    }

    /// Announces that what follows removes versions which only reads below the safe point need.
    pub fn collect_below(&mut self, safe_point: TimeStamp) {
        self.writes.collect_below(safe_point);
    }

    /// The changes in replicated form, and those of locks in memory.
    pub fn into_changes(self) -> (WriteSet, Vec<LockChange>) {
        (self.writes, self.locks)
    }
}
