//! AUTO_INCREMENT values and hidden row ids.
//!
//! A node reserves a range of ids with one small transaction of its own and then hands them out from
//! memory, so an INSERT does not contend on the counter key and a rollback does not give ids back
//! (as in InnoDB). The stored number is the first id nobody reserved; a crash loses the rest of a range,
//! never repeats it. Ids of one node rise; ids of several nodes interleave by ranges.
//!
//! An explicit value moves the counter: every later id is greater, on every node.
//!
//! ```text
//! progression.rs  auto_increment_increment and auto_increment_offset
//! stored.rs       what the storage keeps of a counter, and its text
//! counter.rs      one counter on this node: its range, and what it knows of explicit values elsewhere
//! allocator.rs    the counters of all tables
//! ```
//!
//! Among several nodes an explicit value is *announced*: stored before its row is written, as the largest explicit
//! value so far. A statement that is to generate values reads the counter first, which is one read of one key, and
//! passes over what was announced. Whoever announces does so some way ahead, so that a load of rising values does not
//! store each; while it is the only one to do so, its own ids need not pass that margin. A statement that read the
//! counter just before an announcement may still meet the row: it runs again with new values (`overtaken`).
//!
//! Deliberately missing: lowering a counter (ALTER TABLE raises it only).

mod allocator;
mod counter;
mod progression;
mod stored;

pub use allocator::{AutoIds, GivenIds};
pub use progression::Progression;
