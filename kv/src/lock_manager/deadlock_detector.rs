//! The wait-for graph of a store: which transaction waits for which, on what key.
//!
//! A circle is looked for before an edge is added, so the graph never has one and every walk through it ends. There is
//! one edge for each waiter in a queue, which bounds the graph.
//!
//! What changes is noted for the detector of the cluster, if there is one to tell.
use std::collections::{BTreeMap, BTreeSet};

use rutile_kv_types::TimeStamp;

/// `waiter` waits for `holder` to release `key` (encoded).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WaitFor {
    pub waiter: TimeStamp,
    pub holder: TimeStamp,
    pub key: Vec<u8>,
}

/// What became of an edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeChange {
    Added(WaitFor),
    Removed(WaitFor),
}

/// Edges by waiter. A transaction that locks in several regions at a time waits on several keys.
#[derive(Debug, Default)]
pub struct DeadlockDetector {
    edges: BTreeMap<TimeStamp, Vec<(TimeStamp, Vec<u8>)>>,
    /// Changes since they were taken, if somebody takes them.
    notes: Option<Vec<EdgeChange>>,
}

impl DeadlockDetector {
    /// Adds an edge, or answers the circle it would close: from the holder back to the waiter, the new edge last.
    pub fn add(&mut self, edge: WaitFor) -> Result<(), Vec<WaitFor>> {
        if let Some(mut circle) = self.path(edge.holder, edge.waiter) {
            circle.push(edge);
            return Err(circle);
        }
        if let Some(notes) = &mut self.notes {
            notes.push(EdgeChange::Added(edge.clone()));
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
            let (holder, key) = edges.swap_remove(at);
            if let Some(notes) = &mut self.notes {
                notes.push(EdgeChange::Removed(WaitFor { waiter, holder, key }));
            }
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

    /// All edges.
    pub fn edges(&self) -> Vec<WaitFor> {
        let all = self.edges.iter().flat_map(|(waiter, edges)| edges.iter().map(move |edge| (waiter, edge)));
        all.map(|(waiter, (holder, key))| WaitFor { waiter: *waiter, holder: *holder, key: key.clone() })
            .collect()
    }

    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Notes changes from now on.
    pub fn take_notes(&mut self) {
        self.notes.get_or_insert_default();
    }

    /// What changed since the last call; nothing if nothing is noted.
    pub fn changes(&mut self) -> Vec<EdgeChange> {
        self.notes.as_mut().map(std::mem::take).unwrap_or_default()
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
