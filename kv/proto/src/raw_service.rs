//! The raw half of a store's service (`tikvpb.proto`): keys without versions and transactions.
//!
//! A trait of its own, because our own client never asks for it: only the store and the network carrier know it.

use async_trait::async_trait;

use crate::kvrpcpb::{
    RawBatchDeleteRequest, RawBatchDeleteResponse, RawBatchGetRequest, RawBatchGetResponse,
    RawBatchPutRequest, RawBatchPutResponse, RawBatchScanRequest, RawBatchScanResponse, RawCasRequest,
    RawCasResponse, RawCoprocessorRequest, RawCoprocessorResponse, RawDeleteRangeRequest,
    RawDeleteRangeResponse, RawDeleteRequest, RawDeleteResponse, RawGetKeyTtlRequest, RawGetKeyTtlResponse,
    RawGetRequest, RawGetResponse, RawPutRequest, RawPutResponse, RawScanRequest, RawScanResponse,
};
use crate::status::Status;

/// Raw service of one store.
#[async_trait]
pub trait RawService: Send + Sync {
    async fn raw_get(&self, request: RawGetRequest) -> Result<RawGetResponse, Status>;
    async fn raw_batch_get(&self, request: RawBatchGetRequest) -> Result<RawBatchGetResponse, Status>;
    async fn raw_get_key_ttl(&self, request: RawGetKeyTtlRequest) -> Result<RawGetKeyTtlResponse, Status>;
    async fn raw_put(&self, request: RawPutRequest) -> Result<RawPutResponse, Status>;
    async fn raw_batch_put(&self, request: RawBatchPutRequest) -> Result<RawBatchPutResponse, Status>;
    async fn raw_delete(&self, request: RawDeleteRequest) -> Result<RawDeleteResponse, Status>;
    async fn raw_batch_delete(
        &self,
        request: RawBatchDeleteRequest,
    ) -> Result<RawBatchDeleteResponse, Status>;
    async fn raw_scan(&self, request: RawScanRequest) -> Result<RawScanResponse, Status>;
    async fn raw_batch_scan(&self, request: RawBatchScanRequest) -> Result<RawBatchScanResponse, Status>;
    async fn raw_delete_range(
        &self,
        request: RawDeleteRangeRequest,
    ) -> Result<RawDeleteRangeResponse, Status>;
    async fn raw_compare_and_swap(&self, request: RawCasRequest) -> Result<RawCasResponse, Status>;
    async fn raw_coprocessor(&self, request: RawCoprocessorRequest)
    -> Result<RawCoprocessorResponse, Status>;
}
