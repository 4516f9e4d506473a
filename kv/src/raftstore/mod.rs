//! Multi-raft: one store drives the peers of many regions.
//!
//! ```text
//!  callers ---- Proposal ----> inbox --> raft loop                        apply loop
//!  stores <-- PeerMessage --> inbox      propose (many writes, one entry)
//!     |                                  ready of all regions
//!     |                                  ONE raft log append, ONE fsync  --> decode, check epoch and range
//!     |                                  send                                one engine batch, applied index in it
//!     |                                  committed entries                   publish, call back
//!     +---- reads: RegionView (lease, epoch) + engine snapshot, on the caller's thread
//! ```
//! While one fsync runs, proposals of all regions queue up and share the next: that is the group commit. The
//! apply loop works on one round while the raft loop syncs the next. Each loop is cut into steps and has a thread;
//! in a simulation they are tasks ([`driver`]).
//!
//! Durability: an answer leaves only after the entry is synced in the raft log and applied. The state engine is
//! not synced per write; after a crash the raft log is applied again from the applied index that the state
//! engine kept, so the raft log is never truncated beyond what the state engine has flushed ([`log_gc`]). A
//! failed sync ends the process. A follower that the log can not help any more gets a snapshot ([`snapshot`]).
//!
//! Leases: a leader of several voters reads without asking while a quorum answered a message that it sent less than
//! 700 ms ago, because no follower votes for another within an election timeout (900 ms at least) of an answer. A
//! peer that restarted keeps that promise by giving no vote for as long ([`transport`]); a leader that proposed a
//! split has no lease until it applied it ([`split`]), and one that tried to hand leadership on has none in that term
//! any more ([`transfer_leader`]).
//!
//! Members: a region's peers change one step at a time, as PD wants it ([`operator`], [`conf_change`]). A new peer is
//! made by the greeting of its leader ([`create`]) and filled by a snapshot; one that is no member any more leaves a
//! tombstone ([`destroy`]).
//!
//! Merges: a region becomes a part of its neighbour, with the peers of both on the same stores ([`merge`]).
//!
//! Nouns: [`Peer`], [`RegionView`], [`PeerStorage`], [`Command`], [`inbox`], [`driver`]. Operations: `propose`,
//! `ready`, `transport`, `apply`, `split`, `merge`, `read`, `follower_read`, `transfer_leader`, `conf_change`, `create`,
//! `destroy`, `snapshot`, `operator`, `log_gc`, `drain`, `heartbeat`, `store_stats`, `resolved_ts`, `health`, `bootstrap`,
//! `recovery`, one file or folder each.
//!
//! A region that nobody uses falls asleep ([`hibernate`]): the loop does not visit its peers, and they say nothing.
//!
//! [`RegionView`]: view::RegionView
//! [`Command`]: command::Command
//! [`Peer`]: peer::Peer
//! [`PeerStorage`]: storage::PeerStorage
mod apply;
mod background;
mod bootstrap;
mod command;
mod conf_change;
mod create;
mod destroy;
mod drain;
mod driver;
mod follower_read;
mod health;
mod heartbeat;
mod hibernate;
mod inbox;
mod log_gc;
mod memory_locks;
mod merge;
mod message;
mod operator;
mod peer;
mod propose;
mod read;
mod ready;
mod recovery;
mod resolved_ts;
mod snapshot;
mod split;
mod split_checker;
mod start;
mod state;
mod storage;
mod store;
mod store_stats;
mod transfer_leader;
mod transport;
mod view;

pub use bootstrap::{NewStore, found_with_voters};
pub use command::decode_only as decode_command;
pub use hibernate::{RestKind, RestMessage};
pub use read::RaftReplica;
pub use snapshot::{SnapshotHead, SnapshotSink, SnapshotSource};
pub use start::Parts;
pub use store::{RaftStore, Stop};
pub use transport::{NoTransport, PeerMessage, Transport};

#[cfg(test)]
mod tests;
