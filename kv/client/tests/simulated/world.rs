//! One run: a store, four clients that live, and one that dies again and again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rutile_kv::Store;
use rutile_kv_client::{Client, ClientConfig, StaticStores, TransactionOptions};
use rutile_kv_engine::{MemoryEngine, MemoryRaftLog};
use rutile_kv_env::{Env, Simulation, TaskHandle};
use rutile_kv_proto::{PdService, TikvService};
use rutile_pd::{Member, PdConfig};
use rutile_pd_client::PdClient;

use super::carrier::Carrier;
use super::history::{History, Outcomes};
use super::transfer::{ACCOUNTS, START, account, audit, render, transfer};

const WORKERS: u64 = 6;
const TRANSFERS: u64 = 6;
const LIVES: u64 = 3;
/// No run takes longer; a worker that does waits for something that never comes.
const RUN_MAX: Duration = Duration::from_secs(3_600);

struct World {
    env: Env,
    pd: PdClient,
    stores: Arc<StaticStores>,
    history: History,
    loses_heartbeats: bool,
}

impl World {
    /// By number: with 1PC, with two phases only, or with async commit.
    fn client(&self, env: Env, kind: u64) -> Client {
        let config = ClientConfig {
            one_pc: kind.is_multiple_of(3),
            async_commit: kind % 3 == 2,
            batch_bytes_max: 20,
            ..ClientConfig::default()
        };
        Client::with_config(env, self.pd.clone(), self.stores.clone(), config)
    }

    fn start_worker(&self, env: &Env, kind: u64) -> TaskHandle {
        let (client, history) = (self.client(env.clone(), kind), self.history.clone());
        let loses_heartbeats = self.loses_heartbeats;
        let work = async move {
            for round in 0..TRANSFERS {
                transfer(&client, &history, loses_heartbeats).await;
                if round % 3 == 0 {
                    audit(&client).await;
                }
            }
            client.close().await;
        };
        env.spawn.spawn("worker", Box::pin(work))
    }
}

/// How a run differs from another one of the same seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Variant {
    /// Pessimistic locks are kept in memory.
    pub in_memory: bool,
    /// A bug to plant.
    pub bug: Option<&'static str>,
}

pub fn run(seed: u64, variant: Variant) -> Outcomes {
    let simulation = Simulation::new(seed);
    variant.bug.into_iter().for_each(|bug| simulation.plant(bug));
    let outcomes = simulation.block_on(play(&simulation, variant));
    simulation.end();
    outcomes
}

async fn play(simulation: &Simulation, variant: Variant) -> Outcomes {
    let env = simulation.env();
    let pd = Member::open(env.clone(), PdConfig::new(PathBuf::from("/pd"))).expect("PD opens");
    let pd: Arc<dyn PdService> = Arc::new(pd);
    let pd = PdClient::connect(env.clone(), pd).await.expect("PD answers");
    let (engine, log) = (Arc::new(MemoryEngine::new()), Arc::new(MemoryRaftLog::new()));
    let config =
        rutile_kv::Config { in_memory_pessimistic_locks: variant.in_memory, ..rutile_kv::Config::default() };
    let store = Store::open(env.clone(), config, engine, log, pd.clone()).await;
    let store = store.expect("the store opens");
    let (loses_heartbeats, sender) = (env.random.one_in(2), env.clone());
    let carrier = Carrier { env: sender, store: store.service(), loses_heartbeats };
    let carrier: Arc<dyn TikvService> = Arc::new(carrier);
    let stores = Arc::new(StaticStores::new([(store.store_id(), carrier)]));
    let world = World { env: env.clone(), pd, stores, history: History::default(), loses_heartbeats };
    let client = world.client(env.clone(), 1);
    let mut open = client.begin(TransactionOptions::default()).await.expect("begins");
    for n in 0..ACCOUNTS {
        open.put(account(n), render(START, 0));
    }
    open.commit().await.expect("commits");
    let workers: Vec<TaskHandle> = (0..WORKERS).map(|kind| world.start_worker(&env, kind)).collect();
    let deadline = env.clock.now() + RUN_MAX;
    trouble(simulation, &world, &client).await;
    for worker in &workers {
        worker.join().await;
    }
    assert!(env.clock.now() < deadline, "the run took {:?}", env.clock.now());
    judge(&world).await
}

/// Splits regions, and lets a client die in the middle of what it does.
async fn trouble(simulation: &Simulation, world: &World, client: &Client) {
    let random = &world.env.random;
    let doomed = simulation.machine(1);
    for life in 0..LIVES {
        let env = doomed.power_on();
        for kind in 0..2 {
            world.start_worker(&env, life + kind);
        }
        world.env.clock.sleep(Duration::from_millis(random.range(0..400))).await;
        client.split_region(&[account(random.range(0..ACCOUNTS))]).await.expect("splits");
        world.env.clock.sleep(Duration::from_millis(random.range(0..400))).await;
        doomed.power_off();
    }
}

/// All clients see the same in the end, and what they see is what was acknowledged.
async fn judge(world: &World) -> Outcomes {
    let mut found = None;
    for kind in 0..3 {
        let client = world.client(world.env.clone(), kind);
        let markers = audit(&client).await;
        assert_eq!(*found.get_or_insert_with(|| markers.clone()), markers);
    }
    let markers = found.unwrap_or_default();
    let outcomes = world.history.outcomes();
    for marker in &outcomes.acknowledged {
        assert!(markers.contains(marker), "{marker:?} was acknowledged and is lost");
    }
    for marker in &outcomes.failed {
        assert!(!markers.contains(marker), "{marker:?} failed and is there");
    }
    outcomes
}
