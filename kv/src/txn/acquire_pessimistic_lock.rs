//! AcquirePessimisticLock: keys are locked while the transaction still runs, all or none of the request.
//!
//! A pessimistic lock says that nobody else commits on the key; it hides no value, so readers go past it. It is
//! granted at a `for_update_ts`: a record newer than that means that the caller decided on old data and has to read
//! again at a newer one. A repeated request finds its own lock and answers the same.
//!
//! A key without a row is locked too, so that nobody inserts it; `lock_only_if_exists` leaves such keys alone.
use bytes::Bytes;
use rutile_kv_types::{Key, Lock, LockType, TimeStamp, Write, WriteType};

use super::command::{Command, Decision, has_duplicates};
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{ConflictReason, Error, KeyError, LockedKey, Result};
use crate::mvcc::{Reader, TxnRecord, WriteBuffer};

/// Locks keys of one region for one statement of a transaction.
pub struct AcquirePessimisticLock {
    keys: Vec<Key>,
    /// Keys that must have no row, by position.
    must_not_exist: Vec<bool>,
    pub primary: Bytes,
    pub start_ts: TimeStamp,
    pub for_update_ts: TimeStamp,
    pub ttl_ms: u64,
    pub min_commit_ts: TimeStamp,
    pub return_values: bool,
    pub check_existence: bool,
    pub lock_only_if_exists: bool,
}

/// What a key held when it was locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockedRow {
    pub exists: bool,
    /// Only when values were asked for.
    pub value: Option<Bytes>,
}

/// How the request ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Acquired {
    /// All keys are locked; one row for each key if values or existence were asked for.
    Locked(Vec<LockedRow>),
    /// Other transactions hold these; nothing was locked.
    Blocked(Vec<LockedKey>),
}

impl AcquirePessimisticLock {
    /// A request for user keys, each with whether it must have no row; set the public fields for anything else.
    pub fn new(
        keys: impl IntoIterator<Item = (Bytes, bool)>,
        primary: Bytes,
        start_ts: TimeStamp,
        for_update_ts: TimeStamp,
        ttl_ms: u64,
    ) -> Self {
        let (keys, must_not_exist) =
            keys.into_iter().map(|(key, must_not_exist)| (Key::from_raw(&key), must_not_exist)).unzip();
        AcquirePessimisticLock {
            keys,
            must_not_exist,
            primary,
            start_ts,
            for_update_ts,
            ttl_ms,
            min_commit_ts: TimeStamp::ZERO,
            return_values: false,
            check_existence: false,
            lock_only_if_exists: false,
        }
    }

    fn wants_rows(&self) -> bool {
        self.return_values || self.check_existence
    }

    /// Locks one key without foreign lock.
    fn lock_key(&self, index: usize, own: Option<Lock>, work: &mut Work<'_, '_>) -> Result<()> {
        let key = &self.keys[index];
        let at = match &own {
            Some(lock) if !lock.is_pessimistic() => {
                return Err(KeyError::LockTypeNotMatch { start_ts: self.start_ts, key: key.to_raw()? }.into());
            }
            Some(lock) => self.for_update_ts.max(lock.for_update_ts),
            None => {
                self.check_newest(key, work.reader)?;
                self.for_update_ts
            }
        };
        let mut row = LockedRow::default();
        if self.wants_rows() || self.must_not_exist[index] {
            let put = work.reader.visible_put(key, at)?;
            row.exists = put.is_some();
            if row.exists && self.must_not_exist[index] {
                return Err(KeyError::AlreadyExists { key: key.to_raw()? }.into());
            }
            if let (Some((_, put)), true) = (put, self.return_values) {
                row.value = Some(work.reader.value_of(key, put)?);
            }
        }
        match own {
            Some(lock) => self.refresh(key, lock, work.buffer),
            None if self.lock_only_if_exists && !row.exists => {}
            None => work.buffer.put_pessimistic_lock(key, self.lock()),
        }
        if self.wants_rows() {
            work.rows.push(row);
        }
        Ok(())
    }

    /// No own lock: the records decide whether there may be one.
    fn check_newest(&self, key: &Key, reader: &mut Reader<'_>) -> Result<()> {
        let Some((commit_ts, write)) = reader.seek_write(key, TimeStamp::MAX)? else {
            return Ok(());
        };
        if commit_ts >= self.start_ts && self.is_rolled_back(key, reader)? {
            let (start_ts, key) = (self.start_ts, key.to_raw()?);
            return Err(KeyError::PessimisticLockRolledBack { start_ts, key }.into());
        }
        if commit_ts > self.for_update_ts {
            return Err(self.conflict(key, commit_ts, &write)?);
        }
        Ok(())
    }

    fn is_rolled_back(&self, key: &Key, reader: &mut Reader<'_>) -> Result<bool> {
        Ok(match reader.txn_record(key, self.start_ts)? {
            TxnRecord::Own { write, .. } => write.write_type == WriteType::Rollback,
            TxnRecord::OverlappedRollback => true,
            TxnRecord::None { .. } => false,
        })
    }

    fn conflict(&self, key: &Key, commit_ts: TimeStamp, write: &Write) -> Result<Error> {
        Ok(KeyError::WriteConflict {
            start_ts: self.start_ts,
            conflict_start_ts: write.start_ts,
            conflict_commit_ts: commit_ts,
            key: key.to_raw()?,
            primary: self.primary.to_vec(),
            reason: ConflictReason::PessimisticRetry,
        }
        .into())
    }

    fn lock(&self) -> Lock {
        let mut lock = Lock::new(LockType::Pessimistic, self.primary.clone(), self.start_ts, self.ttl_ms);
        lock.for_update_ts = self.for_update_ts;
        lock.min_commit_ts = self.min_commit_ts;
        lock
    }

    /// A later request of the transaction makes its lock newer, never older.
    fn refresh(&self, key: &Key, lock: Lock, buffer: &mut WriteBuffer) {
        let mut newer = lock.clone();
        if self.for_update_ts > lock.for_update_ts {
            newer.for_update_ts = self.for_update_ts;
            // A transaction whose first keys were all skipped or released starts over with another primary.
            newer.primary = self.primary.clone();
        }
        newer.ttl_ms = lock.ttl_ms.max(self.ttl_ms);
        newer.min_commit_ts = lock.min_commit_ts.max(self.min_commit_ts);
        if newer != lock {
            buffer.replace_lock(key, &newer);
        }
    }
}

/// What a decision works on.
struct Work<'a, 's> {
    reader: &'a mut Reader<'s>,
    buffer: &'a mut WriteBuffer,
    rows: &'a mut Vec<LockedRow>,
}

/// By reference, so that a request that waited can be decided again.
impl Command for &AcquirePessimisticLock {
    type Outcome = Acquired;

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn starts_at(&self) -> Option<TimeStamp> {
        Some(self.start_ts)
    }

    fn decide(self, reader: &mut Reader<'_>, concurrency: &ConcurrencyManager) -> Result<Decision<Acquired>> {
        if has_duplicates(&self.keys) {
            return Err(Error::Invalid("a key is to be locked twice in one request".to_owned()));
        }
        if let (true, false, Some(key)) = (self.lock_only_if_exists, self.return_values, self.keys.first()) {
            return Err(KeyError::LockIfExistsFailed { start_ts: self.start_ts, key: key.to_raw()? }.into());
        }
        if self.wants_rows() || self.must_not_exist.contains(&true) {
            // Under the latch no commit timestamp can be picked for these keys meanwhile.
            concurrency.raise_max_ts(self.for_update_ts);
        }
        let (mut buffer, mut rows, mut blocked) = (reader.buffer(0), Vec::new(), Vec::new());
        for (index, key) in self.keys.iter().enumerate() {
            match reader.load_lock(key)? {
                Some(lock) if lock.start_ts != self.start_ts => {
                    blocked.push(LockedKey { key: key.to_raw()?, lock });
                }
                own => {
                    let mut work = Work { reader, buffer: &mut buffer, rows: &mut rows };
                    self.lock_key(index, own, &mut work)?;
                }
            }
        }
        if blocked.is_empty() {
            Ok(Decision::new(buffer, Acquired::Locked(rows)))
        } else {
            Ok(Decision::answer(Acquired::Blocked(blocked)))
        }
    }
}
