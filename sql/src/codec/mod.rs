//! Rows and index entries as key-value pairs.
//!
//! The layout is the one TiDB publishes, so that tools which read TiKV data read ours:
//!
//! ```text
//! record   t{table: i64}_r{handle}                         -> row format v2 (row.rs)
//! unique   t{table: i64}_i{index: i64}{datums}             -> handle        (index_entry.rs)
//! other    t{table: i64}_i{index: i64}{datums}{handle}     -> "0"
//! ```
//!
//! Integers in keys are memcomparable (sign bit flipped, big endian); `{datums}` is a sequence of
//! flagged memcomparable datums (datum.rs), in which strings of a collation are replaced by their
//! collation key. A row keeps all its columns, also those of a clustered key, so a lookup
//! through an index always ends in the row and index entries need not carry restored strings.
//!
//! Missing on purpose: the older row format v1 (nothing here ever wrote it), row checksums, global
//! indexes of partitioned tables.

// What is stored must come back as it was: numbers are not cut or bent in silence (tests may).
#![cfg_attr(
    not(test),
    deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)
)]

pub mod datum;
mod decimal;
mod error;
pub mod handle;
pub mod index_entry;
pub mod record_key;
pub mod row;
pub mod table_row;
#[cfg(test)]
mod tests;

pub use error::CodecError;
pub use handle::Handle;
