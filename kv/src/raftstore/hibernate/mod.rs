//! Regions that nobody uses fall asleep: their peers send nothing, and no tick of the store visits them.
//!
//! ```text
//!  leader                                   every follower and learner
//!  nothing happened for a while
//!  Ask(term, index) ----------------------> has the whole log, committed and applied?
//!  all of them have agreed <--------------- Agree(term, index)
//!  Sleep(term, index) --------------------> still so: sleeps
//!  sleeps
//!         now and then <------------------- Check(term, index), and ticks
//!  Sleep(term, index), sleeping on -------> sleeps on; without an answer it calls for votes, as ever
//! ```
//! All must agree, so a store that is away, or does not know these messages, keeps its regions awake. It finds no raft
//! message in them that it takes, so they do it no harm. What is lost or comes late only makes a follower wake for
//! nothing: it asks for votes beforehand (pre-vote), which wakes the others, and the leader goes on.
//!
//! What wakes a peer: a proposal, a read that has no lease, a step of an operator, a message of another peer, a request to
//! a follower, which tells who leads and wakes the others, and news that a store of the region can not be reached
//! ([`wake`]). A leader that wakes sends heartbeats at once. A follower's election timeout goes on from where it was.
//!
//! Leases: a lease is the word of a quorum about a moment, and that moment is over when a sleeping region is read; so the
//! first read asks the quorum, as any read without a lease does. Followers promise the leader to keep quiet for some of
//! their ticks, and sleeping they do not tick, so the promise only gets longer. Locks in memory and `max_ts` belong to the
//! term, which sleep does not end.
//!
//! A leader that sleeps still reports to PD, as often as followers check ([`super::heartbeat`]), and its log is not
//! compacted for the sake of a few entries ([`super::log_gc`]).
//!
//! The only peer of a region needs nobody's agreement, and keeps its lease.
mod agree;
mod peers;
mod rest;
mod wake;

pub use agree::{Hibernation, RestKind, RestMessage};
pub use peers::Peers;
pub use rest::Rest;
