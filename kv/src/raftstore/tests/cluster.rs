//! What the tests of a store share: a store that can be killed and opened again, and a small client.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_engine::{
    Engine, EngineConfig, EngineRaftLog, MemoryEngine, MemoryRaftLog, RaftLog, RaftLogConfig, RocksEngine,
};
use rutile_kv_env::Env;
use rutile_kv_proto::{TikvService, kvrpcpb, metapb};
use rutile_kv_types::Key;
use rutile_pd_client::PdClient;

use super::pd::TestPd;
use crate::{Config, Store};

/// Where a store keeps its data.
pub enum Disk {
    /// In memory: a crash loses what was not synced.
    Memory { engine: MemoryEngine, raft_log: Arc<MemoryRaftLog> },
    /// A directory: a kill loses nothing the kernel has.
    Directory(PathBuf),
}

impl Disk {
    /// An empty disk in memory.
    pub fn memory() -> Disk {
        Disk::Memory { engine: MemoryEngine::new(), raft_log: Arc::new(MemoryRaftLog::new()) }
    }

    fn open(&self) -> (Arc<dyn Engine>, Arc<dyn RaftLog>) {
        match self {
            Disk::Memory { engine, raft_log } => (Arc::new(engine.clone()), raft_log.clone()),
            Disk::Directory(path) => {
                let engine = RocksEngine::open(&path.join("engine"), &EngineConfig::small()).expect("opens");
                let raft_log =
                    EngineRaftLog::open(&path.join("raft"), &RaftLogConfig::small()).expect("opens");
                (Arc::new(engine), Arc::new(raft_log))
            }
        }
    }
}

/// A store and its PD.
pub struct Cluster {
    pub pd: Arc<TestPd>,
    pub disk: Disk,
    pub config: Config,
    pub store: Option<Store>,
}

impl Cluster {
    /// Opens a store on the disk.
    pub async fn start(disk: Disk, config: Config) -> Cluster {
        let mut cluster = Cluster { pd: TestPd::new(), disk, config, store: None };
        cluster.open().await;
        cluster
    }

    /// Opens the store again.
    pub async fn open(&mut self) {
        let store = self.try_open().await.expect("the store opens");
        self.store = Some(store);
    }

    /// Tries to open the store.
    pub async fn try_open(&self) -> crate::Result<Store> {
        let env = Env::real();
        let pd = PdClient::connect(env.clone(), self.pd.clone()).await.expect("PD answers");
        let (engine, raft_log) = self.disk.open();
        Store::open(env, self.config.clone(), engine, raft_log, pd).await
    }

    /// Ends the store as a kill does. With a disk in memory, everything not synced is lost, as after a power failure.
    pub async fn kill(&mut self) {
        self.kill_keeping(0).await;
    }

    /// The same, but the `kept` oldest unsynced batches of the state engine got to the disk by themselves.
    pub async fn kill_keeping(&mut self, kept: usize) {
        let store = self.store.take().expect("a running store");
        store.halt().await.expect("threads end");
        drop(store);
        if let Disk::Memory { engine, raft_log } = &self.disk {
            engine.crash(kept);
            raft_log.crash(0);
        }
    }

    /// The running store.
    pub fn store(&self) -> &Store {
        self.store.as_ref().expect("a running store")
    }

    /// A client of the running store.
    pub fn client(&self) -> Client {
        Client { service: self.store().service(), pd: self.pd.clone() }
    }
}

/// Talks to the store as the transaction client does, retrying region errors.
#[derive(Clone)]
pub struct Client {
    pub service: Arc<dyn TikvService>,
    pub pd: Arc<TestPd>,
}

/// Tries before a region error is a failure of the test; on a busy machine other threads get their turn late.
const TRIES: usize = 100_000;

impl Client {
    /// The region of a user key and the context that addresses it.
    pub fn locate(&self, key: &[u8]) -> (metapb::Region, kvrpcpb::Context) {
        let key = Key::from_raw(key).into_encoded();
        let regions = self.pd.sorted();
        let region = regions.into_iter().rev().find(|region| *region.start_key <= *key).expect("covered");
        let context = context_of(&region);
        (region, context)
    }

    /// Commits one key in one phase; answers the commit timestamp.
    pub async fn put(&self, key: &str, value: &str) -> Result<u64, String> {
        let start_version = self.pd.ts();
        for _ in 0..TRIES {
            let (_, context) = self.locate(key.as_bytes());
            let request = kvrpcpb::PrewriteRequest {
                context: Some(context),
                mutations: vec![kvrpcpb::Mutation {
                    op: kvrpcpb::Op::Put as i32,
                    key: Bytes::copy_from_slice(key.as_bytes()),
                    value: Bytes::copy_from_slice(value.as_bytes()),
                    assertion: 0,
                }],
                primary_lock: Bytes::copy_from_slice(key.as_bytes()),
                start_version,
                lock_ttl: 3000,
                try_one_pc: true,
                ..Default::default()
            };
            let response = self.service.kv_prewrite(request).await.map_err(|status| status.to_string())?;
            if response.region_error.is_some() {
                tokio::task::yield_now().await;
                continue;
            }
            if let Some(error) = response.errors.first() {
                return Err(format!("{error:?}"));
            }
            assert_ne!(response.one_pc_commit_ts, 0, "one region holds the transaction");
            return Ok(response.one_pc_commit_ts);
        }
        Err("region errors without end".to_owned())
    }

    /// Locks two keys of one region and leaves them.
    pub async fn lock(&self, keys: [&str; 2]) -> u64 {
        let start_version = self.pd.ts();
        let mutation = |key: &str| kvrpcpb::Mutation {
            op: kvrpcpb::Op::Put as i32,
            key: Bytes::copy_from_slice(key.as_bytes()),
            value: Bytes::from(vec![b'x'; 300]),
            assertion: 0,
        };
        for _ in 0..TRIES {
            let request = kvrpcpb::PrewriteRequest {
                context: Some(self.locate(keys[0].as_bytes()).1),
                mutations: keys.iter().map(|key| mutation(key)).collect(),
                primary_lock: Bytes::copy_from_slice(keys[0].as_bytes()),
                start_version,
                lock_ttl: 3000,
                ..Default::default()
            };
            let response = self.service.kv_prewrite(request).await.expect("answered");
            if response.region_error.is_none() {
                assert_eq!(response.errors, Vec::new());
                return start_version;
            }
            // A region that a split made serves once its leader has committed something.
            tokio::task::yield_now().await;
        }
        panic!("region errors without end");
    }

    /// Commits one locked key; the key may be named twice.
    pub async fn commit(&self, keys: &[&str], start_version: u64) {
        for _ in 0..TRIES {
            let request = kvrpcpb::CommitRequest {
                context: Some(self.locate(keys[0].as_bytes()).1),
                start_version,
                keys: keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect(),
                commit_version: self.pd.ts(),
            };
            let response = self.service.kv_commit(request).await.expect("answered");
            if response.region_error.is_some() {
                tokio::task::yield_now().await;
                continue;
            }
            return assert_eq!(response.error, None);
        }
        panic!("region errors without end");
    }

    /// The newest value of a key.
    pub async fn get(&self, key: &str) -> Option<Bytes> {
        self.get_at(key, self.pd.ts()).await
    }

    /// The value of a key at a timestamp.
    pub async fn get_at(&self, key: &str, version: u64) -> Option<Bytes> {
        for _ in 0..TRIES {
            let (_, context) = self.locate(key.as_bytes());
            let key = Bytes::copy_from_slice(key.as_bytes());
            let request = kvrpcpb::GetRequest { context: Some(context), key, version };
            let response = self.service.kv_get(request).await.expect("the store answers");
            if response.region_error.is_some() {
                tokio::task::yield_now().await;
                continue;
            }
            assert_eq!(response.error, None);
            return (!response.not_found).then_some(response.value);
        }
        panic!("region errors without end");
    }

    /// All pairs of all regions; from the start again when a region changes on the way.
    pub async fn scan_all(&self, version: u64) -> BTreeMap<Bytes, Bytes> {
        for _ in 0..TRIES {
            if let Some(pairs) = self.try_scan_all(version).await {
                return pairs;
            }
            tokio::task::yield_now().await;
        }
        panic!("region errors without end");
    }

    async fn try_scan_all(&self, version: u64) -> Option<BTreeMap<Bytes, Bytes>> {
        let mut pairs = BTreeMap::new();
        for region in self.pd.sorted() {
            let context = Some(context_of(&region));
            let limit = u32::MAX;
            let request = kvrpcpb::ScanRequest { context, limit, version, ..Default::default() };
            let response = self.service.kv_scan(request).await.expect("the store answers");
            if response.region_error.is_some() {
                return None;
            }
            for pair in response.pairs {
                assert_eq!(pair.error, None);
                assert_eq!(pairs.insert(pair.key, pair.value), None, "a key is in one region");
            }
        }
        Some(pairs)
    }
}

/// Addresses a region as PD knows it.
pub fn context_of(region: &metapb::Region) -> kvrpcpb::Context {
    kvrpcpb::Context {
        region_id: region.id,
        region_epoch: region.region_epoch,
        peer: region.peers.first().copied(),
        ..Default::default()
    }
}
