//! The facade: what a store is made of, and its life.
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rutile_kv_engine::{Engine, RaftLog};
use rutile_kv_env::{Env, HistogramReading, TaskHandle};
use rutile_kv_proto::endpoint::Endpoint;
use rutile_kv_proto::{DeadlockService, RawService, Status, TikvService, pdpb, raft_serverpb};
use rutile_kv_types::TimeStamp;
use rutile_pd_client::{Operator, PdClient};

use crate::concurrency_manager::ConcurrencyManager;
use crate::config::Config;
use crate::coprocessor::{EndpointSlot, Host};
use crate::error::{Error, Result};
use crate::gc::{Collector, SafePoint, Worker};
use crate::lock_manager::LockManager;
use crate::metrics::{self, Metrics};
use crate::raftstore::{
    NewStore, NoTransport, Parts, RaftReplica, RaftStore, Stop, Transport, found_with_voters,
};
use crate::service::{
    Detector, DetectorCarrier, KvService, RaftCarrier, Reporter, SnapshotReceiver, WireTransport,
    raft_from_wire,
};
use crate::space::{Space, SpaceMonitor};
use crate::txn::Scheduler;

/// A running store.
pub struct Store {
    raft: Arc<RaftStore>,
    service: Arc<KvService<RaftReplica>>,
    env: Env,
    pd: PdClient,
    locks: LockManager,
    detector: Detector,
    reporter: OnceLock<TaskHandle>,
    endpoint: EndpointSlot,
    metrics: Arc<Metrics>,
    gc: TaskHandle,
    space: Option<TaskHandle>,
}

impl Store {
    /// Opens the store over what `engine` and `raft_log` hold, founding the cluster if there is none. Returns when
    /// it serves.
    pub async fn open(
        env: Env,
        config: Config,
        engine: Arc<dyn Engine>,
        raft_log: Arc<dyn RaftLog>,
        pd: PdClient,
    ) -> Result<Store> {
        Store::open_over(env, config, engine, raft_log, pd, Arc::new(NoTransport)).await
    }

    /// Opens one of several stores; `carrier` brings its raft messages to the others. Returns without waiting for
    /// regions that have voters elsewhere.
    pub async fn open_in_cluster(
        env: Env,
        config: Config,
        engine: Arc<dyn Engine>,
        raft_log: Arc<dyn RaftLog>,
        pd: PdClient,
        carrier: Arc<dyn RaftCarrier>,
    ) -> Result<Store> {
        Store::open_over(env, config, engine, raft_log, pd, Arc::new(WireTransport { carrier })).await
    }

    /// Founds a cluster whose first region has a voter on each of several empty stores; answers their ids in order.
    /// Stands in for adding peers one by one, which does not exist yet, and must not be interrupted.
    pub async fn found_cluster(pd: &PdClient, stores: &[NewStore]) -> Result<Vec<u64>> {
        found_with_voters(pd, stores).await
    }

    async fn open_over(
        env: Env,
        config: Config,
        engine: Arc<dyn Engine>,
        raft_log: Arc<dyn RaftLog>,
        pd: PdClient,
        transport: Arc<dyn Transport>,
    ) -> Result<Store> {
        let metrics = Arc::new(Metrics::default());
        let concurrency = Arc::new(ConcurrencyManager::new(TimeStamp::ZERO));
        let safe_point = Arc::new(SafePoint::default());
        // Before anything is served: what an earlier run removed was below the one PD knows.
        safe_point.raise(pd.gc_safe_point().await.map_err(|error| Error::Pd(error.to_string()))?);
        let space = Space::unlimited();
        let monitor = SpaceMonitor::start(&env, &config, space.clone());
        let parts = Parts {
            env: env.clone(),
            engine,
            raft_log,
            pd: pd.clone(),
            concurrency: concurrency.clone(),
            metrics: metrics.clone(),
            transport,
            safe_point,
        };
        let raft = Arc::new(RaftStore::start(&config, parts).await?);
        let scheduler =
            Arc::new(Scheduler::new(env.clone(), raft.replica.clone(), concurrency, metrics.clone()));
        let collector = Collector {
            env: env.clone(),
            scheduler: scheduler.clone(),
            metrics: metrics.clone(),
            bytes_per_second: config.gc_bytes_per_second,
        };
        let worker = Worker { collector, pd: pd.clone(), poll_interval: config.gc_poll_interval };
        let gc = env.spawn.spawn("gc", Box::pin(worker.run()));
        let endpoint = EndpointSlot::default();
        let host = Host::new(
            env.clone(),
            scheduler.clone(),
            endpoint.clone(),
            config.coprocessor_concurrency,
            metrics.clone(),
        );
        let locks = scheduler.lock_manager().clone();
        let replica = raft.replica.clone();
        let detector = Detector::new(Arc::new(move || replica.leads_first_region()));
        let (splitter, counters) = (raft.splitter.clone(), metrics.clone());
        let service = Arc::new(KvService::new(env.clone(), scheduler, splitter, host, counters, space));
        let space = monitor.map(|monitor| env.spawn.spawn("space", Box::pin(monitor.run())));
        let reporter = OnceLock::new();
        Ok(Store { raft, service, env, pd, locks, detector, reporter, endpoint, metrics, gc, space })
    }

    /// The id PD gave this store.
    pub fn store_id(&self) -> u64 {
        self.raft.store_id
    }

    /// Takes a raft message of another store.
    pub fn receive_raft(&self, message: &raft_serverpb::RaftMessage) -> Result<(), Status> {
        self.raft.replica.receive(raft_from_wire(message)?);
        Ok(())
    }

    /// What a carrier calls when it can not reach a store: regions that sleep and have a peer there wake.
    pub fn store_unreachable(&self, store_id: u64) {
        self.raft.replica.store_unreachable(store_id);
    }

    /// Takes one snapshot of another store, chunk by chunk.
    pub fn receive_snapshot(&self) -> SnapshotReceiver {
        SnapshotReceiver { replica: self.raft.replica.clone(), sink: None }
    }

    /// What carriers call to have circles of waits through several stores found here.
    pub fn deadlock_service(&self) -> Arc<dyn DeadlockService> {
        Arc::new(self.detector.clone())
    }

    /// Tells the cluster's detector who waits for whom in this store; `carrier` brings that to other stores. Only the
    /// first call does anything.
    pub fn report_waits(&self, carrier: Arc<dyn DetectorCarrier>) {
        let Some(changes) = self.locks.report_edges() else {
            return;
        };
        let (env, pd, locks) = (self.env.clone(), self.pd.clone(), self.locks.clone());
        let detector = self.detector.clone();
        let reporter = Reporter { env, pd, store_id: self.store_id(), locks, detector, carrier };
        let task = self.env.spawn.spawn("deadlock-reporter", Box::pin(reporter.run(changes)));
        if let Err(second) = self.reporter.set(task) {
            second.abort();
        }
    }

    /// Takes a step that PD sent without being asked; one that is not for a region led here is dropped.
    pub fn take_step(&self, message: &pdpb::RegionHeartbeatResponse) {
        if let Some(operator) = Operator::from_wire(message) {
            self.raft.replica.take_step(operator);
        }
    }

    /// What carriers call.
    pub fn service(&self) -> Arc<dyn TikvService> {
        self.service.clone()
    }

    /// The raw half of what carriers call.
    pub fn raw_service(&self) -> Arc<dyn RawService> {
        self.service.clone()
    }

    /// Plugs in what runs pushed-down plans; once.
    pub fn set_endpoint(&self, endpoint: Arc<dyn Endpoint>) -> Result<()> {
        let taken = |_| Error::Invalid("the store has a coprocessor endpoint already".to_owned());
        OnceLock::set(&self.endpoint, endpoint).map_err(taken)
    }

    /// The counters now.
    pub fn metrics(&self) -> metrics::Snapshot {
        self.metrics.snapshot()
    }

    /// How long appends to the raft log take, with their fsync.
    pub fn raft_append_time(&self) -> HistogramReading {
        self.metrics.raft_append_time.read()
    }

    /// How long requests for pessimistic locks take, with their wait for other transactions.
    pub fn lock_time(&self) -> HistogramReading {
        self.metrics.lock_time.read()
    }

    /// Hands the leaderships of regions on to other stores, as well as that goes within `limit`; answers how many are
    /// still here that others could have. To be called before [`Store::stop`], while the store still serves.
    pub async fn hand_leaders_on(&self, limit: Duration) -> usize {
        self.raft.replica.hand_leaders_on(limit).await
    }

    /// Takes nothing on any more, finishes what is committed, flushes the state engine.
    pub async fn stop(&self) -> Result<()> {
        self.end(Stop::Clean).await
    }

    /// Ends the threads and leaves the disk as a killed process would: nothing is finished or flushed.
    pub async fn halt(&self) -> Result<()> {
        self.end(Stop::Halt).await
    }

    /// Ends all read leases, as a long pause does.
    #[cfg(test)]
    pub(crate) fn suspend_leases(&self) {
        self.raft.replica.suspend_leases();
    }

    /// Compares the kept numbers of locks with counted ones; for a store at rest.
    #[cfg(test)]
    pub(crate) fn check_locks(&self) {
        self.raft.replica.check_locks();
    }

    /// The pessimistic locks of a region that are in memory.
    #[cfg(test)]
    pub(crate) fn memory_locks(&self, region_id: u64) -> usize {
        use crate::replica::Replica as _;
        self.raft.replica.memory_locks(region_id).expect("the region is here").count()
    }

    /// Hands the locks in memory over, as before a leader transfer, or keeps them.
    #[cfg(test)]
    pub(crate) async fn hand_over_locks(&self, region_id: u64, hands_over: bool) -> bool {
        self.raft.replica.hand_over_locks(region_id, hands_over).await
    }

    async fn end(&self, how: Stop) -> Result<()> {
        self.reporter.get().iter().for_each(|task| task.abort());
        self.gc.abort();
        // Until it is gone it keeps the engine open.
        self.gc.join().await;
        self.raft.end(how).await
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.reporter.get().iter().for_each(|task| task.abort());
        self.gc.abort();
        self.space.iter().for_each(TaskHandle::abort);
    }
}
