//! Client connections: who is connected, and what happens between the wire and a SQL session.
//!
//! ```text
//! listener  accepts, refuses above max_connections, one task per client
//! registry  live connections: count, stop, wait until all are gone
//! client    the wire's Handler over a sql::Session
//! result    an outcome as a reply         column, value, batch   its columns and cells
//! parameter bound values for the session  file                   LOAD DATA LOCAL INFILE
//! tracking  session state clients follow  cursor                 results fetched in pieces
//! logins    how many at a time, in all and per address           statement_times  how long what took
//! ```
//! Knows the types of values, decides nothing about statements.
//!
//! Deliberately missing: Unix sockets, limits per user.

mod batch;
mod client;
mod column;
mod cursor;
mod field_list;
mod file;
mod listener;
mod logins;
mod parameter;
mod registry;
mod result;
mod settings;
mod statement_times;
mod tracking;
mod value;

pub(crate) use listener::{Listener, ListenerParts};
pub(crate) use logins::Logins;
pub(crate) use registry::{ConnectionIds, Connections};
pub(crate) use settings::ConnectionSettings;
