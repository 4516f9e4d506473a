//! Durable state of PD: a small ordered map of keys, changed by atomic batches that go through the log of the group.
//!
//! ```text
//!   pd.snapshot            generation g, all pairs at its start, and the entries of the log that are kept;
//!                          replaced atomically
//!   pd.journal.<g>         what came since: entries and votes, in checksummed records that are synced one at a time
//! ```
//! Opening loads the snapshot, replays the journal and starts the next generation. The map
//! stays in memory: PD's state is a few hundred bytes for each region. Records are synced one at a time, so only the
//! last one can be torn by a crash; a bad record before it is corruption and an error.
//!
//! [`Storage`] is the map as the leader sees it: a write is visible at once and counts when most members have it
//! ([`Storage::settled`]). How it gets to them is [`crate::member`]'s part. A directory of the first format, which had
//! one member and batches instead of entries, is opened and goes on in the present one.

mod batch;
mod journal;
pub(crate) mod keys;
mod objects;
mod record;
mod store;

pub(crate) use batch::Batch;
pub(crate) use journal::{Found, Image, Journal, Opened, Pairs, apply, snapshot_path};
pub(crate) use record::{Record, decode_batch, encode_batch};
pub(crate) use store::Storage;

#[cfg(test)]
mod tests;
