//! The changes of one command, in the words of Percolator.
use rutile_kv_types::{Cf, Key, Lock, TimeStamp, Write};

use crate::write_set::WriteSet;

/// Collects changes; [`WriteBuffer::into_write_set`] hands them over to be replicated.
#[derive(Debug, Default)]
pub struct WriteBuffer {
    writes: WriteSet,
}

impl WriteBuffer {
    /// A buffer with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        WriteBuffer { writes: WriteSet::with_capacity(bytes) }
    }

    /// Locks a key that has no lock.
    pub fn put_lock(&mut self, key: &Key, lock: &Lock) {
        debug_assert!(!lock.primary.is_empty(), "a lock names its primary");
        self.writes.put(Cf::Lock, key.as_encoded(), &lock.to_bytes());
    }

    /// Changes the lock of a key that has one.
    pub fn replace_lock(&mut self, key: &Key, lock: &Lock) {
        self.writes.replace(Cf::Lock, key.as_encoded(), &lock.to_bytes());
    }

    /// Removes the lock of a key that has one.
    pub fn unlock(&mut self, key: &Key) {
        self.writes.delete(Cf::Lock, key.as_encoded());
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

    /// The changes in replicated form.
    pub fn into_write_set(self) -> WriteSet {
        self.writes
    }
}
