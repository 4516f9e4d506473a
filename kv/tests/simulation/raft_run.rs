//! One run of raft peers under faults, from one seed.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use rutile_kv::Config;
use rutile_kv_client::ClientConfig;
use rutile_kv_env::{Random, Simulation, TaskEnd};

use crate::nemesis::{Faults, Nemesis};
use crate::raft_checker::{Operations, RaftChecker};
use crate::raft_workload::RaftWorkload;
use crate::seeds::Story;
use crate::world::{Shape, World};

const TROUBLE: Duration = Duration::from_secs(20);
/// Everything must be finished so long after the faults end.
pub const LIVENESS: Duration = Duration::from_secs(60);

/// What a run saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub hash: u64,
    pub faults: u64,
    pub leaderships: u64,
    pub entries: u64,
    pub operations: Operations,
    pub acknowledged: u64,
    pub reads: u64,
}

/// Three or five stores with clocks of their own, and everything small enough to happen often.
pub fn shape(random: &dyn Random) -> Shape {
    let stores = [3, 3, 5][random.range(0..3) as usize];
    let raft_log_gc_bytes = [2 << 10, 16 << 10, 1 << 20][random.range(0..3) as usize];
    Shape {
        stores,
        clients: 1,
        config: Config {
            raft_log_gc_bytes,
            stale_peer_interval: Duration::from_millis(random.range(3_000..8_000)),
            raft_log_lag_max: random.range(5..100),
            region_heartbeat_interval: Duration::from_millis(random.range(100..1_000)),
            ..Config::default()
        },
        client_config: ClientConfig::default(),
        splits: false,
        paces_ppm: (0..stores).map(|_| random.range(900_000..1_100_000)).collect(),
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
    let writers = env.random.range(1..5) as usize;
    let (faults, workload) = simulation.block_on(async {
        let workload = RaftWorkload::new(&world, writers).await;
        let mut tasks: Vec<_> = (0..writers)
            .map(|writer| env.spawn.spawn("writer", Box::pin(workload.clone().write(writer))))
            .collect();
        tasks.extend((0..3).map(|_| env.spawn.spawn("reader", Box::pin(workload.clone().read()))));
        let faults = Nemesis::new(&world, Faults::default(), &checker).run(TROUBLE).await;
        workload.stop();
        let finish = async {
            for end in join_all(tasks.iter().map(|task| task.join())).await {
                assert_eq!(end, TaskEnd::Finished);
            }
            workload.check().await;
        };
        within(env.clock.sleep(LIVENESS), finish).await;
        (faults, Arc::clone(&workload))
    });
    let (leaderships, entries) = checker.counts();
    let (acknowledged, reads) = (workload.acknowledged(), workload.reads());
    let operations = checker.operations();
    let hash = simulation.event_hash();
    let seen = Seen { hash, faults, leaderships, entries, operations, acknowledged, reads };
    world.end();
    seen
}

/// Liveness: after the faults everything comes to an end.
pub async fn within(limit: impl Future<Output = ()>, finish: impl Future<Output = ()>) {
    match select(Box::pin(finish), Box::pin(limit)).await {
        Either::Left(_) => {}
        Either::Right(_) => panic!("not finished {LIVENESS:?} after the faults ended"),
    }
}
