//! Uncommitted writes of one transaction, in key order, with savepoints.
//!
//! A savepoint is a length of the undo log. A write logs what it replaces only if a savepoint was taken since the key
//! was last written, so that a statement that writes a key many times costs one record.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rutile_kv_types::KeyRange;

/// What happens to a key at commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Put(Bytes),
    /// A put of a key that must not exist below.
    Insert(Bytes),
    Delete,
    /// An inserted key that was deleted again: nothing to write, still must not exist.
    CheckNotExists,
    /// Takes part in conflict checks only.
    Lock,
    /// Inserted over the transaction's own value: commit must fail.
    Duplicate(Bytes),
}

impl Change {
    /// As the transaction reads it: `None` when the key below shows through, `Some(None)` when it is deleted.
    fn visible(&self) -> Option<Option<&Bytes>> {
        match self {
            Change::Put(value) | Change::Insert(value) | Change::Duplicate(value) => Some(Some(value)),
            Change::Delete | Change::CheckNotExists => Some(None),
            Change::Lock => None,
        }
    }

    fn size(&self) -> usize {
        self.visible().flatten().map_or(0, Bytes::len)
    }
}

#[derive(Clone, Debug)]
struct Entry {
    change: Change,
    /// Generation of the last write; older than the buffer's when a savepoint was taken since.
    generation: u64,
}

/// A state of the membuffer to go back to. Later savepoints end when an earlier one is rolled back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Savepoint {
    undo_len: usize,
}

#[derive(Debug, Default)]
pub struct MemBuffer {
    entries: BTreeMap<Bytes, Entry>,
    undo: Vec<(Bytes, Option<Entry>)>,
    generation: AtomicU64,
    bytes: usize,
}

impl MemBuffer {
    /// `None`: not written here; `Some(None)`: deleted here.
    pub fn get(&self, key: &[u8]) -> Option<Option<Bytes>> {
        self.entries.get(key).and_then(|entry| entry.change.visible()).map(|value| value.cloned())
    }

    /// Whether the key was written or locked here.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.entries.contains_key(key)
    }

    /// Written keys of a range in order; the value is `None` for deleted ones.
    pub fn range(&self, range: &KeyRange) -> impl DoubleEndedIterator<Item = (&Bytes, Option<&Bytes>)> {
        let end = if range.end.is_empty() { Bound::Unbounded } else { Bound::Excluded(range.end.as_ref()) };
        // An inverted range would panic in the map.
        let start = if range.is_empty() {
            Bound::Excluded(range.end.as_ref())
        } else {
            Bound::Included(range.start.as_ref())
        };
        let end = if range.is_empty() { Bound::Included(range.end.as_ref()) } else { end };
        let found = self.entries.range::<[u8], _>((start, end));
        found.filter_map(|(key, entry)| entry.change.visible().map(|value| (key, value)))
    }

    /// Keys written or locked.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys and values.
    pub fn size_bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = (&Bytes, &Change)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.change))
    }

    pub(crate) fn put(&mut self, key: Bytes, value: Bytes) {
        let change = match self.change(&key) {
            // The key must still not exist below.
            Some(Change::Insert(_) | Change::CheckNotExists) => Change::Insert(value),
            Some(Change::Duplicate(_)) => Change::Duplicate(value),
            _ => Change::Put(value),
        };
        self.set(key, change);
    }

    pub(crate) fn insert(&mut self, key: Bytes, value: Bytes) {
        let change = match self.change(&key) {
            None | Some(Change::Lock | Change::CheckNotExists) => Change::Insert(value),
            // Deleted here: whatever is below is gone by the time of the insert.
            Some(Change::Delete) => Change::Put(value),
            Some(Change::Put(_) | Change::Insert(_) | Change::Duplicate(_)) => Change::Duplicate(value),
        };
        self.set(key, change);
    }

    pub(crate) fn delete(&mut self, key: Bytes) {
        let change = match self.change(&key) {
            Some(Change::Insert(_) | Change::CheckNotExists) => Change::CheckNotExists,
            Some(Change::Duplicate(value)) => Change::Duplicate(value.clone()),
            _ => Change::Delete,
        };
        self.set(key, change);
    }

    pub(crate) fn lock(&mut self, key: Bytes) {
        if self.change(&key).is_none() {
            self.set(key, Change::Lock);
        }
    }

    fn change(&self, key: &[u8]) -> Option<&Change> {
        self.entries.get(key).map(|entry| &entry.change)
    }

    fn set(&mut self, key: Bytes, change: Change) {
        let generation = self.generation.load(Ordering::Relaxed);
        self.bytes += key.len() + change.size();
        let former = self.entries.insert(key.clone(), Entry { change, generation });
        if let Some(former) = &former {
            self.bytes -= key.len() + former.change.size();
        }
        // Before the first savepoint nothing can be rolled back to.
        if generation > 0 && former.as_ref().is_none_or(|former| former.generation < generation) {
            self.undo.push((key, former));
        }
    }

    pub(crate) fn savepoint(&self) -> Savepoint {
        self.generation.fetch_add(1, Ordering::Relaxed);
        Savepoint { undo_len: self.undo.len() }
    }

    pub(crate) fn rollback_to(&mut self, savepoint: &Savepoint) {
        while self.undo.len() > savepoint.undo_len {
            let Some((key, former)) = self.undo.pop() else {
                break;
            };
            let current = match former {
                Some(former) => {
                    self.bytes += key.len() + former.change.size();
                    self.entries.insert(key.clone(), former)
                }
                None => self.entries.remove(&key),
            };
            if let Some(current) = current {
                self.bytes -= key.len() + current.change.size();
            }
        }
        // Keys written since are older than the savepoint again, and must be logged when written next.
        self.generation.fetch_add(1, Ordering::Relaxed);
    }
}
