//! Prewrite: the first phase of Percolator, or the whole commit of a transaction that one request holds.
//!
//! Per mutation: a foreign lock or a record newer than the start stops the transaction; an own lock means
//! that the request came before. All foreign locks are reported at once and nothing is written then.
//! Before a conflict is reported, the transaction's own commit record is looked for: a repeated request
//! whose first copy committed (1PC) or was committed meanwhile must not be told "conflict".
//!
//! 1PC: all keys enter the in-memory lock table, then the commit timestamp is `max_ts + 1`; see
//! `concurrency_manager` for why that order is enough.
use bytes::Bytes;
use rutile_kv_types::{
    Key, Lock, LockType, Mutation, MutationOp, TimeStamp, Write, WriteType, is_short_value,
};

use super::command::{Command, Decision};
use crate::concurrency_manager::{ConcurrencyManager, KeyHandleGuard};
use crate::error::{ConflictReason, Error, KeyError, LockedKey, Result};
use crate::mvcc::{Reader, TxnRecord, WriteBuffer};

/// Fixed cost of one key in the write set, to size the buffer once.
const BYTES_PER_KEY: usize = 96;

/// From this many keys on the whole range is looked at before the single keys; TiKV does the same.
const RANGE_CHECK_KEYS_MIN: usize = 13;

/// An optimistic prewrite of mutations of one region.
pub struct Prewrite {
    keys: Vec<Key>,
    mutations: Vec<Mutation>,
    pub primary: Bytes,
    pub start_ts: TimeStamp,
    pub ttl_ms: u64,
    pub txn_size: u64,
    /// The lock must not commit below it.
    pub min_commit_ts: TimeStamp,
    /// A commit timestamp picked here must not exceed it; zero means no limit.
    pub max_commit_ts: TimeStamp,
    /// The request holds the whole transaction: commit it at once.
    pub try_one_pc: bool,
}

/// How a prewrite ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Prewritten {
    /// Foreign locks stand in the way; nothing was written.
    Blocked(Vec<LockedKey>),
    /// The locks are there.
    Locked,
    /// The transaction is committed: by this request, or earlier when it is a repetition.
    Committed { commit_ts: TimeStamp },
}

/// What one mutation needs.
enum Check {
    /// Lock and value must be written.
    Write,
    /// Nothing: the request came before, or only a check was asked for.
    Nothing {
        own_lock: bool,
    },
    Blocked(Box<LockedKey>),
    Committed(TimeStamp),
}

impl Prewrite {
    /// A two-phase prewrite; set the public fields for anything else.
    pub fn new(mutations: Vec<Mutation>, primary: Bytes, start_ts: TimeStamp, ttl_ms: u64) -> Self {
        let keys = mutations.iter().map(|mutation| Key::from_raw(&mutation.key)).collect();
        Prewrite {
            keys,
            mutations,
            primary,
            start_ts,
            ttl_ms,
            txn_size: 0,
            min_commit_ts: TimeStamp::ZERO,
            max_commit_ts: TimeStamp::ZERO,
            try_one_pc: false,
        }
    }

    /// Rows of a bulk load mostly fall where nothing was ever written: two seeks then replace two per key.
    fn all_keys_are_new(&self, reader: &Reader<'_>) -> Result<bool> {
        match self.keys.as_slice() {
            [first, .., last] if self.keys.len() >= RANGE_CHECK_KEYS_MIN && self.keys.is_sorted() => {
                reader.is_untouched(first, last)
            }
            _ => Ok(false),
        }
    }

    fn check(&self, index: usize, reader: &mut Reader<'_>) -> Result<Check> {
        let (key, mutation) = (&self.keys[index], &self.mutations[index]);
        match reader.load_lock(key)? {
            Some(lock) if lock.start_ts != self.start_ts => {
                let blocked = LockedKey { key: mutation.key.to_vec(), lock };
                match own_commit(reader, key, self.start_ts)? {
                    Some(commit_ts) => Ok(Check::Committed(commit_ts)),
                    None => Ok(Check::Blocked(Box::new(blocked))),
                }
            }
            Some(lock) if lock.is_pessimistic() => {
                Err(KeyError::LockTypeNotMatch { start_ts: self.start_ts, key: mutation.key.to_vec() }.into())
            }
            Some(_) => Ok(Check::Nothing { own_lock: true }),
            None => self.check_newest(key, mutation, reader),
        }
    }

    /// No lock: the newest record decides.
    fn check_newest(&self, key: &Key, mutation: &Mutation, reader: &mut Reader<'_>) -> Result<Check> {
        let newest = reader.seek_write(key, TimeStamp::MAX)?;
        if let Some((commit_ts, write)) = &newest
            && let Some(reason) = self.conflict(*commit_ts, write)
        {
            if let Some(commit_ts) = own_commit(reader, key, self.start_ts)? {
                return Ok(Check::Committed(commit_ts));
            }
            return Err(self.write_conflict(mutation, *commit_ts, write, reason));
        }
        if mutation.op.should_not_exist() && exists(reader, key, newest)? {
            return Err(KeyError::AlreadyExists { key: mutation.key.to_vec() }.into());
        }
        match mutation.op {
            MutationOp::CheckNotExists => Ok(Check::Nothing { own_lock: false }),
            _ => Ok(Check::Write),
        }
    }

    fn conflict(&self, commit_ts: TimeStamp, write: &Write) -> Option<ConflictReason> {
        let rolled_back = write.write_type == WriteType::Rollback || write.has_overlapped_rollback;
        if commit_ts == self.start_ts && rolled_back {
            return Some(ConflictReason::SelfRolledBack);
        }
        (commit_ts > self.start_ts).then_some(ConflictReason::Optimistic)
    }

    fn write_conflict(
        &self,
        mutation: &Mutation,
        commit_ts: TimeStamp,
        write: &Write,
        reason: ConflictReason,
    ) -> Error {
        KeyError::WriteConflict {
            start_ts: self.start_ts,
            conflict_start_ts: write.start_ts,
            conflict_commit_ts: commit_ts,
            key: mutation.key.to_vec(),
            primary: self.primary.to_vec(),
            reason,
        }
        .into()
    }

    /// The lock that a mutation leaves, with the value inline when it is short.
    fn lock_for(&self, mutation: &Mutation) -> Lock {
        let mut lock = Lock::new(lock_type(mutation.op), self.primary.clone(), self.start_ts, self.ttl_ms);
        if lock.lock_type == LockType::Put && is_short_value(&mutation.value) {
            lock.short_value = Some(mutation.value.clone());
        }
        lock.txn_size = self.txn_size;
        lock.min_commit_ts = self.min_commit_ts;
        lock
    }

    fn put_long_value(&self, buffer: &mut WriteBuffer, index: usize) {
        let mutation = &self.mutations[index];
        let writes_value = lock_type(mutation.op) == LockType::Put;
        if writes_value && !is_short_value(&mutation.value) {
            buffer.put_value(self.keys[index].clone(), self.start_ts, &mutation.value);
        }
    }

    fn write_locks(&self, to_write: &[usize], buffer: &mut WriteBuffer) {
        for index in to_write {
            self.put_long_value(buffer, *index);
            buffer.put_lock(&self.keys[*index], &self.lock_for(&self.mutations[*index]));
        }
    }

    /// Puts all keys into the in-memory lock table and picks the commit timestamp; `None` when it would
    /// exceed the limit.
    fn pick_commit_ts(
        &self,
        to_write: &[usize],
        concurrency: &ConcurrencyManager,
    ) -> Option<(TimeStamp, Vec<KeyHandleGuard>)> {
        let mut commit_ts = self.min_commit_ts.max(self.start_ts.next());
        let mut handles = Vec::with_capacity(to_write.len());
        for index in to_write {
            let mut lock = self.lock_for(&self.mutations[*index]);
            let handle = concurrency.lock_key(self.keys[*index].as_encoded());
            let min_commit_ts = handle.publish(|| {
                lock.min_commit_ts = commit_ts.max(concurrency.max_ts().next());
                let min_commit_ts = lock.min_commit_ts;
                (lock, min_commit_ts)
            });
            commit_ts = commit_ts.max(min_commit_ts);
            handles.push(handle);
        }
        let within = self.max_commit_ts.is_zero() || commit_ts <= self.max_commit_ts;
        within.then_some((commit_ts, handles))
    }

    fn write_commits(&self, to_write: &[usize], commit_ts: TimeStamp, buffer: &mut WriteBuffer) {
        debug_assert!(commit_ts > self.start_ts, "a commit is above its start");
        for index in to_write {
            self.put_long_value(buffer, *index);
            let lock = self.lock_for(&self.mutations[*index]);
            let write_type = WriteType::from_lock_type(lock.lock_type).unwrap_or(WriteType::Lock);
            let write = Write::new(write_type, self.start_ts, lock.short_value);
            buffer.put_write(self.keys[*index].clone(), commit_ts, &write);
        }
    }
}

impl Command for Prewrite {
    type Outcome = Prewritten;

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn needs_max_ts(&self) -> bool {
        self.try_one_pc
    }

    fn starts_at(&self) -> Option<TimeStamp> {
        Some(self.start_ts)
    }

    fn decide(
        self,
        reader: &mut Reader<'_>,
        concurrency: &ConcurrencyManager,
    ) -> Result<Decision<Prewritten>> {
        let mut to_write = Vec::with_capacity(self.keys.len());
        let mut blocked = Vec::new();
        let mut has_own_lock = false;
        if has_duplicates(&self.keys) {
            return Err(Error::Invalid("two mutations of one key in one request".to_owned()));
        }
        let all_new = self.all_keys_are_new(reader)?;
        for index in 0..self.keys.len() {
            let check = match self.mutations[index].op {
                MutationOp::CheckNotExists if all_new => Check::Nothing { own_lock: false },
                _ if all_new => Check::Write,
                _ => self.check(index, reader)?,
            };
            match check {
                Check::Write => to_write.push(index),
                Check::Nothing { own_lock } => has_own_lock |= own_lock,
                Check::Blocked(locked) => blocked.push(*locked),
                Check::Committed(commit_ts) => {
                    return Ok(Decision::answer(Prewritten::Committed { commit_ts }));
                }
            }
        }
        if self.mutations.iter().any(|mutation| mutation.op == MutationOp::CheckNotExists) {
            // The absence was read at the start timestamp.
            concurrency.raise_max_ts(self.start_ts);
        }
        if !blocked.is_empty() {
            return Ok(Decision::answer(Prewritten::Blocked(blocked)));
        }
        let values: usize = self.mutations.iter().map(Mutation::size_bytes).sum();
        let mut buffer = WriteBuffer::with_capacity(values + BYTES_PER_KEY * to_write.len());
        // An own lock means that an earlier copy of the request fell back to two phases: stay there.
        if self.try_one_pc
            && !has_own_lock
            && let Some((commit_ts, handles)) = self.pick_commit_ts(&to_write, concurrency)
        {
            self.write_commits(&to_write, commit_ts, &mut buffer);
            let outcome = Prewritten::Committed { commit_ts };
            return Ok(Decision { writes: buffer.into_write_set(), outcome, handles });
        }
        self.write_locks(&to_write, &mut buffer);
        Ok(Decision::new(buffer.into_write_set(), Prewritten::Locked))
    }
}

/// Keys mostly come sorted, so that neighbours tell.
fn has_duplicates(keys: &[Key]) -> bool {
    if keys.is_sorted() {
        return keys.windows(2).any(|pair| pair.first() == pair.last());
    }
    let mut sorted: Vec<&Key> = keys.iter().collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair.first() == pair.last())
}

fn lock_type(op: MutationOp) -> LockType {
    match op {
        MutationOp::Put | MutationOp::Insert => LockType::Put,
        MutationOp::Delete => LockType::Delete,
        MutationOp::Lock | MutationOp::CheckNotExists => LockType::Lock,
    }
}

/// When this transaction committed on the key, if it did.
fn own_commit(reader: &mut Reader<'_>, key: &Key, start_ts: TimeStamp) -> Result<Option<TimeStamp>> {
    match reader.txn_record(key, start_ts)? {
        TxnRecord::Own { commit_ts, write } if write.write_type != WriteType::Rollback => Ok(Some(commit_ts)),
        _ => Ok(None),
    }
}

/// Whether the key has a value now, given its newest record.
fn exists(reader: &mut Reader<'_>, key: &Key, newest: Option<(TimeStamp, Write)>) -> Result<bool> {
    match newest {
        None => Ok(false),
        Some((_, write)) if write.write_type == WriteType::Delete => Ok(false),
        Some((_, write)) if write.write_type == WriteType::Put => {
            Ok(write.is_visible_under_gc_fence(TimeStamp::MAX))
        }
        Some(_) => Ok(reader.visible_put(key, TimeStamp::MAX)?.is_some()),
    }
}
