//! Transactional requests between client and store (`kvrpcpb.proto`).
//!
//! Names and field numbers are those of kvproto. Left out until something reads them: execution details, resource
//! control, tracing, resumed ("force") pessimistic locking. Errors are boxed, so that an answer without one stays a few words.

mod context;
mod key_error;
mod lock;
mod mutation;
mod pessimistic;
mod raw;
mod read;
mod region;
mod write;

pub use context::{ApiVersion, CommandPri, Context, IsolationLevel};
pub use key_error::{
    AlreadyExist, AssertionFailed, CommitTsExpired, CommitTsTooLarge, Deadlock, KeyError, LockInfo,
    PrimaryMismatch, TxnLockNotFound, TxnNotFound, WaitForEntry, WriteConflict, write_conflict,
};
pub use lock::{
    Action, CheckSecondaryLocksRequest, CheckSecondaryLocksResponse, CheckTxnStatusRequest,
    CheckTxnStatusResponse, ResolveLockRequest, ResolveLockResponse, ScanLockRequest, ScanLockResponse,
    TxnInfo,
};
pub use mutation::{Assertion, AssertionLevel, KeyRange, KvPair, Mutation, Op};
pub use pessimistic::{
    PessimisticLockRequest, PessimisticLockResponse, PessimisticLockWakeUpMode, PessimisticRollbackRequest,
    PessimisticRollbackResponse,
};
pub use raw::{
    RawBatchDeleteRequest, RawBatchDeleteResponse, RawBatchGetRequest, RawBatchGetResponse,
    RawBatchPutRequest, RawBatchPutResponse, RawBatchScanRequest, RawBatchScanResponse, RawCasRequest,
    RawCasResponse, RawCoprocessorRequest, RawCoprocessorResponse, RawDeleteRangeRequest,
    RawDeleteRangeResponse, RawDeleteRequest, RawDeleteResponse, RawGetKeyTtlRequest, RawGetKeyTtlResponse,
    RawGetRequest, RawGetResponse, RawPutRequest, RawPutResponse, RawScanRequest, RawScanResponse,
};
pub use read::{BatchGetRequest, BatchGetResponse, GetRequest, GetResponse, ScanRequest, ScanResponse};
pub use region::{
    DeleteRangeRequest, DeleteRangeResponse, SplitRegionRequest, SplitRegionResponse,
    UnsafeDestroyRangeRequest, UnsafeDestroyRangeResponse,
};
pub use write::{
    BatchRollbackRequest, BatchRollbackResponse, CommitRequest, CommitResponse, PrewriteRequest,
    PrewriteResponse, TxnHeartBeatRequest, TxnHeartBeatResponse, prewrite_request,
};
