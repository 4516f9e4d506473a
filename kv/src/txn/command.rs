//! The shape of a command: keys to latch, and one function from snapshot to decision.
use rutile_kv_types::{Key, TimeStamp};

use crate::concurrency_manager::{ConcurrencyManager, KeyHandleGuard};
use crate::error::Result;
use crate::mvcc::{Reader, WriteBuffer};
use crate::pessimistic_locks::LockChange;
use crate::write_set::WriteSet;

/// What a command decided.
pub struct Decision<T> {
    /// To be replicated; nothing needs to be when empty.
    pub writes: WriteSet,
    /// To be done to locks in memory.
    pub locks: Vec<LockChange>,
    /// The answer, valid once `writes` are applied.
    pub outcome: T,
    /// In-memory locks that must stay until `writes` are applied.
    pub handles: Vec<KeyHandleGuard>,
}

impl<T> Decision<T> {
    /// Changes and their answer.
    pub fn new(buffer: WriteBuffer, outcome: T) -> Self {
        let (writes, locks) = buffer.into_changes();
        Decision { locks, ..Decision::of_writes(writes, outcome) }
    }

    /// Writes that have nothing to do with locks, and their answer.
    pub fn of_writes(writes: WriteSet, outcome: T) -> Self {
        Decision { writes, locks: Vec::new(), outcome, handles: Vec::new() }
    }

    /// An answer that changes nothing.
    pub fn answer(outcome: T) -> Self {
        Decision::of_writes(WriteSet::default(), outcome)
    }
}

/// A transaction command of one region.
pub trait Command: Send {
    /// What the caller gets.
    type Outcome: Send;

    /// The keys it reads and writes.
    fn keys(&self) -> &[Key];

    /// Whether it may pick a commit timestamp itself, for which `max_ts` must be synced.
    fn needs_max_ts(&self) -> bool {
        false
    }

    /// Start timestamp of the locks or records it makes, `None` when it only ends what is there. Below the GC safe point
    /// nobody may start: the record that forbids it may be gone.
    fn starts_at(&self) -> Option<TimeStamp> {
        None
    }

    /// Decides on the snapshot behind `reader`, while the keys are latched.
    fn decide(
        self,
        reader: &mut Reader<'_>,
        concurrency: &ConcurrencyManager,
    ) -> Result<Decision<Self::Outcome>>;
}

/// Whether a request names a key twice. Keys mostly come sorted, so that neighbours tell.
pub(super) fn has_duplicates(keys: &[Key]) -> bool {
    if keys.is_sorted() {
        return keys.windows(2).any(|pair| pair.first() == pair.last());
    }
    let mut sorted: Vec<&Key> = keys.iter().collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair.first() == pair.last())
}

/// Each key once: a command decides on a snapshot, so a second mention would repeat the same changes.
pub(super) fn unique(mut keys: Vec<Key>) -> Vec<Key> {
    if !keys.is_sorted() {
        keys.sort_unstable();
    }
    keys.dedup();
    keys
}
