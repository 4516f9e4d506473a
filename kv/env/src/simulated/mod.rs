//! A world from one seed: a clock that jumps from timer to timer, one thread, a disk in memory.
//!
//! [`Simulation`] owns the executor. Tasks that are ready run in an order drawn from the seed, so that a run explores
//! an interleaving and the same seed explores it again. When nothing is ready, time jumps to the next timer.
//!
//! [`Machine`] is a part of that world with a power switch and a clock of its own pace; [`SimulatedNetwork`] lies
//! between machines. [`Event`]s tell what happened, and their hash is the same in two runs of one seed.
//!
//! Deliberately missing: threads. Code that wants its own thread must be given work in steps instead.

mod clock;
mod disk;
mod events;
mod executor;
mod machine;
mod network;
mod random;
mod world;

pub use clock::SimulatedClock;
pub use disk::SimulatedDisk;
pub use events::Event;
pub use executor::Simulation;
pub use machine::Machine;
pub use network::{NetworkFaults, SimulatedNetwork};
pub(crate) use world::World;
