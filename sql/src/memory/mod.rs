//! Memory of statements: a quota for each, inside what the server has.
//!
//! ```text
//! ServerMemory      --memory-limit of the server: all statements and open transactions together
//!   StatementMemory   rutile_mem_quota_query: one statement, with what its transaction has written so far
//!     Held              rows somebody gathers, until they are dropped
//!     QueryQuota        what DataFusion's operators reserve (planner/memory.rs); they spill first
//!   WritesHeld        the writes of a transaction, until it ends
//!   SessionHeld       user variables, prepared statements, the texts and trees of large statements
//! ```
//!
//! Whoever keeps something that grows with the data reserves it before going on. A reservation that does not fit is
//! error 3170 of that statement, whose changes are undone; nobody else notices. Not seen are pages between store
//! and statement (a few, of bounded size), batches between operators (`planner/template.rs` bounds them), and single
//! values below [`LARGE_BYTES`] while an expression runs. For these, and for what the allocator keeps, `resident.rs` asks
//! the system: a process that is larger than the limit gives nothing more to statements that hold more than others.

mod held;
mod resident;
mod server;
mod statement;

pub use held::{Held, SessionHeld, WritesHeld};
pub use resident::ResidentProbe;
pub use server::{MemoryLimit, ServerMemory};
pub use statement::{LARGE_BYTES, StatementMemory};
