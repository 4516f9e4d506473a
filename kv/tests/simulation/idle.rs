//! What a thousand regions cost that nobody uses, and that they are there as soon as somebody does.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv::Config;
use rutile_kv_client::{Client, ClientConfig, TransactionOptions};
use rutile_kv_env::{NetworkFaults, Simulation};

use crate::shape::Shape;
use crate::world::World;

const REGIONS: usize = 1_000;
/// Regions that are read and written afterwards.
const USED: usize = 40;
/// Followers look for their leader once a minute, and are answered.
const COST_MAX: u64 = 3 * REGIONS as u64 / 60 * 4;
const MINUTE: Duration = Duration::from_secs(60);

/// Raft messages and ticks of all stores so far, and how many peers sleep.
fn cost(world: &World) -> (u64, u64) {
    let stores = world.nodes.all();
    let metrics: Vec<_> =
        stores.iter().filter_map(|node| node.store()).map(|store| store.metrics()).collect();
    let done = metrics.iter().map(|metrics| metrics.raft_messages + metrics.raft_ticks).sum();
    (done, metrics.iter().map(|metrics| metrics.regions_asleep).sum())
}

/// What a second costs from now on, on average over so many.
async fn cost_of_a_second(world: &World, seconds: u64) -> u64 {
    let before = cost(world).0;
    world.simulation.env().clock.sleep(Duration::from_secs(seconds)).await;
    (cost(world).0 - before) / seconds
}

fn key(n: usize) -> Bytes {
    Bytes::from(format!("region-{n:05}"))
}

async fn write(client: &Client, n: usize) {
    let mut transaction = client.begin(TransactionOptions::default()).await.expect("begins");
    transaction.put(key(n), Bytes::from_static(b"awake"));
    transaction.commit().await.expect("commits");
}

async fn use_some(client: &Client) {
    for n in (0..REGIONS).step_by(REGIONS / USED) {
        let snapshot = client.snapshot(client.timestamp().await.expect("a timestamp"));
        assert_eq!(snapshot.get(&key(n)).await.expect("the first read"), None);
        write(client, n).await;
    }
}

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    pub awake: u64,
    pub asleep: u64,
    pub woken: u64,
}

pub fn run(seed: u64) -> Seen {
    let simulation = Simulation::new(seed);
    simulation.set_rare_turns(false);
    let env = simulation.env();
    let drawn = Shape::of_raft(&*env.random);
    let config = Config { hibernate_regions: true, region_heartbeat_interval: MINUTE, ..Config::default() };
    let client_config = ClientConfig::default();
    let world = World::start(simulation.clone(), Shape { stores: 3, config, client_config, ..drawn });
    simulation.network().set_faults(NetworkFaults { delay_us: 100..500, ..NetworkFaults::none() });
    let seen = simulation.block_on(async {
        let machine = world.clients.first().expect("a machine for clients");
        let client_env = machine.power_on();
        let client = world.client(machine, &client_env).await.expect("PD is on");
        for n in 0..REGIONS {
            client.split_region(&[key(n)]).await.expect("splits");
        }
        let awake = cost_of_a_second(&world, 1).await;
        let patience = env.clock.now() + MINUTE;
        while cost(&world).1 < 3 * REGIONS as u64 {
            assert!(env.clock.now() < patience, "{} peers sleep", cost(&world).1);
            env.clock.sleep(Duration::from_secs(1)).await;
        }
        let asleep = cost_of_a_second(&world, 60).await;
        use_some(&client).await;
        let woken = 3 * REGIONS as u64 - cost(&world).1;
        hand_on(&world).await;
        client.close().await;
        Seen { awake, asleep, woken }
    });
    assert!(seen.asleep < COST_MAX, "{seen:?}");
    assert!(seen.awake > 100 * seen.asleep.max(1), "{seen:?}");
    assert!(seen.woken >= 3 * USED as u64 / 2 && seen.woken < 6 * USED as u64, "{seen:?}");
    world.end();
    seen
}

/// A store that is about to stop hands its leaderships on, those of regions that sleep included.
async fn hand_on(world: &World) {
    let env = world.simulation.env();
    let stores = world.nodes.all().into_iter().filter_map(|node| node.store());
    let store = stores.max_by_key(|store| store.metrics().leaders).expect("three are on");
    let (led, started) = (store.metrics().leaders, env.clock.now());
    let left = store.hand_leaders_on(Duration::from_secs(5)).await;
    let took = env.clock.now() - started;
    println!("{led} leaderships handed on within {took:?}");
    assert_eq!((left, store.metrics().leaders), (0, 0), "of {led}");
    assert!(took < Duration::from_secs(3), "{led} leaderships took {took:?}");
}
