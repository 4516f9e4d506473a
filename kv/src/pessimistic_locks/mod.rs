//! Pessimistic locks that only the leader of their region knows.
//!
//! ```text
//! acquire ──→ held ──→ leaving (a prewrite or commit is on its way) ──→ applied: gone, the lock CF has what follows
//!              │ ↑          └── refused: held again
//!              │ └─ refused
//!              └──→ proposed as an ordinary lock (before the leadership is handed over) ──→ applied: gone
//! ```
//! A pessimistic lock hides no value and protects nothing once its transaction has prewritten, so it may be lost: the
//! prewrite that misses its lock finds out whether somebody wrote the key since ([`Prewrite`]). Kept here it costs no
//! raft entry and no sync, and a read, which goes past pessimistic locks, has nothing to look at.
//!
//! What makes it right:
//! - A lock is put here under the term and the version of the region that its command was decided in; both are compared
//!   under the mutex of the table. A new term starts with an empty table, also when the same peer leads again.
//! - A split moves the locks under the same mutex under which the version changes. Regions that it made take theirs over
//!   only if nobody led them before.
//! - Whoever looks at locks asks the table *before* it takes its snapshot: locks only move from here into the lock CF,
//!   where they are applied before they leave the table. A command holds the latches of its keys meanwhile.
//!
//! The table is bounded per region and per store; a lock that finds no room, or a table that is frozen, is replicated
//! like any other write.
//!
//! - [`table`]: the table of one region, without mutex and waiting
//! - [`Held`]: locks copied out of it, for one decision
//!
//! [`Prewrite`]: crate::txn::Prewrite
mod held;
mod shared;
mod table;

pub use held::Held;
pub use shared::{Leaving, MemoryLocks};
pub use table::{At, Budget, LockChange, MovedLock};

#[cfg(test)]
mod tests;
