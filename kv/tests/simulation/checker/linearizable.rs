//! One register: whether there is an order of its operations that fits what each was told and when.
//!
//! The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993) with the memory of Lowe ("Testing
//! for linearizability", 2017): a set of operations and the value they leave are looked at once.

use std::collections::HashSet;

/// Values are written once in a history; `None` is the value before all writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Read(Option<u64>),
    Write(u64),
    /// Read the one, wrote the other, and nothing came between.
    Replace(Option<u64>, u64),
}

#[derive(Clone, Copy, Debug)]
pub struct Operation {
    pub called: u64,
    /// `None`: it may take effect at any time after the call, or never.
    pub returned: Option<u64>,
    pub action: Action,
}

impl Action {
    /// The value after it, if it is possible now.
    fn apply(self, value: Option<u64>) -> Option<Option<u64>> {
        match self {
            Action::Read(read) => (read == value).then_some(value),
            Action::Write(written) => Some(Some(written)),
            Action::Replace(read, written) => (read == value).then_some(Some(written)),
        }
    }

    fn written(self) -> Option<u64> {
        match self {
            Action::Read(_) => None,
            Action::Write(written) | Action::Replace(_, written) => Some(written),
        }
    }

    fn read(self) -> Option<u64> {
        match self {
            Action::Read(read) | Action::Replace(read, _) => read,
            Action::Write(_) => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Event {
    Call(usize),
    Return(usize),
}

/// The events that are not yet in order, as a linked list: place `n + 1` holds event `n`, place 0 the head.
struct List {
    next: Vec<usize>,
    previous: Vec<usize>,
}

impl List {
    fn new(len: usize) -> List {
        let next = (1..=len).chain([0]).collect();
        let previous = [len].into_iter().chain(0..len).collect();
        List { next, previous }
    }

    fn unlink(&mut self, place: usize) {
        let (previous, next) = (self.previous[place], self.next[place]);
        self.next[previous] = next;
        self.previous[next] = previous;
    }

    fn relink(&mut self, place: usize) {
        let (previous, next) = (self.previous[place], self.next[place]);
        self.next[previous] = place;
        self.previous[next] = place;
    }
}

/// Fails with the operations around the place where no order goes on.
pub fn check(operations: &[Operation]) -> Result<(), String> {
    let operations = &without_unseen(operations)[..];
    let mut events: Vec<(u64, Event)> = Vec::new();
    for (n, operation) in operations.iter().enumerate() {
        events.push((operation.called, Event::Call(n)));
        events.push((operation.returned.unwrap_or(u64::MAX), Event::Return(n)));
    }
    events.sort_by_key(|(at, _)| *at);
    let mut return_place = vec![0; operations.len()];
    for (place, (_, event)) in events.iter().enumerate() {
        if let Event::Return(n) = event {
            return_place[*n] = place + 1;
        }
    }
    let mut list = List::new(events.len());
    let (mut value, mut done) = (None, vec![false; operations.len()]);
    let (mut looked_at, mut taken, mut furthest) = (HashSet::new(), Vec::new(), 0);
    let mut place = list.next[0];
    while place != 0 {
        match events[place - 1].1 {
            Event::Call(n) => {
                let after = operations[n].action.apply(value);
                done[n] = after.is_some();
                match after.filter(|after| looked_at.insert((done.clone(), *after))) {
                    Some(after) => {
                        taken.push((place, n, value));
                        value = after;
                        list.unlink(place);
                        list.unlink(return_place[n]);
                        place = list.next[0];
                    }
                    None => {
                        done[n] = false;
                        place = list.next[place];
                    }
                }
            }
            // All that is left may never take effect.
            Event::Return(n) if operations[n].returned.is_none() => return Ok(()),
            Event::Return(n) => {
                furthest = furthest.max(operations[n].returned.unwrap_or(0));
                let Some((call, back, former)) = taken.pop() else {
                    return Err(around(operations, furthest));
                };
                done[back] = false;
                value = former;
                list.relink(return_place[back]);
                list.relink(call);
                place = list.next[call];
            }
        }
    }
    Ok(())
}

/// A write of unknown outcome that nobody read may as well not have happened.
fn without_unseen(operations: &[Operation]) -> Vec<Operation> {
    let seen: HashSet<u64> = operations.iter().filter_map(|operation| operation.action.read()).collect();
    let counts = |operation: &&Operation| {
        let written = operation.action.written();
        operation.returned.is_some() || written.is_some_and(|written| seen.contains(&written))
    };
    operations.iter().filter(counts).copied().collect()
}

fn around(operations: &[Operation], moment: u64) -> String {
    const SHOWN: u64 = 200;
    let near = |operation: &&Operation| {
        operation.called <= moment && operation.returned.is_none_or(|at| at + SHOWN >= moment)
    };
    let mut shown: Vec<&Operation> = operations.iter().filter(near).collect();
    shown.sort_by_key(|operation| operation.called);
    format!("no order of a register's operations explains what ended at {moment}: {shown:?}")
}
