//! The table of one region: a state machine without mutex, so that every order of calls can be tried.
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rutile_kv_types::{Key, Lock};

use super::held::{Held, HeldLock};

/// Locks of one region may take this much; TiKV's `in-memory-peer-size-limit`.
const REGION_BYTES_MAX: usize = 512 << 10;
/// Locks of all regions of a store; TiKV's `in-memory-instance-size-limit`.
const STORE_BYTES_MAX: usize = 100 << 20;
/// What an entry takes beside its key and the primary that its lock names.
const ENTRY_BYTES: usize = size_of::<Lock>() + 64;

/// Room for the locks of all regions of a store.
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    region_max: usize,
    store_max: usize,
}

impl Budget {
    /// The usual room, or none at all.
    pub fn new(on: bool) -> Self {
        if on { Budget::of(REGION_BYTES_MAX, STORE_BYTES_MAX) } else { Budget::of(0, 0) }
    }

    pub(super) fn of(region_max: usize, store_max: usize) -> Self {
        Budget { used: AtomicUsize::new(0), region_max, store_max }
    }

    /// Bytes of all regions.
    #[cfg(test)]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes it if it is there.
    fn try_take(&self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.store_max);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "only what was taken is given back");
    }
}

/// What a decision was made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Of the leader.
    pub term: u64,
    /// Of the region's epoch.
    pub version: u64,
}

/// What a command does to locks in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockChange {
    /// A lock where none was.
    Add(Key, Lock),
    /// The lock changes and stays a pessimistic one.
    Replace(Key, Lock),
    /// The lock ends.
    Release(Key),
    /// It gives way to a lock that the writes of the command store.
    Store(Key),
}

impl LockChange {
    fn key(&self) -> &Key {
        match self {
            LockChange::Add(key, _) | LockChange::Replace(key, _) => key,
            LockChange::Release(key) | LockChange::Store(key) => key,
        }
    }
}

/// A lock and its encoded key on the way to another region.
pub type MovedLock = (Vec<u8>, Lock);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Held,
    /// A write that ends it is on its way.
    Leaving,
    /// It is on its way into the lock CF.
    Proposed,
}

#[derive(Debug)]
struct Entry {
    lock: Lock,
    state: State,
}

/// How a decision ended that was to change locks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// New locks are there.
    All,
    /// New locks have to be replicated; everything else is done.
    WithoutNew,
}

/// The decision was made on something that has changed since; nothing was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outdated;

#[derive(Debug)]
pub(super) struct Table {
    /// Term in which the locks were granted. 0 when this peer does not lead: what is here then came with a split and
    /// waits for the first leader of its region.
    term: u64,
    version: u64,
    /// Nothing new is taken, because the leadership is about to be handed over.
    frozen: bool,
    locks: BTreeMap<Vec<u8>, Entry>,
    bytes: usize,
    /// None yet: no room.
    budget: Option<Arc<Budget>>,
}

impl Table {
    pub fn new(version: u64) -> Self {
        Table { term: 0, version, frozen: false, locks: BTreeMap::new(), bytes: 0, budget: None }
    }

    /// Gives it room, and locks of a region that was split, which wait for the first leader of this one.
    pub fn open(&mut self, budget: Arc<Budget>, moved: Vec<MovedLock>) {
        debug_assert!(self.term == 0 && self.locks.is_empty(), "without room there are no locks");
        self.budget = Some(budget);
        for (key, lock) in moved {
            self.insert(key, lock);
        }
    }

    /// The peer leads in `term`, or no longer when 0. The locks of an earlier term are gone; those that came with a split
    /// stay if nobody led the region before.
    pub fn lead(&mut self, term: u64, is_first: bool) {
        let keeps = (self.term == 0 && is_first) || (self.term == term && term != 0);
        if !keeps {
            self.clear();
        }
        self.term = term;
        self.frozen = false;
    }

    fn clear(&mut self) {
        self.locks.clear();
        self.account(0);
    }

    /// The locks take `bytes` now.
    fn account(&mut self, bytes: usize) {
        if let Some(budget) = &self.budget {
            budget.take(bytes.saturating_sub(self.bytes));
            budget.give_back(self.bytes.saturating_sub(bytes));
        }
        self.bytes = bytes;
    }

    fn insert(&mut self, key: Vec<u8>, lock: Lock) {
        let bytes = size_of_lock(&key, &lock);
        let before = self.locks.insert(key, Entry { lock, state: State::Held });
        debug_assert!(before.is_none(), "a key has one lock");
        self.account(self.bytes + bytes);
    }

    fn remove(&mut self, key: &[u8]) -> Option<MovedLock> {
        let (key, entry) = self.locks.remove_entry(key)?;
        self.account(self.bytes.saturating_sub(size_of_lock(&key, &entry.lock)));
        Some((key, entry.lock))
    }

    /// The locks of some keys.
    pub fn find<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> Held {
        if self.locks.is_empty() {
            return Held::default();
        }
        let found = keys.filter_map(|key| Some(held(key.as_encoded(), self.locks.get(key.as_encoded())?)));
        Held::new(found.collect(), self.term)
    }

    /// The locks with `start <= key < end` that are wanted; an empty end has no bound.
    pub fn range(&self, start: &[u8], end: &[u8], wanted: impl Fn(&Lock) -> bool) -> Held {
        if self.locks.is_empty() || (!end.is_empty() && start >= end) {
            return Held::default();
        }
        let upper = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end) };
        let found = self.locks.range::<[u8], _>((Bound::Included(start), upper));
        let found = found.filter(|(_, entry)| wanted(&entry.lock)).map(|(key, entry)| held(key, entry));
        Held::new(found.collect(), self.term)
    }

    /// Does what a command decided. With `writes` of it to be replicated, or new locks, what ends only leaves, and goes
    /// when [`Table::finish`] says so.
    pub fn begin(&mut self, at: At, changes: &[LockChange], writes: bool) -> Result<Begun, Outdated> {
        let is_new = |change: &&LockChange| matches!(change, LockChange::Add(..));
        let current = self.term == at.term && self.version == at.version && at.term != 0;
        let present = |change: &LockChange| {
            let entry = self.locks.get(change.key().as_encoded());
            current && entry.is_some_and(|entry| entry.state == State::Held)
        };
        if !changes.iter().filter(|change| !is_new(change)).all(present) {
            return Err(Outdated);
        }
        let new = changes.iter().filter(is_new).map(|change| match change {
            LockChange::Add(key, lock) => size_of_lock(key.as_encoded(), lock),
            _ => 0,
        });
        let new: usize = new.sum();
        let added = new == 0 || (current && self.has_room(new));
        let leaves = writes || !added;
        for change in changes {
            match change {
                LockChange::Add(key, lock) if added => self.insert(key.as_encoded().to_vec(), lock.clone()),
                LockChange::Add(..) => {}
                LockChange::Replace(key, lock) => {
                    if self.remove(key.as_encoded()).is_some() {
                        self.insert(key.as_encoded().to_vec(), lock.clone());
                    }
                }
                LockChange::Release(key) | LockChange::Store(key) if leaves => {
                    if let Some(entry) = self.locks.get_mut(key.as_encoded()) {
                        entry.state = State::Leaving;
                    }
                }
                LockChange::Release(key) | LockChange::Store(key) => drop(self.remove(key.as_encoded())),
            }
        }
        Ok(if added { Begun::All } else { Begun::WithoutNew })
    }

    fn has_room(&self, bytes: usize) -> bool {
        let Some(budget) = self.budget.as_ref().filter(|_| !self.frozen) else {
            return false;
        };
        let fits = self.bytes + bytes <= budget.region_max && budget.try_take(bytes);
        if fits {
            // The insertions take it again, one by one.
            budget.give_back(bytes);
        }
        fits
    }

    /// The write that was to end these locks is applied, or will never be.
    pub fn finish(&mut self, term: u64, keys: &[Vec<u8>], applied: bool) {
        self.settle(term, keys, State::Leaving, applied);
    }

    /// The same for locks that [`Table::hand_over`] answered.
    pub fn stored(&mut self, term: u64, keys: &[Vec<u8>], applied: bool) {
        self.settle(term, keys, State::Proposed, applied);
    }

    fn settle(&mut self, term: u64, keys: &[Vec<u8>], state: State, applied: bool) {
        if self.term != term {
            return;
        }
        for key in keys {
            // A key that a split moved to another region is not here any more.
            let Some(entry) = self.locks.get_mut(key).filter(|entry| entry.state == state) else {
                continue;
            };
            if applied {
                drop(self.remove(key));
            } else {
                entry.state = State::Held;
            }
        }
    }

    /// Takes nothing new from now on, and answers what has to be proposed as ordinary locks.
    pub fn hand_over(&mut self) -> Vec<MovedLock> {
        self.frozen = true;
        let held = self.locks.iter_mut().filter(|(_, entry)| entry.state == State::Held);
        held.map(|(key, entry)| {
            entry.state = State::Proposed;
            (key.clone(), entry.lock.clone())
        })
        .collect()
    }

    /// Whether writes are on their way that were decided on locks in memory.
    pub fn has_leaving(&self) -> bool {
        self.locks.values().any(|entry| entry.state == State::Leaving)
    }

    /// The leadership stays here.
    pub fn keep(&mut self) {
        self.frozen = false;
    }

    /// The region has another version or range: answers the locks outside it. Writes decided in an earlier version are
    /// not applied any more, so none of these is on its way anywhere. Locks that wait for the first leader of a region that
    /// is split by somebody have waited in vain: that one led.
    pub fn narrow(&mut self, version: u64, start: &[u8], end: &[u8]) -> Vec<MovedLock> {
        if self.term == 0 && self.version != version {
            self.clear();
        }
        self.version = version;
        let mut moved = Vec::new();
        let outside = |key: &[u8]| key < start || (!end.is_empty() && key >= end);
        let keys: Vec<Vec<u8>> = self.locks.keys().filter(|key| outside(key)).cloned().collect();
        moved.extend(keys.iter().filter_map(|key| self.remove(key)));
        moved
    }

    /// Everything in a range was removed.
    pub fn remove_range(&mut self, start: &[u8], end: &[u8]) {
        let keys: Vec<Vec<u8>> = self
            .locks
            .keys()
            .filter(|key| key.as_slice() >= start && key.as_slice() < end)
            .cloned()
            .collect();
        for key in &keys {
            drop(self.remove(key));
        }
    }

    /// Number of locks and their size, counted.
    #[cfg(test)]
    pub fn measure(&self) -> (usize, usize) {
        let bytes = self.locks.iter().map(|(key, entry)| size_of_lock(key, &entry.lock)).sum();
        assert_eq!(self.bytes, bytes, "the kept size is the counted one");
        (self.locks.len(), bytes)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.clear();
    }
}

fn size_of_lock(key: &[u8], lock: &Lock) -> usize {
    key.len() + lock.primary.len() + ENTRY_BYTES
}

fn held(key: &[u8], entry: &Entry) -> HeldLock {
    let proposed = entry.state == State::Proposed;
    HeldLock { key: Key::from_encoded(key), lock: entry.lock.clone(), proposed }
}
