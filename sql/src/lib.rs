//! MySQL semantics on DataFusion over the transactional store.
//!
//! ```text
//! session      one connection: statements in, outcomes out      catalog   what exists, per schema version
//! variable     system variables                                 meta      the catalog as key-value pairs
//! txn          the session's transaction                        ddl       changing the catalog, online
//! infoschema   SHOW and INFORMATION_SCHEMA                      codec     rows and index entries as bytes
//! domain       background duties of a SQL node                  memory    quotas
//! binder       names and types: AST to bound query              expression  typed expressions
//! planner      plans and access paths                           executor  operators, DML
//! distsql      pushed-down plans out, Arrow back                storeside the endpoint that runs at the store
//! diagnostics  EXPLAIN                                          import    LOAD DATA
//! generation   values of generated columns
//! ```

pub mod binder;
pub mod catalog;
pub mod cluster;
pub mod codec;
mod config;
pub mod ddl;
pub mod diagnostics;
pub mod distsql;
pub mod domain;
pub mod error;
pub mod executor;
pub mod expression;
pub mod generation;
pub mod import;
pub mod infoschema;
pub mod memory;
pub mod meta;
pub mod planner;
pub mod session;
pub mod storeside;
pub mod txn;
pub mod variable;

pub use config::{InstanceConfig, Spill};
pub use error::{Error, Result, SqlError};
pub use session::{
    ColumnMeta, Instance, Load, LoadRequest, Outcome, ParsedStatement, Prepared, ResultSet, Rows, Script,
    Session, SessionInfo, SessionStatus,
};
