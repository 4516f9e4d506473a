//! Region errors: a store says why it did not run a request for a region (`errorpb.proto`).
//!
//! Each of them is repaired by the client: refresh the region, follow the leader, or wait and try again.

use bytes::Bytes;

use crate::metapb;

/// The peer is not the leader; `leader` is filled when it is known.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct NotLeader {
    #[prost(uint64, tag = "1")]
    pub region_id: u64,
    #[prost(message, optional, tag = "2")]
    pub leader: Option<metapb::Peer>,
}

/// The request reached a store it was not meant for.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct StoreNotMatch {
    #[prost(uint64, tag = "1")]
    pub request_store_id: u64,
    #[prost(uint64, tag = "2")]
    pub actual_store_id: u64,
}

/// This store has no peer of the region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RegionNotFound {
    #[prost(uint64, tag = "1")]
    pub region_id: u64,
}

/// The peer exists and waits for its first snapshot.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RegionNotInitialized {
    #[prost(uint64, tag = "1")]
    pub region_id: u64,
}

/// A key lies outside the region.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct KeyNotInRegion {
    #[prost(bytes = "bytes", tag = "1")]
    pub key: Bytes,
    #[prost(uint64, tag = "2")]
    pub region_id: u64,
    #[prost(bytes = "bytes", tag = "3")]
    pub start_key: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub end_key: Bytes,
}

/// The region was split, merged or moved since the client looked; the regions now there are listed.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct EpochNotMatch {
    #[prost(message, repeated, tag = "1")]
    pub current_regions: Vec<metapb::Region>,
}

/// The store refuses work for now.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ServerIsBusy {
    #[prost(string, tag = "1")]
    pub reason: String,
    #[prost(uint64, tag = "2")]
    pub backoff_ms: u64,
    #[prost(uint32, tag = "3")]
    pub estimated_wait_ms: u32,
    #[prost(uint64, tag = "4")]
    pub applied_index: u64,
}

/// Leadership changed between proposal and commit.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct StaleCommand {}

/// The request does not fit in one raft entry.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RaftEntryTooLarge {
    #[prost(uint64, tag = "1")]
    pub region_id: u64,
    #[prost(uint64, tag = "2")]
    pub entry_size: u64,
}

/// A new leader has not yet learned the newest timestamp, which async commit and 1PC need.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct MaxTimestampNotSynced {}

/// A new leader has not yet committed in its term, or the region is splitting or merging.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ReadIndexNotReady {
    #[prost(string, tag = "1")]
    pub reason: String,
    #[prost(uint64, tag = "2")]
    pub region_id: u64,
}

/// The region is being merged into its neighbour.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ProposalInMergingMode {
    #[prost(uint64, tag = "1")]
    pub region_id: u64,
}

/// A stale read came before the safe timestamp reached it.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct DataIsNotReady {
    #[prost(uint64, tag = "1")]
    pub region_id: u64,
    #[prost(uint64, tag = "2")]
    pub peer_id: u64,
    #[prost(uint64, tag = "3")]
    pub safe_ts: u64,
}

/// The disk of these stores is full.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct DiskFull {
    #[prost(uint64, repeated, tag = "1")]
    pub store_id: Vec<u64>,
    #[prost(string, tag = "2")]
    pub reason: String,
}

/// The region has another peer on this store than the request says.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct MismatchPeerId {
    #[prost(uint64, tag = "1")]
    pub request_peer_id: u64,
    #[prost(uint64, tag = "2")]
    pub store_peer_id: u64,
}

/// A region error: exactly one of the fields below `message` is filled, or none when only the text is known.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Error {
    #[prost(string, tag = "1")]
    pub message: String,
    #[prost(message, optional, tag = "2")]
    pub not_leader: Option<NotLeader>,
    #[prost(message, optional, tag = "3")]
    pub region_not_found: Option<RegionNotFound>,
    #[prost(message, optional, tag = "4")]
    pub key_not_in_region: Option<KeyNotInRegion>,
    #[prost(message, optional, tag = "5")]
    pub epoch_not_match: Option<EpochNotMatch>,
    #[prost(message, optional, tag = "6")]
    pub server_is_busy: Option<ServerIsBusy>,
    #[prost(message, optional, tag = "7")]
    pub stale_command: Option<StaleCommand>,
    #[prost(message, optional, tag = "8")]
    pub store_not_match: Option<StoreNotMatch>,
    #[prost(message, optional, tag = "9")]
    pub raft_entry_too_large: Option<RaftEntryTooLarge>,
    #[prost(message, optional, tag = "10")]
    pub max_timestamp_not_synced: Option<MaxTimestampNotSynced>,
    #[prost(message, optional, tag = "11")]
    pub read_index_not_ready: Option<ReadIndexNotReady>,
    #[prost(message, optional, tag = "12")]
    pub proposal_in_merging_mode: Option<ProposalInMergingMode>,
    #[prost(message, optional, tag = "13")]
    pub data_is_not_ready: Option<DataIsNotReady>,
    #[prost(message, optional, tag = "14")]
    pub region_not_initialized: Option<RegionNotInitialized>,
    #[prost(message, optional, tag = "15")]
    pub disk_full: Option<DiskFull>,
    #[prost(message, optional, tag = "20")]
    pub mismatch_peer_id: Option<MismatchPeerId>,
}
