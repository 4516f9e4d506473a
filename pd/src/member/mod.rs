//! The PD group: one raft group of one, three or five members, of which the leader is the placement driver.
//!
//! ```text
//!  clients --> Member: PdService      answers while it leads, with a lease; says "not leader" otherwise
//!                 | leads since term t
//!                 v
//!              Reign: Pd              objects in memory, read from the map when the reign began
//!                 | write: durable here, visible at once        ^ settled: most members have it
//!                 v                                             |
//!              Group                  the map, the log, the disk; one lock
//!                 | step, tick, propose                         ^ Round: to write, to send
//!                 v                                             |
//!              Core                   raft, without clock, disk and network
//! ```
//!
//! Every change of a durable object is an entry of the log. The code that decides changes stays a plain function: it
//! writes, changes its memory and returns, and the answer is held back at the edge until what was written is settled
//! ([`service`]). A reign that ends is thrown away as a whole, memory and all, so that nothing survives that most
//! members did not take; the next leader reads the map and begins anew. Timestamps are not held back: they are granted
//! below the end of a window that was settled before.
//!
//! A leader proves to itself that it still leads: a round of heartbeats that most members answered gives it a lease from
//! the moment the round was *sent*. The lease is shorter than the earliest moment at which a member that answered gives
//! its vote to another, so that a leader that was paused or cut off grants nothing after the next one began.
//!
//! A member that is alone writes, applies and answers on the caller's thread, without ticks, messages or a lease that ends.
//!
//! [`core`] decides, [`lease`] is part of it, [`replica`] is what raft sees of log and map, [`group`] writes and sends,
//! [`driver`] makes it go, [`roster`] says who the members are, [`change`] changes that, [`member`] begins and ends
//! reigns, [`carrier`] is what messages travel by, [`gauges`] what monitoring sees.
//!
//! Deliberately missing: witnesses, and reads that a follower answers.

mod carrier;
mod change;
mod core;
mod driver;
mod gauges;
mod group;
mod inbox;
mod lease;
#[expect(clippy::module_inception, reason = "the folder is the group, the file is one of its members")]
mod member;
mod replica;
mod roster;
mod service;
mod steps;

pub use carrier::Carrier;
pub use gauges::Gauge;
pub use member::Member;
pub(crate) use member::Reign;
pub use roster::Founding;
pub use steps::Steps;

pub(crate) use group::Group;
pub(crate) use roster::members_answer;

#[cfg(test)]
mod tests;
