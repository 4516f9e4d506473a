//! What all machines of a simulation share besides time: events, rare turns, planted bugs.

use std::collections::BTreeSet;

use parking_lot::RwLock;

use super::SimulatedClock;
use super::events::{Event, EventLog};
use super::random::SeededRandom;
use crate::{Clock, Random};

/// A seed takes the rare turns of about one place in this many.
const PLACES_CHOSEN_ONE_IN: u64 = 3;

pub(crate) struct World {
    seed: u64,
    clock: SimulatedClock,
    pub(super) events: EventLog,
    turns: SeededRandom,
    rare_turns: RwLock<bool>,
    planted: RwLock<BTreeSet<&'static str>>,
}

impl World {
    pub(super) fn new(seed: u64, clock: SimulatedClock) -> World {
        World {
            seed,
            clock,
            events: EventLog::default(),
            turns: SeededRandom::new(seed.rotate_left(32) ^ 0x5bf0_3635),
            rare_turns: RwLock::new(true),
            planted: RwLock::default(),
        }
    }

    /// Takes rare turns from now on, or none any more.
    pub(super) fn set_rare_turns(&self, on: bool) {
        *self.rare_turns.write() = on;
    }

    pub(super) fn plant(&self, bug: &'static str) {
        self.planted.write().insert(bug);
    }

    pub(crate) fn is_planted(&self, bug: &'static str) -> bool {
        self.planted.read().contains(bug)
    }

    pub(crate) fn buggify(&self, place: &'static str, one_in: u64) -> bool {
        if !*self.rare_turns.read() {
            return false;
        }
        // A place is chosen or not for the whole run, so that runs differ in what they stress.
        let name =
            place.bytes().fold(self.seed, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        SeededRandom::new(name).one_in(PLACES_CHOSEN_ONE_IN) && self.turns.one_in(one_in)
    }

    /// Adds to the hash only; for what happens too often to be told.
    pub(super) fn mix(&self, values: &[u64]) {
        self.events.mix(values);
    }

    pub(crate) fn record(&self, machine: u64, name: &'static str, values: &[u64]) {
        self.events.record(Event { at: self.clock.now(), machine, name, values: values.to_vec() });
    }
}
