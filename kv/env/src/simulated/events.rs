//! What happened: a hash of everything, the last events in words, and listeners.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::Monotonic;

/// Events kept for whoever has to explain a failure.
const KEPT: usize = 4_096;

/// Something that happened on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// On the clock of the world, which no machine sees.
    pub at: Monotonic,
    pub machine: u64,
    pub name: &'static str,
    pub values: Vec<u64>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { at, machine, name, values } = self;
        write!(f, "{:>12.6} m{machine} {name}", at.since_origin().as_secs_f64())?;
        values.iter().try_for_each(|value| write!(f, " {value}"))
    }
}

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

#[derive(Default)]
pub(super) struct EventLog {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    hash: u64,
    count: u64,
    kept: VecDeque<Event>,
    listeners: Vec<Listener>,
}

impl State {
    fn mix(&mut self, value: u64) {
        self.hash = (self.hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        self.count += 1;
    }
}

impl EventLog {
    /// Adds to the hash only; for what happens too often to be kept.
    pub(super) fn mix(&self, values: &[u64]) {
        let mut state = self.state.lock();
        values.iter().for_each(|value| state.mix(*value));
    }

    pub(super) fn record(&self, event: Event) {
        let listeners = {
            let mut state = self.state.lock();
            event.name.bytes().for_each(|byte| state.mix(u64::from(byte)));
            state.mix(event.machine);
            event.values.iter().for_each(|value| state.mix(*value));
            state.mix(u64::try_from(event.at.since_origin().as_nanos()).unwrap_or(u64::MAX));
            if state.kept.len() == KEPT {
                state.kept.pop_front();
            }
            state.kept.push_back(event.clone());
            state.listeners.clone()
        };
        // Not under the lock: a listener may record.
        listeners.iter().for_each(|listener| listener(&event));
    }

    pub(super) fn listen(&self, listener: Listener) {
        self.state.lock().listeners.push(listener);
    }

    pub(super) fn hash(&self) -> u64 {
        let state = self.state.lock();
        state.hash ^ state.count
    }

    pub(super) fn kept(&self) -> Vec<Event> {
        self.state.lock().kept.iter().cloned().collect()
    }
}
