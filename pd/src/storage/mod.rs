//! Durable state of PD: a small ordered map of keys, changed by atomic batches.
//!
//! ```text
//!   pd.snapshot            generation g and all pairs at its start; replaced atomically
//!   pd.journal.<g>         batches since then, one checksummed record each, synced before `write` returns
//! ```
//! Opening loads the snapshot, replays the journal and starts the next generation. The map
//! stays in memory: PD's state is a few hundred bytes for each region. Records are synced one at a time, so only the
//! last one can be torn by a crash; a bad record before it is corruption and an error.
//!
//! Deliberately missing: replication. A batch is what the raft log of a PD group will carry as one entry, and the
//! snapshot is its snapshot.

mod batch;
mod journal;
pub(crate) mod keys;
mod objects;
mod record;
mod store;

pub(crate) use batch::Batch;
pub(crate) use store::Storage;

#[cfg(test)]
mod tests;
