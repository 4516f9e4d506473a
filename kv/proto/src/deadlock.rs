//! Who waits for whom, from every store to the one that looks for circles (`deadlock.proto`).
//!
//! A stream `Detect` of `deadlock.Deadlock` carries one store's edges in order; it is answered only where an edge closes a
//! circle. What a stream reported is forgotten when it ends.

use crate::kvrpcpb::WaitForEntry;
use crate::status::Status;

/// What a message says of its edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum DeadlockRequestType {
    /// The edge is there from now on.
    Detect = 0,
    /// The edge is gone.
    CleanUpWaitFor = 1,
    /// All edges of the waiting transaction are gone. Without a transaction it only asks whether the store still looks
    /// for circles.
    CleanUp = 2,
}

#[derive(Clone, PartialEq, ::prost::Message)]
pub struct DeadlockRequest {
    #[prost(enumeration = "DeadlockRequestType", tag = "1")]
    pub tp: i32,
    #[prost(message, optional, tag = "2")]
    pub entry: Option<WaitForEntry>,
}

/// The edge closes a circle, and was not added.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct DeadlockResponse {
    #[prost(message, optional, tag = "1")]
    pub entry: Option<WaitForEntry>,
    #[prost(uint64, tag = "2")]
    pub deadlock_key_hash: u64,
    /// From the holder back to the waiter, the edge itself last.
    #[prost(message, repeated, tag = "3")]
    pub wait_chain: Vec<WaitForEntry>,
}

#[derive(Clone, PartialEq, ::prost::Message)]
pub struct WaitForEntriesRequest {}

#[derive(Clone, PartialEq, ::prost::Message)]
pub struct WaitForEntriesResponse {
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<WaitForEntry>,
}

/// The detector of a cluster, at the store that leads the first region; others refuse with `FailedPrecondition`.
pub trait DeadlockService: Send + Sync {
    /// A conversation with one store.
    fn open(&self) -> Result<Box<dyn DeadlockSession>, Status>;

    /// All edges that are known now.
    fn wait_for_entries(&self) -> Result<WaitForEntriesResponse, Status>;
}

/// One store's edges; dropping it forgets them.
pub trait DeadlockSession: Send {
    /// Takes a message. An error ends the conversation.
    fn take(&mut self, request: &DeadlockRequest) -> Result<Option<DeadlockResponse>, Status>;
}
