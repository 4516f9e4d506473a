//! The MySQL client/server protocol; knows no SQL.
//!
//! ```text
//! socket ── packet (framing) ── handshake + auth ── command ── Handler (the caller's)
//!              ▲                                                  │
//!              └────────── reply + row (result sets) ◄────────────┘
//! ```
//! One call, [`serve_connection`], takes a stream from greeting to close: it checks the account through [`Accounts`],
//! decodes each command, hands it to a [`Handler`] and lets the handler write its answer through a [`Reply`]. Everything
//! a client sends is untrusted: decoding never panics, limits are checked on the packet header before anything is
//! buffered, and a malformed packet ends that connection only.
//!
//! Deliberately missing: client certificates, cursors that scroll or lock, what query attributes mean (they are read
//! and dropped), the binlog and X protocols, the PROXY header.

pub mod auth;
mod capability;
mod column;
mod command;
mod config;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod handler;
mod handshake;
mod metrics;
mod packet;
mod reply;
mod row;
mod serve;
mod silence;
mod status;
mod tls;
mod transport;

pub use auth::{Account, Accounts, Authenticator, CACHING_SHA2, NATIVE, RsaKey, Verifier};
pub use capability::Capabilities;
pub use column::{Column, ColumnFlags, ColumnType};
pub use command::{DatetimeParts, Parameter, ParameterValue, TimeParts};
pub use config::{ConnectionConfig, Stop, StopReason};
pub use error::{Class, Error, ErrorPacket, Result};
pub use handler::{Field, Handler, Login, Prepared, Timeouts};
pub use metrics::Metrics;
pub use reply::{Infile, Ok, Reply, Rows, SessionChange};
pub use row::{Row, RowFormat, number};
pub use serve::{refuse, serve_connection};
pub use status::ServerStatus;
pub use tls::{Identity, ServerTls, TlsSession};
pub use transport::Transport;
