//! The two phases and the undoing of a transaction: prewrite, commit, batch rollback, heartbeat.

use bytes::Bytes;

use super::{AssertionLevel, Context, KeyError, Mutation};
use crate::errorpb;

/// Names inside [`PrewriteRequest`].
pub mod prewrite_request {
    /// What prewrite checks on a key of a pessimistic transaction.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
    #[repr(i32)]
    pub enum PessimisticAction {
        SkipPessimisticCheck = 0,
        DoPessimisticCheck = 1,
        DoConstraintCheck = 2,
    }
}

/// First phase: locks the keys and stores the values.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PrewriteRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(message, repeated, tag = "2")]
    pub mutations: Vec<Mutation>,
    #[prost(bytes = "bytes", tag = "3")]
    pub primary_lock: Bytes,
    #[prost(uint64, tag = "4")]
    pub start_version: u64,
    #[prost(uint64, tag = "5")]
    pub lock_ttl: u64,
    #[prost(bool, tag = "6")]
    pub skip_constraint_check: bool,
    #[prost(enumeration = "prewrite_request::PessimisticAction", repeated, tag = "7")]
    pub pessimistic_actions: Vec<i32>,
    #[prost(uint64, tag = "8")]
    pub txn_size: u64,
    #[prost(uint64, tag = "9")]
    pub for_update_ts: u64,
    #[prost(uint64, tag = "10")]
    pub min_commit_ts: u64,
    #[prost(bool, tag = "11")]
    pub use_async_commit: bool,
    #[prost(bytes = "bytes", repeated, tag = "12")]
    pub secondaries: Vec<Bytes>,
    /// commit at once if this request holds the whole transaction
    #[prost(bool, tag = "13")]
    pub try_one_pc: bool,
    #[prost(uint64, tag = "14")]
    pub max_commit_ts: u64,
    #[prost(enumeration = "AssertionLevel", tag = "15")]
    pub assertion_level: i32,
}

/// `one_pc_commit_ts` is not zero when the transaction is already committed.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PrewriteResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, repeated, tag = "2")]
    pub errors: Vec<KeyError>,
    #[prost(uint64, tag = "3")]
    pub min_commit_ts: u64,
    #[prost(uint64, tag = "4")]
    pub one_pc_commit_ts: u64,
}

/// Second phase: the primary key alone decides the transaction.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct CommitRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(uint64, tag = "2")]
    pub start_version: u64,
    #[prost(bytes = "bytes", repeated, tag = "3")]
    pub keys: Vec<Bytes>,
    #[prost(uint64, tag = "4")]
    pub commit_version: u64,
}

/// Answer to [`CommitRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct CommitResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub error: Option<Box<KeyError>>,
    #[prost(uint64, tag = "3")]
    pub commit_version: u64,
}

/// Removes the locks of a transaction and forbids late prewrites.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct BatchRollbackRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(uint64, tag = "2")]
    pub start_version: u64,
    #[prost(bytes = "bytes", repeated, tag = "3")]
    pub keys: Vec<Bytes>,
}

/// Answer to [`BatchRollbackRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct BatchRollbackResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub error: Option<Box<KeyError>>,
}

/// Keeps the primary lock of a long transaction alive.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TxnHeartBeatRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub primary_lock: Bytes,
    #[prost(uint64, tag = "3")]
    pub start_version: u64,
    #[prost(uint64, tag = "4")]
    pub advise_lock_ttl: u64,
}

/// Answer to [`TxnHeartBeatRequest`]: the time to live now in force.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TxnHeartBeatResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub error: Option<Box<KeyError>>,
    #[prost(uint64, tag = "3")]
    pub lock_ttl: u64,
}
