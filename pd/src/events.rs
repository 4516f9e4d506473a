//! What happened lately, for people: requests that changed something, and stores that came, went or fell silent. How
//! operators ended is remembered by [`crate::operator`].

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;

/// Events that are kept; older ones are in the log.
const EVENTS_MAX: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Unix milliseconds.
    pub(crate) at_ms: u64,
    /// `request`, `store`
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

#[derive(Default)]
pub(crate) struct Events {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// The states of the stores when they were looked at last.
    stores: BTreeMap<u64, &'static str>,
}

impl State {
    fn push(&mut self, event: Event) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

impl Events {
    pub(crate) fn note(&self, at_ms: u64, kind: &'static str, text: String) {
        self.state.lock().push(Event { at_ms, kind, text });
    }

    /// Notes which stores are in another state than the last time.
    pub(crate) fn note_stores(&self, at_ms: u64, stores: impl Iterator<Item = (u64, &'static str)>) {
        let mut state = self.state.lock();
        let now: BTreeMap<u64, &'static str> = stores.collect();
        let former = std::mem::replace(&mut state.stores, now.clone());
        for (store_id, name) in &now {
            let text = match former.get(store_id) {
                Some(before) if before == name => continue,
                Some(before) => format!("store {store_id}: {before}, then {name}"),
                None => format!("store {store_id}: {name}"),
            };
            state.push(Event { at_ms, kind: "store", text });
        }
        for store_id in former.keys().filter(|store_id| !now.contains_key(store_id)) {
            state.push(Event { at_ms, kind: "store", text: format!("store {store_id}: forgotten") });
        }
    }

    /// Newest first.
    pub(crate) fn all(&self) -> Vec<Event> {
        self.state.lock().events.iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_makes_an_event_when_its_state_changes() {
        let events = Events::default();
        let look = |at_ms, stores: &[(u64, &'static str)]| events.note_stores(at_ms, stores.iter().copied());
        look(1, &[(1, "Up")]);
        look(2, &[(1, "Up")]);
        look(3, &[(1, "Down"), (2, "Up")]);
        look(4, &[(2, "Up")]);
        let texts: Vec<String> = events.all().into_iter().map(|event| event.text).collect();
        let expected =
            ["store 1: forgotten", "store 2: Up", "store 1: Up, then Down", "store 1: Up"].map(str::to_owned);
        assert_eq!(texts, expected);
        (0..EVENTS_MAX as u64 + 5).for_each(|at_ms| events.note(at_ms, "request", String::new()));
        assert_eq!((events.all().len(), events.all()[0].at_ms), (EVENTS_MAX, EVENTS_MAX as u64 + 4));
    }
}
