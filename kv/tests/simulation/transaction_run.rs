//! One run of the whole cluster under faults, from one seed.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv::Config;
use rutile_kv_client::ClientConfig;
use rutile_kv_env::{Random, Simulation};

use crate::history::Counts;
use crate::nemesis::{Faults, Nemesis};
use crate::raft_checker::RaftChecker;
use crate::raft_run::{self, LIVENESS, within};
use crate::seeds::Story;
use crate::transactions::Transactions;
use crate::world::{Shape, World};

const TROUBLE: Duration = Duration::from_secs(20);
/// The machine that opens the accounts and checks everything; it never loses its power.
const AUDITOR: u64 = 300;

/// What a run saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub hash: u64,
    pub faults: u64,
    pub leaderships: u64,
    pub entries: u64,
    pub counts: Counts,
}

fn shape(random: &dyn Random) -> Shape {
    let raft_only = raft_run::shape(random);
    let splits = random.one_in(2);
    let region_split_keys = if splits { [30, 200][random.range(0..2) as usize] } else { 1 << 20 };
    Shape {
        clients: 2,
        splits,
        config: Config { region_split_keys, ..raft_only.config },
        client_config: ClientConfig {
            one_pc: random.one_in(2),
            batch_bytes_max: [1, 1 << 20][random.range(0..2) as usize],
            ..ClientConfig::default()
        },
        ..raft_only
    }
}

/// Runs a seed, with known bugs planted.
pub fn run(seed: u64, bugs: &[&'static str]) -> Seen {
    let simulation = Simulation::new(seed);
    let _story = Story(simulation.clone());
    bugs.iter().for_each(|bug| simulation.plant(bug));
    let checker = RaftChecker::listen(&simulation);
    let env = simulation.env();
    let world = World::start(simulation.clone(), shape(&*env.random));
    let transactions = Transactions::new(&world);
    let auditor = simulation.machine(AUDITOR);
    let faults = simulation.block_on(async {
        let auditor_env = auditor.power_on();
        let client = world.client(&auditor, &auditor_env).await.expect("PD is on");
        transactions.open_accounts(&client).await;
        world.clients.iter().for_each(|machine| transactions.start_client(machine));
        let clients = transactions.clone();
        let faults =
            Faults { pd: true, start_client: Some(Arc::new(move |machine| clients.start_client(machine))) };
        let count = Nemesis::new(&world, faults, &checker).run(TROUBLE).await;
        let finish = async {
            transactions.finish().await;
            transactions.check(&client, &auditor_env).await;
        };
        within(env.clock.sleep(LIVENESS), finish).await;
        count
    });
    let (leaderships, entries) = checker.counts();
    let counts = transactions.history.counts();
    let seen = Seen { hash: simulation.event_hash(), faults, leaderships, entries, counts };
    auditor.power_off();
    world.end();
    seen
}
