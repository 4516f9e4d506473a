//! Raw keys: values without versions and transactions, for clients of API version 2.
//!
//! A raw key is stored in the default CF as the value of a transaction that can not exist, start timestamp 0
//! ([`stored_key`]), so that every walk over that family finds one form of key. The value ends with one byte of flags
//! and, when it has an end of life, the second at which it ends ([`value`]). Writes are commands with latches like those
//! of `txn`, so that compare-and-swap ([`CompareAndSwap`]) and plain writes have one order; reads are a leader's
//! snapshot.
//!
//! A value past its end of life is not there for readers. Deliberately missing: giving back its space before it is
//! overwritten or removed, other column families, splitting regions by the size of raw data, and API version 1, whose
//! keys would lie between those of transactions.

mod command;
mod keyspace;
mod read;
mod value;

pub use command::{CompareAndSwap, Compared, RawWrite};
pub use keyspace::{check_key, check_range};
pub use read::{RawRange, get, get_many, scan};
pub use value::RawValue;

use rutile_kv_types::{Key, TimeStamp};

/// Where a raw key is stored in the default CF.
fn stored_key(key: &Key) -> Key {
    key.with_ts(TimeStamp::ZERO)
}
