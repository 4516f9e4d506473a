//! The storage half of an embedded server: engines, placement driver, store, and the client over them.

use std::sync::Arc;

use rutile_kv::{Config as StoreConfig, Store};
use rutile_kv_client::{Client, StaticStores};
use rutile_kv_engine::{DataDir, Engine, EngineConfig, EngineRaftLog, RaftLog, RaftLogConfig, RocksEngine};
use rutile_kv_env::{Env, TaskHandle};
use rutile_pd::{Member, PdConfig};
use rutile_pd_client::PdClient;
use rutile_sql::storeside::SqlEndpoint;
use tokio::sync::oneshot;

use crate::config::Settings;
use crate::error::{Error, Result};
use crate::metrics::{HistogramFamily, Reading};
use crate::node::pd;

/// What of a store's numbers also falls.
const STORE_GAUGES: [&str; 3] = ["regions", "leaders", "regions_asleep"];

/// What counters are read from; each lives for as long as it is read.
#[derive(Clone)]
pub(crate) struct Readings {
    pub(crate) engine: Arc<RocksEngine>,
    pub(crate) raft_log: Arc<EngineRaftLog>,
    pub(crate) store: Arc<Store>,
}

impl Readings {
    /// Those of the store and of what is below it.
    pub(crate) fn read(&self, reading: &mut Reading) {
        for (name, value) in self.store.metrics().entries() {
            if STORE_GAUGES.contains(&name) {
                reading.gauge(format!("store_{name}"), "Held by the store now", value);
            } else {
                reading.counter(format!("store_{name}"), "Counter of the store", value);
            }
        }
        reading.histogram(HistogramFamily {
            name: "raft_append_seconds",
            help: "Appends to the raft log, with their fsync",
            samples: vec![(Vec::new(), self.store.raft_append_time())],
        });
        reading.histogram(HistogramFamily {
            name: "pessimistic_lock_seconds",
            help: "Requests for row locks, with their wait for other transactions",
            samples: vec![(Vec::new(), self.store.lock_time())],
        });
        let state = self.engine.metrics();
        reading.gauge("engine_memtable_bytes", "Unflushed data in memory", state.memtable_bytes);
        reading.gauge("engine_block_cache_bytes", "Block cache in use", state.block_cache_bytes);
        reading.gauge("engine_table_files_bytes", "Live table files", state.table_files_bytes);
        reading.gauge("engine_pending_compaction_bytes", "Compaction debt", state.pending_compaction_bytes);
        reading.gauge("engine_snapshots", "Snapshots held by readers", state.snapshots);
        reading.gauge("engine_keys_estimate", "Keys, old versions included", state.keys_estimate);
        reading.counter(
            "engine_background_errors",
            "Failed flushes and compactions",
            state.background_errors,
        );
        reading.gauge("engine_write_stalled", "1 while writes are slowed", state.is_write_stalled.into());
        let log = self.raft_log.metrics();
        reading.gauge("raft_log_bytes", "Raft log on disk", log.disk_bytes);
        reading.gauge("raft_log_cache_bytes", "Raft entries held for readers", log.cache_bytes);
    }
}

/// Running storage. Stopped in the reverse order of its start.
pub(crate) struct Storage {
    /// Locked against other processes for as long as storage runs.
    _data_dir: DataDir,
    readings: Readings,
    pd: Arc<Member>,
    client: Client,
    /// Decides how far old versions may go.
    gc_owner: TaskHandle,
}

impl Storage {
    /// Opens what the directory holds, founding a cluster of one in an empty one. The process is to stay below its
    /// memory limit.
    pub(crate) async fn open(env: &Env, data_dir: DataDir, settings: &Settings) -> Result<Self> {
        let memory_limit = settings.server.memory_limit.0;
        let (pd_config, state, log) =
            (PdConfig::new(data_dir.placement_driver()), data_dir.state_engine(), data_dir.raft_log());
        let pd_env = env.clone();
        let pd = Arc::new(blocking(env, "pd-open", move || Ok(Member::open(pd_env, pd_config)?)).await?);
        let pd_client = PdClient::connect(env.clone(), pd.clone()).await?;
        let engines = move || {
            let engine = RocksEngine::open(&state, &EngineConfig::within(memory_limit))?;
            Ok((engine, EngineRaftLog::open(&log, &RaftLogConfig::within(memory_limit))?))
        };
        let (engine, raft_log) = blocking(env, "engine-open", engines).await?;
        let (engine, raft_log) = (Arc::new(engine), Arc::new(raft_log));
        let store = Store::open(
            env.clone(),
            StoreConfig {
                data_dir: Some(data_dir.path().to_owned()),
                hibernate_regions: settings.raft.hibernate_regions,
                ..StoreConfig::default()
            },
            engine.clone(),
            raft_log.clone(),
            pd_client.clone(),
        )
        .await?;
        store.set_endpoint(Arc::new(SqlEndpoint::default()))?;
        let stores = StaticStores::new([(store.store_id(), store.service())]);
        let client = Client::new(env.clone(), pd_client, Arc::new(stores));
        let owner = client.clone();
        let (life_time, interval) = (settings.gc.life_time, settings.gc.interval);
        let owner = async move { owner.run_gc(life_time, interval).await };
        let gc_owner = env.spawn.spawn("gc-owner", Box::pin(owner));
        let readings = Readings { engine, raft_log, store: Arc::new(store) };
        Ok(Self { _data_dir: data_dir, readings, pd, client, gc_owner })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn cluster_id(&self) -> u64 {
        self.pd.cluster_id()
    }

    pub(crate) fn store_id(&self) -> u64 {
        self.readings.store.store_id()
    }

    /// Reads the counters of all layers, for as long as storage runs.
    pub(crate) fn metrics(&self) -> impl Fn(&mut Reading) + Send + Sync + 'static {
        let (readings, pd) = (self.readings.clone(), self.pd.clone());
        move |reading| {
            readings.read(reading);
            pd::read(&pd, reading);
        }
    }

    /// Ends background work of committed transactions, then the store, which flushes.
    pub(crate) async fn stop(&self) -> Result<()> {
        self.gc_owner.abort();
        self.gc_owner.join().await;
        self.client.close().await;
        Ok(self.readings.store.stop().await?)
    }
}

/// Work that waits for the disk, away from the threads that serve clients.
pub(crate) async fn blocking<T: Send + 'static>(
    env: &Env,
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        // A receiver that is gone means that the start was given up.
        let _ = sender.send(work());
    };
    env.spawn.spawn_blocking(what, Box::new(run));
    receiver.await.map_err(|_| Error::TaskLost { what })?
}
