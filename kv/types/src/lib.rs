//! The field's words as types, shared by every layer of the key-value store.
//!
//! What: [`TimeStamp`], [`Key`], [`Cf`], [`Lock`], [`Write`], [`Mutation`], [`Region`], [`KeyRange`], the
//! memory-comparable [`codec`] and [`format`], a printer for every key and value.
//!
//! How: all encodings are TiKV's, byte for byte (`components/txn_types`, `components/codec`), so that public TiKV
//! clients and tools read what we store. Decoders answer an [`Error`] on any input and never index or panic.
//!
//! Deliberately missing: any I/O, clock, network or async code, and every word of the SQL layer except the published
//! `t{table}_r{handle}` key layout that the printer recognises.

// What is stored must come back as it was: numbers are not cut or bent in silence (tests may).
#![cfg_attr(
    not(test),
    deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)
)]

mod cf;
pub mod codec;
mod error;
pub mod format;
mod key;
mod last_change;
mod lock;
mod mutation;
mod range;
mod region;
mod timestamp;
mod write;

pub use cf::Cf;
pub use error::{Error, ErrorClass, Result};
pub use key::Key;
pub use last_change::LastChange;
pub use lock::{Lock, LockType};
pub use mutation::{Mutation, MutationOp};
pub use range::KeyRange;
pub use region::{Peer, PeerRole, Region, RegionEpoch};
pub use timestamp::TimeStamp;
pub use write::{Write, WriteRef, WriteType};

/// Values up to this many bytes live inside the lock and the write record; longer ones go to the default CF.
pub const SHORT_VALUE_MAX_BYTES: usize = 255;

/// Whether a value is stored inline in its lock and write record.
pub fn is_short_value(value: &[u8]) -> bool {
    value.len() <= SHORT_VALUE_MAX_BYTES
}
