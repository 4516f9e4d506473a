//! Several SQL nodes over one storage.
//!
//! Nodes know of one another by records in the storage and talk through it; they need no port for it.
//!
//! ```text
//! record.rs      what the others know of a node; what follows from it
//! lease.rs       how long a node may count on being known: commits, statements
//! membership.rs  join, renew, leave; a node whose lease ran out is taken from the list by whoever notices
//! follow.rs      the loop: schema version, variables and letters seen within a tick; its own record kept true
//! wait.rs        a schema change waits until no node is a step behind
//! turn.rs        who runs schema changes: one node at a time, the owner; jobs of a dead one are finished
//! table_locks.rs LOCK TABLES that all nodes respect
//! mail.rs        letters between nodes: KILL, process lists           variables.rs  SET GLOBAL for all
//! ```
//! A node's lease ends at a timestamp of PD. It commits nothing above it (`rutile_kv_client::CommitLimit`), and others
//! take it from the list only when they have read a later one: from then on nothing that it wrote by an older catalog
//! can come. No two machines' clocks are compared.
//!
//! A process that has the storage to itself (the embedded role) has none of this.
//!
//! Deliberately missing: user accounts as rows.

mod config;
mod follow;
mod lease;
mod mail;
mod membership;
mod record;
mod table_locks;
mod turn;
mod variables;
mod wait;

pub use config::ClusterConfig;
pub(crate) use follow::start;
pub(crate) use mail::{NodeProcess, cluster_processes, kill, own_processes, silent_node};
pub use membership::Membership;
pub use record::{HeldSchema, NODE_ID_MAX, NodeRecord, SeenLocks};
pub(crate) use table_locks::{give_back_tables, hold_tables, wait_for_users};
pub(crate) use turn::{check_turn, take_turn};
pub(crate) use variables::publish_variable;
pub(crate) use wait::{wait_for_older, wait_for_version};
