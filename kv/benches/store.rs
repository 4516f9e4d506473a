//! What one operation costs, from the transaction client through raft and the engines and back, in one process.
//!
//! `cargo bench -p rutile-kv` prints times by criterion, then how many syncs commits of 1, 8 and 32 clients share.
//! Times depend on the machine; what `docs/benchmarks.md` records are ratios, counts and shares.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use rutile_kv::{Config, Store};
use rutile_kv_client::{Client, ClientConfig, ScanOptions, StaticStores, TransactionOptions};
use rutile_kv_engine::{
    Engine, EngineConfig, EngineRaftLog, MemoryEngine, MemoryRaftLog, RaftLog, RaftLogConfig, RocksEngine,
};
use rutile_kv_env::Env;
use rutile_kv_proto::PdService;
use rutile_kv_types::KeyRange;
use rutile_pd::{Member, PdConfig};
use rutile_pd_client::PdClient;
use tokio::runtime::Runtime;

const ROWS: usize = 100_000;
const ROWS_PER_TRANSACTION: usize = 5_000;
const SCAN_ROWS: usize = 1_000;
/// Commits of each client when syncs are counted.
const COMMITS: usize = 200;

/// A store with two clients: one commits in one phase where it can, the other never.
struct Cluster {
    store: Store,
    client: Client,
    two_phases: Client,
    pd: PdClient,
    _directory: tempfile::TempDir,
}

#[derive(Clone, Copy, PartialEq)]
enum Media {
    Disk,
    Memory,
}

fn engines(media: Media, directory: &Path) -> (Arc<dyn Engine>, Arc<dyn RaftLog>) {
    if media == Media::Memory {
        return (Arc::new(MemoryEngine::new()), Arc::new(MemoryRaftLog::new()));
    }
    let engine = RocksEngine::open(&directory.join("state"), &EngineConfig::default()).expect("opens");
    let log = EngineRaftLog::open(&directory.join("log"), &RaftLogConfig::default()).expect("opens");
    (Arc::new(engine), Arc::new(log))
}

async fn start(media: Media) -> Cluster {
    let directory = tempfile::tempdir().expect("a directory");
    let env = Env::real();
    let pd = Member::open(env.clone(), PdConfig::new(directory.path().join("pd"))).expect("PD opens");
    let pd: Arc<dyn PdService> = Arc::new(pd);
    let pd = PdClient::connect(env.clone(), pd).await.expect("PD answers");
    let (engine, log) = engines(media, directory.path());
    let store = Store::open(env.clone(), Config::default(), engine, log, pd.clone()).await.expect("opens");
    let stores = Arc::new(StaticStores::new([(store.store_id(), store.service())]));
    let client = Client::new(env.clone(), pd.clone(), stores.clone());
    let config = ClientConfig { one_pc: false, async_commit: false, ..ClientConfig::default() };
    let two_phases = Client::with_config(env, pd.clone(), stores, config);
    Cluster { store, client, two_phases, pd, _directory: directory }
}

fn key(n: usize) -> Bytes {
    Bytes::from(format!("t_r{n:010}"))
}

async fn load(client: &Client) {
    for start in (0..ROWS).step_by(ROWS_PER_TRANSACTION) {
        let mut transaction = client.begin(TransactionOptions::default()).await.expect("begins");
        for n in start..start + ROWS_PER_TRANSACTION {
            transaction.put(key(n), Bytes::from(vec![b'v'; 120]));
        }
        transaction.commit().await.expect("commits");
    }
}

async fn put(client: &Client, n: usize) {
    let mut transaction = client.begin(TransactionOptions::default()).await.expect("begins");
    transaction.put(key(n), Bytes::from(vec![b'w'; 120]));
    transaction.commit().await.expect("nobody else writes this key");
}

fn reads(criterion: &mut Criterion, runtime: &Runtime, cluster: &Cluster) {
    runtime.block_on(load(&cluster.client));
    let ts = runtime.block_on(cluster.client.timestamp()).expect("a timestamp");
    let snapshot = cluster.client.snapshot(ts);
    let mut n = 0;
    criterion.bench_function("point get, warm", |bencher| {
        bencher.iter(|| {
            n = (n + 7919) % ROWS;
            black_box(runtime.block_on(snapshot.get(&key(n))).expect("reads"))
        });
    });
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Elements(SCAN_ROWS as u64));
    group.bench_function("1000 rows", |bencher| {
        bencher.iter(|| {
            n = (n + 7919) % (ROWS - SCAN_ROWS);
            let options = ScanOptions { limit: Some(SCAN_ROWS), ..ScanOptions::default() };
            let mut rows = snapshot.scan(KeyRange::new(key(n), ""), options);
            runtime.block_on(async {
                while let Some(row) = rows.next().await.expect("scans") {
                    black_box(row);
                }
            });
        });
    });
    group.finish();
}

fn commits(criterion: &mut Criterion, runtime: &Runtime, media: Media, cluster: &Cluster) {
    let name = if media == Media::Disk { "disk" } else { "memory" };
    let mut n = ROWS;
    let mut group = criterion.benchmark_group("commit of one key");
    // In memory nothing is synced: what is left is the way from the proposal to the answer after apply.
    group.bench_function(format!("1PC, {name}"), |bencher| {
        bencher.iter(|| {
            n += 1;
            runtime.block_on(put(&cluster.client, n));
        });
    });
    group.bench_function(format!("prewrite and commit, {name}"), |bencher| {
        bencher.iter(|| {
            n += 1;
            runtime.block_on(put(&cluster.two_phases, n));
        });
    });
    group.finish();
}

fn timestamps(criterion: &mut Criterion, runtime: &Runtime, cluster: &Cluster) {
    let mut group = criterion.benchmark_group("timestamps");
    for count in [1_u32, 64] {
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(format!("{count} a call"), |bencher| {
            bencher.iter(|| black_box(runtime.block_on(cluster.pd.last_of_timestamps(count))));
        });
    }
    group.finish();
}

/// How many syncs of the raft log the commits of several clients take.
async fn count_syncs(clients: usize) {
    let cluster = start(Media::Disk).await;
    put(&cluster.client, 0).await;
    let before = cluster.store.metrics();
    let started = cluster.client.env().clock.now();
    let running: Vec<_> = (0..clients)
        .map(|writer| {
            let client = cluster.client.clone();
            let work = async move {
                for n in 0..COMMITS {
                    put(&client, (writer + 1) * ROWS + n).await;
                }
            };
            cluster.client.env().spawn.spawn("writer", Box::pin(work))
        })
        .collect();
    for writer in running {
        writer.join().await;
    }
    let elapsed = cluster.client.env().clock.now() - started;
    let after = cluster.store.metrics();
    let (commits, syncs) = ((clients * COMMITS) as f64, (after.raft_appends - before.raft_appends) as f64);
    let entries = (after.raft_entries - before.raft_entries) as f64;
    println!(
        "{clients:>2} clients: {:.2} syncs a commit, {:.2} raft entries a commit, {:.0} commits/s",
        syncs / commits,
        entries / commits,
        commits / elapsed.as_secs_f64(),
    );
    cluster.client.close().await;
    cluster.store.stop().await.expect("stops");
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let mut criterion =
        Criterion::default().measurement_time(Duration::from_secs(4)).sample_size(30).configure_from_args();
    for media in [Media::Memory, Media::Disk] {
        let cluster = runtime.block_on(start(media));
        if media == Media::Disk {
            reads(&mut criterion, &runtime, &cluster);
            timestamps(&mut criterion, &runtime, &cluster);
        }
        commits(&mut criterion, &runtime, media, &cluster);
        runtime.block_on(cluster.store.stop()).expect("stops");
    }
    criterion.final_summary();
    for clients in [1, 8, 32] {
        runtime.block_on(count_syncs(clients));
    }
}
