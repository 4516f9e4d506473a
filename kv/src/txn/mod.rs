//! Percolator commands: each reads a snapshot and decides a write set, one place executes.
//!
//! ```text
//! latch the keys -> snapshot -> Command::decide -> propose -> applied -> unlatch -> answer
//! ```
//! [`Scheduler`] is that place. A command is a value with one pure function; it may arrive twice, late or
//! after its opposite, and must then come to the same end.
//!
//! - [`AcquirePessimisticLock`], [`PessimisticRollback`]: locks before there is anything to write; [`lock_wait`] waits.
//!   Where there is room, `pessimistic_locks` keeps them in memory
//! - [`Prewrite`]: locks and values, or the whole commit when one region holds the transaction (1PC)
//! - [`Commit`], [`Rollback`], [`ResolveLock`]: end of a transaction on some keys
//! - [`CheckTxnStatus`]: the fate of a transaction, decided at its primary
//! - [`CheckSecondaryLocks`]: the fate of an async commit, decided by all its keys
//! - [`HeartBeat`]: a longer life for the primary lock
//! - [`latch`]: order between commands on the same keys
//!
//! Deliberately missing: assertions, which are refused or not asked for.

// What is stored must come back as it was: numbers are not cut or bent in silence (tests may).
#![cfg_attr(
    not(test),
    deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)
)]
mod acquire_pessimistic_lock;
mod check_secondary_locks;
mod check_txn_status;
mod command;
mod commit;
mod heart_beat;
mod latch;
mod lock_wait;
mod memory_lock;
mod pessimistic_rollback;
mod prewrite;
mod resolve_lock;
mod rollback;
mod scan_lock;
mod scheduler;

pub use acquire_pessimistic_lock::{AcquirePessimisticLock, Acquired};
pub use check_secondary_locks::{CheckSecondaryLocks, SecondaryStatus};
pub use check_txn_status::{CheckTxnStatus, TxnStatus};
pub use command::{Command, Decision};
pub use commit::Commit;
pub use heart_beat::HeartBeat;
pub use lock_wait::LOCK_WAIT_MAX;
pub use memory_lock::ReadTarget;
pub use pessimistic_rollback::PessimisticRollback;
pub use prewrite::{PessimisticAction, Prewrite, Prewritten};
pub use resolve_lock::{ResolveLock, Verdict};
pub use rollback::Rollback;
pub use scan_lock::ScanLock;
pub use scheduler::{Scheduler, check_keys, clip};

#[cfg(test)]
mod tests;
