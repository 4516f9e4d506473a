//! Regions that change all the time under clients, while PD restarts: no client may notice.
//!
//! Nothing is lost and nobody else fails, so whatever a client is told besides conflicts with other clients is a
//! fault of the change of a region.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::ClientConfig;
use rutile_kv_env::{NetworkFaults, Random, Simulation, TaskHandle};

use crate::clients::Clients;
use crate::raft_checker::RaftChecker;
use crate::raft_run::{LIVENESS, within};
use crate::reshape::Reshape;
use crate::seeds::Story;
use crate::session::Session;
use crate::shape::Shape;
use crate::transaction_run::{AUDITOR, Seen};
use crate::workload::{Counters, ListAppend};
use crate::world::World;

const STORM: Duration = Duration::from_secs(10);
const BETWEEN_CHANGES: Duration = Duration::from_millis(200);
/// A change has ended by then, one way or the other.
const CHANGE_MAX: Duration = Duration::from_secs(10);
const PD_UP_MS: std::ops::Range<u64> = 500..4_000;
const PD_DOWN_MS: std::ops::Range<u64> = 20..1_500;
/// What a client may be told when others are at work and nothing fails.
const CONFLICTS: [&str; 6] =
    ["write conflict", "lock no wait", "lock wait timeout", "deadlock", "key locked", "already exists"];

fn shape(random: &dyn Random) -> Shape {
    let drawn = Shape::of_transactions(random);
    // Locks that live long: else they end while PD is away, or because a restart of PD makes timestamps jump to the end
    // of the window that it saved, which are no faults of a region.
    let usual = ClientConfig::default();
    let client_config = ClientConfig {
        lock_ttl: usual.pessimistic_lock_ttl,
        pessimistic_lock_ttl: usual.pessimistic_lock_ttl,
        ..drawn.client_config
    };
    Shape { stores: 3, splits: false, client_config, ..drawn }
}

/// Runs a seed.
pub fn run(seed: u64, bugs: &[&'static str]) -> Seen {
    run_in(seed, bugs, false, |_| {})
}

/// The same, with merges or without, in a shape that `change` has changed.
pub fn run_in(seed: u64, bugs: &[&'static str], merges: bool, change: impl FnOnce(&mut Shape)) -> Seen {
    let simulation = Simulation::new(seed);
    let _story = Story(simulation.clone());
    bugs.iter().for_each(|bug| simulation.plant(bug));
    // Pauses of a store are faults too.
    simulation.set_rare_turns(false);
    let checker = RaftChecker::listen(&simulation);
    let env = simulation.env();
    let mut shape = shape(&*env.random);
    change(&mut shape);
    let lists = ListAppend::new(shape.model());
    let world = World::start(simulation.clone(), shape);
    simulation.network().set_faults(NetworkFaults { delay_us: 100..2_000, ..NetworkFaults::none() });
    let clients = Clients::new(&world, vec![Box::new(lists), Box::new(Counters::default())]);
    let auditor = simulation.machine(AUDITOR);
    let changes = simulation.block_on(async {
        let auditor_env = auditor.power_on();
        let client = world.client(&auditor, &auditor_env).await.expect("PD is on");
        let session = Arc::new(clients.session(client, auditor_env));
        clients.open(&session).await;
        world.clients.iter().for_each(|machine| clients.start_client(machine));
        let pd = env.spawn.spawn("pd-restarts", Box::pin(restart_pd(world.clone())));
        let changes = storm(&session, &world, merges).await;
        pd.join().await;
        for change in &changes {
            change.join().await;
        }
        let finish = async {
            clients.finish().await;
            clients.check(&session).await;
        };
        within(env.clock.sleep(LIVENESS), finish).await;
        changes.len() as u64
    });
    let (leaderships, entries) = checker.counts();
    let errors = clients.errors();
    let unexpected: Vec<_> = errors.iter().filter(|(kind, _)| !CONFLICTS.contains(kind)).collect();
    assert!(unexpected.is_empty(), "clients noticed: {unexpected:?}");
    let seen = Seen {
        hash: simulation.event_hash(),
        faults: changes,
        leaderships,
        entries,
        operations: checker.operations(),
        counts: clients.history.counts(),
        workloads: clients.counts(),
        errors,
    };
    auditor.power_off();
    world.end();
    seen
}

async fn restart_pd(world: World) {
    let env = world.simulation.env();
    let end = env.clock.now() + STORM;
    loop {
        env.clock.sleep(Duration::from_millis(env.random.range(PD_UP_MS))).await;
        if env.clock.now() > end {
            return;
        }
        world.pd.machine.power_off();
        env.clock.sleep(Duration::from_millis(env.random.range(PD_DOWN_MS))).await;
        world.pd.start();
    }
}

/// Starts a change every so often; each has its time.
async fn storm(session: &Arc<Session>, world: &World, merges: bool) -> Vec<TaskHandle> {
    let clock = session.env.clock.clone();
    let (end, mut changes) = (clock.now() + STORM, Vec::new());
    while clock.now() < end {
        if session.random().one_in(4) {
            let stores = world.nodes.all();
            let store = session.random().range(0..stores.len() as u64) as usize;
            world.pd.steering.lead_on(stores[store].store_id);
        }
        if merges {
            let both = [Reshape::MergeLeft, Reshape::MergeRight];
            world.pd.steering.reshape(vec![both[session.random().range(0..2) as usize].clone()]);
        }
        let change = change(session.clone());
        changes.push(session.env.spawn.spawn("region-change", Box::pin(change)));
        clock.sleep(BETWEEN_CHANGES).await;
    }
    changes
}

/// Splits a list off from what follows it.
async fn change(session: Arc<Session>) {
    let (n, more) = (session.random().range(0..8), session.random().range(0..10));
    let key = Bytes::from(if more < 5 { format!("list-{n}") } else { format!("list-{n}.{more}") });
    let begun = session.env.clock.now();
    let split = session.client.split_region(std::slice::from_ref(&key)).await;
    let took = session.env.clock.now() - begun;
    assert!(split.is_ok(), "a split at {key:?} failed: {split:?}");
    assert!(took < CHANGE_MAX, "a split at {key:?} took {took:?}");
}
