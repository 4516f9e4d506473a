//! A network between machines that delays, loses, repeats and reorders what it carries, and that can be cut.
//!
//! It carries calls: what is sent is run at its arrival, zero, one or two times. Who sends bytes captures bytes; so
//! one network serves raft messages, requests and answers alike. Each message draws its delay anew, which is what
//! reorders them. A message arrives only if its way is not cut at its arrival and both machines are on, the sender
//! at the sending.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::SimulatedClock;
use super::executor::Executor;
use super::random::SeededRandom;
use super::world::World;
use crate::Random;

/// How bad the network is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkFaults {
    pub lost_permille: u64,
    pub repeated_permille: u64,
    /// Every message takes this long.
    pub delay_us: Range<u64>,
    /// Some take this long instead.
    pub slow_permille: u64,
    pub slow_us: Range<u64>,
}

impl NetworkFaults {
    /// Nothing is lost or repeated, and everything is fast.
    pub fn none() -> NetworkFaults {
        NetworkFaults {
            lost_permille: 0,
            repeated_permille: 0,
            delay_us: 100..500,
            slow_permille: 0,
            slow_us: 0..1,
        }
    }
}

/// Clones are the same network.
#[derive(Clone)]
pub struct SimulatedNetwork {
    inner: Arc<Inner>,
}

struct Inner {
    world: Arc<World>,
    clock: SimulatedClock,
    executor: Arc<Executor>,
    random: SeededRandom,
    state: Mutex<State>,
}

struct State {
    faults: NetworkFaults,
    /// Ways that carry nothing, each in one direction.
    cut: BTreeSet<(u64, u64)>,
    off: BTreeSet<u64>,
    next_message: u64,
}

impl SimulatedNetwork {
    pub(super) fn new(
        seed: u64,
        world: Arc<World>,
        clock: SimulatedClock,
        executor: Arc<Executor>,
    ) -> SimulatedNetwork {
        let state = State {
            faults: NetworkFaults::none(),
            cut: BTreeSet::new(),
            off: BTreeSet::new(),
            next_message: 0,
        };
        let random = SeededRandom::new(seed ^ 0x6e65_7477_6f72_6b00);
        SimulatedNetwork {
            inner: Arc::new(Inner { world, clock, executor, random, state: Mutex::new(state) }),
        }
    }

    /// Carries one message between machines; `arrive` runs at each arrival.
    pub fn send(&self, from: u64, to: u64, arrive: impl Fn() + Send + Sync + 'static) {
        let inner = &self.inner;
        let (message, faults, off) = {
            let mut state = inner.state.lock();
            state.next_message += 1;
            (state.next_message, state.faults.clone(), state.off.contains(&from))
        };
        if off {
            return;
        }
        let in_permille = |share: u64| inner.random.range(0..1_000) < share;
        let copies = match (in_permille(faults.lost_permille), in_permille(faults.repeated_permille)) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        };
        inner.world.mix(&[from, to, message, copies]);
        let arrive = Arc::new(arrive);
        for _ in 0..copies {
            let slow = in_permille(faults.slow_permille);
            let delay = if slow { faults.slow_us.clone() } else { faults.delay_us.clone() };
            let delay = Duration::from_micros(inner.random.range(delay));
            let (network, arrive) = (self.clone(), Arc::clone(&arrive));
            let deliver = move || {
                if network.is_open(from, to) {
                    network.inner.world.mix(&[to, from, message]);
                    arrive();
                }
            };
            if let Some(waker) = inner.executor.add_call("network", deliver) {
                inner.clock.wake_after(delay, waker);
            }
        }
    }

    fn is_open(&self, from: u64, to: u64) -> bool {
        let state = self.inner.state.lock();
        !state.cut.contains(&(from, to)) && !state.off.contains(&to)
    }

    pub fn set_faults(&self, faults: NetworkFaults) {
        self.inner.state.lock().faults = faults;
    }

    /// Cuts the way from one machine to another; the way back stays open.
    pub fn cut(&self, from: u64, to: u64) {
        self.inner.state.lock().cut.insert((from, to));
        self.inner.world.record(from, "network::cut", &[to]);
    }

    /// Opens all ways again.
    pub fn mend(&self) {
        self.inner.state.lock().cut.clear();
        self.inner.world.record(0, "network::mend", &[]);
    }

    pub(super) fn set_power(&self, machine: u64, on: bool) {
        let mut state = self.inner.state.lock();
        if on {
            state.off.remove(&machine);
        } else {
            state.off.insert(machine);
        }
    }
}
