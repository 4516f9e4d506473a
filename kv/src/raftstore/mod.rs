//! Multi-raft: one store drives the peers of many regions.
//!
//! ```text
//!  callers ---- Proposal ----> inbox --> raft thread                      apply thread
//!     |                                  propose (many writes, one entry)
//!     |                                  ready of all regions
//!     |                                  ONE raft log append, ONE fsync  --> decode, check epoch and range
//!     |                                  send                                one engine batch, applied index in it
//!     |                                  committed entries                   publish, call back
//!     +---- reads: RegionView (lease, epoch) + engine snapshot, on the caller's thread
//! ```
//! While one fsync runs, proposals of all regions queue up and share the next: that is the group commit. The
//! apply thread works on one round while the raft thread syncs the next.
//!
//! Durability: an answer leaves only after the entry is synced in the raft log and applied. The state engine is
//! not synced per write; after a crash the raft log is applied again from the applied index that the state
//! engine kept, so the raft log is never truncated beyond what the state engine has flushed ([`log_gc`]). A
//! failed sync ends the process.
//!
//! Nouns: [`Peer`], [`RegionView`], [`PeerStorage`], [`Command`], [`inbox`]. Operations: `propose`, `ready`,
//! `apply`, `split`, `read`, `log_gc`, `heartbeat`, `bootstrap`, `recovery`, one file each.
//!
//! Deliberately missing: conf changes, leader transfer, snapshots, merge and hibernation. The logic counts
//! voters everywhere, but nothing can add one yet, and the transport goes nowhere.
//!
//! [`RegionView`]: view::RegionView
//! [`Command`]: command::Command
//! [`Peer`]: peer::Peer
//! [`PeerStorage`]: storage::PeerStorage
mod apply;
mod background;
mod bootstrap;
mod command;
mod heartbeat;
mod inbox;
mod log_gc;
mod message;
mod peer;
mod propose;
mod read;
mod ready;
mod recovery;
mod split;
mod split_checker;
mod start;
mod state;
mod storage;
mod store;
mod view;

pub use read::RaftReplica;
pub use start::Parts;
pub use store::{RaftStore, Stop};

#[cfg(test)]
mod tests;
