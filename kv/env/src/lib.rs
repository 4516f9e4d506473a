//! All that is outside the process: clock, random, tasks and threads, disk; real and simulated.
//!
//! What: [`Env`] is a handle of trait objects that every component gets at construction. [`Env::real`] is the
//! machine; [`Simulation`] is a clock that moves only when told, a seeded generator, a single-threaded executor and a
//! disk in memory that can lose what was not synced, so that a whole cluster can run from one seed.
//!
//! How: nothing else in the workspace may call `Instant::now`, `tokio::spawn`, `std::fs::write` and the like (see
//! `clippy.toml`); so whoever holds an `Env` decides what time it is and what a crash destroys.
//!
//! [`failpoint!`] marks the places where tests stop, fail or observe the code. [`fail_stop`] ends the process where
//! going on would risk data.
//!
//! [`Hooks`] let a simulation take rare turns, plant known bugs and hear events; outside of one they are nothing.
//!
//! Deliberately missing: words of the database, and a real network, which comes in through the traits of those who
//! send; [`SimulatedNetwork`] is what they send over in a simulation.

mod clock;
mod disk;
mod fail_stop;
pub mod failpoint;
mod histogram;
mod hooks;
mod random;
mod real;
mod simulated;
mod spawn;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

pub use clock::{Clock, Monotonic};
pub use disk::{AppendFile, Disk, FileLock};
pub use fail_stop::fail_stop;
pub use histogram::{HISTOGRAM_BOUNDS_MICROS, Histogram, HistogramReading};
pub use hooks::Hooks;
pub use random::Random;
pub use real::THREAD_STACK_BYTES;
pub use simulated::{
    Event, Machine, NetworkFaults, SimulatedClock, SimulatedDisk, SimulatedNetwork, Simulation,
};
pub use spawn::{Spawn, TaskEnd, TaskHandle, ThreadHandle};

/// A boxed future; the same type as `futures::future::BoxFuture`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The outside world, handed to every component. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub spawn: Arc<dyn Spawn>,
    pub disk: Arc<dyn Disk>,
    pub hooks: Hooks,
}

impl Env {
    /// The machine. Tasks run on the Tokio runtime this is called in; outside of one, on a runtime of its own.
    pub fn real() -> Env {
        real::env(None)
    }

    /// The machine, with tasks on a given runtime.
    pub fn real_on(runtime: tokio::runtime::Handle) -> Env {
        real::env(Some(runtime))
    }

    /// A world without driver: time stands still and tasks wait. Use [`Simulation`] to make it move.
    pub fn simulated(seed: u64) -> Env {
        Simulation::new(seed).env()
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}
