//! Stores that answer by script, with a real PD.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_env::Simulation;
use rutile_kv_proto::{
    CoprocessorRequest, CoprocessorResponse, PdService, Status, TikvService, errorpb, kvrpcpb, metapb,
};
use rutile_kv_types::{Key, Peer, PeerRole, Region, RegionEpoch};
use rutile_pd::{Member, PdConfig};
use rutile_pd_client::{PdClient, RegionHeartbeat, Store, to_wire};

use crate::{Client, ClientConfig, StaticStores};

/// What a call is answered with.
pub(super) enum Answer {
    Get(kvrpcpb::GetResponse),
    Prewrite(kvrpcpb::PrewriteResponse),
    Commit(kvrpcpb::CommitResponse),
    RollBack(kvrpcpb::BatchRollbackResponse),
    Check(kvrpcpb::CheckTxnStatusResponse),
    Resolve(kvrpcpb::ResolveLockResponse),
    Beat(kvrpcpb::TxnHeartBeatResponse),
    Lock(kvrpcpb::PessimisticLockResponse),
    Unlock(kvrpcpb::PessimisticRollbackResponse),
    /// Any call fails as a whole.
    Lost,
}

/// Makes the answer of a call that may come again.
type MakeAnswer = fn() -> Answer;

/// Calls in expected order, each with a description of store, kind and keys.
#[derive(Default)]
pub(super) struct Script {
    expected: Mutex<VecDeque<(String, Answer)>>,
    /// Answers for calls that may come any number of times, once the script is used up.
    forever: Mutex<Vec<(String, MakeAnswer)>>,
    surprises: Mutex<Vec<String>>,
}

impl Script {
    pub(super) fn expect(&self, call: &str, answer: Answer) {
        self.expected.lock().push_back((call.to_owned(), answer));
    }

    pub(super) fn forever(&self, call: &str, answer: MakeAnswer) {
        self.forever.lock().push((call.to_owned(), answer));
    }

    pub(super) fn assert_done(&self) {
        assert_eq!(*self.surprises.lock(), Vec::<String>::new());
        let left: Vec<String> = self.expected.lock().iter().map(|(call, _)| call.clone()).collect();
        assert_eq!(left, Vec::<String>::new(), "these calls were not made");
    }

    fn answer(&self, call: String) -> Answer {
        let mut expected = self.expected.lock();
        if expected.front().is_some_and(|(next, _)| *next == call) {
            return expected.pop_front().map_or(Answer::Lost, |(_, answer)| answer);
        }
        if let Some((_, answer)) = self.forever.lock().iter().find(|(known, _)| *known == call) {
            return answer();
        }
        let next = expected.front().map_or("nothing", |(next, _)| next.as_str());
        self.surprises.lock().push(format!("{call} instead of {next}"));
        Answer::Lost
    }
}

struct ScriptedStore {
    id: u64,
    script: Arc<Script>,
}

fn names<'a>(keys: impl IntoIterator<Item = &'a Bytes>) -> String {
    keys.into_iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect::<Vec<_>>().join(",")
}

macro_rules! scripted {
    ($self:ident, $variant:ident, $($call:tt)*) => {
        match $self.script.answer(format!("{} {}", $self.id, format!($($call)*))) {
            Answer::$variant(answer) => Ok(answer),
            Answer::Lost => Err(Status::unavailable("connection reset")),
            _ => Err(Status::internal("the script answers another kind of call")),
        }
    };
}

#[async_trait]
impl TikvService for ScriptedStore {
    async fn kv_get(&self, request: kvrpcpb::GetRequest) -> Result<kvrpcpb::GetResponse, Status> {
        scripted!(self, Get, "get {}", names([&request.key]))
    }
    async fn kv_prewrite(
        &self,
        request: kvrpcpb::PrewriteRequest,
    ) -> Result<kvrpcpb::PrewriteResponse, Status> {
        let keys = names(request.mutations.iter().map(|mutation| &mutation.key));
        let phase = if request.try_one_pc { "one-pc" } else { "prewrite" };
        scripted!(self, Prewrite, "{phase} {keys}")
    }
    async fn kv_commit(&self, request: kvrpcpb::CommitRequest) -> Result<kvrpcpb::CommitResponse, Status> {
        scripted!(self, Commit, "commit {}", names(&request.keys))
    }
    async fn kv_batch_rollback(
        &self,
        request: kvrpcpb::BatchRollbackRequest,
    ) -> Result<kvrpcpb::BatchRollbackResponse, Status> {
        scripted!(self, RollBack, "rollback {}", names(&request.keys))
    }
    async fn kv_check_txn_status(
        &self,
        request: kvrpcpb::CheckTxnStatusRequest,
    ) -> Result<kvrpcpb::CheckTxnStatusResponse, Status> {
        let force = if request.rollback_if_not_exist { " force" } else { "" };
        scripted!(self, Check, "check {}@{}{force}", names([&request.primary_key]), request.lock_ts)
    }
    async fn kv_resolve_lock(
        &self,
        request: kvrpcpb::ResolveLockRequest,
    ) -> Result<kvrpcpb::ResolveLockResponse, Status> {
        scripted!(self, Resolve, "resolve {} to {}", names(&request.keys), request.commit_version)
    }
    async fn kv_txn_heart_beat(
        &self,
        request: kvrpcpb::TxnHeartBeatRequest,
    ) -> Result<kvrpcpb::TxnHeartBeatResponse, Status> {
        scripted!(self, Beat, "beat {}", names([&request.primary_lock]))
    }
    async fn kv_pessimistic_lock(
        &self,
        request: kvrpcpb::PessimisticLockRequest,
    ) -> Result<kvrpcpb::PessimisticLockResponse, Status> {
        let keys = names(request.mutations.iter().map(|mutation| &mutation.key));
        scripted!(self, Lock, "lock {keys} for {}", names([&request.primary_lock]))
    }
    async fn kv_pessimistic_rollback(
        &self,
        request: kvrpcpb::PessimisticRollbackRequest,
    ) -> Result<kvrpcpb::PessimisticRollbackResponse, Status> {
        scripted!(self, Unlock, "unlock {}", names(&request.keys))
    }
    async fn kv_check_secondary_locks(
        &self,
        _: kvrpcpb::CheckSecondaryLocksRequest,
    ) -> Result<kvrpcpb::CheckSecondaryLocksResponse, Status> {
        Err(Status::internal("not scripted"))
    }
    async fn kv_batch_get(&self, _: kvrpcpb::BatchGetRequest) -> Result<kvrpcpb::BatchGetResponse, Status> {
        Err(Status::internal("not scripted"))
    }
    async fn kv_scan(&self, _: kvrpcpb::ScanRequest) -> Result<kvrpcpb::ScanResponse, Status> {
        Err(Status::internal("not scripted"))
    }
    async fn kv_scan_lock(&self, _: kvrpcpb::ScanLockRequest) -> Result<kvrpcpb::ScanLockResponse, Status> {
        Err(Status::internal("not scripted"))
    }
    async fn kv_delete_range(
        &self,
        _: kvrpcpb::DeleteRangeRequest,
    ) -> Result<kvrpcpb::DeleteRangeResponse, Status> {
        Err(Status::internal("not scripted"))
    }
    async fn split_region(
        &self,
        _: kvrpcpb::SplitRegionRequest,
    ) -> Result<kvrpcpb::SplitRegionResponse, Status> {
        Err(Status::internal("not scripted"))
    }
    async fn unsafe_destroy_range(
        &self,
        _: kvrpcpb::UnsafeDestroyRangeRequest,
    ) -> Result<kvrpcpb::UnsafeDestroyRangeResponse, Status> {
        Err(Status::internal("not scripted"))
    }
    async fn coprocessor(&self, _: CoprocessorRequest) -> Result<CoprocessorResponse, Status> {
        Err(Status::internal("not scripted"))
    }
}

/// Two stores, one region of all keys with a peer on each; store 1 leads.
pub(super) struct World {
    pub(super) simulation: Simulation,
    pub(super) script: Arc<Script>,
    pub(super) client: Client,
}

pub(super) fn region(id: u64, start: &str, end: &str, version: u64) -> Region {
    let bound = |key: &str| match key {
        "" => Bytes::new(),
        key => Bytes::from(Key::from_raw(key.as_bytes()).into_encoded()),
    };
    let peer = |store_id| Peer { id: id * 10 + store_id, store_id, role: PeerRole::Voter };
    Region {
        id,
        start_key: bound(start),
        end_key: bound(end),
        epoch: RegionEpoch { conf_ver: 2, version },
        peers: vec![peer(1), peer(2)],
    }
}

impl World {
    pub(super) fn new(config: ClientConfig) -> World {
        let simulation = Simulation::new(7);
        let env = simulation.env();
        let pd = Member::open(env.clone(), PdConfig::new(PathBuf::from("/pd"))).expect("PD opens");
        let pd: Arc<dyn PdService> = Arc::new(pd);
        let script = Arc::new(Script::default());
        let scripted = |id| {
            let store: Arc<dyn TikvService> = Arc::new(ScriptedStore { id, script: Arc::clone(&script) });
            (id, store)
        };
        let stores = Arc::new(StaticStores::new([scripted(1), scripted(2)]));
        let client = simulation.block_on(async {
            let pd = PdClient::connect(env.clone(), pd).await.expect("connects");
            let mut first = region(2, "", "", 1);
            first.epoch.conf_ver = 1;
            first.peers.truncate(1);
            let store = Store { id: 1, address: "one".into(), ..Store::default() };
            pd.bootstrap(&store, &first).await.expect("founds");
            let region = region(2, "", "", 1);
            let leader = region.peers.first().cloned();
            let beat = RegionHeartbeat { region, leader, term: 6, ..RegionHeartbeat::default() };
            pd.region_heartbeat(&beat).await.expect("PD takes the region");
            Client::with_config(env, pd, stores, config)
        });
        World { simulation, script, client }
    }

    /// Runs to the end, background work included, and checks the script.
    pub(super) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let outcome = self.simulation.block_on(future);
        self.simulation.run_until_stalled();
        self.script.assert_done();
        outcome
    }
}

pub(super) fn not_leader(leader: Option<Peer>) -> errorpb::Error {
    let leader = leader.as_ref().map(to_wire::peer);
    errorpb::Error {
        not_leader: Some(errorpb::NotLeader { region_id: 2, leader }),
        ..errorpb::Error::default()
    }
}

pub(super) fn split_into(regions: &[Region]) -> errorpb::Error {
    let current_regions: Vec<metapb::Region> = regions.iter().map(to_wire::region).collect();
    errorpb::Error {
        epoch_not_match: Some(errorpb::EpochNotMatch { current_regions }),
        ..errorpb::Error::default()
    }
}

pub(super) fn lock(key: &str, owner: u64, ttl_ms: u64) -> kvrpcpb::LockInfo {
    kvrpcpb::LockInfo {
        primary_lock: Bytes::from_static(b"p"),
        lock_version: owner,
        key: Bytes::copy_from_slice(key.as_bytes()),
        lock_ttl: ttl_ms,
        txn_size: 2,
        ..kvrpcpb::LockInfo::default()
    }
}
