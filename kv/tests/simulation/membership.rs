//! A hand on the placement driver: operators, as steps in its answers to region heartbeats.
//!
//! PD itself chooses no steps yet, so the nemesis says what it wants of all regions and the answers say how to get
//! there, one step at a time and again until a heartbeat shows the result, as PD's checkers would.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rutile_kv_env::{Clock, Random};
use rutile_kv_proto::keyspacepb::{LoadKeyspaceRequest, LoadKeyspaceResponse};
use rutile_kv_proto::pdpb::*;
use rutile_kv_proto::{PdService, Status};

use crate::world::World;

const LOOK_AGAIN: Duration = Duration::from_millis(1);
const LOOKS_MAX: usize = 2_000;

/// What the nemesis wants of the regions.
#[derive(Default)]
pub struct Steering {
    wanted: Mutex<Wanted>,
}

#[derive(Default)]
struct Wanted {
    /// Store that is to lead, and the steps left for trying.
    leader: Option<(u64, u32)>,
    /// Store of a leader that was just told to hand leadership on.
    told: Option<u64>,
}

impl Steering {
    /// Leaders are to move to a store; given up after a few steps.
    pub fn lead_on(&self, store_id: u64) {
        *self.wanted.lock() = Wanted { leader: Some((store_id, 4)), told: None };
    }

    /// Store of a leader that was just told to hand leadership on.
    fn told(&self) -> Option<u64> {
        self.wanted.lock().told.take()
    }

    /// Nothing is to be changed any more.
    pub fn rest(&self) {
        *self.wanted.lock() = Wanted::default();
    }

    /// Adds the next step to the answer to a heartbeat.
    fn steer(&self, beat: &RegionHeartbeatRequest, answer: &mut RegionHeartbeatResponse) {
        let (Some(region), Some(leader)) = (&beat.region, &beat.leader) else { return };
        let mut wanted = self.wanted.lock();
        let Some((store_id, left)) = wanted.leader else { return };
        if store_id == leader.store_id || left == 0 {
            wanted.leader = None;
            return;
        }
        wanted.leader = Some((store_id, left - 1));
        let successor = region.peers.iter().find(|peer| peer.store_id == store_id);
        wanted.told = Some(leader.store_id);
        answer.transfer_leader =
            successor.map(|peer| TransferLeader { peer: Some(*peer), peers: Vec::new() });
    }
}

/// One move of the nemesis: leadership is handed on, half of the time by a leader that then hears of no other.
pub async fn strike(world: &World, random: &dyn Random, clock: &dyn Clock) {
    let stores = world.nodes.all();
    let store = &stores[random.range(0..stores.len() as u64) as usize];
    world.pd.steering.lead_on(store.store_id);
    if random.one_in(2) {
        return;
    }
    for _ in 0..LOOKS_MAX {
        clock.sleep(LOOK_AGAIN).await;
        let Some(leader) = world.pd.steering.told().and_then(|store_id| world.nodes.by_store_id(store_id))
        else {
            continue;
        };
        let network = world.simulation.network();
        let others = stores.iter().filter(|other| other.store_id != leader.store_id);
        others.for_each(|other| network.cut(other.machine.id(), leader.machine.id()));
        clock.sleep(Duration::from_millis(random.range(300..2_000))).await;
        return network.mend();
    }
}

/// PD, whose answers to heartbeats carry steps.
pub struct SteeredPd {
    pub inner: Arc<dyn PdService>,
    pub steering: Arc<Steering>,
}

/// The whole block, because `async_trait` must see the functions.
macro_rules! steered {
    ($($name:ident($request:ty) -> $answer:ty),+ $(,)?) => {
        #[async_trait]
        impl PdService for SteeredPd {
            $(
                async fn $name(&self, request: $request) -> Result<$answer, Status> {
                    self.inner.$name(request).await
                }
            )+

            async fn region_heartbeat(
                &self,
                request: RegionHeartbeatRequest,
            ) -> Result<RegionHeartbeatResponse, Status> {
                let mut answer = self.inner.region_heartbeat(request.clone()).await?;
                self.steering.steer(&request, &mut answer);
                Ok(answer)
            }
        }
    };
}

steered!(
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
    get_gc_safe_point(GetGcSafePointRequest) -> GetGcSafePointResponse,
    update_gc_safe_point(UpdateGcSafePointRequest) -> UpdateGcSafePointResponse,
    update_service_gc_safe_point(UpdateServiceGcSafePointRequest) -> UpdateServiceGcSafePointResponse,
    load_keyspace(LoadKeyspaceRequest) -> LoadKeyspaceResponse,
);
