//! The role of a store: found or join the cluster of a placement driver, serve gRPC.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv::{Config as StoreConfig, Store};
use rutile_kv_client::Client;
use rutile_kv_engine::{DataDir, EngineConfig, EngineRaftLog, RaftLogConfig, RocksEngine};
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_grpc::client::{DetectorStreams, GrpcStores, PdStub, RaftSender};
use rutile_kv_grpc::server::{deadlock_routes, raft_routes, tikv_routes};
use rutile_kv_grpc::{Limits, Router};
use rutile_kv_proto::TikvService;
use rutile_pd_client::PdClient;
use rutile_sql::storeside::SqlEndpoint;
use serde_json::json;
use tracing::{info, warn};

use crate::error::Result;
use crate::node::raft::{Carrier, Inbox, ToDetector};
use crate::node::role::{KvOptions, Port, Role};
use crate::node::storage::{Readings, blocking};
use crate::status::part;

/// How often leaders report their regions; what matters is told at once. A PD that starts knows the leaders after this.
const REGION_HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a store that stops tries to hand its leaderships on.
const HAND_ON_MAX: Duration = Duration::from_secs(5);
/// How long a PD that does not answer is left alone.
pub(crate) const PD_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Running {
    port: Port,
    readings: Readings,
    keyspaces: TaskHandle,
    steps: TaskHandle,
    /// Locked against other processes for as long as the store runs.
    _data_dir: DataDir,
}

impl Running {
    pub(crate) fn store_id(&self) -> u64 {
        self.readings.store.store_id()
    }

    pub(crate) fn service(&self) -> Arc<dyn TikvService> {
        self.readings.store.service()
    }

    pub(crate) fn readings(&self) -> Readings {
        self.readings.clone()
    }
}

impl Role for KvOptions {
    type Running = Running;

    async fn start(self, env: Env) -> Result<Running> {
        let port = Port::bind(&env, &self.role, self.port).await?;
        let data_dir = DataDir::open(env.disk.as_ref(), &self.data_dir)?;
        start_on(self, env, port, data_dir).await
    }

    async fn stop(running: Running) -> Result<()> {
        running.keyspaces.abort();
        running.steps.abort();
        // While it still serves: clients are told who leads now.
        let leaders = running.readings.store.hand_leaders_on(HAND_ON_MAX).await;
        info!(leaders, "leaderships are handed on");
        running.port.stop().await;
        Ok(running.readings.store.stop().await?)
    }

    fn limits(running: &Running) -> Vec<Limits> {
        vec![running.port.limits()]
    }
}

/// Starts a store on a port that is bound and in a directory that is open already.
pub(crate) async fn start_on(
    options: KvOptions,
    env: Env,
    mut port: Port,
    data_dir: DataDir,
) -> Result<Running> {
    let stub = Arc::new(PdStub::new(env.clone(), options.pd, port.limits()));
    let pd = connect(&env, stub.clone()).await;
    let (state, log, memory_limit) = (data_dir.state_engine(), data_dir.raft_log(), options.memory_limit.0);
    let engines = move || {
        let engine = RocksEngine::open(&state, &EngineConfig::within(memory_limit))?;
        Ok((engine, EngineRaftLog::open(&log, &RaftLogConfig::within(memory_limit))?))
    };
    let (engine, raft_log) = blocking(&env, "engine-open", engines).await?;
    let config = StoreConfig {
        address: port.advertised().to_owned(),
        data_dir: Some(data_dir.path().to_owned()),
        labels: options.labels,
        region_split_keys: options.region_split_keys,
        region_heartbeat_interval: REGION_HEARTBEAT,
        reports_resolved_ts: true,
        hibernate_regions: options.hibernate_regions,
        ..StoreConfig::default()
    };
    let sender = Arc::new(RaftSender::new(env.clone(), pd.clone(), port.limits()));
    let (engine, raft_log) = (Arc::new(engine), Arc::new(raft_log));
    let carrier = Arc::new(Carrier(sender.clone()));
    let store =
        Store::open_in_cluster(env.clone(), config, engine.clone(), raft_log.clone(), pd.clone(), carrier)
            .await?;
    let store = Arc::new(store);
    let told = Arc::downgrade(&store);
    sender.report_unreachable(move |store_id| {
        if let Some(store) = told.upgrade() {
            store.store_unreachable(store_id);
        }
    });
    store.set_endpoint(Arc::new(SqlEndpoint::default()))?;
    let context = port.context();
    let routes = tikv_routes(context, store.service(), store.raw_service());
    let between_stores = raft_routes(context, Arc::new(Inbox(store.clone())));
    let detector = deadlock_routes(context, store.deadlock_service());
    let readings = Readings { engine, raft_log, store };
    let pages = pages(&env, &pd, readings.clone());
    port.serve(&env, routes.merge(between_stores).merge(detector).merge(pages));
    let store = &readings.store;
    let streams = DetectorStreams::new(env.clone(), pd.clone(), port.limits());
    store.report_waits(Arc::new(ToDetector(Arc::new(streams))));
    info!(store_id = store.store_id(), cluster_id = pd.cluster_id(), "store serves");
    let steps = env.spawn.spawn("pd-steps", Box::pin(take_steps(stub, store.clone())));
    let keyspaces = env.spawn.spawn("keyspaces", Box::pin(split_keyspaces(env.clone(), pd, port.limits())));
    port.announce("kv");
    Ok(Running { port, readings, keyspaces, steps, _data_dir: data_dir })
}

/// What the store tells of itself over HTTP.
fn pages(env: &Env, pd: &PdClient, readings: Readings) -> Router {
    let names = [
        ("role".to_owned(), json!("kv")),
        ("cluster_id".to_owned(), json!(pd.cluster_id())),
        ("store_id".to_owned(), json!(readings.store.store_id())),
    ];
    part::routes(env, names.into_iter().collect(), move |reading| readings.read(reading))
}

/// Waits for PD: stores and placement driver may be started in any order.
pub(crate) async fn connect(env: &Env, stub: Arc<PdStub>) -> PdClient {
    loop {
        match PdClient::connect(env.clone(), stub.clone()).await {
            Ok(client) => return client,
            Err(error) => {
                warn!(%error, "waiting for the placement driver");
                env.clock.sleep(PD_PAUSE).await;
            }
        }
    }
}

/// What PD wants done between heartbeats.
async fn take_steps(stub: Arc<PdStub>, store: Arc<Store>) {
    let Some(mut steps) = stub.pushed_steps() else {
        return;
    };
    while let Some(step) = steps.recv().await {
        store.take_step(&step);
    }
}

/// The key space DEFAULT gets regions of its own; what clients of API version 2 rely on.
async fn split_keyspaces(env: Env, pd: PdClient, limits: Limits) {
    let stores = GrpcStores::new(env.clone(), pd.clone(), limits);
    let client = Client::new(env, pd, Arc::new(stores));
    if let Err(error) = client.split_keyspace(0).await {
        warn!(%error, "regions are not split at the bounds of the key space DEFAULT");
    }
}
