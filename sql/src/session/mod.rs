//! One connection: statements in, outcomes out.
//!
//! ```text
//! instance.rs           the SQL node: catalog, allocators, process list, background work
//! session.rs            the facade a connection calls: parse, execute, prepare, …
//! state.rs              what a session remembers: database, variables, diagnostics, last insert id
//! statement_context.rs  what one running statement may touch; planner and executor work on it
//! dispatch.rs           which file runs which kind of statement
//! query.rs into.rs dml.rs load.rs locking.rs lock_tables.rs definition.rs transaction_control.rs set.rs maintenance.rs utility.rs prepared.rs
//! outcome.rs            what comes back
//! environment.rs        what expressions of a statement share: time, modes, variables
//! processlist.rs        who is connected, and KILL
//! host_cache.rs         addresses that connect and never log in
//! ```
//!
//! A statement's life: register as a user of the catalog snapshot, clear diagnostics, run, commit or roll back
//! the statement, record errors, release the snapshot. Implicit commits happen before DDL.

mod definition;
mod dispatch;
mod dml;
mod environment;
mod evaluate;
mod host_cache;
mod instance;
mod into;
mod load;
mod lock_tables;
mod locking;
mod maintenance;
mod outcome;
mod prepared;
mod processlist;
mod query;
#[expect(clippy::module_inception, reason = "the noun of the folder is the session itself")]
mod session;
mod session_values;
mod set;
mod state;
mod statement_context;
mod status;
mod transaction_control;
mod utility;

pub use host_cache::{FailedHost, HostCache};
pub use instance::{Instance, WeakInstance};
pub use load::Load;
pub use outcome::{ColumnMeta, LoadRequest, Outcome, ResultSet, Rows};
pub use prepared::Prepared;
pub use processlist::{Cancellation, Process, ProcessList, ProcessSnapshot};
pub use session::{ParsedStatement, Script, Session};
pub use session_values::SessionView;
pub use state::{SessionChanges, SessionInfo, SessionState, SessionStatus, TlsFacts};
pub use statement_context::StatementContext;
pub use status::{StatementClass, StatusCounters};
