//! Single facts about a key, as Percolator commands ask for them.
//!
//! The reader opens one write iterator at the first question that needs one and keeps it, because a
//! command of many sorted keys then mostly moves it a short way forward.
use bytes::Bytes;
use rutile_kv_engine::{EngineIterator, IterOptions, Snapshot};
use rutile_kv_types::{Cf, Key, Lock, TimeStamp, Write, WriteRef, WriteType};

use super::read_options::Versions;
use super::write_buffer::WriteBuffer;
use crate::error::{Error, Result};
use crate::pessimistic_locks::Held;

/// What a transaction left on a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnRecord {
    /// Its own record: committed, or rolled back when the type is `Rollback`.
    Own { commit_ts: TimeStamp, write: Write },
    /// It was rolled back, and the rollback is a mark on a foreign record at `commit_ts == start_ts`.
    OverlappedRollback,
    /// Nothing of its own; a foreign record may sit at `commit_ts == start_ts`.
    None { overlapped: Option<Write> },
}

/// Reads versions out of one snapshot.
pub struct Reader<'s> {
    snapshot: &'s dyn Snapshot,
    /// False when no key has a lock. A command may rely on it for the keys it has latched: whoever locked one of
    /// them before was applied, and counted, before the latch was passed on.
    has_locks: bool,
    /// Locks that are not in the snapshot, because they are in memory only.
    held: Held,
    writes: Option<Box<dyn EngineIterator + 's>>,
}

impl<'s> Reader<'s> {
    /// A reader of the snapshot, and of locks in memory that were looked up before it was taken.
    pub fn new(versions: Versions<'s>, held: Held) -> Self {
        let Versions { engine: snapshot, has_locks } = versions;
        Reader { snapshot, has_locks, held, writes: None }
    }

    /// A buffer for what is decided on this reader, with room for `bytes`.
    pub fn buffer(&self, bytes: usize) -> WriteBuffer {
        WriteBuffer::new(self.held.clone(), bytes)
    }

    /// The lock of a key.
    pub fn load_lock(&self, key: &Key) -> Result<Option<Lock>> {
        if let Some(held) = self.held.get(key) {
            return Ok(Some(held.lock.clone()));
        }
        if !self.has_locks {
            return Ok(None);
        }
        match self.snapshot.get(Cf::Lock, key.as_encoded())? {
            Some(bytes) => Ok(Some(Lock::parse(&bytes)?)),
            None => Ok(None),
        }
    }

    /// The newest record of any type at or below `ts`.
    pub fn seek_write(&mut self, key: &Key, ts: TimeStamp) -> Result<Option<(TimeStamp, Write)>> {
        let writes = self.writes();
        writes.seek(key.with_ts(ts).as_encoded())?;
        read_record(&**writes, key)
    }

    /// The record after the one found last, which was one of `key`.
    pub fn next_write(&mut self, key: &Key) -> Result<Option<(TimeStamp, Write)>> {
        let writes = self.writes();
        writes.next()?;
        read_record(&**writes, key)
    }

    /// The newest Put or Delete at or below `ts`, stepping over Lock and Rollback records.
    pub fn seek_change(&mut self, key: &Key, ts: TimeStamp) -> Result<Option<(TimeStamp, Write)>> {
        let mut found = self.seek_write(key, ts)?;
        loop {
            match found {
                Some((_, ref write)) if matches!(write.write_type, WriteType::Put | WriteType::Delete) => {
                    return Ok(found);
                }
                None => return Ok(None),
                Some(_) => {}
            }
            found = self.next_write(key)?;
        }
    }

    /// The Put visible at `ts`, if the key exists then.
    pub fn visible_put(&mut self, key: &Key, ts: TimeStamp) -> Result<Option<(TimeStamp, Write)>> {
        let found = self.seek_change(key, ts)?;
        Ok(found
            .filter(|(_, write)| write.write_type == WriteType::Put && write.is_visible_under_gc_fence(ts)))
    }

    /// The value that a Put of `key` wrote.
    pub fn value_of(&self, key: &Key, put: Write) -> Result<Bytes> {
        debug_assert_eq!(put.write_type, WriteType::Put, "only a Put has a value");
        match put.short_value {
            Some(value) => Ok(value),
            None => load_long_value(self.snapshot, key, put.start_ts),
        }
    }

    /// What the default CF holds for `key` at `start_ts`.
    pub fn long_value(&self, key: &Key, start_ts: TimeStamp) -> Result<Option<Bytes>> {
        Ok(self.snapshot.get(Cf::Default, key.with_ts(start_ts).as_encoded())?)
    }

    /// The record that the transaction `start_ts` left on the key. Its commit timestamp is above
    /// `start_ts`, so the walk from the newest record ends there.
    pub fn txn_record(&mut self, key: &Key, start_ts: TimeStamp) -> Result<TxnRecord> {
        let mut found = self.seek_write(key, TimeStamp::MAX)?;
        while let Some((commit_ts, write)) = found {
            if commit_ts < start_ts {
                break;
            }
            if write.start_ts == start_ts {
                return Ok(TxnRecord::Own { commit_ts, write });
            }
            if commit_ts == start_ts {
                if write.has_overlapped_rollback {
                    return Ok(TxnRecord::OverlappedRollback);
                }
                return Ok(TxnRecord::None { overlapped: Some(write) });
            }
            found = self.next_write(key)?;
        }
        Ok(TxnRecord::None { overlapped: None })
    }

    /// Whether no key from `first` to `last`, both included, has a lock or a record.
    pub fn is_untouched(&self, first: &Key, last: &Key) -> Result<bool> {
        debug_assert!(first <= last, "bounds are ordered");
        if !self.held.all().is_empty() {
            return Ok(false);
        }
        // Above every version of the last key, below every other key.
        let upper = [last.as_encoded(), &[u8::MAX; size_of::<u64>() + 1]].concat();
        let empty = |cf| -> Result<bool> {
            let mut pairs = self.snapshot.iter(cf, bounded(first.as_encoded(), &upper));
            Ok(!pairs.seek(first.as_encoded())?)
        };
        Ok(empty(Cf::Write)? && (!self.has_locks || empty(Cf::Lock)?))
    }

    /// Locks with `start <= key < end` (encoded, empty end = no bound) that `wanted` accepts, in key order.
    pub fn scan_locks(
        &self,
        start: &[u8],
        end: &[u8],
        limit: usize,
        wanted: impl Fn(&Lock) -> bool,
    ) -> Result<Vec<(Key, Lock)>> {
        let mut found =
            if self.has_locks { self.stored_locks(start, end, limit, &wanted)? } else { Vec::new() };
        let is_inside = |key: &[u8]| key >= start && (end.is_empty() || key < end);
        for held in self.held.all().iter().filter(|held| is_inside(held.key.as_encoded())) {
            // One that is in both places was on its way from memory to the snapshot, which is then newer.
            let place = found.binary_search_by(|(key, _)| key.cmp(&held.key));
            if let Err(place) = place
                && wanted(&held.lock)
            {
                found.insert(place, (held.key.clone(), held.lock.clone()));
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    fn stored_locks(
        &self,
        start: &[u8],
        end: &[u8],
        limit: usize,
        wanted: &impl Fn(&Lock) -> bool,
    ) -> Result<Vec<(Key, Lock)>> {
        let mut locks = self.snapshot.iter(Cf::Lock, bounded(start, end));
        let mut found = Vec::new();
        let mut valid = locks.seek(start)?;
        while valid && found.len() < limit {
            let lock = Lock::parse(locks.value())?;
            if wanted(&lock) {
                found.push((Key::from_encoded(locks.key()), lock));
            }
            valid = locks.next()?;
        }
        Ok(found)
    }

    fn writes(&mut self) -> &mut Box<dyn EngineIterator + 's> {
        let snapshot = self.snapshot;
        // Only versions of the key sought are looked at, so a bloom filter may answer for an absent key.
        let options = IterOptions { prefix_same_as_start: true, ..IterOptions::default() };
        self.writes.get_or_insert_with(|| snapshot.iter(Cf::Write, options))
    }
}

/// Iterator options for `start <= key < end`; an empty end has no bound.
pub(super) fn bounded(start: &[u8], end: &[u8]) -> IterOptions {
    IterOptions {
        lower: (!start.is_empty()).then(|| start.to_vec()),
        upper: (!end.is_empty()).then(|| end.to_vec()),
        ..IterOptions::default()
    }
}

/// A value in the default CF. It must be there: the record naming it was written in the same batch or later.
pub(super) fn load_long_value(snapshot: &dyn Snapshot, key: &Key, start_ts: TimeStamp) -> Result<Bytes> {
    let at = key.with_ts(start_ts);
    let value = snapshot.get(Cf::Default, at.as_encoded())?;
    value.ok_or_else(|| Error::corrupt("default CF", format!("no value at {at}")))
}

/// The record under the iterator if it is a version of `key`.
fn read_record(writes: &dyn EngineIterator, key: &Key) -> Result<Option<(TimeStamp, Write)>> {
    if !writes.valid() || !key.is_version_of(writes.key()) {
        return Ok(None);
    }
    let (_, commit_ts) = Key::split_ts(writes.key())?;
    Ok(Some((commit_ts, WriteRef::parse(writes.value())?.to_write())))
}
