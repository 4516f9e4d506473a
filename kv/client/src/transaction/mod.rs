//! Transactions: writes are kept in a membuffer until commit.
//!
//! An optimistic transaction finds conflicts at commit. A pessimistic one locks keys while it runs:
//!
//! ```text
//! let locked = transaction.lock_keys(&keys, &LockOptions { return_values: true, ..LockOptions::default() }).await?;
//!
//! loop {                                              // when the keys must be found by reading
//!     let ts = transaction.fresh_for_update_ts().await?;
//!     let keys = /* scan transaction.view_at(ts) */;
//!     match transaction.lock_keys(&keys, &LockOptions { for_update_ts: Some(ts), ..options }).await {
//!         Err(Error::WriteConflict { .. }) => continue,   // a row changed after ts: read again
//!         locked => break locked?,
//!     }
//! }
//! ```
//! Locked keys that are not written are committed as such, so that optimistic transactions that changed them
//! meanwhile fail. Written keys that are neither locked nor guarded are checked at commit as in an optimistic
//! transaction.
//!
//! `membuffer` holds the writes: keys and values in the `arena`, their order in `key_order`; `mutations` is what
//! becomes of them at commit.
//!
//! Deliberately missing: shared locks, and locking only keys that have a value.

mod arena;
mod key_order;
mod life;
mod lock_keys;
mod locks;
mod membuffer;
mod mutations;
mod view;

pub use life::{Transaction, TransactionOptions};
pub use lock_keys::{LockOptions, LockWait, LockedKeys};
pub(crate) use locks::{Held, Locks};
pub use membuffer::{MemBuffer, Savepoint};
pub(crate) use mutations::Mutations;
pub use view::View;

#[cfg(test)]
mod tests;
