//! The services of the placement driver: `pdpb.PD` and `keyspacepb.Keyspace` as one trait.
//!
//! The two streams of the public protocol are calls here: a `Tso` message and its answer are one-to-one and in order,
//! and a region heartbeat is answered with the next operator step, if any.

use async_trait::async_trait;

use crate::keyspacepb::{LoadKeyspaceRequest, LoadKeyspaceResponse};
use crate::pdpb::{
    AllocIdRequest, AllocIdResponse, AskBatchSplitRequest, AskBatchSplitResponse, BootstrapRequest,
    BootstrapResponse, GetAllStoresRequest, GetAllStoresResponse, GetGcSafePointRequest,
    GetGcSafePointResponse, GetMembersRequest, GetMembersResponse, GetRegionByIdRequest, GetRegionRequest,
    GetRegionResponse, GetStoreRequest, GetStoreResponse, IsBootstrappedRequest, IsBootstrappedResponse,
    PutStoreRequest, PutStoreResponse, RegionHeartbeatRequest, RegionHeartbeatResponse,
    ReportBatchSplitRequest, ReportBatchSplitResponse, ReportMinResolvedTsRequest,
    ReportMinResolvedTsResponse, ScanRegionsRequest, ScanRegionsResponse, ScatterRegionRequest,
    ScatterRegionResponse, StoreHeartbeatRequest, StoreHeartbeatResponse, TsoRequest, TsoResponse,
    UpdateGcSafePointRequest, UpdateGcSafePointResponse, UpdateServiceGcSafePointRequest,
    UpdateServiceGcSafePointResponse,
};
use crate::status::Status;

/// Service of the placement driver.
#[async_trait]
pub trait PdService: Send + Sync {
    async fn get_members(&self, request: GetMembersRequest) -> Result<GetMembersResponse, Status>;
    async fn tso(&self, request: TsoRequest) -> Result<TsoResponse, Status>;
    async fn is_bootstrapped(&self, request: IsBootstrappedRequest)
    -> Result<IsBootstrappedResponse, Status>;
    async fn bootstrap(&self, request: BootstrapRequest) -> Result<BootstrapResponse, Status>;
    async fn alloc_id(&self, request: AllocIdRequest) -> Result<AllocIdResponse, Status>;
    async fn put_store(&self, request: PutStoreRequest) -> Result<PutStoreResponse, Status>;
    async fn get_store(&self, request: GetStoreRequest) -> Result<GetStoreResponse, Status>;
    async fn get_all_stores(&self, request: GetAllStoresRequest) -> Result<GetAllStoresResponse, Status>;
    async fn store_heartbeat(&self, request: StoreHeartbeatRequest)
    -> Result<StoreHeartbeatResponse, Status>;
    async fn get_region(&self, request: GetRegionRequest) -> Result<GetRegionResponse, Status>;
    async fn get_region_by_id(&self, request: GetRegionByIdRequest) -> Result<GetRegionResponse, Status>;
    async fn scan_regions(&self, request: ScanRegionsRequest) -> Result<ScanRegionsResponse, Status>;
    async fn ask_batch_split(&self, request: AskBatchSplitRequest) -> Result<AskBatchSplitResponse, Status>;
    async fn report_batch_split(
        &self,
        request: ReportBatchSplitRequest,
    ) -> Result<ReportBatchSplitResponse, Status>;
    async fn report_min_resolved_ts(
        &self,
        request: ReportMinResolvedTsRequest,
    ) -> Result<ReportMinResolvedTsResponse, Status>;
    async fn scatter_region(&self, request: ScatterRegionRequest) -> Result<ScatterRegionResponse, Status>;
    async fn region_heartbeat(
        &self,
        request: RegionHeartbeatRequest,
    ) -> Result<RegionHeartbeatResponse, Status>;
    async fn get_gc_safe_point(
        &self,
        request: GetGcSafePointRequest,
    ) -> Result<GetGcSafePointResponse, Status>;
    async fn update_gc_safe_point(
        &self,
        request: UpdateGcSafePointRequest,
    ) -> Result<UpdateGcSafePointResponse, Status>;
    async fn update_service_gc_safe_point(
        &self,
        request: UpdateServiceGcSafePointRequest,
    ) -> Result<UpdateServiceGcSafePointResponse, Status>;
    async fn load_keyspace(&self, request: LoadKeyspaceRequest) -> Result<LoadKeyspaceResponse, Status>;
}
