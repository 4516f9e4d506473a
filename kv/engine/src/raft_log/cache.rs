//! Recent entries, decoded, under one bound for all regions.

use std::collections::{BTreeMap, VecDeque};

use protobuf::Message as _;
use raft::eraftpb::Entry;

/// Slack of `order` over the live entries before it is rebuilt.
const ORDER_SLACK: usize = 1024;

/// The tails of the logs. The entry appended first, of whatever region, leaves first.
pub(super) struct EntryCache {
    limit_bytes: u64,
    bytes: u64,
    live: usize,
    regions: BTreeMap<u64, VecDeque<Entry>>,
    /// Entries by age; may name entries that are gone already.
    order: VecDeque<(u64, u64)>,
}

impl EntryCache {
    pub(super) fn new(limit_bytes: usize) -> EntryCache {
        let limit_bytes = limit_bytes as u64;
        EntryCache { limit_bytes, bytes: 0, live: 0, regions: BTreeMap::new(), order: VecDeque::new() }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds entries to the tail of a region, replacing what it has at or after the first of them.
    pub(super) fn append(&mut self, region_id: u64, entries: Vec<Entry>) {
        let Some(first) = entries.first().map(|entry| entry.index) else {
            return;
        };
        let mut tail = self.regions.remove(&region_id).unwrap_or_default();
        while tail.back().is_some_and(|entry| entry.index >= first) {
            self.forget(tail.pop_back());
        }
        if tail.back().is_some_and(|entry| entry.index + 1 != first) {
            for entry in tail.drain(..) {
                self.forget(Some(entry));
            }
        }
        for entry in entries {
            self.bytes += size(&entry);
            self.live += 1;
            self.order.push_back((region_id, entry.index));
            tail.push_back(entry);
        }
        self.regions.insert(region_id, tail);
        self.evict();
    }

    /// Entries `[low, high)` up to `max_bytes` but at least one; `None` unless the cache has them all.
    pub(super) fn get(&self, region_id: u64, low: u64, high: u64, max_bytes: u64) -> Option<Vec<Entry>> {
        let tail = self.regions.get(&region_id)?;
        let first = tail.front()?.index;
        let from = usize::try_from(low.checked_sub(first)?).ok()?;
        let to = usize::try_from(high.checked_sub(first)?).ok()?;
        if to > tail.len() {
            return None;
        }
        let mut bytes = 0;
        let within = |entry: &&Entry| {
            bytes += u64::from(entry.compute_size());
            bytes <= max_bytes
        };
        let mut found: Vec<Entry> = tail.range(from..to).take_while(within).cloned().collect();
        if found.is_empty() {
            found.extend(tail.get(from).cloned());
        }
        Some(found)
    }

    pub(super) fn compact_to(&mut self, region_id: u64, index: u64) {
        let Some(mut tail) = self.regions.remove(&region_id) else {
            return;
        };
        while tail.front().is_some_and(|entry| entry.index < index) {
            self.forget(tail.pop_front());
        }
        if !tail.is_empty() {
            self.regions.insert(region_id, tail);
        }
        self.shrink_order();
    }

    pub(super) fn clean(&mut self, region_id: u64) {
        self.compact_to(region_id, u64::MAX);
    }

    fn forget(&mut self, entry: Option<Entry>) {
        if let Some(entry) = entry {
            self.bytes -= size(&entry);
            self.live -= 1;
        }
    }

    fn evict(&mut self) {
        while self.bytes > self.limit_bytes {
            let Some((region_id, index)) = self.order.pop_front() else {
                break;
            };
            if let Some(tail) = self.regions.get_mut(&region_id)
                && tail.front().is_some_and(|entry| entry.index == index)
            {
                let evicted = tail.pop_front();
                self.forget(evicted);
            }
        }
        self.shrink_order();
    }

    /// Compaction and overwriting leave dead names behind; without this an idle region at the front would keep them.
    fn shrink_order(&mut self) {
        if self.order.len() > 2 * self.live + ORDER_SLACK {
            let regions = &self.regions;
            self.order.retain(|(region_id, index)| {
                let tail = regions.get(region_id);
                let bounds = tail.and_then(|tail| Some((tail.front()?.index, tail.back()?.index)));
                bounds.is_some_and(|(first, last)| (first..=last).contains(index))
            });
        }
    }
}

/// What an entry counts for; the payload and a share for the struct.
fn size(entry: &Entry) -> u64 {
    u64::from(entry.compute_size()) + 64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(range: std::ops::Range<u64>, bytes: usize) -> Vec<Entry> {
        let entry = |index| Entry { index, term: 1, data: vec![0; bytes].into(), ..Entry::default() };
        range.map(entry).collect()
    }

    fn indexes(cache: &EntryCache, region_id: u64, low: u64, high: u64) -> Option<Vec<u64>> {
        let found = cache.get(region_id, low, high, u64::MAX)?;
        Some(found.iter().map(|entry| entry.index).collect())
    }

    #[test]
    fn a_tail_is_overwritten_and_compacted() {
        let mut cache = EntryCache::new(1 << 20);
        cache.append(1, entries(5..9, 1));
        cache.append(1, entries(7..8, 1));
        assert_eq!(indexes(&cache, 1, 5, 8), Some(vec![5, 6, 7]));
        assert_eq!(indexes(&cache, 1, 5, 9), None);
        cache.compact_to(1, 6);
        assert_eq!(indexes(&cache, 1, 5, 8), None);
        assert_eq!(indexes(&cache, 1, 6, 8), Some(vec![6, 7]));
        cache.append(1, entries(20..21, 1));
        assert_eq!(indexes(&cache, 1, 7, 8), None);
        cache.clean(1);
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn the_bound_holds_over_all_regions_and_old_entries_leave_first() {
        let mut cache = EntryCache::new(10_000);
        cache.append(1, entries(1..5, 1000));
        cache.append(2, entries(1..9, 1000));
        assert!(cache.bytes() <= 10_000);
        assert_eq!(indexes(&cache, 1, 1, 5), None);
        assert_eq!(indexes(&cache, 2, 1, 9), Some((1..9).collect()));
    }

    #[test]
    fn names_of_dead_entries_do_not_pile_up() {
        let mut cache = EntryCache::new(1 << 20);
        cache.append(9, entries(1..2, 1));
        for index in 1..20_000 {
            cache.append(1, entries(index..index + 1, 1));
            cache.compact_to(1, index + 1);
        }
        assert!(cache.order.len() <= 2 * cache.live + ORDER_SLACK);
    }

    #[test]
    fn at_least_one_entry_is_answered() {
        let mut cache = EntryCache::new(1 << 20);
        cache.append(1, entries(1..5, 1000));
        assert_eq!(cache.get(1, 2, 5, 0).map(|found| found.len()), Some(1));
        assert_eq!(cache.get(1, 2, 5, 2300).map(|found| found.len()), Some(2));
    }
}
