//! One run of the whole cluster under faults, from one seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Simulation;

use crate::clients::Clients;
use crate::history::Counts;
use crate::nemesis::{Faults, Nemesis};
use crate::raft_checker::{Operations, RaftChecker};
use crate::raft_run::{LIVENESS, within};
use crate::seeds::Story;
use crate::shape::Shape;
use crate::world::World;

const TROUBLE: Duration = Duration::from_secs(20);
/// The machine that opens the accounts and checks everything; it never loses its power.
pub const AUDITOR: u64 = 300;

/// What a run saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub hash: u64,
    pub faults: u64,
    pub leaderships: u64,
    pub entries: u64,
    pub operations: Operations,
    pub counts: Counts,
    pub workloads: Vec<u64>,
    pub errors: BTreeMap<&'static str, u64>,
}

/// Runs a seed, with known bugs planted.
pub fn run(seed: u64, bugs: &[&'static str]) -> Seen {
    run_in(seed, bugs, Faults { pd: true, ..Faults::default() }, |_| {})
}

/// As [`run`], with other faults, in a shape that `change` has changed.
pub fn run_in(seed: u64, bugs: &[&'static str], faults: Faults, change: impl FnOnce(&mut Shape)) -> Seen {
    let simulation = Simulation::new(seed);
    let _story = Story(simulation.clone());
    bugs.iter().for_each(|bug| simulation.plant(bug));
    let checker = RaftChecker::listen(&simulation);
    let env = simulation.env();
    let mut shape = Shape::of_transactions(&*env.random);
    if faults.sleeps {
        shape.let_sleep(&*env.random);
    }
    change(&mut shape);
    let workloads = shape.workloads(&*env.random);
    let world = World::start(simulation.clone(), shape);
    let clients = Clients::new(&world, workloads);
    let auditor = simulation.machine(AUDITOR);
    let faults = simulation.block_on(async {
        let auditor_env = auditor.power_on();
        let client = world.client(&auditor, &auditor_env).await.expect("PD is on");
        let session = clients.session(client, auditor_env);
        clients.open(&session).await;
        world.clients.iter().for_each(|machine| clients.start_client(machine));
        let start = clients.clone();
        let faults =
            Faults { start_client: Some(Arc::new(move |machine| start.start_client(machine))), ..faults };
        let count = Nemesis::new(&world, faults, &checker).run(TROUBLE).await;
        let finish = async {
            clients.finish().await;
            clients.check(&session).await;
        };
        within(env.clock.sleep(LIVENESS), finish).await;
        count
    });
    let (leaderships, entries) = checker.counts();
    let seen = Seen {
        hash: simulation.event_hash(),
        faults,
        leaderships,
        entries,
        operations: checker.operations(),
        counts: clients.history.counts(),
        workloads: clients.counts(),
        errors: clients.errors(),
    };
    auditor.power_off();
    world.end();
    seen
}
