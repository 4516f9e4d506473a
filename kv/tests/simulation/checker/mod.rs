//! Whether what clients were told can be true. Each checker knows only the history that it is given.
//!
//! - [`append`]: transactions that read and append to lists, against snapshot isolation or serializability, both
//!   with real time
//! - [`cycle`]: the search for cycles that [`append`] forbids
//! - [`linearizable`]: one register, by search
//! - [`counters`]: counters that only grow, read together
//!
//! Moments are numbers that a run hands out one after the other, so that "before" is never a matter of clocks.

pub mod append;
pub mod counters;
mod cycle;
pub mod linearizable;

#[cfg(test)]
mod append_tests;
#[cfg(test)]
mod other_tests;
