//! Reads of single keys.
//!
//! One lock get and one seek in the write CF per key, and one get in the default CF when the value is
//! long. The write iterator is kept for the next key of the request.
use bytes::Bytes;
use rutile_kv_engine::{EngineIterator, IterOptions, Snapshot};
use rutile_kv_types::{Cf, Key, Lock, LockType, WriteRef, WriteType};

use super::read_options::{LockVerdict, ReadOptions, Versions, judge_lock, locked};
use super::reader::load_long_value;
use crate::error::Result;

/// Reads single keys out of one snapshot.
pub struct PointGetter<'s> {
    snapshot: &'s dyn Snapshot,
    has_locks: bool,
    options: &'s ReadOptions,
    writes: Option<Box<dyn EngineIterator + 's>>,
}

impl<'s> PointGetter<'s> {
    /// A getter of the snapshot.
    pub fn new(versions: Versions<'s>, options: &'s ReadOptions) -> Self {
        PointGetter { snapshot: versions.engine, has_locks: versions.has_locks, options, writes: None }
    }

    /// The value of `key` at the read timestamp.
    pub fn get(&mut self, key: &Key) -> Result<Option<Bytes>> {
        if self.has_locks
            && let Some(bytes) = self.snapshot.get(Cf::Lock, key.as_encoded())?
        {
            let lock = Lock::parse(&bytes)?;
            match judge_lock(&lock, key.as_encoded(), self.options)? {
                LockVerdict::Ignore => {}
                LockVerdict::ReadThrough => return read_through(self.snapshot, key, &lock),
                LockVerdict::Blocked => return Err(locked(lock, key.as_encoded())),
            }
        }
        self.get_committed(key)
    }

    fn get_committed(&mut self, key: &Key) -> Result<Option<Bytes>> {
        let ts = self.options.ts;
        let snapshot = self.snapshot;
        let fill_cache = self.options.fill_cache;
        let writes = self.writes.get_or_insert_with(|| {
            // Versions of one key share their prefix, so that a bloom filter can answer for an absent key.
            snapshot.iter(
                Cf::Write,
                IterOptions { prefix_same_as_start: true, fill_cache, ..IterOptions::default() },
            )
        });
        let mut valid = writes.seek(key.with_ts(ts).as_encoded())?;
        while valid && key.is_version_of(writes.key()) {
            let write = WriteRef::parse(writes.value())?;
            match write.write_type {
                WriteType::Put if write.is_visible_under_gc_fence(ts) => {
                    return match write.short_value {
                        Some(value) => Ok(Some(Bytes::copy_from_slice(value))),
                        None => load_long_value(snapshot, key, write.start_ts).map(Some),
                    };
                }
                WriteType::Put | WriteType::Delete => return Ok(None),
                WriteType::Lock | WriteType::Rollback => valid = writes.next()?,
            }
        }
        Ok(None)
    }
}

/// The value a committed lock is about to leave.
pub(super) fn read_through(snapshot: &dyn Snapshot, key: &Key, lock: &Lock) -> Result<Option<Bytes>> {
    match (lock.lock_type, &lock.short_value) {
        (LockType::Put, Some(value)) => Ok(Some(value.clone())),
        (LockType::Put, None) => load_long_value(snapshot, key, lock.start_ts).map(Some),
        _ => Ok(None),
    }
}
