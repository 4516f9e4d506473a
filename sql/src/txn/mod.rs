//! The session's transaction.
//!
//! ```text
//! transaction.rs  begin, read view, writes, savepoints, commit, rollback of one session
//! row_locks.rs    locks on the rows a statement writes or holds
//! duplicate.rs    error 1062 from a key that already exists
//! ```
//!
//! A transaction starts lazily: BEGIN costs nothing, the first read or write takes the timestamp (MySQL
//! creates its read view at the first consistent read, too). Writes stay in the membuffer until COMMIT; a
//! failed statement rolls back to the savepoint taken before it.
//!
//! Transactions are pessimistic unless `rutile_txn_mode` says otherwise: a statement finds the rows it writes in the
//! newest committed data and locks them, plain reads keep to the snapshot. A statement that commits by itself is
//! optimistic and runs again when it loses; in an optimistic transaction a conflict surfaces at COMMIT as error 1213.
//! Locks are on keys that exist or are about to: there are no gap locks. Missing: SERIALIZABLE, XA.

mod duplicate;
mod row_locks;
mod transaction;

pub use duplicate::{duplicate_entry, duplicate_from_key};
pub use row_locks::RowLocks;
pub use transaction::{ReadView, SessionTransaction, buffered};
