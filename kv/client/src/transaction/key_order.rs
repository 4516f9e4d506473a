//! Numbers in the order of the keys they stand for: a tree of two levels, four to eight bytes a key.

use std::cmp::Ordering;

/// A leaf is cut in two at this length.
const LEAF: usize = 512;

/// Where a number is or would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    leaf: usize,
    at: usize,
}

/// Invariant: no leaf is empty.
#[derive(Debug, Default)]
pub(super) struct KeyOrder {
    leaves: Vec<Vec<u32>>,
    len: usize,
}

impl KeyOrder {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The place of the first number that `compare` does not call less, and whether it is called equal.
    pub(super) fn find(&self, compare: impl Fn(u32) -> Ordering) -> (Place, bool) {
        let is_less = |number: &u32| compare(*number) == Ordering::Less;
        let starts_below = |leaf: &Vec<u32>| leaf.first().is_some_and(is_less);
        let leaf = self.leaves.partition_point(starts_below).saturating_sub(1);
        let at = self.leaves.get(leaf).map_or(0, |numbers| numbers.partition_point(is_less));
        let place = Place { leaf, at };
        let equal = self.get(place).is_some_and(|number| compare(number) == Ordering::Equal);
        (place, equal)
    }

    pub(super) fn get(&self, place: Place) -> Option<u32> {
        let leaf = self.leaves.get(place.leaf)?;
        match leaf.get(place.at) {
            Some(number) => Some(*number),
            // Behind the last of a leaf comes the first of the next.
            None => self.leaves.get(place.leaf + 1)?.first().copied(),
        }
    }

    /// `place` as [`KeyOrder::find`] answered it.
    pub(super) fn insert(&mut self, place: Place, number: u32) {
        self.len += 1;
        let is_last = place.leaf + 1 >= self.leaves.len();
        let Some(leaf) = self.leaves.get_mut(place.leaf) else {
            self.leaves.push(vec![number]);
            return;
        };
        if leaf.len() < LEAF {
            leaf.insert(place.at, number);
        } else if is_last && place.at == leaf.len() {
            // Keys that come in order fill their leaves.
            let mut next = Vec::with_capacity(LEAF);
            next.push(number);
            self.leaves.push(next);
        } else {
            let mut upper = leaf.split_off(LEAF / 2);
            match place.at.checked_sub(leaf.len()) {
                Some(at) if at > 0 => upper.insert(at, number),
                _ => leaf.insert(place.at, number),
            }
            self.leaves.insert(place.leaf + 1, upper);
        }
    }

    /// Removes what is at `place`.
    pub(super) fn remove(&mut self, place: Place) {
        let at_end = self.leaves.get(place.leaf).is_some_and(|leaf| place.at >= leaf.len());
        let Place { leaf, at } = if at_end { Place { leaf: place.leaf + 1, at: 0 } } else { place };
        let Some(numbers) = self.leaves.get_mut(leaf).filter(|numbers| at < numbers.len()) else {
            return;
        };
        numbers.remove(at);
        self.len -= 1;
        if numbers.is_empty() {
            self.leaves.remove(leaf);
        }
    }

    /// All numbers from one place to before another.
    pub(super) fn between(&self, from: Place, to: Place) -> impl DoubleEndedIterator<Item = u32> {
        let leaves = self.leaves.get(from.leaf..(to.leaf + 1).min(self.leaves.len())).unwrap_or_default();
        leaves.iter().enumerate().flat_map(move |(n, numbers)| {
            let start = if n == 0 { from.at } else { 0 };
            let end = if n + from.leaf == to.leaf { to.at } else { numbers.len() };
            numbers.get(start..end).unwrap_or_default().iter().copied()
        })
    }

    pub(super) fn start(&self) -> Place {
        Place { leaf: 0, at: 0 }
    }

    pub(super) fn end(&self) -> Place {
        Place { leaf: self.leaves.len(), at: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rutile_kv_env::Simulation;

    use super::*;

    #[test]
    fn it_orders_as_a_set_does() {
        let random = Simulation::new(7).env().random;
        for sorted in [false, true] {
            let (mut order, mut set) = (KeyOrder::default(), BTreeSet::new());
            for step in 0..6000_u32 {
                let number = if sorted { step } else { random.range(0..4000) as u32 };
                let (place, found) = order.find(|other| other.cmp(&number));
                assert_eq!(found, set.contains(&number));
                if !found {
                    order.insert(place, number);
                    set.insert(number);
                } else if random.range(0..2) == 0 {
                    order.remove(place);
                    set.remove(&number);
                }
            }
            assert_eq!(order.len(), set.len());
            assert!(order.between(order.start(), order.end()).eq(set.iter().copied()));
            for _ in 0..200 {
                let (from, to) = (random.range(0..6100) as u32, random.range(0..6100) as u32);
                let (from, to) = (from.min(to), from.max(to));
                let place = |number: u32| order.find(|other| other.cmp(&number)).0;
                let between = order.between(place(from), place(to));
                assert!(between.rev().eq(set.range(from..to).rev().copied()));
            }
            for number in std::mem::take(&mut set) {
                order.remove(order.find(|other| other.cmp(&number)).0);
            }
            assert_eq!((order.len(), order.leaves.len()), (0, 0));
        }
    }
}
