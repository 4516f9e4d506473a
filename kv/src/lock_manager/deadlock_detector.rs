//! The wait-for graph of a store: which transaction waits for which, on what key.
//!
//! A circle is looked for before an edge is added, so the graph never has one and every walk through it ends. There is
//! one edge for each waiter in a queue, which bounds the graph.
use std::collections::{BTreeMap, BTreeSet};

use rutile_kv_types::TimeStamp;

/// `waiter` waits for `holder` to release `key` (encoded).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitFor {
    pub waiter: TimeStamp,
    pub holder: TimeStamp,
    pub key: Vec<u8>,
}

/// Edges by waiter. A transaction that locks in several regions at a time waits on several keys.
#[derive(Debug, Default)]
pub(super) struct DeadlockDetector {
    edges: BTreeMap<TimeStamp, Vec<(TimeStamp, Vec<u8>)>>,
}

impl DeadlockDetector {
    /// Adds an edge, or answers the circle it would close: from the holder back to the waiter, the new edge last.
    pub fn add(&mut self, edge: WaitFor) -> Result<(), Vec<WaitFor>> {
        if let Some(mut circle) = self.path(edge.holder, edge.waiter) {
            circle.push(edge);
            return Err(circle);
        }
        self.edges.entry(edge.waiter).or_default().push((edge.holder, edge.key));
        Ok(())
    }

    /// Takes one such edge out.
    pub fn remove(&mut self, waiter: TimeStamp, holder: TimeStamp, key: &[u8]) {
        let Some(edges) = self.edges.get_mut(&waiter) else {
            return;
        };
        if let Some(at) = edges.iter().position(|(to, on)| *to == holder && on == key) {
            edges.swap_remove(at);
        }
        if edges.is_empty() {
            self.edges.remove(&waiter);
        }
    }

    /// Edges that lead from `from` to `to`, if any do.
    fn path(&self, from: TimeStamp, to: TimeStamp) -> Option<Vec<WaitFor>> {
        let mut reached_by: BTreeMap<TimeStamp, WaitFor> = BTreeMap::new();
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(waiter) = open.pop() {
            if waiter == to {
                return Some(walk_back(&reached_by, from, to));
            }
            for (holder, key) in self.edges.get(&waiter).into_iter().flatten() {
                if seen.insert(*holder) {
                    reached_by.insert(*holder, WaitFor { waiter, holder: *holder, key: key.clone() });
                    open.push(*holder);
                }
            }
        }
        None
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.edges.values().map(Vec::len).sum()
    }
}

fn walk_back(reached_by: &BTreeMap<TimeStamp, WaitFor>, from: TimeStamp, to: TimeStamp) -> Vec<WaitFor> {
    let mut path = Vec::new();
    let mut at = to;
    while at != from
        && let Some(edge) = reached_by.get(&at)
    {
        at = edge.waiter;
        path.push(edge.clone());
    }
    path.reverse();
    path
}
