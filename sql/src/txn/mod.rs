//! The session's transaction.
//!
//! ```text
//! transaction.rs  begin, read view, writes, savepoints, commit, rollback of one session
//! duplicate.rs    error 1062 from a key that already exists
//! ```
//!
//! A transaction starts lazily: BEGIN costs nothing, the first read or write takes the timestamp (MySQL
//! creates its read view at the first consistent read, too). Writes stay in the membuffer until COMMIT; a
//! failed statement rolls back to the savepoint taken before it.
//!
//! Transactions are optimistic: a conflict surfaces at COMMIT as error 1213. Missing for now: pessimistic
//! locks and with them FOR UPDATE waits, SERIALIZABLE, XA.

mod duplicate;
mod transaction;

pub use duplicate::{duplicate_entry, duplicate_from_key};
pub use transaction::{ReadView, SessionTransaction};
