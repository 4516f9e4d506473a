//! A carrier that takes its time, loses requests and answers, and delivers some requests late or twice.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rutile_kv_env::Env;
use rutile_kv_proto::{CoprocessorRequest, CoprocessorResponse, Status, TikvService, kvrpcpb};

const LATE_MAX_MS: u64 = 6_000;

pub struct Carrier {
    /// Of the store: what arrived there goes on when the sender is gone.
    pub env: Env,
    pub store: Arc<dyn TikvService>,
    /// Loses all heartbeats, so that locks end while their owners live.
    pub loses_heartbeats: bool,
}

impl Carrier {
    async fn pause(&self) {
        self.env.clock.sleep(Duration::from_micros(self.env.random.range(0..3_000))).await;
    }

    /// Delivers once more, some time later.
    fn deliver_late(&self, call: impl Future<Output = ()> + Send + 'static) {
        let (env, late) = (self.env.clone(), self.env.random.range(0..LATE_MAX_MS));
        let late = async move {
            env.clock.sleep(Duration::from_millis(late)).await;
            call.await;
        };
        self.env.spawn.spawn("late-request", Box::pin(late));
    }

    async fn carry<T, F, C>(&self, call: F) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Fn() -> C + Send + Sync,
        C: Future<Output = Result<T, Status>> + Send + 'static,
    {
        self.pause().await;
        match self.env.random.range(0..60) {
            0 => return Err(Status::unavailable("the request was lost")),
            1 => {
                let call = call();
                self.deliver_late(async move { drop(call.await) });
                return Err(Status::unavailable("the request is late"));
            }
            2 => {
                let again = call();
                self.deliver_late(async move { drop(again.await) });
            }
            _ => {}
        }
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let call = call();
        self.env.spawn.spawn("request", Box::pin(async move { drop(sender.send(call.await)) }));
        let answer = receiver.await.unwrap_or_else(|_| Err(Status::unavailable("the store is gone")));
        self.pause().await;
        match self.env.random.range(0..60) {
            0 => Err(Status::unavailable("the answer was lost")),
            _ => answer,
        }
    }
}

macro_rules! carried {
    ($($method:ident: $request:ident -> $response:ident),* $(,)?) => {
        #[async_trait]
        impl TikvService for Carrier {
            $(
                async fn $method(&self, request: kvrpcpb::$request) -> Result<kvrpcpb::$response, Status> {
                    self.carry(|| {
                        let (store, request) = (Arc::clone(&self.store), request.clone());
                        async move { store.$method(request).await }
                    })
                    .await
                }
            )*

            async fn kv_txn_heart_beat(
                &self,
                request: kvrpcpb::TxnHeartBeatRequest,
            ) -> Result<kvrpcpb::TxnHeartBeatResponse, Status> {
                if self.loses_heartbeats {
                    return Err(Status::unavailable("heartbeats are lost"));
                }
                self.store.kv_txn_heart_beat(request).await
            }

            async fn coprocessor(&self, request: CoprocessorRequest) -> Result<CoprocessorResponse, Status> {
                self.store.coprocessor(request).await
            }
        }
    };
}

carried! {
    kv_get: GetRequest -> GetResponse,
    kv_batch_get: BatchGetRequest -> BatchGetResponse,
    kv_scan: ScanRequest -> ScanResponse,
    kv_prewrite: PrewriteRequest -> PrewriteResponse,
    kv_commit: CommitRequest -> CommitResponse,
    kv_batch_rollback: BatchRollbackRequest -> BatchRollbackResponse,
    kv_pessimistic_lock: PessimisticLockRequest -> PessimisticLockResponse,
    kv_pessimistic_rollback: PessimisticRollbackRequest -> PessimisticRollbackResponse,
    kv_check_secondary_locks: CheckSecondaryLocksRequest -> CheckSecondaryLocksResponse,
    kv_check_txn_status: CheckTxnStatusRequest -> CheckTxnStatusResponse,
    kv_resolve_lock: ResolveLockRequest -> ResolveLockResponse,
    kv_scan_lock: ScanLockRequest -> ScanLockResponse,
    kv_delete_range: DeleteRangeRequest -> DeleteRangeResponse,
    split_region: SplitRegionRequest -> SplitRegionResponse,
    unsafe_destroy_range: UnsafeDestroyRangeRequest -> UnsafeDestroyRangeResponse,
}
