//! The simulated network under the service traits: raft messages, requests to stores and to PD.
//!
//! A request that arrives twice runs twice, on a task of the machine that serves it. An answer that does not come in
//! time is an `Unavailable` that says nothing about whether the request ran.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use rutile_kv::{RaftCarrier, SnapshotStream};
use rutile_kv_client::{PlanForm, Stores};
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
pub const PATIENCE_MS: Range<u64> = 30..600;
const LATE_MS: Range<u64> = 600..6_000;

/// A service that may be up or down, and where it runs.
pub trait Endpoint<S: ?Sized>: Send + Sync {
    fn machine(&self) -> &Machine;
    /// The service and the environment of its present life.
    fn up(&self) -> Option<(Env, Arc<S>)>;
}

/// Where an answer goes; empty once it came.
type Answer<A> = Arc<Mutex<Option<oneshot::Sender<Result<A, Status>>>>>;
type Call<S, A> = Arc<dyn Fn(Arc<S>) -> BoxFuture<'static, Result<A, Status>> + Send + Sync>;

/// The way from one machine to a service on another.
pub struct Remote<S: ?Sized> {
    pub from: Machine,
    pub env: Env,
    pub to: Arc<dyn Endpoint<S>>,
    /// Where things go on when the machine has lost its power.
    pub world: Env,
    pub script: Option<Arc<Script>>,
    pub limits_commit_ts: bool,
    pub patience_ms: Range<u64>,
}

/// What becomes of one request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    RequestLost,
    AnswerLost,
    /// All later ones too.
    AnswersLost,
    RequestTwice,
    /// Once more, when everything has long been over.
    RequestAgainLate,
    /// After the caller stopped waiting.
    RequestLate,
    DiesBefore,
    DiesAfter,
}

/// One mishap at one request of a machine.
pub struct Script {
    pub mishap: Mishap,
    /// Requests before it.
    left: Mutex<Option<u64>>,
    /// Answers are lost from now on.
    silent: AtomicBool,
}

impl Script {
    pub fn new(mishap: Mishap, requests_before: u64) -> Script {
        Script { mishap, left: Mutex::new(Some(requests_before)), silent: AtomicBool::new(false) }
    }

    fn next(&self) -> Option<Mishap> {
        let mut left = self.left.lock();
        if *left == Some(0) && self.mishap == Mishap::AnswersLost {
            self.silent.store(true, Ordering::SeqCst);
        }
        if self.silent.load(Ordering::SeqCst) {
            *left = None;
            return Some(self.mishap);
        }
        let due = *left == Some(0);
        *left = left.and_then(|left| left.checked_sub(1));
        due.then_some(self.mishap)
    }

    /// Whether there were enough requests.
    pub fn happened(&self) -> bool {
        self.left.lock().is_none()
    }
}

/// Prewrites of some transactions may not pick a commit timestamp much above their start, as when a schema lease
/// ends: async commits and commits in one phase fall back to two, on some stores and not on others.
fn limit_commit_ts(request: &mut dyn Any) {
    const ONE_IN: u64 = 4;
    if let Some(prewrite) = request.downcast_mut::<PrewriteRequest>() {
        // The same for all requests of a transaction.
        let draw = prewrite.start_version.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        if draw.is_multiple_of(ONE_IN) {
            let physical_ms = draw / ONE_IN % 300;
            prewrite.max_commit_ts = prewrite.start_version + (physical_ms << 18) + 1;
        }
    }
}

/// What a store may wait before it answers.
fn wait_of(request: &dyn Any) -> Duration {
    let lock = request.downcast_ref::<PessimisticLockRequest>();
    let wait_ms = lock.map_or(0, |request| request.wait_timeout.max(0));
    Duration::from_millis(wait_ms.unsigned_abs())
}

/// `RUTILE_TRACE=1` prints requests as they are served.
fn traces() -> bool {
    static TRACES: OnceLock<bool> = OnceLock::new();
    *TRACES.get_or_init(|| std::env::var_os("RUTILE_TRACE").is_some())
}

/// Serves a request, in words if asked for.
async fn traced<A: fmt::Debug>(
    told: Option<String>,
    env: Env,
    answer: impl Future<Output = Result<A, Status>>,
) -> Result<A, Status> {
    let answer = answer.await;
    if let Some(told) = told {
        eprintln!("{:?} {told} -> {answer:?}", env.clock.now().since_origin());
    }
    answer
}

impl<S: ?Sized + Send + Sync + 'static> Remote<S> {
    async fn call<A: Clone + Send + Sync + 'static>(
        &self,
        wait: Duration,
        call: Call<S, A>,
    ) -> Result<A, Status> {
        let (sender, receiver) = oneshot::channel();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let mishap = self.script.as_ref().and_then(|script| script.next());
        let send = |sender| self.send(call.clone(), sender);
        match mishap {
            Some(Mishap::DiesBefore) => self.from.power_off(),
            Some(Mishap::RequestLost) => {}
            Some(Mishap::AnswerLost | Mishap::AnswersLost) => send(Arc::default()),
            Some(Mishap::RequestLate) => self.send_late(call.clone()),
            Some(Mishap::DiesAfter) => {
                send(sender.clone());
                self.from.power_off();
            }
            Some(Mishap::RequestTwice) => {
                send(sender.clone());
                send(sender.clone());
            }
            Some(Mishap::RequestAgainLate) => {
                send(sender.clone());
                self.send_late(call.clone());
            }
            None => send(sender.clone()),
        }
        let patience = wait + Duration::from_millis(self.env.random.range(self.patience_ms.clone()));
        let answer = async {
            match receiver.await {
                Ok(answer) => answer,
                // Nobody is left who could answer.
                Err(_) => std::future::pending().await,
            }
        };
        drop(sender);
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.env.clock.sleep(patience) => Err(Status::unavailable("no answer in time")),
        }
    }

    fn send<A: Clone + Send + Sync + 'static>(&self, call: Call<S, A>, sender: Answer<A>) {
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
    }

    /// Arrives some time after the caller stopped waiting, as if it had been on the way; nobody hears the answer.
    fn send_late<A: Clone + Send + Sync + 'static>(&self, call: Call<S, A>) {
        let (to, late) = (self.to.clone(), self.env.random.range(LATE_MS));
        let world = self.world.clone();
        let deliver = async move {
            world.clock.sleep(Duration::from_millis(late)).await;
            if let Some((env, service)) = to.up() {
                let answer = call(service);
                env.spawn.spawn("serve", Box::pin(async move { drop(answer.await) }));
            }
        };
        self.world.spawn.spawn("late-request", Box::pin(deliver));
    }
}

/// The whole block, because `async_trait` must see the functions.
macro_rules! remote {
    ($service:ident: $($name:ident($request:ty) -> $answer:ty),+; $($rest:item)*) => {
        #[async_trait]
        impl $service for Remote<dyn $service> {
            $(
                async fn $name(&self, mut request: $request) -> Result<$answer, Status> {
                    if self.limits_commit_ts {
                        limit_commit_ts(&mut request);
                    }
                    let (wait, world) = (wait_of(&request), self.world.clone());
                    let (from, to) = (self.from.id(), self.to.machine().id());
                    let call = move |service: Arc<dyn $service>| {
                        let (request, env) = (request.clone(), world.clone());
                        let told =
                            traces().then(|| format!("{from}->{to} {} {request:?}", stringify!($name)));
                        traced(told, env, async move { service.$name(request).await }).boxed()
                    };
                    self.call(wait, Arc::new(call)).await
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
        report_min_resolved_ts(ReportMinResolvedTsRequest) -> ReportMinResolvedTsResponse,
        scatter_region(ScatterRegionRequest) -> ScatterRegionResponse,
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
    pub world: Env,
    pub nodes: Weak<Nodes>,
    pub script: Option<Arc<Script>>,
    pub limits_commit_ts: bool,
    pub patience_ms: Range<u64>,
}

impl RemoteStores {
    fn node(&self, store_id: u64) -> Option<Arc<StoreNode>> {
        self.nodes.upgrade().and_then(|nodes| nodes.by_store_id(store_id))
    }
}

impl Stores for RemoteStores {
    fn store(&self, store_id: u64) -> Result<Arc<dyn TikvService>, Status> {
        let node = self.node(store_id).ok_or_else(|| Status::unavailable(format!("no store {store_id}")))?;
        let (from, env, world) = (self.from.clone(), self.env.clone(), self.world.clone());
        let (script, limits_commit_ts) = (self.script.clone(), self.limits_commit_ts);
        let patience_ms = self.patience_ms.clone();
        let to = node;
        Ok(Arc::new(Remote::<dyn TikvService> {
            from,
            env,
            to,
            world,
            script,
            limits_commit_ts,
            patience_ms,
        }))
    }

    fn plan_form(&self) -> PlanForm {
        PlanForm::Object
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
