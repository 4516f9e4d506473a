//! Uncommitted writes of one transaction, in key order, with savepoints.
//!
//! ```text
//! order      numbers of the entries in key order
//! entries    what is written where, 32 bytes each, as they came
//! arena      keys and values
//! undo       what writes since the first savepoint replaced
//! ```
//! A savepoint is a length of the undo log. A write logs what it replaces only if a savepoint was taken since the key
//! was last written, so that a statement that writes a key many times costs one record; keys that follow one another and
//! are all new cost one together.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rutile_kv_types::KeyRange;

use super::arena::{Arena, Frozen, Mark, Slice};
use super::key_order::{KeyOrder, Place};

/// Entries are kept in blocks of so many, so that more of them never move the others.
const BLOCK: usize = 1024;

/// What happens to a key at commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Put,
    /// A put of a key that must not exist below.
    Insert,
    Delete,
    /// An inserted key that was deleted again: nothing to write, still must not exist.
    CheckNotExists,
    /// Takes part in conflict checks only.
    Lock,
    /// Inserted over the transaction's own value: commit must fail.
    Duplicate,
}

/// One key with what happens to it. Kinds without a value have an empty one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) key: Slice,
    pub(super) value: Slice,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    change: Change,
    /// Generation of the last write, its lower bits; older than the buffer's when a savepoint was taken since.
    generation: u32,
}

impl Entry {
    /// As the transaction reads it: `None` when the key below shows through, `Some(None)` when it is deleted.
    fn visible(&self) -> Option<Option<Slice>> {
        match self.change.kind {
            Kind::Put | Kind::Insert | Kind::Duplicate => Some(Some(self.change.value)),
            Kind::Delete | Kind::CheckNotExists => Some(None),
            Kind::Lock => None,
        }
    }

    fn size(&self) -> usize {
        self.change.key.len() + self.change.value.len()
    }
}

/// How to undo writes of one generation.
#[derive(Clone, Copy, Debug)]
enum Undo {
    /// The last entries were not there.
    New {
        count: u32,
        generation: u32,
    },
    Former {
        number: u32,
        entry: Entry,
    },
}

/// A state of the membuffer to go back to. Later savepoints end when an earlier one is rolled back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Savepoint {
    undo_len: usize,
    arena: Mark,
}

#[derive(Debug, Default)]
pub struct MemBuffer {
    arena: Arena,
    entries: Vec<Vec<Entry>>,
    order: KeyOrder,
    undo: Vec<Undo>,
    generation: AtomicU64,
    bytes: usize,
}

impl MemBuffer {
    /// `None`: not written here; `Some(None)`: deleted here.
    pub fn get(&self, key: &[u8]) -> Option<Option<Bytes>> {
        let entry = self.entry(self.find(key)?)?;
        entry.visible().map(|value| value.map(|value| self.arena.bytes(value)))
    }

    /// Whether the key was written or locked here.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.find(key).is_some()
    }

    /// Written keys of a range in order; the value is `None` for deleted ones.
    pub fn range(&self, range: &KeyRange) -> impl DoubleEndedIterator<Item = (Bytes, Option<Bytes>)> {
        let from = self.place(&range.start).0;
        let to = match range.end.is_empty() {
            _ if range.is_empty() => from,
            true => self.order.end(),
            false => self.place(&range.end).0,
        };
        self.order.between(from, to).filter_map(|number| {
            let entry = self.entry(number)?;
            let value = entry.visible()?.map(|value| self.arena.bytes(value));
            Some((self.arena.bytes(entry.change.key), value))
        })
    }

    /// Keys written or locked.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.len() == 0
    }

    /// Bytes of keys and values.
    pub fn size_bytes(&self) -> usize {
        self.bytes
    }

    /// What all of it takes: what was replaced stays as long as it may come back.
    pub fn memory_bytes(&self) -> usize {
        const ORDER_BYTES: usize = 8;
        self.arena.len()
            + self.len() * (size_of::<Entry>() + ORDER_BYTES)
            + self.undo.len() * size_of::<Undo>()
    }

    /// In key order.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change> {
        let numbers = self.order.between(self.order.start(), self.order.end());
        numbers.filter_map(|number| Some(self.entry(number)?.change))
    }

    /// Keys and values as they are now.
    pub(super) fn frozen(&self) -> Frozen {
        self.arena.frozen()
    }

    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        let kind = match self.kind(key) {
            // The key must still not exist below.
            Some(Kind::Insert | Kind::CheckNotExists) => Kind::Insert,
            Some(Kind::Duplicate) => Kind::Duplicate,
            _ => Kind::Put,
        };
        self.set(key, kind, value);
    }

    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8]) {
        let kind = match self.kind(key) {
            None | Some(Kind::Lock | Kind::CheckNotExists) => Kind::Insert,
            // Deleted here: whatever is below is gone by the time of the insert.
            Some(Kind::Delete) => Kind::Put,
            Some(Kind::Put | Kind::Insert | Kind::Duplicate) => Kind::Duplicate,
        };
        self.set(key, kind, value);
    }

    pub(crate) fn delete(&mut self, key: &[u8]) {
        match self.kind(key) {
            Some(Kind::Insert | Kind::CheckNotExists) => self.set(key, Kind::CheckNotExists, &[]),
            Some(Kind::Duplicate) => {}
            _ => self.set(key, Kind::Delete, &[]),
        }
    }

    pub(crate) fn lock(&mut self, key: &[u8]) {
        if self.kind(key).is_none() {
            self.set(key, Kind::Lock, &[]);
        }
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(number as usize / BLOCK)?.get(number as usize % BLOCK)
    }

    fn entry_mut(&mut self, number: u32) -> Option<&mut Entry> {
        self.entries.get_mut(number as usize / BLOCK)?.get_mut(number as usize % BLOCK)
    }

    fn key_of(&self, number: u32) -> &[u8] {
        self.entry(number).map_or(&[], |entry| self.arena.get(entry.change.key))
    }

    fn place(&self, key: &[u8]) -> (Place, bool) {
        self.order.find(|number| self.key_of(number).cmp(key))
    }

    fn find(&self, key: &[u8]) -> Option<u32> {
        let (place, found) = self.place(key);
        if found { self.order.get(place) } else { None }
    }

    fn kind(&self, key: &[u8]) -> Option<Kind> {
        Some(self.entry(self.find(key)?)?.change.kind)
    }

    fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed) as u32
    }

    fn set(&mut self, key: &[u8], kind: Kind, value: &[u8]) {
        let (place, found) = self.place(key);
        match self.order.get(place).filter(|_| found) {
            Some(number) => self.replace(number, kind, value),
            None => self.add(place, key, kind, value),
        }
    }

    fn add(&mut self, place: Place, key: &[u8], kind: Kind, value: &[u8]) {
        let generation = self.generation();
        let change = Change { key: self.arena.add(key), value: self.arena.add(value), kind };
        self.bytes += key.len() + value.len();
        let number = self.push(Entry { change, generation });
        self.order.insert(place, number);
        // Before the first savepoint nothing can be rolled back to.
        if generation == 0 {
            return;
        }
        match self.undo.last_mut() {
            Some(Undo::New { count, generation: same }) if *same == generation => *count += 1,
            _ => self.undo.push(Undo::New { count: 1, generation }),
        }
    }

    fn push(&mut self, entry: Entry) -> u32 {
        if self.entries.last().is_none_or(|block| block.len() == BLOCK) {
            self.entries.push(Vec::new());
        }
        let blocks = self.entries.len() - 1;
        let Some(block) = self.entries.last_mut() else { return 0 };
        block.push(entry);
        (blocks * BLOCK + block.len() - 1) as u32
    }

    fn replace(&mut self, number: u32, kind: Kind, value: &[u8]) {
        let generation = self.generation();
        let value = self.arena.add(value);
        let Some(entry) = self.entry_mut(number) else { return };
        let former = *entry;
        *entry = Entry { change: Change { value, kind, ..former.change }, generation };
        self.bytes = self.bytes + value.len() - former.change.value.len();
        if former.generation != generation {
            self.undo.push(Undo::Former { number, entry: former });
        }
    }

    pub(crate) fn savepoint(&self) -> Savepoint {
        self.generation.fetch_add(1, Ordering::Relaxed);
        Savepoint { undo_len: self.undo.len(), arena: self.arena.mark() }
    }

    pub(crate) fn rollback_to(&mut self, savepoint: &Savepoint) {
        while self.undo.len() > savepoint.undo_len {
            match self.undo.pop() {
                Some(Undo::New { count, .. }) => (0..count).for_each(|_| self.remove_last()),
                Some(Undo::Former { number, entry }) => {
                    if let Some(current) = self.entry_mut(number) {
                        let size = std::mem::replace(current, entry).size();
                        self.bytes = self.bytes + entry.size() - size;
                    }
                }
                None => break,
            }
        }
        self.arena.truncate(savepoint.arena);
        // Keys written since are older than the savepoint again, and must be logged when written next.
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes out the entry that came last.
    fn remove_last(&mut self) {
        let Some(last) = self.entries.last().and_then(|block| block.last()).copied() else { return };
        let (place, found) =
            self.order.find(|number| self.key_of(number).cmp(self.arena.get(last.change.key)));
        if found {
            self.order.remove(place);
            self.bytes -= last.size();
        }
        if let Some(block) = self.entries.last_mut() {
            block.pop();
            if block.is_empty() {
                self.entries.pop();
            }
        }
    }
}
