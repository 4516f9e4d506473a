//! Versioned maps: what the memory engine, its snapshots and its iterators share.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use bytes::Bytes;
use rutile_kv_types::Cf;

use crate::write_batch::{WriteBatch, WriteOp};

/// Position in the order of batches.
pub(super) type Sequence = u64;

/// Un-synced batches that can still be lost; older ones count as flushed, as a full memtable would be.
const UNSYNCED_BATCHES_MAX: usize = 1024;

#[derive(Clone, Default)]
pub(super) struct Store {
    families: [BTreeMap<Bytes, Versions>; Cf::ALL.len()],
    sequence: Sequence,
    /// How many snapshots read at each sequence.
    readers: BTreeMap<Sequence, usize>,
    /// Keys with more than their newest value.
    garbage: BTreeSet<(Cf, Bytes)>,
    /// What each un-synced batch replaced, oldest first.
    unsynced: VecDeque<Vec<Replaced>>,
    bytes: u64,
}

/// Values of one key, oldest first; `None` is a deletion.
type Versions = Vec<(Sequence, Option<Bytes>)>;

#[derive(Clone)]
struct Replaced {
    cf: Cf,
    key: Bytes,
    former: Option<Bytes>,
}

impl Store {
    pub(super) fn acquire(&mut self) -> Sequence {
        *self.readers.entry(self.sequence).or_default() += 1;
        self.sequence
    }

    pub(super) fn share(&mut self, sequence: Sequence) {
        *self.readers.entry(sequence).or_default() += 1;
    }

    pub(super) fn release(&mut self, sequence: Sequence) {
        if let Some(count) = self.readers.get_mut(&sequence) {
            *count -= 1;
            if *count == 0 {
                self.readers.remove(&sequence);
                self.collect_garbage();
            }
        }
    }

    pub(super) fn sequence(&self) -> Sequence {
        self.sequence
    }

    pub(super) fn snapshots(&self) -> u64 {
        self.readers.values().map(|count| *count as u64).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn keys(&self) -> u64 {
        self.families.iter().map(|family| family.len() as u64).sum()
    }

    pub(super) fn get(&self, cf: Cf, key: &[u8], at: Sequence) -> Option<&Bytes> {
        visible(self.family(cf).get(key)?, at)
    }

    /// The first visible pair at or after (or right after) a key and before `upper`.
    pub(super) fn next(
        &self,
        cf: Cf,
        from: Bound<&[u8]>,
        upper: Bound<&[u8]>,
        at: Sequence,
    ) -> Option<(Bytes, Bytes)> {
        if is_empty_range(from, upper) {
            return None;
        }
        let mut range = self.family(cf).range::<[u8], _>((from, upper));
        range.find_map(|(key, versions)| Some((key.clone(), visible(versions, at)?.clone())))
    }

    /// The last visible pair at or before (or right before) a key and not before `lower`.
    pub(super) fn prev(
        &self,
        cf: Cf,
        lower: Bound<&[u8]>,
        to: Bound<&[u8]>,
        at: Sequence,
    ) -> Option<(Bytes, Bytes)> {
        if is_empty_range(lower, to) {
            return None;
        }
        let mut range = self.family(cf).range::<[u8], _>((lower, to)).rev();
        range.find_map(|(key, versions)| Some((key.clone(), visible(versions, at)?.clone())))
    }

    pub(super) fn write(&mut self, batch: &WriteBatch, sync: bool) {
        let mut replaced = Vec::new();
        self.sequence += 1;
        for op in batch.ops() {
            match op {
                WriteOp::Put { cf, key, value } => {
                    let value = Some(Bytes::copy_from_slice(value));
                    self.set(cf, Bytes::copy_from_slice(key), value, &mut replaced);
                }
                WriteOp::Delete { cf, key } => self.set(cf, Bytes::copy_from_slice(key), None, &mut replaced),
                WriteOp::DeleteRange { cf, start, end } => {
                    let bounds = (Bound::Included(start), Bound::Excluded(end));
                    let keys: Vec<Bytes> =
                        self.family(cf).range::<[u8], _>(bounds).map(|(key, _)| key.clone()).collect();
                    for key in keys {
                        self.set(cf, key, None, &mut replaced);
                    }
                }
            }
        }
        self.unsynced.push_back(replaced);
        if sync {
            self.unsynced.clear();
        } else if self.unsynced.len() > UNSYNCED_BATCHES_MAX {
            self.unsynced.pop_front();
        }
        if self.readers.is_empty() {
            self.collect_garbage();
        }
    }

    /// Nothing written so far can be lost any more.
    pub(super) fn sync(&mut self) {
        self.unsynced.clear();
    }

    /// What a crash now would leave.
    pub(super) fn survivor(&self, kept: usize) -> Store {
        let mut survivor = self.clone();
        survivor.readers.clear();
        survivor.crash(kept);
        survivor
    }

    /// Undoes the un-synced batches but the oldest `kept`.
    pub(super) fn crash(&mut self, kept: usize) {
        self.sequence += 1;
        while self.unsynced.len() > kept {
            let replaced = self.unsynced.pop_back().unwrap_or_default();
            for Replaced { cf, key, former } in replaced.into_iter().rev() {
                self.set(cf, key, former, &mut Vec::new());
            }
        }
        self.unsynced.clear();
        self.collect_garbage();
    }

    fn set(&mut self, cf: Cf, key: Bytes, value: Option<Bytes>, replaced: &mut Vec<Replaced>) {
        let sequence = self.sequence;
        let family = &mut self.families[cf.index()];
        let versions = match family.get_mut(&key) {
            Some(versions) => versions,
            // Deleting what is not there leaves nothing to remember.
            None if value.is_none() => return,
            None => family.entry(key.clone()).or_default(),
        };
        let former = versions.last().and_then(|(_, value)| value.clone());
        self.bytes += (key.len() + value.as_ref().map_or(0, Bytes::len)) as u64;
        match versions.last_mut() {
            Some(last) if last.0 == sequence => {
                self.bytes -= (key.len() + last.1.as_ref().map_or(0, Bytes::len)) as u64;
                last.1 = value;
            }
            _ => versions.push((sequence, value)),
        }
        if versions.len() > 1 || versions.iter().any(|(_, value)| value.is_none()) {
            self.garbage.insert((cf, key.clone()));
        }
        replaced.push(Replaced { cf, key, former });
    }

    /// Drops versions that no snapshot can see.
    fn collect_garbage(&mut self) {
        let oldest = self.readers.keys().next().copied().unwrap_or(self.sequence);
        if self.garbage.is_empty()
            || (!self.readers.is_empty() && self.readers.keys().next_back() != Some(&oldest))
        {
            // Several readers at different points: wait, instead of walking all garbage for each of them.
            return;
        }
        let garbage = std::mem::take(&mut self.garbage);
        for (cf, key) in garbage {
            let Some(versions) = self.families[cf.index()].get_mut(&key) else {
                continue;
            };
            let size = |value: &Option<Bytes>| (key.len() + value.as_ref().map_or(0, Bytes::len)) as u64;
            let keep_from = versions.iter().rposition(|(sequence, _)| *sequence <= oldest).unwrap_or(0);
            self.bytes -= versions.drain(..keep_from).map(|(_, value)| size(&value)).sum::<u64>();
            if let [(sequence, None)] = versions.as_slice()
                && *sequence <= oldest
            {
                self.bytes -= key.len() as u64;
                self.families[cf.index()].remove(&key);
            } else if versions.len() > 1 || versions.iter().any(|(_, value)| value.is_none()) {
                self.garbage.insert((cf, key));
            }
        }
    }

    fn family(&self, cf: Cf) -> &BTreeMap<Bytes, Versions> {
        &self.families[cf.index()]
    }
}

fn visible(versions: &Versions, at: Sequence) -> Option<&Bytes> {
    versions.iter().rev().find(|(sequence, _)| *sequence <= at).and_then(|(_, value)| value.as_ref())
}

/// `BTreeMap::range` panics on such bounds.
fn is_empty_range(lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> bool {
    match (lower, upper) {
        (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
        (
            Bound::Included(lower) | Bound::Excluded(lower),
            Bound::Included(upper) | Bound::Excluded(upper),
        ) => lower >= upper,
        _ => false,
    }
}

/// An empty end is infinity.
pub(super) fn upper_bound(end: &[u8]) -> Bound<&[u8]> {
    if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end) }
}
