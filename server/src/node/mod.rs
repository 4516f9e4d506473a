//! What runs in this process: which parts, in which order they start, and how they stop.
//!
//! The embedded role is a cluster of one store and one placement driver in the process of its only SQL server. Its parts
//! are those of a larger cluster, handed to one another without a network in between.
//!
//! Deliberately missing: the separate roles `sql`, `kv` and `pd`.

pub(crate) mod embedded;
mod facts;
mod keys;
mod limits;
mod root_password;
mod settings;
mod signals;
mod storage;
mod tls;

pub(crate) use settings::{GcSettings, ServerSettings, TlsSettings};
