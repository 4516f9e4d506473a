//! The command: from the checks of all mutations to one decision.
use bytes::Bytes;
use rutile_kv_env::Hooks;
use rutile_kv_types::{Key, Lock, Mutation, MutationOp, TimeStamp};

use super::check::Check;
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, LockedKey, Result};
use crate::mvcc::Reader;
use crate::txn::command::{Command, Decision, has_duplicates};

/// Fixed cost of one key in the write set, to size the buffer once.
const BYTES_PER_KEY: usize = 96;

/// From this many keys on the whole range is looked at before the single keys; TiKV does the same.
const RANGE_CHECK_KEYS_MIN: usize = 13;

/// What a mutation of a pessimistic transaction relies on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PessimisticAction {
    /// On the lock of another key (an index entry on that of its row): nobody committed after `for_update_ts`.
    #[default]
    Skip,
    /// On its own pessimistic lock. A lost one is made good when nobody committed since the transaction started.
    PessimisticCheck,
    /// On nothing: checked like an optimistic mutation.
    ConstraintCheck,
}

/// A prewrite of mutations of one region.
pub struct Prewrite {
    pub(super) keys: Vec<Key>,
    pub(super) mutations: Vec<Mutation>,
    pub primary: Bytes,
    pub start_ts: TimeStamp,
    pub ttl_ms: u64,
    pub txn_size: u64,
    /// Zero in optimistic transactions; otherwise the newest of the transaction.
    pub for_update_ts: TimeStamp,
    /// By position, in pessimistic transactions. More than there are mutations are ignored, missing ones are `Skip`.
    pub actions: Vec<PessimisticAction>,
    /// The lock must not commit below it.
    pub min_commit_ts: TimeStamp,
    /// A commit timestamp picked here must not exceed it; zero means no limit.
    pub max_commit_ts: TimeStamp,
    /// The request holds the whole transaction: commit it at once.
    pub try_one_pc: bool,
    /// Asks for an async commit; the keys of the transaction other than the primary.
    pub secondaries: Option<Vec<Bytes>>,
}

/// How a prewrite ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Prewritten {
    /// Foreign locks stand in the way; nothing was written.
    Blocked(Vec<LockedKey>),
    /// The locks are there. Zero when they need a commit, otherwise what an async commit commits at or above.
    Locked { min_commit_ts: TimeStamp },
    /// The transaction is committed: by this request, or earlier when it is a repetition.
    Committed { commit_ts: TimeStamp },
}

/// A mutation to be written.
pub(super) struct Target {
    pub index: usize,
    /// The own pessimistic lock in its place.
    pub replaced: Option<Lock>,
}

/// What the checks of all mutations found.
#[derive(Default)]
struct Found {
    to_write: Vec<Target>,
    blocked: Vec<LockedKey>,
    committed: Option<TimeStamp>,
    /// Prewrite locks of an earlier copy of the request.
    own_locks: usize,
    own_async_locks: usize,
    own_min_commit_ts: TimeStamp,
}

impl Prewrite {
    /// An optimistic two-phase prewrite; set the public fields for anything else.
    pub fn new(mutations: Vec<Mutation>, primary: Bytes, start_ts: TimeStamp, ttl_ms: u64) -> Self {
        let keys = mutations.iter().map(|mutation| Key::from_raw(&mutation.key)).collect();
        Prewrite {
            keys,
            mutations,
            primary,
            start_ts,
            ttl_ms,
            txn_size: 0,
            for_update_ts: TimeStamp::ZERO,
            actions: Vec::new(),
            min_commit_ts: TimeStamp::ZERO,
            max_commit_ts: TimeStamp::ZERO,
            try_one_pc: false,
            secondaries: None,
        }
    }

    /// Whether it stores values. Deletes, locks and checks leave but a few bytes.
    pub fn adds_data(&self) -> bool {
        self.mutations.iter().any(|mutation| matches!(mutation.op, MutationOp::Put | MutationOp::Insert))
    }

    /// The rule that suggests itself for a lost lock: nothing newer than `for_update_ts`. It is wrong, because a later
    /// statement has raised that since.
    pub fn plant_bugs(&mut self, hooks: &Hooks) {
        if hooks.is_planted("txn::prewrite::amend_at_for_update_ts") {
            let relying =
                self.actions.iter_mut().filter(|action| **action == PessimisticAction::PessimisticCheck);
            relying.for_each(|action| *action = PessimisticAction::Skip);
        }
    }

    pub(super) fn is_pessimistic(&self) -> bool {
        !self.for_update_ts.is_zero()
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

    fn check_all(&self, reader: &mut Reader<'_>) -> Result<Found> {
        let mut found = Found { to_write: Vec::with_capacity(self.keys.len()), ..Found::default() };
        let all_new = self.all_keys_are_new(reader)?;
        for index in 0..self.keys.len() {
            let check = match self.mutations[index].op {
                MutationOp::CheckNotExists if all_new => Check::Nothing,
                _ if all_new => Check::Write { replaced: None },
                _ => self.check(index, reader)?,
            };
            match check {
                Check::Write { replaced } => {
                    found.to_write.push(Target { index, replaced: replaced.map(|lock| *lock) });
                }
                Check::Nothing => {}
                Check::Prewritten(lock) => {
                    found.own_locks += 1;
                    found.own_async_locks += usize::from(lock.use_async_commit);
                    found.own_min_commit_ts = found.own_min_commit_ts.max(lock.min_commit_ts);
                }
                Check::Blocked(locked) => found.blocked.push(*locked),
                Check::Committed(commit_ts) => {
                    found.committed = Some(commit_ts);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// All checks passed: writes records, async-commit locks, or plain locks.
    fn write(
        self,
        found: Found,
        reader: &Reader<'_>,
        concurrency: &ConcurrencyManager,
    ) -> Decision<Prewritten> {
        let values: usize = self.mutations.iter().map(Mutation::size_bytes).sum();
        let mut buffer = reader.buffer(values + BYTES_PER_KEY * found.to_write.len());
        // An own lock means that an earlier copy of the request fell back from one phase: stay there.
        let one_pc = self.try_one_pc && found.own_locks == 0;
        // One plain lock among them means that an earlier copy fell back from async commit.
        let is_async = self.secondaries.is_some() && found.own_locks == found.own_async_locks;
        if (one_pc || is_async)
            && let Some((picked, handles)) = self.pick_commit_ts(&found.to_write, one_pc, concurrency)
        {
            let outcome = if one_pc {
                self.write_commits(&found.to_write, picked, &mut buffer);
                Prewritten::Committed { commit_ts: picked }
            } else {
                self.write_locks(&found.to_write, Some(picked), &mut buffer);
                Prewritten::Locked { min_commit_ts: picked.max(found.own_min_commit_ts) }
            };
            return Decision { handles, ..Decision::new(buffer, outcome) };
        }
        self.write_locks(&found.to_write, None, &mut buffer);
        Decision::new(buffer, Prewritten::Locked { min_commit_ts: TimeStamp::ZERO })
    }
}

impl Command for Prewrite {
    type Outcome = Prewritten;

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn needs_max_ts(&self) -> bool {
        self.try_one_pc || self.secondaries.is_some()
    }

    fn starts_at(&self) -> Option<TimeStamp> {
        Some(self.start_ts)
    }

    fn decide(
        self,
        reader: &mut Reader<'_>,
        concurrency: &ConcurrencyManager,
    ) -> Result<Decision<Prewritten>> {
        if has_duplicates(&self.keys) {
            return Err(Error::Invalid("two mutations of one key in one request".to_owned()));
        }
        let found = self.check_all(reader)?;
        if let Some(commit_ts) = found.committed {
            return Ok(Decision::answer(Prewritten::Committed { commit_ts }));
        }
        if self.mutations.iter().any(|mutation| mutation.op == MutationOp::CheckNotExists) {
            // The absence was read at the start timestamp.
            concurrency.raise_max_ts(self.start_ts);
        }
        if !found.blocked.is_empty() {
            return Ok(Decision::answer(Prewritten::Blocked(found.blocked)));
        }
        Ok(self.write(found, reader, concurrency))
    }
}
