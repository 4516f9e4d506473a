//! Finding out what became of the owner of a lock, and removing the lock accordingly.

use bytes::Bytes;

use super::{Context, KeyError, LockInfo};
use crate::errorpb;

/// What a status check did to the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum Action {
    NoAction = 0,
    TtlExpireRollback = 1,
    LockNotExistRollback = 2,
    MinCommitTsPushed = 3,
    TtlExpirePessimisticRollback = 4,
    LockNotExistDoNothing = 5,
}

/// Asks the primary key for the fate of its transaction, and rolls it back when its time is over.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct CheckTxnStatusRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", tag = "2")]
    pub primary_key: Bytes,
    #[prost(uint64, tag = "3")]
    pub lock_ts: u64,
    #[prost(uint64, tag = "4")]
    pub caller_start_ts: u64,
    #[prost(uint64, tag = "5")]
    pub current_ts: u64,
    #[prost(bool, tag = "6")]
    pub rollback_if_not_exist: bool,
    #[prost(bool, tag = "7")]
    pub force_sync_commit: bool,
    #[prost(bool, tag = "8")]
    pub resolving_pessimistic_lock: bool,
    #[prost(bool, tag = "9")]
    pub verify_is_primary: bool,
}

/// Committed when `commit_version` is not zero, alive when `lock_ttl` is not zero, otherwise rolled back.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct CheckTxnStatusResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub error: Option<Box<KeyError>>,
    #[prost(uint64, tag = "3")]
    pub lock_ttl: u64,
    #[prost(uint64, tag = "4")]
    pub commit_version: u64,
    #[prost(enumeration = "Action", tag = "5")]
    pub action: i32,
    #[prost(message, optional, tag = "6")]
    pub lock_info: Option<LockInfo>,
}

/// Asks the secondary keys of an async commit whether they are all locked, and rolls back those that are not.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct CheckSecondaryLocksRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub keys: Vec<Bytes>,
    #[prost(uint64, tag = "3")]
    pub start_version: u64,
}

/// All locks, or the commit timestamp of a committed key, or neither: then the transaction is rolled back.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct CheckSecondaryLocksResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub error: Option<Box<KeyError>>,
    #[prost(message, repeated, tag = "3")]
    pub locks: Vec<LockInfo>,
    #[prost(uint64, tag = "4")]
    pub commit_ts: u64,
}

/// Fate of one transaction: `status` is its commit timestamp, zero when rolled back.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TxnInfo {
    #[prost(uint64, tag = "1")]
    pub txn: u64,
    #[prost(uint64, tag = "2")]
    pub status: u64,
}

/// Commits or rolls back the locks of decided transactions: the listed keys, or all of the region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ResolveLockRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(uint64, tag = "2")]
    pub start_version: u64,
    #[prost(uint64, tag = "3")]
    pub commit_version: u64,
    #[prost(message, repeated, tag = "4")]
    pub txn_infos: Vec<TxnInfo>,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    pub keys: Vec<Bytes>,
}

/// Answer to [`ResolveLockRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ResolveLockResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub error: Option<Box<KeyError>>,
}

/// Lists the locks of transactions that started at or before `max_version`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ScanLockRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(uint64, tag = "2")]
    pub max_version: u64,
    #[prost(bytes = "bytes", tag = "3")]
    pub start_key: Bytes,
    #[prost(uint32, tag = "4")]
    pub limit: u32,
    #[prost(bytes = "bytes", tag = "5")]
    pub end_key: Bytes,
}

/// Sorted by key; fewer than `limit` means that the region holds no more.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ScanLockResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub error: Option<Box<KeyError>>,
    #[prost(message, repeated, tag = "3")]
    pub locks: Vec<LockInfo>,
}
