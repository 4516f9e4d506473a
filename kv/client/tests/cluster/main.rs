//! The client on a real store and a real PD, in this process: called directly, or over gRPC on 127.0.0.1, as the name of
//! the test program says (`over_grpc.rs`).
//!
//! `RUTILE_REPLICATED_LOCKS=1` runs all of it without pessimistic locks in the leader's memory.

mod async_commit;
mod bank;
mod carrier;
mod gc;
mod optimistic;
mod pessimistic;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv::Store;
use rutile_kv_client::{Client, ClientConfig, Payload, ScanOptions, Transaction, TransactionOptions};
use rutile_kv_engine::{MemoryEngine, MemoryRaftLog};
use rutile_kv_env::Env;
use rutile_kv_proto::endpoint::{Endpoint, EndpointError, EndpointRequest, EndpointResponse};
use rutile_kv_proto::{PdService, kvrpcpb};
use rutile_kv_types::{Key, KeyRange};
use rutile_pd::{Member, PdConfig};
use rutile_pd_client::{PdClient, to_wire};

use carrier::Carrier;

struct Cluster {
    /// Ends what the carrier runs.
    carrier: Carrier,
    client: Client,
    store: Store,
    two_phases: Client,
    async_commits: Client,
    engine: MemoryEngine,
    _dir: tempfile::TempDir,
}

async fn start() -> Cluster {
    let dir = tempfile::tempdir().expect("a directory");
    let env = Env::real();
    let mut carrier = Carrier::new(env.clone());
    let pd: Arc<dyn PdService> =
        Arc::new(Member::open(env.clone(), PdConfig::new(dir.path())).expect("PD opens"));
    let pd = carrier.pd(pd).await;
    let pd = PdClient::connect(env.clone(), pd).await.expect("PD answers");
    let (listener, address) = carrier.store_listener().await;
    let engine = MemoryEngine::new();
    let config = rutile_kv::Config {
        gc_poll_interval: Duration::from_millis(1),
        gc_bytes_per_second: u64::MAX,
        in_memory_pessimistic_locks: std::env::var_os("RUTILE_REPLICATED_LOCKS").is_none(),
        address,
        ..rutile_kv::Config::default()
    };
    let store = Store::open(
        env.clone(),
        config,
        Arc::new(engine.clone()),
        Arc::new(MemoryRaftLog::new()),
        pd.clone(),
    )
    .await
    .expect("the store opens");
    store.set_endpoint(Arc::new(Counting)).expect("takes the endpoint");
    let stores = carrier.stores(&pd, &store, listener);
    let client = Client::new(env.clone(), pd.clone(), stores.clone());
    let config = ClientConfig { one_pc: false, batch_bytes_max: 256, ..ClientConfig::default() };
    let async_commits = Client::with_config(env.clone(), pd.clone(), stores.clone(), config.clone());
    let config = ClientConfig { async_commit: false, ..config };
    let two_phases = Client::with_config(env, pd, stores, config);
    Cluster { carrier, client, store, two_phases, async_commits, engine, _dir: dir }
}

impl Cluster {
    /// One that commits in one phase where it can, one in two phases, one asynchronously.
    fn clients(&self) -> [&Client; 3] {
        [&self.client, &self.two_phases, &self.async_commits]
    }

    async fn stop(self) {
        self.client.close().await;
        self.two_phases.close().await;
        self.async_commits.close().await;
        self.carrier.stop().await;
        self.store.stop().await.expect("the store stops");
    }
}

/// Answers with the keys it read, one page at a time.
struct Counting;

impl Endpoint for Counting {
    fn handle(&self, request: EndpointRequest<'_>) -> Result<EndpointResponse, EndpointError> {
        let mut keys: Vec<Bytes> = Vec::new();
        while request.paging_rows == 0 || (keys.len() as u64) < request.paging_rows {
            match request.rows.next()? {
                Some((key, _)) => keys.push(Bytes::copy_from_slice(key)),
                None => break,
            }
        }
        if keys.iter().any(|key| key.ends_with(b"!")) {
            return Err(EndpointError::Failed {
                message: "bad row".into(),
                payload: Some(Payload::shared(7_u32)),
            });
        }
        let data = match request.plan {
            Payload::Shared(_) | Payload::Either(..) => Payload::shared(keys),
            Payload::Encoded(_) => Payload::Encoded(Bytes::from(keys.join(&b'\n'))),
        };
        Ok(EndpointResponse { data, next: request.rows.resume_point() })
    }
}

/// A plan for [`Counting`] that the carrier can bring.
fn plan() -> Payload {
    if carrier::is_network() { Payload::Encoded(Bytes::new()) } else { Payload::shared(()) }
}

/// The keys of one of its pages.
fn keys_of(page: &Payload) -> Vec<Bytes> {
    match page {
        Payload::Shared(_) | Payload::Either(..) => {
            page.downcast::<Vec<Bytes>>().expect("keys").as_ref().clone()
        }
        Payload::Encoded(bytes) => {
            let keys = bytes.split(|byte| *byte == b'\n').filter(|key| !key.is_empty());
            keys.map(Bytes::copy_from_slice).collect()
        }
    }
}

fn key(n: usize) -> Bytes {
    Bytes::from(format!("k{n:04}"))
}

fn value(n: usize) -> Bytes {
    Bytes::from(format!("v{n}"))
}

async fn begin(client: &Client) -> Transaction {
    client.begin(TransactionOptions::default()).await.expect("begins")
}

async fn fill(client: &Client, keys: std::ops::Range<usize>) {
    let mut transaction = begin(client).await;
    for n in keys {
        transaction.put(key(n), value(n));
    }
    transaction.commit().await.expect("commits");
}

async fn all(transaction: &Transaction, range: KeyRange, options: ScanOptions) -> Vec<(Bytes, Bytes)> {
    let mut scanner = transaction.scan(range, options);
    let mut pairs = Vec::new();
    while let Some(pair) = scanner.next().await.expect("scans") {
        pairs.push(pair);
    }
    pairs
}

/// Addresses the region of a key, once PD has heard of the last split.
async fn context_of(cluster: &Cluster, n: usize) -> Option<kvrpcpb::Context> {
    loop {
        let found =
            cluster.client.pd().region(Key::from_raw(&key(n)).as_encoded()).await.expect("PD answers");
        let context = Some(kvrpcpb::Context {
            region_id: found.region.id,
            region_epoch: Some(to_wire::epoch(found.region.epoch)),
            peer: found.region.peers.first().map(to_wire::peer),
            ..Default::default()
        });
        let get = kvrpcpb::GetRequest { context: context.clone(), key: key(n), version: 1 };
        if cluster.store.service().kv_get(get).await.expect("answers").region_error.is_none() {
            return context;
        }
        tokio::task::yield_now().await;
    }
}
