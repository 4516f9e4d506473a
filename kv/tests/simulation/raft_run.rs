//! One run of raft peers under faults, from one seed.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, join_all, select};
use rutile_kv_env::{Simulation, TaskEnd};

use crate::nemesis::{Faults, Nemesis};
use crate::raft_checker::{Operations, RaftChecker};
use crate::raft_workload::RaftWorkload;
use crate::seeds::Story;
use crate::shape::Shape;
use crate::world::World;

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

/// Runs a seed, with known bugs planted.
pub fn run(seed: u64, bugs: &[&'static str]) -> Seen {
    run_in(seed, bugs, Faults::default(), |_| {})
}

/// As [`run`], with other faults, in a shape that `change` has changed.
pub fn run_in(seed: u64, bugs: &[&'static str], faults: Faults, change: impl FnOnce(&mut Shape)) -> Seen {
    let simulation = Simulation::new(seed);
    let _story = Story(simulation.clone());
    bugs.iter().for_each(|bug| simulation.plant(bug));
    let checker = RaftChecker::listen(&simulation);
    let env = simulation.env();
    let mut shape = Shape::of_raft(&*env.random);
    if faults.sleeps {
        shape.let_sleep(&*env.random);
    }
    change(&mut shape);
    let world = World::start(simulation.clone(), shape);
    // The control run has no time to lose between one leader's commit and another one's read.
    let (writers, readers) = if faults.first_leads { (4, 10) } else { (env.random.range(1..5) as usize, 3) };
    let (faults, workload) = simulation.block_on(async {
        let workload = RaftWorkload::new(&world, writers).await;
        let mut tasks: Vec<_> = (0..writers)
            .map(|writer| env.spawn.spawn("writer", Box::pin(workload.clone().write(writer))))
            .collect();
        tasks.extend((0..readers).map(|_| env.spawn.spawn("reader", Box::pin(workload.clone().read()))));
        let faults = Nemesis::new(&world, faults, &checker).run(TROUBLE).await;
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
