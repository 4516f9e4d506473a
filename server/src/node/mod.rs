//! What runs in this process: which parts, in which order they start, and how they stop.
//!
//! The embedded role is a cluster of one store and one placement driver in the process of its only SQL server. Its parts
//! are those of a larger cluster, handed to one another without a network in between.
//!
//! The roles [`pd`] and [`kv`] are those parts alone, behind a port of TiKV's and PD's wire; [`role`] is what they share.
//! The role [`sql`] is a SQL server without a store: it reaches both over that wire, and other SQL servers through them.
//! [`front`] is what it shares with the embedded role.
//!
//! [`machine`] is all three in one process with ports for others: what an embedded server becomes when it grows.
//! [`process`] is the life of every process with a SQL server in it.
//!
//! [`playground`] runs several of them in one process.

pub(crate) mod embedded;
mod facts;
mod front;
mod keys;
pub(crate) mod kv;
mod limits;
pub(crate) mod machine;
pub(crate) mod pd;
pub(crate) mod peer_tls;
pub(crate) mod playground;
mod private;
mod process;
mod raft;
pub(crate) mod role;
mod root_password;
mod settings;
mod signals;
pub(crate) mod sql;
mod storage;
mod threads;
mod tls;

pub(crate) use settings::{GcSettings, HIBERNATE_REGIONS, RaftSettings, ServerSettings, TlsSettings};
