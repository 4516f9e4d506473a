//! The service of a store (`tikvpb.proto`): the store implements it, carriers pass it on, clients call it.
//!
//! Checks of region, epoch, size and deadline happen inside the service, so no carrier can skip them.

use async_trait::async_trait;

use crate::coprocessor::{CoprocessorRequest, CoprocessorResponse};
use crate::kvrpcpb::{
    BatchGetRequest, BatchGetResponse, BatchRollbackRequest, BatchRollbackResponse,
    CheckSecondaryLocksRequest, CheckSecondaryLocksResponse, CheckTxnStatusRequest, CheckTxnStatusResponse,
    CommitRequest, CommitResponse, DeleteRangeRequest, DeleteRangeResponse, GetRequest, GetResponse,
    PessimisticLockRequest, PessimisticLockResponse, PessimisticRollbackRequest, PessimisticRollbackResponse,
    PrewriteRequest, PrewriteResponse, ResolveLockRequest, ResolveLockResponse, ScanLockRequest,
    ScanLockResponse, ScanRequest, ScanResponse, SplitRegionRequest, SplitRegionResponse,
    TxnHeartBeatRequest, TxnHeartBeatResponse, UnsafeDestroyRangeRequest, UnsafeDestroyRangeResponse,
};
use crate::raft_serverpb::RaftMessage;
use crate::status::Status;

/// Transactional service of one store.
#[async_trait]
pub trait TikvService: Send + Sync {
    async fn kv_get(&self, request: GetRequest) -> Result<GetResponse, Status>;
    async fn kv_batch_get(&self, request: BatchGetRequest) -> Result<BatchGetResponse, Status>;
    async fn kv_scan(&self, request: ScanRequest) -> Result<ScanResponse, Status>;
    async fn kv_prewrite(&self, request: PrewriteRequest) -> Result<PrewriteResponse, Status>;
    async fn kv_commit(&self, request: CommitRequest) -> Result<CommitResponse, Status>;
    async fn kv_batch_rollback(&self, request: BatchRollbackRequest)
    -> Result<BatchRollbackResponse, Status>;
    async fn kv_pessimistic_lock(
        &self,
        request: PessimisticLockRequest,
    ) -> Result<PessimisticLockResponse, Status>;
    async fn kv_pessimistic_rollback(
        &self,
        request: PessimisticRollbackRequest,
    ) -> Result<PessimisticRollbackResponse, Status>;
    async fn kv_check_secondary_locks(
        &self,
        request: CheckSecondaryLocksRequest,
    ) -> Result<CheckSecondaryLocksResponse, Status>;
    async fn kv_check_txn_status(
        &self,
        request: CheckTxnStatusRequest,
    ) -> Result<CheckTxnStatusResponse, Status>;
    async fn kv_resolve_lock(&self, request: ResolveLockRequest) -> Result<ResolveLockResponse, Status>;
    async fn kv_scan_lock(&self, request: ScanLockRequest) -> Result<ScanLockResponse, Status>;
    async fn kv_txn_heart_beat(&self, request: TxnHeartBeatRequest) -> Result<TxnHeartBeatResponse, Status>;
    async fn kv_delete_range(&self, request: DeleteRangeRequest) -> Result<DeleteRangeResponse, Status>;
    async fn split_region(&self, request: SplitRegionRequest) -> Result<SplitRegionResponse, Status>;
    /// Of this store alone, without raft.
    async fn unsafe_destroy_range(
        &self,
        request: UnsafeDestroyRangeRequest,
    ) -> Result<UnsafeDestroyRangeResponse, Status>;
    async fn coprocessor(&self, request: CoprocessorRequest) -> Result<CoprocessorResponse, Status>;
}

/// Raft messages on their way to one store.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct BatchRaftMessage {
    #[prost(message, repeated, tag = "1")]
    pub msgs: Vec<RaftMessage>,
}
