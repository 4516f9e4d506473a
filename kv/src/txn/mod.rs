//! Percolator commands: each reads a snapshot and decides a write set, one place executes.
//!
//! ```text
//! latch the keys -> snapshot -> Command::decide -> propose -> applied -> unlatch -> answer
//! ```
//! [`Scheduler`] is that place. A command is a value with one pure function; it may arrive twice, late or
//! after its opposite, and must then come to the same end.
//!
//! - [`Prewrite`]: locks and values, or the whole commit when one region holds the transaction (1PC)
//! - [`Commit`], [`Rollback`], [`ResolveLock`]: end of a transaction on some keys
//! - [`CheckTxnStatus`]: the fate of a transaction, decided at its primary
//! - [`HeartBeat`]: a longer life for the primary lock
//! - [`Latches`]: order between commands on the same keys
//!
//! Deliberately missing: pessimistic locks and async commit. Prewrites asking for them are refused.
mod check_txn_status;
mod command;
mod commit;
mod heart_beat;
mod latch;
mod memory_lock;
mod prewrite;
mod resolve_lock;
mod rollback;
mod scan_lock;
mod scheduler;

pub use check_txn_status::{CheckTxnStatus, TxnStatus};
pub use command::{Command, Decision};
pub use commit::Commit;
pub use heart_beat::HeartBeat;
pub use memory_lock::ReadTarget;
pub use prewrite::{Prewrite, Prewritten};
pub use resolve_lock::{ResolveLock, Verdict};
pub use rollback::Rollback;
pub use scan_lock::ScanLock;
pub use scheduler::{Scheduler, check_keys, clip};

#[cfg(test)]
mod tests;
