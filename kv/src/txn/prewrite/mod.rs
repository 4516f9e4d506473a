//! Prewrite: the first phase of Percolator, or the whole commit of a transaction that one request holds.
//!
//! ```text
//! command  each mutation checked, then one of: blocked, committed before, 1PC, async commit, plain locks
//! check    what one mutation may do, from the lock and the newest record of its key
//! write    locks or records into the buffer; a commit timestamp picked here
//! ```
//! An optimistic mutation finds conflicts here: a foreign lock, or any record newer than its start. A pessimistic
//! one relies on the lock it took while the transaction ran, and turns it into a prewrite lock; its
//! [`PessimisticAction`] says what it relies on. All foreign locks are reported at once and nothing is written then.
//! Before a conflict is reported, the transaction's own commit record is looked for: a repeated request whose first
//! copy committed (1PC) or was committed meanwhile must not be told "conflict".
//!
//! 1PC and async commit: all keys enter the in-memory lock table, then the timestamp is `max_ts + 1`; see
//! `concurrency_manager` for why that order is enough. 1PC commits at it at once; an async commit leaves locks with
//! it as `min_commit_ts`, and is committed when all its keys have one.
//!
//! Deliberately missing: assertions, and keys locked although they had a conflict (TiKV's ForceLock mode).
mod check;
mod command;
mod write;

pub use command::{PessimisticAction, Prewrite, Prewritten};
