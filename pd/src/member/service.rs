//! The service of the group: a call is answered by the member that leads, and no answer leaves before what it tells of is
//! settled.

use async_trait::async_trait;
use rutile_kv_proto::memberpb::{JoinRequest, JoinResponse, MemberMessage};
use rutile_kv_proto::{MemberService, PdService, Status, keyspacepb, pdpb};

use super::member::{Member, not_leader};

/// Every call that waits for what it tells of.
macro_rules! settled_calls {
    ($($call:ident $request:ident => $answer:ident;)+) => {
        #[async_trait]
        impl PdService for Member {
            /// Of any member that knows who leads.
            async fn get_members(
                &self,
                _: pdpb::GetMembersRequest,
            ) -> Result<pdpb::GetMembersResponse, Status> {
                self.members()
            }

            /// A window that was settled before bounds the timestamps. The lease is looked at after they were taken, so
            /// that they were taken while it lasted.
            async fn tso(&self, request: pdpb::TsoRequest) -> Result<pdpb::TsoResponse, Status> {
                if let Some(reign) = self.first_reign() {
                    let answer = reign.pd.timestamps(&request).await?;
                    return reign.check(self).map(|()| answer);
                }
                let reign = self.reign().await?;
                let answer = reign.pd.timestamps(&request).await?;
                reign.check(self).map(|()| answer)
            }

            $(
                async fn $call(&self, request: pdpb::$request) -> Result<pdpb::$answer, Status> {
                    let reign = self.reign().await?;
                    let answer = reign.pd.$call(request).await?;
                    reign.storage.settled().await.map_err(|_| not_leader(self.name(), None))?;
                    reign.check(self).map(|()| answer)
                }
            )+

            async fn load_keyspace(
                &self,
                request: keyspacepb::LoadKeyspaceRequest,
            ) -> Result<keyspacepb::LoadKeyspaceResponse, Status> {
                let reign = self.reign().await?;
                let answer = reign.pd.load_keyspace(request).await?;
                reign.storage.settled().await.map_err(|_| not_leader(self.name(), None))?;
                reign.check(self).map(|()| answer)
            }
        }
    };
}

settled_calls! {
    is_bootstrapped IsBootstrappedRequest => IsBootstrappedResponse;
    bootstrap BootstrapRequest => BootstrapResponse;
    alloc_id AllocIdRequest => AllocIdResponse;
    put_store PutStoreRequest => PutStoreResponse;
    get_store GetStoreRequest => GetStoreResponse;
    get_all_stores GetAllStoresRequest => GetAllStoresResponse;
    store_heartbeat StoreHeartbeatRequest => StoreHeartbeatResponse;
    get_region GetRegionRequest => GetRegionResponse;
    get_region_by_id GetRegionByIdRequest => GetRegionResponse;
    scan_regions ScanRegionsRequest => ScanRegionsResponse;
    ask_batch_split AskBatchSplitRequest => AskBatchSplitResponse;
    report_batch_split ReportBatchSplitRequest => ReportBatchSplitResponse;
    report_min_resolved_ts ReportMinResolvedTsRequest => ReportMinResolvedTsResponse;
    scatter_region ScatterRegionRequest => ScatterRegionResponse;
    region_heartbeat RegionHeartbeatRequest => RegionHeartbeatResponse;
    get_gc_safe_point GetGcSafePointRequest => GetGcSafePointResponse;
    update_gc_safe_point UpdateGcSafePointRequest => UpdateGcSafePointResponse;
    update_service_gc_safe_point UpdateServiceGcSafePointRequest => UpdateServiceGcSafePointResponse;
}

#[async_trait]
impl MemberService for Member {
    fn receive(&self, message: MemberMessage) -> Result<(), Status> {
        Member::receive(self, &message)
    }

    async fn join(&self, request: JoinRequest) -> Result<JoinResponse, Status> {
        self.take_in(request).await
    }
}
