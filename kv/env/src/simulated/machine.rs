//! A machine of the simulated world: its own clock, disk and tasks, and a power switch.
//!
//! The power may fail between two steps ([`Machine::power_off`]) or in the middle of one: who writes something
//! durable or sends something calls [`Machine::effect`], and a test can let the power fail before the n-th of them.
//! From that moment on nothing the machine does has any effect: messages are not carried, [`Machine::at_power_off`]
//! took the image of what survives, and the tasks end when the running one gives way. [`Machine::freeze`] only stops
//! them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::executor::{Group, Simulation};
use super::{SimulatedClock, SimulatedDisk};
use crate::hooks::Hooks;
use crate::{BoxFuture, Clock, Env, Monotonic};

/// A clock that runs at its machine's pace.
const PACE: u128 = 1_000_000;

#[derive(Clone)]
pub struct Machine {
    inner: Arc<Inner>,
}

struct Inner {
    id: u64,
    simulation: Simulation,
    disk: SimulatedDisk,
    state: Mutex<State>,
}

struct State {
    pace_ppm: u64,
    /// The tasks of this life; `None` while the power is off.
    group: Option<Group>,
    effects_left: Option<u64>,
    at_power_off: Vec<Box<dyn FnMut() + Send>>,
}

impl Machine {
    pub(super) fn new(simulation: Simulation, id: u64) -> Machine {
        simulation.network().set_power(id, false);
        let state = State { pace_ppm: 1_000_000, group: None, effects_left: None, at_power_off: Vec::new() };
        let disk = SimulatedDisk::default();
        Machine { inner: Arc::new(Inner { id, simulation, disk, state: Mutex::new(state) }) }
    }

    pub fn id(&self) -> u64 {
        self.inner.id
    }

    pub fn disk(&self) -> &SimulatedDisk {
        &self.inner.disk
    }

    /// How fast its clock runs, from the next start on; a million is true time.
    pub fn set_pace(&self, ppm: u64) {
        self.inner.state.lock().pace_ppm = ppm.max(1);
    }

    /// Starts the machine. What uses this environment ends with its power.
    ///
    /// # Panics
    /// When the power is on.
    pub fn power_on(&self) -> Env {
        let Inner { id, simulation, disk, state } = &*self.inner;
        let mut state = state.lock();
        assert!(state.group.is_none(), "machine {id} is on");
        let group = simulation.new_group();
        state.group = Some(group);
        state.effects_left = None;
        simulation.network().set_power(*id, true);
        simulation.world().record(*id, "machine::on", &[]);
        let clock = PacedClock { base: simulation.clock().clone(), pace_ppm: state.pace_ppm };
        Env {
            clock: Arc::new(clock),
            random: simulation.random(),
            spawn: simulation.spawn_of(group),
            disk: Arc::new(disk.clone()),
            hooks: Hooks::simulated(simulation.world().clone(), *id),
        }
    }

    pub fn is_on(&self) -> bool {
        self.inner.state.lock().group.is_some()
    }

    /// Power failure, now. Does nothing when the power is off.
    pub fn power_off(&self) {
        let Inner { id, simulation, .. } = &*self.inner;
        let Some(group) = self.inner.state.lock().group.take() else {
            return;
        };
        simulation.world().record(*id, "machine::off", &[]);
        simulation.network().set_power(*id, false);
        // Not under the lock: the image and the destructors of tasks may ask the machine.
        let mut hooks = std::mem::take(&mut self.inner.state.lock().at_power_off);
        hooks.iter_mut().for_each(|hook| hook());
        self.inner.state.lock().at_power_off.append(&mut hooks);
        simulation.end_group(group);
    }

    /// The machine stands still, as a process under SIGSTOP or a virtual machine that moves: its clocks go on and
    /// messages wait at its door, but nothing runs. Does nothing when the power is off.
    pub fn freeze(&self) {
        if let Some(group) = self.inner.state.lock().group {
            self.inner.simulation.world().record(self.inner.id, "machine::freeze", &[]);
            self.inner.simulation.freeze_group(group);
        }
    }

    /// It runs again. Does nothing when it did all the time.
    pub fn thaw(&self) {
        if let Some(group) = self.inner.state.lock().group {
            self.inner.simulation.thaw_group(group);
        }
    }

    /// Called at each power failure, at the very moment: here a test takes the image of what survives.
    pub fn at_power_off(&self, hook: impl FnMut() + Send + 'static) {
        self.inner.state.lock().at_power_off.push(Box::new(hook));
    }

    /// The power fails before the `count`-th effect from now.
    pub fn power_off_before_effect(&self, count: u64) {
        self.inner.state.lock().effects_left = Some(count);
    }

    /// Takes a failure back that has not come yet.
    pub fn keep_power(&self) {
        self.inner.state.lock().effects_left = None;
    }

    /// Something is about to become durable or to leave the machine. False when the power is off.
    pub fn effect(&self) -> bool {
        let mut state = self.inner.state.lock();
        if state.group.is_none() {
            return false;
        }
        match &mut state.effects_left {
            None => true,
            Some(left) if *left > 1 => {
                *left -= 1;
                true
            }
            Some(_) => {
                state.effects_left = None;
                drop(state);
                self.power_off();
                false
            }
        }
    }

    /// Sends to another machine; see [`super::SimulatedNetwork::send`].
    pub fn send(&self, to: u64, arrive: impl Fn() + Send + Sync + 'static) {
        if self.effect() {
            self.inner.simulation.network().send(self.inner.id, to, arrive);
        }
    }
}

struct PacedClock {
    base: SimulatedClock,
    pace_ppm: u64,
}

impl Clock for PacedClock {
    fn now(&self) -> Monotonic {
        let nanos = self.base.now().since_origin().as_nanos() * u128::from(self.pace_ppm) / PACE;
        Monotonic::from_origin(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    fn unix_micros(&self) -> u64 {
        self.base.unix_micros()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // Rounded up: who sleeps until a deadline must not wake before it on his own clock.
        let nanos = (duration.as_nanos() * PACE).div_ceil(u128::from(self.pace_ppm)) + 1;
        self.base.sleep(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}
