//! System variables: what `@@name`, SET and SHOW VARIABLES know.
//!
//! ```text
//! table.rs       variables that mean something here        known.rs   MySQL's others: checked and remembered
//! definition.rs  scope, access, kind, default of one       check.rs   from the value of a SET to the stored value
//! global.rs      the server's values                       session.rs one session's values and what they decide
//! ```
//!
//! The global values are one immutable snapshot; a session keeps the snapshot of its start (MySQL copies the
//! global values at connect) and the few values it set itself. What hot paths ask for (`autocommit`,
//! `sql_mode`, the time zone …) is derived once per SET into `Settings`.
//!
//! Missing on purpose: component variables (`component.name`) and key caches.

mod check;
mod definition;
mod global;
mod known;
mod session;
mod table;

pub use definition::{Access, Definition, Kind, Scope, all, find};
pub use global::{GlobalVariables, ServerFacts};
pub use session::{Characteristics, Isolation, SessionVariables, Settings};
