//! A state engine in memory, for tests, simulation and databases nobody wants to keep.
//!
//! Versions of a key are kept as long as a snapshot may read them. Batches that were not synced are remembered with
//! what they replaced, so that [`MemoryEngine::crash`] can undo a suffix of them as a power loss would.

mod checkpoint;
mod engine;
mod iterator;
mod store;

pub use engine::MemoryEngine;
