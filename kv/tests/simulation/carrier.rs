//! The simulated network under the service traits: raft messages, requests to stores and to PD.
//!
//! A request that arrives twice runs twice, on a task of the machine that serves it. An answer that does not come in
//! time is an `Unavailable` that says nothing about whether the request ran.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use rutile_kv::{RaftCarrier, SnapshotStream};
use rutile_kv_client::Stores;
use rutile_kv_env::{Env, Machine};
use rutile_kv_proto::keyspacepb::{LoadKeyspaceRequest, LoadKeyspaceResponse};
use rutile_kv_proto::kvrpcpb::*;
use rutile_kv_proto::pdpb::*;
use rutile_kv_proto::{
    Code, CoprocessorRequest, CoprocessorResponse, PdService, Status, TikvService, raft_serverpb,
};
use tokio::sync::oneshot;

use crate::streams;
use crate::world::{Nodes, StoreNode};

/// How long an answer is waited for; every caller has his own patience.
const PATIENCE_MS: std::ops::Range<u64> = 30..600;

/// A service that may be up or down, and where it runs.
pub trait Endpoint<S: ?Sized>: Send + Sync {
    fn machine(&self) -> &Machine;
    /// The service and the environment of its present life.
    fn up(&self) -> Option<(Env, Arc<S>)>;
}

type Call<S, A> = Arc<dyn Fn(Arc<S>) -> BoxFuture<'static, Result<A, Status>> + Send + Sync>;

/// The way from one machine to a service on another.
pub struct Remote<S: ?Sized> {
    pub from: Machine,
    pub env: Env,
    pub to: Arc<dyn Endpoint<S>>,
}

impl<S: ?Sized + Send + Sync + 'static> Remote<S> {
    async fn call<A: Clone + Send + Sync + 'static>(&self, call: Call<S, A>) -> Result<A, Status> {
        let (sender, receiver) = oneshot::channel();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let (to, from_id) = (self.to.clone(), self.from.id());
        self.from.send(self.to.machine().id(), move || {
            let Some((env, service)) = to.up() else {
                return;
            };
            let (answer, machine, sender) = (call(service), to.machine().clone(), sender.clone());
            let serve = async move {
                let answer = answer.await;
                machine.send(from_id, move || {
                    if let Some(sender) = sender.lock().take() {
                        // The caller may have stopped waiting.
                        let _ = sender.send(answer.clone());
                    }
                });
            };
            env.spawn.spawn("serve", Box::pin(serve));
        });
        let patience = Duration::from_millis(self.env.random.range(PATIENCE_MS));
        tokio::select! {
            biased;
            answer = receiver => answer.unwrap_or_else(|_| Err(Status::unavailable("the connection broke"))),
            () = self.env.clock.sleep(patience) => Err(Status::unavailable("no answer in time")),
        }
    }
}

/// The whole block, because `async_trait` must see the functions.
macro_rules! remote {
    ($service:ident: $($name:ident($request:ty) -> $answer:ty),+; $($rest:item)*) => {
        #[async_trait]
        impl $service for Remote<dyn $service> {
            $(
                async fn $name(&self, request: $request) -> Result<$answer, Status> {
                    self.call(Arc::new(move |service: Arc<dyn $service>| {
                        let request = request.clone();
                        async move { service.$name(request).await }.boxed()
                    }))
                    .await
                }
            )+
            $($rest)*
        }
    };
}

remote!(TikvService:
        kv_get(GetRequest) -> GetResponse,
        kv_batch_get(BatchGetRequest) -> BatchGetResponse,
        kv_scan(ScanRequest) -> ScanResponse,
        kv_prewrite(PrewriteRequest) -> PrewriteResponse,
        kv_commit(CommitRequest) -> CommitResponse,
        kv_batch_rollback(BatchRollbackRequest) -> BatchRollbackResponse,
        kv_check_txn_status(CheckTxnStatusRequest) -> CheckTxnStatusResponse,
        kv_resolve_lock(ResolveLockRequest) -> ResolveLockResponse,
        kv_scan_lock(ScanLockRequest) -> ScanLockResponse,
        kv_txn_heart_beat(TxnHeartBeatRequest) -> TxnHeartBeatResponse,
        kv_pessimistic_lock(PessimisticLockRequest) -> PessimisticLockResponse,
        kv_pessimistic_rollback(PessimisticRollbackRequest) -> PessimisticRollbackResponse,
        kv_check_secondary_locks(CheckSecondaryLocksRequest) -> CheckSecondaryLocksResponse,
        kv_delete_range(DeleteRangeRequest) -> DeleteRangeResponse,
        split_region(SplitRegionRequest) -> SplitRegionResponse,
        unsafe_destroy_range(UnsafeDestroyRangeRequest) -> UnsafeDestroyRangeResponse;

    async fn coprocessor(&self, _: CoprocessorRequest) -> Result<CoprocessorResponse, Status> {
        Err(Status::new(Code::Unimplemented, "plans are not part of the simulation"))
    }
);

remote!(PdService:
        get_members(GetMembersRequest) -> GetMembersResponse,
        tso(TsoRequest) -> TsoResponse,
        is_bootstrapped(IsBootstrappedRequest) -> IsBootstrappedResponse,
        bootstrap(BootstrapRequest) -> BootstrapResponse,
        alloc_id(AllocIdRequest) -> AllocIdResponse,
        put_store(PutStoreRequest) -> PutStoreResponse,
        get_store(GetStoreRequest) -> GetStoreResponse,
        get_all_stores(GetAllStoresRequest) -> GetAllStoresResponse,
        store_heartbeat(StoreHeartbeatRequest) -> StoreHeartbeatResponse,
        get_region(GetRegionRequest) -> GetRegionResponse,
        get_region_by_id(GetRegionByIdRequest) -> GetRegionResponse,
        scan_regions(ScanRegionsRequest) -> ScanRegionsResponse,
        ask_batch_split(AskBatchSplitRequest) -> AskBatchSplitResponse,
        report_batch_split(ReportBatchSplitRequest) -> ReportBatchSplitResponse,
        region_heartbeat(RegionHeartbeatRequest) -> RegionHeartbeatResponse,
        get_gc_safe_point(GetGcSafePointRequest) -> GetGcSafePointResponse,
        update_gc_safe_point(UpdateGcSafePointRequest) -> UpdateGcSafePointResponse,
        update_service_gc_safe_point(UpdateServiceGcSafePointRequest) -> UpdateServiceGcSafePointResponse,
        load_keyspace(LoadKeyspaceRequest) -> LoadKeyspaceResponse;
);

/// Stores as a machine reaches them.
pub struct RemoteStores {
    pub from: Machine,
    pub env: Env,
    pub nodes: Weak<Nodes>,
}

impl RemoteStores {
    fn node(&self, store_id: u64) -> Option<Arc<StoreNode>> {
        self.nodes.upgrade().and_then(|nodes| nodes.by_store_id(store_id))
    }
}

impl Stores for RemoteStores {
    fn store(&self, store_id: u64) -> Result<Arc<dyn TikvService>, Status> {
        let node = self.node(store_id).ok_or_else(|| Status::unavailable(format!("no store {store_id}")))?;
        Ok(Arc::new(Remote::<dyn TikvService> { from: self.from.clone(), env: self.env.clone(), to: node }))
    }
}

impl RaftCarrier for RemoteStores {
    fn send(&self, store_id: u64, message: raft_serverpb::RaftMessage) {
        let Some(node) = self.node(store_id) else {
            return;
        };
        self.from.send(node.machine.id(), move || {
            if let Some(store) = node.store() {
                store.receive_raft(&message).expect("one version of the wire");
            }
        });
    }

    fn send_snapshot(&self, store_id: u64, stream: SnapshotStream) -> BoxFuture<'static, Result<(), Status>> {
        match self.node(store_id) {
            Some(node) => Box::pin(streams::carry(self.from.clone(), self.env.clone(), node, stream)),
            None => Box::pin(async move { Err(Status::unavailable(format!("no store {store_id}"))) }),
        }
    }
}
