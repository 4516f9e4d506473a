//! Key errors: a store ran the request and the transaction protocol says no.

use bytes::Bytes;

use super::{Assertion, Op};

/// Names inside [`WriteConflict`].
pub mod write_conflict {
    /// Which check found the newer version.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
    #[repr(i32)]
    pub enum Reason {
        Unknown = 0,
        Optimistic = 1,
        PessimisticRetry = 2,
        SelfRolledBack = 3,
        RcCheckTs = 4,
        LazyUniquenessCheck = 5,
        NotLockedKeyConflict = 6,
    }
}

/// A lock met on the way.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct LockInfo {
    #[prost(bytes = "bytes", tag = "1")]
    pub primary_lock: Bytes,
    /// start timestamp of the transaction that holds it
    #[prost(uint64, tag = "2")]
    pub lock_version: u64,
    #[prost(bytes = "bytes", tag = "3")]
    pub key: Bytes,
    /// milliseconds after the physical part of `lock_version`
    #[prost(uint64, tag = "4")]
    pub lock_ttl: u64,
    #[prost(uint64, tag = "5")]
    pub txn_size: u64,
    #[prost(enumeration = "Op", tag = "6")]
    pub lock_type: i32,
    #[prost(uint64, tag = "7")]
    pub lock_for_update_ts: u64,
    #[prost(bool, tag = "8")]
    pub use_async_commit: bool,
    #[prost(uint64, tag = "9")]
    pub min_commit_ts: u64,
    #[prost(bytes = "bytes", repeated, tag = "10")]
    pub secondaries: Vec<Bytes>,
    #[prost(uint64, tag = "11")]
    pub duration_to_last_update_ms: u64,
}

/// Another transaction committed on the key after this one started.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct WriteConflict {
    #[prost(uint64, tag = "1")]
    pub start_ts: u64,
    /// start timestamp of the other transaction
    #[prost(uint64, tag = "2")]
    pub conflict_ts: u64,
    #[prost(bytes = "bytes", tag = "3")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub primary: Bytes,
    #[prost(uint64, tag = "5")]
    pub conflict_commit_ts: u64,
    #[prost(enumeration = "write_conflict::Reason", tag = "6")]
    pub reason: i32,
}

/// An insert met a visible value.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct AlreadyExist {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
}

/// One edge of a deadlock: `txn` waits for `wait_for_txn` (`deadlock.proto`).
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct WaitForEntry {
    #[prost(uint64, tag = "1")]
    pub txn: u64,
    #[prost(uint64, tag = "2")]
    pub wait_for_txn: u64,
    #[prost(uint64, tag = "3")]
    pub key_hash: u64,
    #[prost(bytes = "bytes", tag = "4")]
    pub key: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    pub resource_group_tag: Bytes,
    #[prost(uint64, tag = "6")]
    pub wait_time: u64,
}

/// Waiting for the lock would close a cycle.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Deadlock {
    #[prost(uint64, tag = "1")]
    pub lock_ts: u64,
    #[prost(bytes = "bytes", tag = "2")]
    pub lock_key: Bytes,
    #[prost(uint64, tag = "3")]
    pub deadlock_key_hash: u64,
    #[prost(message, repeated, tag = "4")]
    pub wait_chain: Vec<WaitForEntry>,
}

/// A reader pushed the smallest allowed commit timestamp past the one asked for.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct CommitTsExpired {
    #[prost(uint64, tag = "1")]
    pub start_ts: u64,
    #[prost(uint64, tag = "2")]
    pub attempted_commit_ts: u64,
    #[prost(bytes = "bytes", tag = "3")]
    pub key: Bytes,
    #[prost(uint64, tag = "4")]
    pub min_commit_ts: u64,
}

/// The primary has neither lock nor record of the transaction.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TxnNotFound {
    #[prost(uint64, tag = "1")]
    pub start_ts: u64,
    #[prost(bytes = "bytes", tag = "2")]
    pub primary_key: Bytes,
}

/// The commit timestamp passed the limit of the request.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct CommitTsTooLarge {
    #[prost(uint64, tag = "1")]
    pub commit_ts: u64,
}

/// A mutation claimed existence or absence and was wrong.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct AssertionFailed {
    #[prost(uint64, tag = "1")]
    pub start_ts: u64,
    #[prost(bytes = "bytes", tag = "2")]
    pub key: Bytes,
    #[prost(enumeration = "Assertion", tag = "3")]
    pub assertion: i32,
    #[prost(uint64, tag = "4")]
    pub existing_start_ts: u64,
    #[prost(uint64, tag = "5")]
    pub existing_commit_ts: u64,
}

/// The lock found names another key as primary.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PrimaryMismatch {
    #[prost(message, optional, tag = "1")]
    pub lock_info: Option<LockInfo>,
}

/// Commit met neither its lock nor its commit record.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TxnLockNotFound {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
}

/// Exactly one field is filled; `retryable` text accompanies `conflict` and `txn_lock_not_found`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct KeyError {
    #[prost(message, optional, tag = "1")]
    pub locked: Option<LockInfo>,
    #[prost(string, tag = "2")]
    pub retryable: String,
    #[prost(string, tag = "3")]
    pub abort: String,
    #[prost(message, optional, tag = "4")]
    pub conflict: Option<WriteConflict>,
    #[prost(message, optional, tag = "5")]
    pub already_exist: Option<AlreadyExist>,
    #[prost(message, optional, tag = "6")]
    pub deadlock: Option<Deadlock>,
    #[prost(message, optional, tag = "7")]
    pub commit_ts_expired: Option<CommitTsExpired>,
    #[prost(message, optional, tag = "8")]
    pub txn_not_found: Option<TxnNotFound>,
    #[prost(message, optional, tag = "9")]
    pub commit_ts_too_large: Option<CommitTsTooLarge>,
    #[prost(message, optional, tag = "10")]
    pub assertion_failed: Option<AssertionFailed>,
    #[prost(message, optional, tag = "11")]
    pub primary_mismatch: Option<PrimaryMismatch>,
    #[prost(message, optional, tag = "12")]
    pub txn_lock_not_found: Option<TxnLockNotFound>,
}
