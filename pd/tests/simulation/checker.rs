//! What clients saw, and whether it can have been so.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_env::Monotonic;

/// From call to answer.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub began: Monotonic,
    pub ended: Monotonic,
}

/// Clones are the same history.
#[derive(Clone, Default)]
pub struct History {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// First and last of each block.
    timestamps: Vec<(Span, u64, u64)>,
    ids: Vec<u64>,
    /// What was wrong at once.
    problems: Vec<String>,
    /// What a value that only grows was seen or set to.
    grown: Vec<(Span, &'static str, u64)>,
}

impl History {
    pub fn block(&self, span: Span, first: u64, last: u64) {
        self.state.lock().timestamps.push((span, first, last));
    }

    pub fn id(&self, id: u64) {
        self.state.lock().ids.push(id);
    }

    /// Something that only grows was at least so much when the call ended, and at most when it began.
    pub fn grown(&self, span: Span, what: &'static str, value: u64) {
        self.state.lock().grown.push((span, what, value));
    }

    pub fn problem(&self, text: String) {
        self.state.lock().problems.push(text);
    }

    pub fn timestamps(&self) -> usize {
        self.state.lock().timestamps.len()
    }

    pub fn check(&self) -> Result<(), String> {
        let mut state = self.state.lock();
        if let Some(problem) = state.problems.first() {
            return Err(problem.clone());
        }
        check_distinct(&state.timestamps)?;
        let blocks = state.timestamps.iter().map(|(span, first, last)| (*span, *first, *last)).collect();
        check_order("timestamp", blocks, true)?;
        let whats: BTreeSet<&str> = state.grown.iter().map(|(_, what, _)| *what).collect();
        for what in whats {
            let of = state.grown.iter().filter(|(_, other, _)| *other == what);
            check_order(what, of.map(|(span, _, value)| (*span, *value, *value)).collect(), false)?;
        }
        state.ids.sort_unstable();
        match state.ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("id {} was given twice", pair[0])),
            None => Ok(()),
        }
    }
}

fn check_distinct(blocks: &[(Span, u64, u64)]) -> Result<(), String> {
    let mut all: Vec<(u64, u64)> = blocks.iter().map(|(_, first, last)| (*first, *last)).collect();
    all.sort_unstable();
    match all.windows(2).find(|pair| pair[0].1 >= pair[1].0) {
        Some(pair) => Err(format!("timestamps {:?} and {:?} overlap", pair[0], pair[1])),
        None => Ok(()),
    }
}

/// What began after something ended is later than it; at least as late, unless `strict`.
fn check_order(what: &str, mut calls: Vec<(Span, u64, u64)>, strict: bool) -> Result<(), String> {
    let mut by_end = calls.clone();
    by_end.sort_by_key(|(span, _, _)| span.ended);
    calls.sort_by_key(|(span, _, _)| span.began);
    let mut ended = by_end.iter().peekable();
    let mut newest: Option<(Span, u64)> = None;
    for (span, first, _) in calls {
        while let Some((before, _, last)) = ended.next_if(|(before, _, _)| before.ended < span.began) {
            if newest.is_none_or(|(_, known)| known < *last) {
                newest = Some((*before, *last));
            }
        }
        if let Some((before, last)) = newest
            && (first < last || strict && first == last)
        {
            return Err(format!("{what} {first} of {span:?} came after {last} of {before:?}"));
        }
    }
    Ok(())
}
