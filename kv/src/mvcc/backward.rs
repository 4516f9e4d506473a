//! Descending scan: the mirror of the forward one.
//!
//! Going down, the write iterator meets the oldest version of a key first, so the newest visible one is
//! only known after walking up to the read timestamp; a long history is jumped with a forward seek.
use std::cmp::Ordering;

use bytes::Bytes;
use rutile_kv_engine::{EngineIterator, IterOptions, Snapshot};
use rutile_kv_types::{Cf, Key, Lock, TimeStamp, Write, WriteRef, WriteType, codec};

use super::forward::{STEPS_BEFORE_SEEK, is_version_of};
use super::point_get::read_through;
use super::read_options::{LockVerdict, ReadOptions, Versions, judge_lock, locked};
use super::reader::{bounded, load_long_value};
use crate::error::Result;

/// Walks visible pairs in descending key order.
pub struct BackwardScanner<'s> {
    snapshot: &'s dyn Snapshot,
    options: &'s ReadOptions,
    key_only: bool,
    writes: Box<dyn EngineIterator + 's>,
    writes_valid: bool,
    locks: Box<dyn EngineIterator + 's>,
    locks_valid: bool,
    /// Encoded user key at hand, without timestamp.
    current: Vec<u8>,
    /// Versions of `current` may still be under the write iterator.
    skip_current: bool,
    key: Vec<u8>,
    value: Bytes,
}

impl<'s> BackwardScanner<'s> {
    /// A scanner of `lower <= key < upper` (encoded, empty `upper` = no bound), standing before `upper`.
    pub fn new(
        versions: Versions<'s>,
        options: &'s ReadOptions,
        lower: &[u8],
        upper: &[u8],
        key_only: bool,
    ) -> Result<Self> {
        let Versions { engine: snapshot, has_locks } = versions;
        let bounds = || IterOptions { fill_cache: options.fill_cache, ..bounded(lower, upper) };
        let mut scanner = BackwardScanner {
            snapshot,
            options,
            key_only,
            writes: snapshot.iter(Cf::Write, bounds()),
            writes_valid: false,
            locks: snapshot.iter(Cf::Lock, bounds()),
            locks_valid: false,
            current: Vec::new(),
            skip_current: false,
            key: Vec::new(),
            value: Bytes::new(),
        };
        scanner.writes_valid = scanner.writes.seek_to_last()?;
        scanner.locks_valid = has_locks && scanner.locks.seek_to_last()?;
        Ok(scanner)
    }

    /// Moves to the next visible pair. After a lock error the scan may go on behind the locked key.
    pub fn next(&mut self) -> Result<bool> {
        loop {
            if std::mem::take(&mut self.skip_current) {
                self.skip_versions()?;
            }
            let Some((take_lock, take_write)) = self.pick() else {
                return Ok(false);
            };
            self.skip_current = take_write;
            let from_lock = if take_lock { self.meet_lock()? } else { None };
            let found = match from_lock {
                Some(value) => value,
                None if take_write => self.find_visible()?,
                None => None,
            };
            if let Some(value) = found {
                self.value = value;
                self.key.clear();
                codec::decode_bytes_into(&mut self.current.as_slice(), &mut self.key)?;
                return Ok(true);
            }
        }
    }

    /// The user key of the pair.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The value of the pair; empty when keys only were asked for.
    pub fn value(&self) -> &Bytes {
        &self.value
    }

    /// Sets `current` to the next key; tells which iterators stand at it.
    fn pick(&mut self) -> Option<(bool, bool)> {
        let write = self.writes_valid.then(|| self.writes.key());
        let write = write.and_then(|key| Key::truncate_ts_for(key).ok());
        let lock = self.locks_valid.then(|| self.locks.key());
        let order = match (lock, write) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (Some(lock), Some(write)) => lock.cmp(write),
        };
        let key = if order == Ordering::Less { write } else { lock }?;
        self.current.clear();
        self.current.extend_from_slice(key);
        Some((order != Ordering::Less, order != Ordering::Greater))
    }

    /// Judges the lock of `current`: `Some` when it decides the value.
    fn meet_lock(&mut self) -> Result<Option<Option<Bytes>>> {
        let lock = Lock::parse(self.locks.value())?;
        self.locks_valid = self.locks.prev()?;
        match judge_lock(&lock, &self.current, self.options)? {
            LockVerdict::Ignore => Ok(None),
            LockVerdict::Blocked => Err(locked(lock, &self.current)),
            LockVerdict::ReadThrough => {
                read_through(self.snapshot, &Key::from_encoded(self.current.as_slice()), &lock).map(Some)
            }
        }
    }

    /// The value of `current` visible at the read timestamp.
    fn find_visible(&mut self) -> Result<Option<Bytes>> {
        let ts = self.options.ts;
        let mut newest: Option<Write> = None;
        let mut steps = 0;
        while self.at_current() && Key::split_ts(self.writes.key())?.1 <= ts {
            if steps == STEPS_BEFORE_SEEK {
                newest = self.seek_change(ts)?;
                self.writes_valid = self.writes.seek_for_prev(&self.current)?;
                break;
            }
            steps += 1;
            let write = WriteRef::parse(self.writes.value())?;
            if matches!(write.write_type, WriteType::Put | WriteType::Delete) {
                newest = Some(write.to_write());
            }
            self.writes_valid = self.writes.prev()?;
        }
        match newest {
            Some(write) if write.write_type == WriteType::Put && write.is_visible_under_gc_fence(ts) => {
                self.load(write).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The newest Put or Delete at or below `ts`, from above.
    fn seek_change(&mut self, ts: TimeStamp) -> Result<Option<Write>> {
        let length = self.current.len();
        codec::encode_u64_desc(&mut self.current, ts.into_inner());
        let valid = self.writes.seek(&self.current);
        self.current.truncate(length);
        self.writes_valid = valid?;
        while self.at_current() {
            let write = WriteRef::parse(self.writes.value())?;
            if matches!(write.write_type, WriteType::Put | WriteType::Delete) {
                return Ok(Some(write.to_write()));
            }
            self.writes_valid = self.writes.next()?;
        }
        Ok(None)
    }

    fn load(&self, write: Write) -> Result<Bytes> {
        match write.short_value {
            _ if self.key_only => Ok(Bytes::new()),
            Some(value) => Ok(value),
            None => {
                load_long_value(self.snapshot, &Key::from_encoded(self.current.as_slice()), write.start_ts)
            }
        }
    }

    /// Moves the write iterator before the newest version of `current`.
    fn skip_versions(&mut self) -> Result<()> {
        for _ in 0..STEPS_BEFORE_SEEK {
            if !self.at_current() {
                return Ok(());
            }
            self.writes_valid = self.writes.prev()?;
        }
        if self.at_current() {
            // No version equals the bare key, so this lands on the key before.
            self.writes_valid = self.writes.seek_for_prev(&self.current)?;
        }
        Ok(())
    }

    fn at_current(&self) -> bool {
        self.writes_valid && is_version_of(&self.current, self.writes.key())
    }
}
