//! Locks taken while a transaction still runs: acquiring and releasing them.

use bytes::Bytes;

use super::{Context, KeyError, Mutation};
use crate::errorpb;

/// What a request that waited answers when the lock it waited for was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum PessimisticLockWakeUpMode {
    WakeUpModeNormal = 0,
    WakeUpModeForceLock = 1,
}

/// Locks keys of one region, all or none. Every mutation has op `PessimisticLock`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PessimisticLockRequest {
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
    #[prost(uint64, tag = "6")]
    pub for_update_ts: u64,
    /// milliseconds; 0 for what the store thinks right, negative not to wait at all
    #[prost(int64, tag = "8")]
    pub wait_timeout: i64,
    #[prost(bool, tag = "9")]
    pub force: bool,
    #[prost(bool, tag = "10")]
    pub return_values: bool,
    #[prost(uint64, tag = "11")]
    pub min_commit_ts: u64,
    #[prost(bool, tag = "12")]
    pub check_existence: bool,
    #[prost(bool, tag = "13")]
    pub lock_only_if_exists: bool,
    #[prost(enumeration = "PessimisticLockWakeUpMode", tag = "14")]
    pub wake_up_mode: i32,
}

/// `values` (when asked for) and `not_founds` have one item for each mutation, in its order.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PessimisticLockResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, repeated, tag = "2")]
    pub errors: Vec<KeyError>,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    pub values: Vec<Bytes>,
    #[prost(bool, repeated, tag = "6")]
    pub not_founds: Vec<bool>,
}

/// Releases the pessimistic locks of a transaction on the keys, or in the whole region when there are none.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PessimisticRollbackRequest {
    #[prost(message, optional, tag = "1")]
    pub context: Option<Context>,
    #[prost(uint64, tag = "2")]
    pub start_version: u64,
    /// locks taken at a later one stay
    #[prost(uint64, tag = "3")]
    pub for_update_ts: u64,
    #[prost(bytes = "bytes", repeated, tag = "4")]
    pub keys: Vec<Bytes>,
}

/// Answer to [`PessimisticRollbackRequest`].
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct PessimisticRollbackResponse {
    #[prost(message, optional, boxed, tag = "1")]
    pub region_error: Option<Box<errorpb::Error>>,
    #[prost(message, repeated, tag = "2")]
    pub errors: Vec<KeyError>,
}
