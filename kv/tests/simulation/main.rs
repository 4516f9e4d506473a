//! A whole cluster in one process and one thread, from one seed, under faults.
//!
//! `world` builds machines with PD, stores and clients, `carrier` puts the simulated network under their services,
//! `powered` lets the power fail between any two durable effects, `nemesis` makes trouble and heals it. Workloads and
//! checkers are separate. docs/simulation.md tells how to replay a seed and what was found.

mod carrier;
mod history;
mod membership;
mod nemesis;
mod planted;
mod powered;
mod raft_checker;
mod raft_run;
mod raft_workload;
mod replicas;
mod seeds;
mod streams;
mod transaction_run;
mod transactions;
mod world;

use raft_run::Seen;

/// Raft peers under loss, repetition, reordering, partitions and power failures: nothing acknowledged is lost, no
/// read is stale, a term has one leader, all apply the same; and everything finishes once the faults end.
#[test]
fn raft_peers_keep_their_promises() {
    let mut total = Seen::default();
    let seeds = seeds::of("raft", 0..40);
    for seed in &seeds {
        let seen = seeds::run("raft", *seed, |seed| raft_run::run(seed, &[]));
        total.faults += seen.faults;
        total.leaderships += seen.leaderships;
        total.entries += seen.entries;
        total.operations += seen.operations;
        total.acknowledged += seen.acknowledged;
        total.reads += seen.reads;
    }
    println!("{} seeds: {total:?}", seeds.len());
    assert!(total.acknowledged > 0 && total.reads > 0, "{total:?}");
}

/// The whole store, PD and the transaction client under all of it, with splits, log truncations, and PD and clients
/// that lose their power: snapshots do not change, sums are kept, verdicts are true, timestamps follow real time.
#[test]
fn transactions_keep_their_promises() {
    let seeds = seeds::of("transactions", 0..20);
    for seed in &seeds {
        let seen = seeds::run("transactions", *seed, |seed| transaction_run::run(seed, &[]));
        println!("seed {seed}: {seen:?}");
        assert!(seen.counts.acknowledged > 0 && seen.counts.reads > 0, "{seen:?}");
    }
}

/// The same seed tells the same story, down to the order of all tasks.
#[test]
fn a_seed_repeats_itself() {
    for seed in seeds::of("repeat", 0..5) {
        let runs = [(), ()].map(|()| seeds::run("raft", seed, |seed| raft_run::run(seed, &[])));
        assert_eq!(runs[0], runs[1], "seed {seed}");
        let runs =
            [(), ()].map(|()| seeds::run("transactions", seed, |seed| transaction_run::run(seed, &[])));
        assert_eq!(runs[0], runs[1], "seed {seed}");
    }
}

/// A test that can not fail proves nothing: each of these bugs, planted one at a time, is found by some seed.
#[test]
fn planted_bugs_are_found() {
    let mut missed = Vec::new();
    let only = std::env::var("RUTILE_BUG").ok();
    for bug in planted::BUGS.iter().filter(|bug| only.as_ref().is_none_or(|only| bug.name.contains(only))) {
        match planted::find(bug) {
            Some(found) => println!("{}: seed {}: {}", bug.name, found.seed, found.failure),
            None => missed.push(bug.name),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
