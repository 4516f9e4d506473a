//! A world from one seed: a clock that jumps from timer to timer, one thread, a disk in memory.
//!
//! [`Simulation`] owns the executor. Tasks that are ready run in an order drawn from the seed, so that a run explores
//! an interleaving and the same seed explores it again. When nothing is ready, time jumps to the next timer.
//!
//! Deliberately missing: threads. Code that wants its own thread must be given work in steps instead.

mod clock;
mod disk;
mod executor;
mod random;

pub use clock::SimulatedClock;
pub use disk::SimulatedDisk;
pub use executor::Simulation;
