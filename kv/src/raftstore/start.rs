//! Start of a store: what its loops share, and who gets what of it.
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_engine::{Engine, RaftLog};
use rutile_kv_env::Env;
use rutile_kv_types::Cf;
use rutile_pd_client::PdClient;
use tokio::sync::Semaphore;

use super::apply::{Applier, ApplyMessage, count_locks};
use super::background::{Background, Worker};
use super::bootstrap::bootstrap;
use super::driver::start;
use super::heartbeat::{Reporter, Reports};
use super::hibernate::{Hibernation, Peers};
use super::inbox::Inbox;
use super::message::Message;
use super::peer::Peer;
use super::read::{IN_FLIGHT_MAX, RaftReplica};
use super::recovery::open_peers;
use super::snapshot::{Receptions, SLOTS_MAX, Streams};
use super::split::RegionSplitter;
use super::split_checker::Limits;
use super::store::{RaftLoop, RaftStore, TICK};
use super::store_stats::{Slowness, StoreMeter};
use super::transport::{Arrivals, Transport};
use super::view::Regions;
use crate::concurrency_manager::ConcurrencyManager;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::gc::SafePoint;
use crate::metrics::Metrics;
use crate::pessimistic_locks::Budget;

/// Shorter than the earliest election with both clocks 10 % off, see `peer`.
const LEASE: Duration = Duration::from_millis(700);
/// Rounds the apply loop may be behind before the raft loop waits for it.
const APPLY_ROUNDS_MAX: usize = 64;
/// How long a start waits for the regions that only this store can lead.
const READY_WAIT_MAX: Duration = Duration::from_secs(60);

/// What a store is made from.
pub struct Parts {
    pub env: Env,
    pub engine: Arc<dyn Engine>,
    pub raft_log: Arc<dyn RaftLog>,
    pub pd: PdClient,
    pub concurrency: Arc<ConcurrencyManager>,
    pub metrics: Arc<Metrics>,
    pub transport: Arc<dyn Transport>,
    pub safe_point: Arc<SafePoint>,
}

/// What the loops share.
struct Wiring {
    parts: Parts,
    store_id: u64,
    inbox: Arc<Inbox<Message>>,
    apply: Arc<Inbox<ApplyMessage>>,
    regions: Arc<Regions>,
    reports: Arc<Reports>,
    background: Arc<Background>,
    arrivals: Arc<Arrivals>,
    region_interval: Duration,
    reports_resolved_ts: bool,
    sleeping_interval: Duration,
    data_dir: Option<PathBuf>,
    streams: Arc<Streams>,
}

impl RaftStore {
    /// Makes the store known, opens its regions and starts its loops. Returns when every region that only this
    /// store can lead is ready to serve.
    pub async fn start(config: &Config, parts: Parts) -> Result<RaftStore> {
        let clock = parts.env.clock.clone();
        let store_id = bootstrap(&*parts.engine, &parts.pd, config).await?;
        let peers = open_peers(&*parts.engine, &parts.raft_log, store_id, &parts.env.hooks)?;
        let wiring = Wiring::new(config, parts, store_id);
        let mut raft_loop = wiring.raft_loop(config);
        for mut peer in peers {
            measure(&*wiring.parts.engine, &peer)?;
            if peer.is_only_voter() {
                // Nobody else can win, so there is no timeout to wait for.
                peer.campaign()?;
            }
            raft_loop.add_peer(peer, Vec::new());
        }
        let store = wiring.spawn(raft_loop)?;
        let settled = tokio::select! {
            biased;
            () = store.settle() => true,
            () = clock.sleep(READY_WAIT_MAX) => false,
        };
        let late = || Error::Pd("regions did not become ready: PD gave no timestamp".to_owned());
        settled.then_some(store).ok_or_else(late)
    }
}

impl Wiring {
    fn new(config: &Config, parts: Parts, store_id: u64) -> Self {
        let limits = Limits {
            split_bytes: config.region_split_bytes,
            max_bytes: config.region_split_bytes.saturating_mul(3) / 2,
            split_keys: config.region_split_keys,
            max_keys: config.region_split_keys.saturating_mul(3) / 2,
        };
        Wiring {
            parts,
            store_id,
            inbox: Arc::default(),
            apply: Arc::new(Inbox::with_limit(APPLY_ROUNDS_MAX)),
            regions: Arc::default(),
            reports: Arc::default(),
            background: Arc::new(Background::new(limits)),
            arrivals: Arc::default(),
            region_interval: config.region_heartbeat_interval,
            reports_resolved_ts: config.reports_resolved_ts,
            sleeping_interval: config.hibernate_check_interval,
            data_dir: config.data_dir.clone(),
            streams: Arc::default(),
        }
    }

    fn raft_loop(&self, config: &Config) -> RaftLoop {
        RaftLoop {
            env: self.parts.env.clone(),
            store_id: self.store_id,
            peers: Peers::default(),
            hibernation: Hibernation::new(
                config.hibernate_regions,
                config.hibernate_after,
                TICK,
                config.hibernate_check_interval,
            ),
            regions: self.regions.clone(),
            raft_log: self.parts.raft_log.clone(),
            engine: self.parts.engine.clone(),
            own: self.inbox.clone(),
            apply: self.apply.clone(),
            background: self.background.clone(),
            reports: self.reports.clone(),
            transport: self.parts.transport.clone(),
            arrivals: self.arrivals.clone(),
            metrics: self.parts.metrics.clone(),
            dirty: BTreeSet::new(),
            holding: BTreeSet::new(),
            early_votes: VecDeque::new(),
            lease: LEASE,
            last_round: 0,
            appended_bytes: 0,
            log_gc_bytes: config.raft_log_gc_bytes,
            concurrency: self.parts.concurrency.clone(),
            lock_budget: Arc::new(Budget::new(config.in_memory_pessimistic_locks)),
            stale_ticks: (config.stale_peer_interval.as_millis() / TICK.as_millis()) as u64,
            next_look: self.parts.env.clock.now(),
            log_lag_max: config.raft_log_lag_max,
            sending: Arc::new(Semaphore::new(SLOTS_MAX)),
            streams: self.streams.clone(),
            arrived_snapshots: Vec::new(),
            next_tick: self.parts.env.clock.now() + TICK,
        }
    }

    fn applier(&self) -> Applier {
        let (engine, metrics) = (self.parts.engine.clone(), self.parts.metrics.clone());
        let hooks = self.parts.env.hooks.clone();
        Applier::new(
            engine,
            self.inbox.clone(),
            self.background.clone(),
            self.regions.clone(),
            metrics,
            hooks,
            self.parts.safe_point.clone(),
        )
    }

    fn worker(&self) -> Worker {
        Worker {
            background: self.background.clone(),
            engine: self.parts.engine.clone(),
            raft_log: self.parts.raft_log.clone(),
            regions: self.regions.clone(),
            raft: self.inbox.clone(),
            reports: self.reports.clone(),
            hooks: self.parts.env.hooks.clone(),
        }
    }

    fn reporter(&self) -> Reporter {
        Reporter {
            env: self.parts.env.clone(),
            pd: self.parts.pd.clone(),
            store_id: self.store_id,
            reports: self.reports.clone(),
            regions: self.regions.clone(),
            raft: self.inbox.clone(),
            concurrency: self.parts.concurrency.clone(),
            metrics: self.parts.metrics.clone(),
            meter: StoreMeter {
                disk: self.parts.env.disk.clone(),
                data_dir: self.data_dir.clone(),
                engine: self.parts.engine.clone(),
                raft_log: self.parts.raft_log.clone(),
                slowness: Slowness::default(),
            },
            region_interval: self.region_interval,
            reports_resolved_ts: self.reports_resolved_ts,
            sleeping_interval: self.sleeping_interval,
            missed: AtomicBool::new(false),
        }
    }

    /// Starts the loops. One that can not be started ends those before it, because the handle is dropped.
    fn spawn(self, raft_loop: RaftLoop) -> Result<RaftStore> {
        let env = &self.parts.env;
        let (applier, worker) = (self.applier(), self.worker());
        let reporter = env.spawn.spawn("pd-reports", Box::pin(self.reporter().run()));
        let replica = Arc::new(RaftReplica {
            env: env.clone(),
            engine: self.parts.engine.clone(),
            regions: self.regions.clone(),
            inbox: self.inbox.clone(),
            arrivals: self.arrivals.clone(),
            receptions: Arc::new(Receptions::new(self.background.clone())),
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            metrics: self.parts.metrics.clone(),
            safe_point: self.parts.safe_point.clone(),
        });
        let store = RaftStore {
            store_id: self.store_id,
            splitter: Arc::new(RegionSplitter { replica: replica.clone(), pd: self.parts.pd.clone() }),
            replica,
            background: self.background.clone(),
            apply: self.apply.clone(),
            engine: self.parts.engine.clone(),
            streams: self.streams.clone(),
            loops: Mutex::default(),
            reporter,
        };
        store.loops.lock().push(start(env, self.inbox.clone(), raft_loop)?);
        store.loops.lock().push(start(env, self.apply.clone(), applier)?);
        store.loops.lock().push(start(env, self.background.inbox.clone(), worker)?);
        Ok(store)
    }
}

/// Counts the locks; for the size the engine's estimate stands in until the first split check walks the region.
fn measure(engine: &dyn Engine, peer: &Peer) -> Result<()> {
    let region = peer.view.region();
    let (start, end) = (&*region.start_key, &*region.end_key);
    let bytes =
        engine.approximate_size(Cf::Write, start, end)? + engine.approximate_size(Cf::Default, start, end)?;
    peer.view.measured_bytes.store(bytes, Ordering::Relaxed);
    let keys = engine.approximate_keys(Cf::Write, start, end)?;
    peer.view.measured_keys.store(keys, Ordering::Relaxed);
    peer.view.set_locks(count_locks(engine, &region)?);
    Ok(())
}
