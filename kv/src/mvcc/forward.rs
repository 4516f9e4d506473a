//! Ascending scan: a merge of the write iterator with the lock iterator.
//!
//! Both iterators stand at the next key to look at. The smaller key is taken; when both stand at the same
//! key the lock is judged first. Short runs of versions are stepped over, long ones are jumped with a
//! seek, because a seek costs about as much as [`STEPS_BEFORE_SEEK`] steps.
//!
//! One scanner serves many ranges: [`ForwardScanner::enter`] moves it, the iterators stay open.
use std::cmp::Ordering;

use rutile_kv_engine::{EngineIterator, IterOptions, Snapshot};
use rutile_kv_types::{Cf, Key, Lock, TimeStamp, WriteRef, WriteType, codec};

use super::point_get::read_through;
use super::read_options::{LockVerdict, ReadOptions, Versions, judge_lock, locked};
use super::reader::{bounded, load_long_value};
use crate::error::Result;

/// Versions of one key stepped over before a seek is tried.
pub(super) const STEPS_BEFORE_SEEK: usize = 8;

/// Walks visible pairs in ascending key order.
pub struct ForwardScanner<'s> {
    snapshot: &'s dyn Snapshot,
    options: &'s ReadOptions,
    key_only: bool,
    writes: Box<dyn EngineIterator + 's>,
    writes_valid: bool,
    locks: Box<dyn EngineIterator + 's>,
    locks_valid: bool,
    /// The lock iterator met the end of its bounds from the start: there is no lock to merge.
    lock_free: bool,
    /// End of the range entered, encoded; empty = the bound of the iterators.
    upper: Vec<u8>,
    /// Encoded user key at hand, without timestamp.
    current: Vec<u8>,
    /// Versions of `current` may still be under the write iterator.
    skip_current: bool,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl<'s> ForwardScanner<'s> {
    /// A scanner for ranges within `lower <= key < upper` (encoded, empty `upper` = no bound), standing at `lower`.
    pub fn new(
        versions: Versions<'s>,
        options: &'s ReadOptions,
        lower: &[u8],
        upper: &[u8],
        key_only: bool,
    ) -> Result<Self> {
        let Versions { engine: snapshot, has_locks } = versions;
        let bounds = || IterOptions { fill_cache: options.fill_cache, ..bounded(lower, upper) };
        let mut scanner = ForwardScanner {
            snapshot,
            options,
            key_only,
            writes: snapshot.iter(Cf::Write, bounds()),
            writes_valid: false,
            locks: snapshot.iter(Cf::Lock, bounds()),
            locks_valid: false,
            lock_free: false,
            upper: Vec::new(),
            current: Vec::new(),
            skip_current: false,
            key: Vec::new(),
            value: Vec::new(),
        };
        scanner.lock_free = !has_locks || !scanner.locks.seek(lower)?;
        scanner.enter(lower, upper)?;
        Ok(scanner)
    }

    /// Moves to another range within the bounds.
    pub fn enter(&mut self, lower: &[u8], upper: &[u8]) -> Result<()> {
        self.writes_valid = self.writes.seek(lower)?;
        self.locks_valid = !self.lock_free && self.locks.seek(lower)?;
        self.upper.clear();
        self.upper.extend_from_slice(upper);
        self.skip_current = false;
        Ok(())
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
            if take_lock && self.meet_lock()? {
                return Ok(true);
            }
            if take_write && self.find_visible()? {
                self.decode_key()?;
                return Ok(true);
            }
        }
    }

    /// The user key of the pair.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The value of the pair; empty when keys only were asked for.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Sets `current` to the next key; tells which iterators stand at it.
    fn pick(&mut self) -> Option<(bool, bool)> {
        let inside = |key: &[u8]| self.upper.is_empty() || key < self.upper.as_slice();
        let write = self.writes_valid.then(|| self.writes.key()).filter(|key| inside(key));
        let write = write.and_then(|key| Key::truncate_ts_for(key).ok());
        let lock = self.locks_valid.then(|| self.locks.key()).filter(|key| inside(key));
        let order = match (lock, write) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(lock), Some(write)) => lock.cmp(write),
        };
        let key = if order == Ordering::Greater { write } else { lock }?;
        self.current.clear();
        self.current.extend_from_slice(key);
        Some((order != Ordering::Greater, order != Ordering::Less))
    }

    /// Judges the lock of `current`; true when it provides the pair.
    fn meet_lock(&mut self) -> Result<bool> {
        let lock = Lock::parse(self.locks.value())?;
        self.locks_valid = self.locks.next()?;
        match judge_lock(&lock, &self.current, self.options)? {
            LockVerdict::Ignore => Ok(false),
            LockVerdict::Blocked => Err(locked(lock, &self.current)),
            LockVerdict::ReadThrough => {
                let key = Key::from_encoded(self.current.as_slice());
                match read_through(self.snapshot, &key, &lock)? {
                    None => {
                        // A committed Delete hides every version.
                        if std::mem::take(&mut self.skip_current) {
                            self.skip_versions()?;
                        }
                        self.next()
                    }
                    Some(value) => {
                        self.value.clear();
                        self.value.extend_from_slice(&value);
                        self.decode_key()?;
                        Ok(true)
                    }
                }
            }
        }
    }

    /// Puts the value visible at the read timestamp into `value`, if `current` has one.
    fn find_visible(&mut self) -> Result<bool> {
        let ts = self.options.ts;
        let mut steps = 0;
        while Key::split_ts(self.writes.key())?.1 > ts {
            steps += 1;
            self.writes_valid =
                if steps < STEPS_BEFORE_SEEK { self.writes.next()? } else { self.seek_version(ts)? };
            if !self.at_current() {
                return Ok(false);
            }
        }
        loop {
            let write = WriteRef::parse(self.writes.value())?;
            match write.write_type {
                WriteType::Put if write.is_visible_under_gc_fence(ts) => {
                    self.value.clear();
                    match write.short_value {
                        _ if self.key_only => {}
                        Some(value) => self.value.extend_from_slice(value),
                        None => {
                            let key = Key::from_encoded(self.current.as_slice());
                            let value = load_long_value(self.snapshot, &key, write.start_ts)?;
                            self.value.extend_from_slice(&value);
                        }
                    }
                    return Ok(true);
                }
                WriteType::Put | WriteType::Delete => return Ok(false),
                WriteType::Lock | WriteType::Rollback => {
                    self.writes_valid = self.writes.next()?;
                    if !self.at_current() {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// Moves the write iterator behind the last version of `current`.
    fn skip_versions(&mut self) -> Result<()> {
        for _ in 0..STEPS_BEFORE_SEEK {
            if !self.at_current() {
                return Ok(());
            }
            self.writes_valid = self.writes.next()?;
        }
        if self.at_current() {
            self.writes_valid = self.seek_version(TimeStamp::ZERO)?;
            if self.at_current() {
                self.writes_valid = self.writes.next()?;
            }
        }
        Ok(())
    }

    fn seek_version(&mut self, ts: TimeStamp) -> Result<bool> {
        let length = self.current.len();
        codec::encode_u64_desc(&mut self.current, ts.into_inner());
        let valid = self.writes.seek(&self.current);
        self.current.truncate(length);
        Ok(valid?)
    }

    /// Whether the write iterator stands at a version of `current`.
    fn at_current(&self) -> bool {
        self.writes_valid && is_version_of(&self.current, self.writes.key())
    }

    fn decode_key(&mut self) -> Result<()> {
        self.key.clear();
        Ok(codec::decode_bytes_into(&mut self.current.as_slice(), &mut self.key)?)
    }
}

/// Whether `with_ts` is the encoded `key` at some version.
pub(super) fn is_version_of(key: &[u8], with_ts: &[u8]) -> bool {
    with_ts.len() == key.len() + size_of::<u64>() && with_ts.starts_with(key)
}
