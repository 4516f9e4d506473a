//! Locks of other transactions: find out what became of the owner, and finish its work.
//!
//! The primary key decides a Percolator transaction. While the primary is locked and alive the reader waits, or reads
//! past it when the store could push the commit timestamp beyond the reader's; otherwise the lock in the way is
//! committed or rolled back like the primary. Only one caller at a time asks for the same transaction.
//!
//! - [`resolve`]: locks met by a caller, by owner; decided transactions are remembered
//! - [`fate`]: asks the primary
//! - [`secondaries`]: an async commit out of time is decided by all its keys
//! - [`finish`]: commits, rolls back or releases the locks of a decided transaction

mod fate;
mod finish;
mod resolve;
mod secondaries;

pub(crate) use resolve::LockResolver;
