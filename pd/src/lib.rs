//! The placement driver: timestamps, ids, stores and the region tree.
//!
//! [`Pd::open`] reads the durable state from a directory, [`Pd`] implements [`rutile_kv_proto::PdService`], and any
//! carrier hands calls to it. Timestamps are granted from a window whose end is on disk before the first of them
//! leaves, so that none repeats after a crash; ids come from saved blocks in the same way.
//!
//! ```text
//!  service/  wire in, wire out            tso/      oracle (pure) + window saver
//!  api/      HTTP pages for operators     ctl/      the command that shows them
//!  cluster/  stores, region tree, ids     storage/  durable keys: snapshot file + journal
//! ```
//!
//! Answers to region heartbeats carry steps: [`checker`] adds peers until a region has its replicas.
//!
//! Deliberately missing: the group of several PD members (the journal is what its raft log will carry), schedulers,
//! placement rules.

mod api;
mod checker;
mod cluster;
mod config;
mod ctl;
mod error;
mod gc;
mod keyspace;
mod pd;
mod service;
mod storage;
mod tso;

pub use api::pages;
pub use config::PdConfig;
pub use ctl::{Outcome, run_ctl};
pub use error::{Error, Result};
pub use pd::Pd;
