//! Storage as the embedded server opens it, tuned so that everything happens often: flushes, splits, log truncation,
//! garbage collection.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rutile_kv::{Config, Store};
use rutile_kv_client::{Client, StaticStores};
use rutile_kv_engine::{DataDir, EngineConfig, EngineRaftLog, RaftLogConfig, RocksEngine};
use rutile_kv_env::Env;
use rutile_kv_proto::PdService;
use rutile_pd::{Member, PdConfig};
use rutile_pd_client::PdClient;

pub struct Storage {
    pub client: Client,
    store: Store,
    _data_dir: DataDir,
}

impl Storage {
    pub async fn open(directory: &Path) -> Storage {
        let env = Env::real();
        let data_dir = DataDir::open(&*env.disk, directory).expect("the directory is ours");
        let pd = Member::open(env.clone(), PdConfig::new(data_dir.placement_driver())).expect("PD opens");
        let pd: Arc<dyn PdService> = Arc::new(pd);
        let pd = PdClient::connect(env.clone(), pd).await.expect("PD answers");
        let engine =
            RocksEngine::open(&data_dir.state_engine(), &EngineConfig::small()).expect("the engine opens");
        let log = EngineRaftLog::open(&data_dir.raft_log(), &RaftLogConfig::small()).expect("the log opens");
        let config = Config {
            region_split_keys: 400,
            raft_log_gc_bytes: 128 << 10,
            gc_poll_interval: Duration::from_millis(100),
            ..Config::default()
        };
        let store = Store::open(env.clone(), config, Arc::new(engine), Arc::new(log), pd.clone()).await;
        let store = store.expect("the store opens");
        let stores = Arc::new(StaticStores::new([(store.store_id(), store.service())]));
        Storage { client: Client::new(env, pd, stores), store, _data_dir: data_dir }
    }

    pub async fn stop(self) {
        self.client.close().await;
        self.store.stop().await.expect("the store stops");
    }
}
