//! A hand on the placement driver: operators, as steps in its answers to region heartbeats.
//!
//! The nemesis chooses the steps in PD's place: it says what it wants of all regions and the answers say how to get
//! there, one step at a time and again until a heartbeat shows the result, as PD's checkers would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rutile_kv_env::{Clock, Random};
use rutile_kv_proto::keyspacepb::{LoadKeyspaceRequest, LoadKeyspaceResponse};
use rutile_kv_proto::pdpb::*;
use rutile_kv_proto::{PdService, Status, metapb};

use crate::reshape::Reshape;
use crate::world::World;

const LOOK_AGAIN: Duration = Duration::from_millis(1);
const LOOKS_MAX: usize = 2_000;

/// What the nemesis wants of the regions.
#[derive(Default)]
pub struct Steering {
    wanted: Mutex<Wanted>,
    pub at_rest: Arc<AtomicBool>,
}

#[derive(Default)]
struct Wanted {
    /// Store that is to lead, and the steps left for trying.
    leader: Option<(u64, u32)>,
    /// Store of a leader that was just told to hand leadership on.
    told: Option<u64>,
    /// Stores that are to hold the regions.
    members: Option<Members>,
    /// Splits and merges, one for each heartbeat that comes.
    reshapes: Vec<Reshape>,
}

#[derive(Clone)]
struct Members {
    stores: Vec<u64>,
    /// Through a joint configuration, where that makes a difference.
    jointly: bool,
    /// New peers vote from the beginning, if the store lets them.
    voting: bool,
}

/// The next step for a region.
enum Step {
    TransferLeader(metapb::Peer),
    Change(Vec<(ConfChangeType, metapb::Peer)>),
    /// With a new id.
    Add(ConfChangeType, u64),
    Reshape(Reshape),
}

impl Steering {
    /// Leaders are to move to a store; given up after a few steps.
    pub fn lead_on(&self, store_id: u64) {
        let mut wanted = self.wanted.lock();
        (wanted.leader, wanted.told) = (Some((store_id, 4)), None);
    }

    /// Regions are to be split and merged.
    pub fn reshape(&self, reshapes: Vec<Reshape>) {
        self.wanted.lock().reshapes.extend(reshapes);
    }

    /// Regions are to be held by these stores.
    fn live_on(&self, members: Members) {
        self.wanted.lock().members = Some(members);
    }

    /// Nothing is to be changed any more, but what has begun is brought to an end.
    pub fn rest(&self) {
        self.at_rest.store(true, Ordering::SeqCst);
        *self.wanted.lock() = Wanted::default();
    }

    /// Whether the nemesis says which stores hold the regions, and not PD.
    fn decides(&self) -> bool {
        self.wanted.lock().members.is_some()
    }

    /// Store of a leader that was just told to hand leadership on.
    fn told(&self) -> Option<u64> {
        self.wanted.lock().told.take()
    }

    fn next_step(&self, beat: &RegionHeartbeatRequest) -> Option<Step> {
        let (Some(region), Some(leader)) = (&beat.region, &beat.leader) else { return None };
        let mut wanted = self.wanted.lock();
        if region.peers.iter().any(is_joint) {
            return Some(leave_joint(region, leader));
        }
        if let Some(reshape) = wanted.reshapes.pop() {
            return Some(Step::Reshape(reshape));
        }
        if let Some((store_id, left)) = wanted.leader {
            wanted.leader = (store_id != leader.store_id && left > 1).then(|| (store_id, left - 1));
            let successor = region.peers.iter().find(|peer| peer.store_id == store_id);
            if let Some(successor) = successor.filter(|_| store_id != leader.store_id) {
                wanted.told = Some(leader.store_id);
                return Some(Step::TransferLeader(*successor));
            }
        }
        wanted.members.as_ref().and_then(|members| members.next_step(region, leader, &beat.pending_peers))
    }
}

fn is_joint(peer: &metapb::Peer) -> bool {
    matches!(peer.role(), metapb::PeerRole::IncomingVoter | metapb::PeerRole::DemotingVoter)
}

/// A leader that loses its vote hands leadership on first.
fn leave_joint(region: &metapb::Region, leader: &metapb::Peer) -> Step {
    let own = region.peers.iter().find(|peer| peer.id == leader.id);
    let stays = |peer: &&metapb::Peer| {
        matches!(peer.role(), metapb::PeerRole::Voter | metapb::PeerRole::IncomingVoter)
    };
    match region.peers.iter().find(stays) {
        Some(successor) if own.is_some_and(|own| own.role() == metapb::PeerRole::DemotingVoter) => {
            Step::TransferLeader(*successor)
        }
        _ => Step::Change(Vec::new()),
    }
}

impl Members {
    fn next_step(
        &self,
        region: &metapb::Region,
        leader: &metapb::Peer,
        pending: &[metapb::Peer],
    ) -> Option<Step> {
        let held = |store: &u64| region.peers.iter().any(|peer| peer.store_id == *store);
        if let Some(missing) = self.stores.iter().find(|store| !held(store)) {
            let kind = if self.voting { ConfChangeType::AddNode } else { ConfChangeType::AddLearnerNode };
            return Some(Step::Add(kind, *missing));
        }
        let is_learner = |peer: &&metapb::Peer| peer.role() == metapb::PeerRole::Learner;
        let belongs = |peer: &&metapb::Peer| self.stores.contains(&peer.store_id);
        let caught_up = |peer: &&metapb::Peer| !pending.iter().any(|pending| pending.id == peer.id);
        let rising: Vec<_> =
            region.peers.iter().filter(is_learner).filter(belongs).filter(caught_up).collect();
        let leaving: Vec<_> = region.peers.iter().filter(|peer| !belongs(peer)).collect();
        let falling: Vec<_> = leaving.iter().filter(|peer| !is_learner(peer)).collect();
        if self.jointly && !rising.is_empty() && rising.len() + falling.len() > 1 {
            let rise = rising.iter().map(|peer| (ConfChangeType::AddNode, **peer));
            let fall = falling.iter().map(|peer| (ConfChangeType::AddLearnerNode, ***peer));
            return Some(Step::Change(rise.chain(fall).collect()));
        }
        if let Some(peer) = rising.first() {
            return Some(Step::Change(vec![(ConfChangeType::AddNode, **peer)]));
        }
        if !belongs(&leader) {
            let successor = region.peers.iter().filter(belongs).find(|peer| !is_learner(peer))?;
            return Some(Step::TransferLeader(*successor));
        }
        leaving.first().map(|peer| Step::Change(vec![(ConfChangeType::RemoveNode, **peer)]))
    }
}

/// The power often fails soon after a store began to apply a snapshot.
pub fn ambush(world: &World) {
    let (nodes, random) = (world.nodes.clone(), world.simulation.env().random);
    let steering = world.pd.steering.clone();
    world.simulation.listen(move |event| {
        if steering.at_rest.load(Ordering::SeqCst) {
            return;
        }
        if event.name == "raftstore::snapshot::applying" && random.one_in(3) {
            let struck = nodes.all().into_iter().find(|node| node.machine.id() == event.machine);
            struck.into_iter().for_each(|node| node.machine.power_off_before_effect(random.range(1..8)));
        }
    });
}

/// Stores lose power when they have applied a change of members, before the raft loop has done its part.
pub fn ambush_the_removed(world: &World) {
    let (nodes, random) = (world.nodes.clone(), world.simulation.env().random);
    let steering = world.pd.steering.clone();
    world.simulation.listen(move |event| {
        let strikes = event.name == "raftstore::conf_change::applied" && random.one_in(3);
        if strikes && !steering.at_rest.load(Ordering::SeqCst) {
            let struck = nodes.all().into_iter().find(|node| node.machine.id() == event.machine);
            struck.into_iter().for_each(|node| node.machine.power_off_before_effect(random.range(1..8)));
        }
    });
}

/// One move of the nemesis: leadership is handed on, half of the time by a leader that then hears of no other; or the
/// regions move to other stores.
pub async fn strike(world: &World, random: &dyn Random, clock: &dyn Clock) {
    let stores = world.nodes.all();
    if random.one_in(2) {
        let mut ids: Vec<u64> = stores.iter().map(|node| node.store_id).collect();
        let fewest = if random.one_in(5) { 1 } else { 2 };
        let count = random.range(fewest..ids.len() as u64 + 1) as usize;
        while ids.len() > count {
            ids.remove(random.range(0..ids.len() as u64) as usize);
        }
        let (jointly, voting) = (random.one_in(2), random.one_in(4));
        world.pd.steering.live_on(Members { stores: ids, jointly, voting });
        return;
    }
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
                if self.steering.decides() {
                    // PD's own checkers would undo it.
                    (answer.change_peer, answer.change_peer_v2, answer.transfer_leader) = (None, None, None);
                }
                if let Some(step) = self.steering.next_step(&request) {
                    self.add_step(step, &request, &mut answer).await?;
                }
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
    report_min_resolved_ts(ReportMinResolvedTsRequest) -> ReportMinResolvedTsResponse,
    scatter_region(ScatterRegionRequest) -> ScatterRegionResponse,
    get_gc_safe_point(GetGcSafePointRequest) -> GetGcSafePointResponse,
    update_gc_safe_point(UpdateGcSafePointRequest) -> UpdateGcSafePointResponse,
    update_service_gc_safe_point(UpdateServiceGcSafePointRequest) -> UpdateServiceGcSafePointResponse,
    load_keyspace(LoadKeyspaceRequest) -> LoadKeyspaceResponse,
);

impl SteeredPd {
    async fn add_step(
        &self,
        step: Step,
        beat: &RegionHeartbeatRequest,
        answer: &mut RegionHeartbeatResponse,
    ) -> Result<(), Status> {
        let change = |change_type: ConfChangeType, peer| ChangePeer {
            peer: Some(peer),
            change_type: change_type as i32,
        };
        match step {
            Step::TransferLeader(peer) => {
                answer.transfer_leader = Some(TransferLeader { peer: Some(peer), peers: Vec::new() });
            }
            Step::Add(kind, store_id) => {
                let id = self.inner.alloc_id(AllocIdRequest { header: beat.header.clone() }).await?.id;
                let peer = metapb::Peer { id, store_id, ..metapb::Peer::default() };
                answer.change_peer = Some(change(kind, peer));
            }
            Step::Reshape(reshape) => reshape.put(&*self.inner, beat, answer).await?,
            Step::Change(changes) => {
                let changes = changes.into_iter().map(|(kind, peer)| change(kind, peer)).collect();
                answer.change_peer_v2 = Some(ChangePeerV2 { changes });
            }
        }
        Ok(())
    }
}
