//! The serving end: RPCs of the three public services become calls of the service traits.
//!
//! [`tikv_routes`] and [`pd_routes`] are routers over shared services; [`serve`] runs one on a listener, with HTTP/1
//! pages of the same port merged in. A method that is not in the tables answers UNIMPLEMENTED, so that clients may
//! probe. [`raft_routes`] and [`deadlock_routes`] take what other stores send, [`member_routes`] what other PD members do.
//! When the server stops, streams end with an error at once: a
//! client that waits for a timestamp on one has no deadline of its own. Steps for regions go out on the stream of their
//! heartbeats, between the answers ([`PushedSteps`]).

mod call;
mod deadlock;
mod member;
mod pd;
mod raft;
mod serve;
mod stream;
mod tikv;

pub use call::Context;
pub use deadlock::deadlock_routes;
pub use member::member_routes;
pub use pd::{PushedSteps, pd_routes, pd_routes_with_steps};
pub use raft::{RaftInbox, SnapshotInbox, raft_routes};
pub use serve::serve;
pub use tikv::tikv_routes;
