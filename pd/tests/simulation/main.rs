//! A PD group under faults, from one seed: members lose power, are cut off, stand still and run too fast or too slow, the
//! wall clock jumps, messages are lost, late and doubled; clients go on all the while, and what they saw is checked.
//!
//! `RUTILE_SEEDS=1..2000 cargo test -p rutile-pd --test simulation` runs other seeds, `RUTILE_SEED=7` only one.

mod checker;
mod clients;
mod nemesis;
mod world;

use std::time::Duration;

use rutile_kv_env::Simulation;

use checker::History;
use world::World;

const SEEDS: std::ops::Range<u64> = 1..25;
const TROUBLE: Duration = Duration::from_secs(40);
/// How long a healed group may take to a leader that serves.
const HEALED_WITHIN: Duration = Duration::from_secs(3);

/// What a run came to.
struct Outcome {
    hash: u64,
    faults: u64,
    timestamps: usize,
    verdict: Result<(), String>,
}

fn run(seed: u64, planted: &[&'static str]) -> Outcome {
    let simulation = Simulation::new(seed);
    planted.iter().for_each(|bug| simulation.plant(bug));
    let members = if seed.is_multiple_of(4) { 5 } else { 3 };
    let world = World::new(&simulation, members);
    let history = History::default();
    let (faults, served) = simulation.block_on(async {
        world.start_all();
        let clients = clients::start(&world, &history);
        let faults = nemesis::trouble(&world, TROUBLE).await;
        let served = clients::first_timestamp(&world, HEALED_WITHIN).await;
        clients.finish().await;
        (faults, served)
    });
    let verdict = history.check().and_then(|()| {
        if served { Ok(()) } else { Err(format!("no timestamp within {HEALED_WITHIN:?} of the healing")) }
    });
    let outcome =
        Outcome { hash: simulation.event_hash(), faults, timestamps: history.timestamps(), verdict };
    world.end();
    simulation.end();
    outcome
}

fn seeds() -> std::ops::Range<u64> {
    let number = |text: &str| -> u64 { text.parse().expect("a number") };
    let asked = |name| std::env::var(name).ok();
    if let Some(seed) = asked("RUTILE_SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    match asked("RUTILE_SEEDS").as_deref().and_then(|text| text.split_once("..")) {
        Some((first, end)) => number(first)..number(end),
        None => SEEDS,
    }
}

#[test]
fn nothing_is_lost_and_time_goes_on_under_any_faults() {
    let seeds = seeds();
    let (mut faults, mut timestamps) = (0, 0);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let outcome = run(seed, &[]);
        faults += outcome.faults;
        timestamps += outcome.timestamps;
        if let Err(problem) = outcome.verdict {
            panic!("seed {seed}: {problem}");
        }
    }
    println!("{count} seeds, {faults} faults, {timestamps} blocks of timestamps");
    assert!(timestamps as u64 > count * 50, "too little happened: {timestamps} blocks of timestamps");
}

#[test]
fn one_seed_is_one_run() {
    for seed in [3, 4] {
        assert_eq!(run(seed, &[]).hash, run(seed, &[]).hash, "seed {seed}");
    }
}

/// The checks are worth something: bugs that were planted are found.
#[test]
fn planted_bugs_are_found() {
    for bug in ["pd::member::lease_ignored", "pd::storage::ack_before_sync"] {
        let found = (1..60).find(|seed| {
            let run = std::panic::catch_unwind(|| run(*seed, &[bug]).verdict);
            !matches!(run, Ok(Ok(())))
        });
        assert!(found.is_some(), "{bug} was not found");
        println!("{bug}: seed {}", found.unwrap_or_default());
    }
}
