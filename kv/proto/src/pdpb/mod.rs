//! Requests to the placement driver (`pdpb.proto`).
//!
//! Names and field numbers are those of kvproto; what nothing reads yet is left out.

mod gc;
mod header;
mod member;
mod operator;
mod region;
mod store;
mod tso;

pub use gc::{
    GetGcSafePointRequest, GetGcSafePointResponse, UpdateGcSafePointRequest, UpdateGcSafePointResponse,
    UpdateServiceGcSafePointRequest, UpdateServiceGcSafePointResponse,
};
pub use header::{Error, ErrorType, RequestHeader, ResponseHeader};
pub use member::{GetMembersRequest, GetMembersResponse, Member};
pub use operator::{
    ChangePeer, ChangePeerV2, CheckPolicy, ConfChangeType, Merge, RegionHeartbeatResponse, SplitRegion,
    TransferLeader,
};
pub use region::{
    AskBatchSplitRequest, AskBatchSplitResponse, GetRegionByIdRequest, GetRegionRequest, GetRegionResponse,
    PeerStats, Region, RegionHeartbeatRequest, ReportBatchSplitRequest, ReportBatchSplitResponse,
    ReportMinResolvedTsRequest, ReportMinResolvedTsResponse, ScanRegionsRequest, ScanRegionsResponse,
    ScatterRegionRequest, ScatterRegionResponse, SplitId,
};
pub use store::{
    AllocIdRequest, AllocIdResponse, BootstrapRequest, BootstrapResponse, GetAllStoresRequest,
    GetAllStoresResponse, GetStoreRequest, GetStoreResponse, IsBootstrappedRequest, IsBootstrappedResponse,
    PutStoreRequest, PutStoreResponse, StoreHeartbeatRequest, StoreHeartbeatResponse, StoreStats,
    TimeInterval,
};
pub use tso::{Timestamp, TsoRequest, TsoResponse};
