//! The public wire of TiKV and PD, and one service trait per public service.
//!
//! Messages carry the names and field numbers of kvproto (one module per `.proto` package) so that clients of TiKV
//! and PD understand us ([`memberpb`] alone is ours); byte fields are [`bytes::Bytes`], which move between layers without copying. Each service is
//! a trait that the service itself, its network stub and the simulated network implement alike. There is no logic
//! here, and no code generator: messages are written by hand, and the tests hold some encodings fixed.

pub mod coprocessor;
pub mod deadlock;
pub mod endpoint;
pub mod errorpb;
pub mod keyspacepb;
pub mod kvrpcpb;
pub mod memberpb;
pub mod metapb;
pub mod pdpb;
pub mod raft_serverpb;

mod member_service;
mod pd_service;
mod raw_service;
mod status;
mod tikvpb;

pub use coprocessor::{CoprocessorRequest, CoprocessorResponse, Payload};
pub use deadlock::{DeadlockService, DeadlockSession};
pub use member_service::MemberService;
pub use pd_service::PdService;
pub use raw_service::RawService;
pub use status::{Code, Status};
pub use tikvpb::{BatchRaftMessage, TikvService};

#[cfg(test)]
mod tests;
