//! The region, epoch and peer a request was built for, and how it wants to be run.

use crate::metapb;

/// Scheduling priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum CommandPri {
    Normal = 0,
    Low = 1,
    High = 2,
}

/// How a read treats locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum IsolationLevel {
    Si = 0,
    Rc = 1,
    RcCheckTs = 2,
}

/// Key format the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum ApiVersion {
    V1 = 0,
    V1ttl = 1,
    V2 = 2,
}

/// Head of every request that addresses a region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Context {
    #[prost(uint64, tag = "1")]
    pub region_id: u64,
    #[prost(message, optional, tag = "2")]
    pub region_epoch: Option<metapb::RegionEpoch>,
    #[prost(message, optional, tag = "3")]
    pub peer: Option<metapb::Peer>,
    #[prost(uint64, tag = "5")]
    pub term: u64,
    #[prost(enumeration = "CommandPri", tag = "6")]
    pub priority: i32,
    #[prost(enumeration = "IsolationLevel", tag = "7")]
    pub isolation_level: i32,
    #[prost(bool, tag = "8")]
    pub not_fill_cache: bool,
    #[prost(bool, tag = "9")]
    pub sync_log: bool,
    #[prost(bool, tag = "12")]
    pub replica_read: bool,
    /// start timestamps whose locks the reader may ignore: rolled back, or committed after it
    #[prost(uint64, repeated, tag = "13")]
    pub resolved_locks: Vec<u64>,
    #[prost(uint64, tag = "14")]
    pub max_execution_duration_ms: u64,
    #[prost(bool, tag = "17")]
    pub stale_read: bool,
    #[prost(bool, tag = "20")]
    pub is_retry_request: bool,
    #[prost(enumeration = "ApiVersion", tag = "21")]
    pub api_version: i32,
    /// start timestamps whose locks are known to be committed and are read through
    #[prost(uint64, repeated, tag = "22")]
    pub committed_locks: Vec<u64>,
    #[prost(string, tag = "24")]
    pub request_source: String,
    #[prost(uint32, tag = "32")]
    pub keyspace_id: u32,
}
