//! The placement driver: timestamps, ids, stores and the region tree.
//!
//! [`Member::open`] reads the durable state from a directory, [`Member`] implements [`rutile_kv_proto::PdService`], and
//! any carrier hands calls to it. Timestamps are granted from a window whose end is on disk before the first of them
//! leaves, so that none repeats after a crash; ids come from saved blocks in the same way.
//!
//! ```text
//!  service/  wire in, wire out            tso/      oracle (pure) + window saver
//!  api/      HTTP pages for operators     ctl/      the command that shows them
//!  cluster/  stores, region tree, ids     storage/  durable keys: snapshot file + journal
//!  member/   the group: log, leader, lease
//! ```
//!
//! [`checker`] looks at one region, [`scheduler`] at the whole cluster, a person asks through [`api`]; what they want
//! becomes an [`operator`], whose steps go out with the answers to region heartbeats or on their own. [`patrol`] makes
//! them look. [`placement`] says where peers belong.
//!
//! Deliberately missing: reads that a follower answers, and resource groups.

mod api;
mod checker;
mod cluster;
mod config;
mod ctl;
mod error;
mod events;
mod gc;
mod keyspace;
mod member;
mod operator;
mod patrol;
mod pd;
mod placement;
mod scatter;
mod schedule_settings;
mod scheduler;
mod service;
mod statistics;
mod storage;
mod tso;

pub use api::pages;
pub use config::PdConfig;
pub use ctl::{Outcome, run_ctl};
pub use error::{Error, Result};
pub use member::{Carrier, Founding, Gauge, Member, Steps};
