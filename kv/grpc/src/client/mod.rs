//! The calling end: stubs that implement the service traits over channels.
//!
//! [`GrpcStores`] gives the transaction client a [`StoreStub`] per store. [`PdStub`] finds the PD members, calls the one
//! that leads and looks for another when it is gone; its timestamps and heartbeats travel in [`pipeline`]s, one stream
//! each, with callers that wait at the same time sharing a message. [`RaftSender`] brings raft messages and snapshots to
//! other stores, [`DetectorStreams`] who waits for whom, [`MemberSender`] those of PD members to each other.
//!
//! Every call has a deadline, and every failure says what it means for the caller: a status of the service comes through
//! as it is, whatever broke on the way is `Unavailable`, `Unknown` or `DeadlineExceeded`, after which nobody knows
//! whether the call ran.

mod channel;
mod deadlock;
mod discovery;
mod member;
mod one_way;
mod pd;
mod pipeline;
mod raft;
mod store_channel;
mod stores;
mod tikv;

pub use deadlock::DetectorStreams;
pub use member::MemberSender;
pub use pd::PdStub;
pub use raft::RaftSender;
pub use stores::GrpcStores;
pub use tikv::StoreStub;
