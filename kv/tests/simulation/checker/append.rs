//! Transactions that read lists and append to them (Kingsbury and Alvaro, "Elle", VLDB 2020).
//!
//! A list shows the order of its writers, so dependencies need no guesses: who wrote the version before, who wrote
//! the version that was read, who replaced it. With "ended before the other began" they make a graph, whose cycles
//! tell anomalies apart. What is wrong without a cycle (a refused write that was read, half of a transaction, a list
//! that does not continue another) is found on the way.

use std::collections::{BTreeMap, BTreeSet};

use super::cycle::{Graph, Why};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Snapshot isolation, whose snapshots hold all that ended before.
    StrongSnapshotIsolation,
    StrictSerializable,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Read { key: u64, list: Vec<u64> },
    Append { key: u64, value: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    Refused,
    Unknown,
}

/// What one transaction did. Values are appended once in a history.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub begun: u64,
    /// When its verdict was known.
    pub ended: u64,
    pub outcome: Outcome,
    pub steps: Vec<Step>,
}

/// What is known before the graph is made.
struct Index<'a> {
    history: &'a [Transaction],
    /// Who appended a value.
    writers: BTreeMap<u64, usize>,
    /// The longest list that was read of each key.
    longest: BTreeMap<u64, &'a [u64]>,
    /// Those whose effects are there.
    committed: Vec<bool>,
}

/// What a transaction read of a key before its own appends.
type External = BTreeMap<u64, Vec<u64>>;

/// An anomaly in words, if there is one.
pub fn check(history: &[Transaction], model: Model) -> Result<(), String> {
    let index = Index::new(history)?;
    let mut graph = Graph::default();
    let mut readers_of_longest: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for n in (0..history.len()).filter(|n| index.committed[*n]) {
        for (key, list) in index.external(n)? {
            let longest = index.longest.get(&key).copied().unwrap_or(&[]);
            if let Some(last) = list.last() {
                graph.add(index.writers[last], n, Why::WriteRead(key));
            }
            match longest.get(list.len()) {
                Some(next) => graph.add(n, index.writers[next], Why::ReadWrite(key)),
                None => readers_of_longest.entry(key).or_default().push(n),
            }
        }
    }
    index.add_writes(&mut graph, &readers_of_longest);
    index.add_real_time(&mut graph);
    match graph.forbidden_cycle(model == Model::StrongSnapshotIsolation) {
        None => Ok(()),
        Some(cycle) => Err(describe(history, &cycle)),
    }
}

impl<'a> Index<'a> {
    fn new(history: &'a [Transaction]) -> Result<Index<'a>, String> {
        let mut writers = BTreeMap::new();
        for (n, transaction) in history.iter().enumerate() {
            for step in &transaction.steps {
                if let Step::Append { value, .. } = step {
                    assert_eq!(writers.insert(*value, n), None, "{value} was appended twice");
                }
            }
        }
        let is_committed = |transaction: &Transaction| transaction.outcome == Outcome::Committed;
        let committed = history.iter().map(is_committed).collect();
        let mut index = Index { history, writers, longest: BTreeMap::new(), committed };
        for (n, transaction) in history.iter().enumerate().filter(|(_, one)| is_committed(one)) {
            index.note_reads(n, &transaction.steps)?;
        }
        Ok(index)
    }

    /// Takes note of the lists that `n` read, and of unknown transactions that they show to be committed.
    fn note_reads(&mut self, n: usize, steps: &'a [Step]) -> Result<(), String> {
        for step in steps {
            let Step::Read { key, list } = step else { continue };
            if list.iter().collect::<BTreeSet<_>>().len() < list.len() {
                return Err(format!("T{n} read {list:?} of {key}: a value twice"));
            }
            for value in list {
                let Some(writer) = self.writers.get(value).copied() else {
                    return Err(format!("T{n} read {value} of {key}, which nobody wrote"));
                };
                match self.history[writer].outcome {
                    _ if writer == n || self.committed[writer] => {}
                    Outcome::Refused => {
                        return Err(format!("T{n} read {value} of {key}: T{writer} was refused"));
                    }
                    Outcome::Unknown | Outcome::Committed => self.committed[writer] = true,
                }
            }
            let longest = self.longest.entry(*key).or_default();
            let common = list.len().min(longest.len());
            if list[..common] != longest[..common] {
                return Err(format!("T{n} read {list:?} of {key}, where others read {longest:?}"));
            }
            if list.len() > longest.len() {
                *longest = list;
            }
        }
        Ok(())
    }

    /// What `n` read before its own appends; its later reads must fit.
    fn external(&self, n: usize) -> Result<External, String> {
        let (mut external, mut own) = (External::new(), BTreeMap::<u64, Vec<u64>>::new());
        for step in &self.history[n].steps {
            let (key, list) = match step {
                Step::Append { key, value } => {
                    own.entry(*key).or_default().push(*value);
                    continue;
                }
                Step::Read { key, list } => (*key, list),
            };
            let own = own.get(&key).map_or(&[][..], Vec::as_slice);
            let Some(before) = list.strip_suffix(own) else {
                return Err(format!("T{n} read {list:?} of {key} after it appended {own:?}"));
            };
            let known = external.entry(key).or_insert_with(|| before.to_vec());
            if known != before {
                return Err(format!("T{n} read {known:?} and {before:?} of {key}"));
            }
            if let Some(last) = before.last() {
                let writer = self.writers[last];
                let steps = self.history[writer].steps.iter().rev();
                let appended = steps.filter_map(|step| match step {
                    Step::Append { key: of, value } if *of == key => Some(*value),
                    _ => None,
                });
                if appended.take(1).any(|newest| newest != *last) {
                    return Err(format!("T{n} read {before:?} of {key}: half of T{writer}"));
                }
            }
        }
        Ok(external)
    }

    /// Versions in order. Appends that nobody read come after all that was read.
    fn add_writes(&self, graph: &mut Graph, readers_of_longest: &BTreeMap<u64, Vec<usize>>) {
        for (key, longest) in &self.longest {
            for pair in longest.windows(2) {
                graph.add(self.writers[&pair[0]], self.writers[&pair[1]], Why::WriteWrite(*key));
            }
        }
        for (n, transaction) in self.history.iter().enumerate().filter(|(n, _)| self.committed[*n]) {
            for step in &transaction.steps {
                let Step::Append { key, value } = step else { continue };
                let longest = self.longest.get(key).copied().unwrap_or(&[]);
                if longest.contains(value) {
                    continue;
                }
                if let Some(last) = longest.last() {
                    graph.add(self.writers[last], n, Why::WriteWrite(*key));
                }
                for reader in readers_of_longest.get(key).into_iter().flatten() {
                    graph.add(*reader, n, Why::ReadWrite(*key));
                }
            }
        }
    }

    /// One node for each end, in a chain; so that there are not as many edges as pairs.
    fn add_real_time(&self, graph: &mut Graph) {
        let first = self.history.len();
        // Of an unknown transaction nobody knows when it ended.
        let is_known = |n: &usize| self.history[*n].outcome == Outcome::Committed;
        let mut ends: Vec<(u64, usize)> =
            (0..first).filter(is_known).map(|n| (self.history[n].ended, n)).collect();
        ends.sort_unstable();
        for (position, (_, n)) in ends.iter().enumerate() {
            graph.add(*n, first + position, Why::RealTime);
            if position > 0 {
                graph.add(first + position - 1, first + position, Why::RealTime);
            }
        }
        for n in (0..first).filter(|n| self.committed[*n]) {
            let before = ends.partition_point(|(ended, _)| *ended < self.history[n].begun);
            if before > 0 {
                graph.add(first + before - 1, n, Why::RealTime);
            }
        }
    }
}

fn describe(history: &[Transaction], cycle: &[(usize, usize, Why)]) -> String {
    let mut text = String::new();
    for (from, _, why) in cycle.iter().filter(|(from, ..)| *from < history.len()) {
        text += &format!("T{from} {:?} -{why}-> ", history[*from]);
    }
    text + "the first again"
}
