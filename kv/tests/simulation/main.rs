//! A whole cluster in one process and one thread, from one seed, under faults.
//!
//! `world` builds machines with PD, stores and clients, `carrier` puts the simulated network under their services,
//! `powered` lets the power fail between any two durable effects, `nemesis` makes trouble and heals it. Workloads and
//! checkers are separate. docs/simulation.md tells how to replay a seed and what was found.

mod carrier;
mod checker;
mod clients;
mod detector;
mod each_step;
mod history;
mod idle;
mod lull;
mod membership;
mod nemesis;
mod planted;
mod powered;
mod raft_checker;
mod raft_run;
mod raft_workload;
mod replicas;
mod reshape;
mod seeds;
mod session;
mod shape;
mod storm;
mod streams;
mod transaction_run;
mod workload;
mod world;

use nemesis::Faults;
use raft_run::Seen;
use rutile_kv_client::ReplicaRead;

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
    let seeds = seeds::of("transactions", 0..100);
    for seed in &seeds {
        let seen = seeds::run("transactions", *seed, |seed| transaction_run::run(seed, &[]));
        println!("seed {seed}: {seen:?}");
        assert!(seen.counts.acknowledged > 0 && seen.counts.reads > 0, "{seen:?}");
    }
}

/// The keys of the raft workload lie between these, so that it has a region to itself which others are merged with.
const BESIDE: &[&str] = &["a", "z"];

/// Regions that are split and merged under all other faults, with writers that speak to stores directly.
#[test]
fn merging_peers_keep_their_promises() {
    let mut total = raft_checker::Operations::default();
    for seed in seeds::of("merge_raft", 0..25) {
        let faults = Faults { merges: Some(BESIDE), ..Faults::default() };
        total +=
            seeds::run("merge_raft", seed, |seed| raft_run::run_in(seed, &[], faults, |_| {})).operations;
    }
    println!("{total:?}");
    assert!(total.merges > 0, "{total:?}");
}

/// The same under transactions.
#[test]
fn merging_regions_keep_their_promises() {
    let mut total = raft_checker::Operations::default();
    for seed in seeds::of("merge_transactions", 0..25) {
        let faults = Faults { pd: true, merges: Some(&[]), ..Faults::default() };
        let run = |seed| transaction_run::run_in(seed, &[], faults, |_| {});
        total += seeds::run("merge_transactions", seed, run).operations;
    }
    println!("{total:?}");
    assert!(total.merges > 0, "{total:?}");
}

/// Two reads of three go to followers; nothing else is drawn differently.
fn read_at_followers(shape: &mut shape::Shape) {
    shape.client_config.replica_read = ReplicaRead::LeaderAndFollower;
}

/// Followers serve reads under all faults, in every second run also while regions are split and merged.
#[test]
fn followers_keep_the_promises_of_their_leader() {
    let mut total = raft_checker::Operations::default();
    for seed in seeds::of("followers", 0..20) {
        let merges = (seed % 2 == 1).then_some(&[][..]);
        let faults = Faults { pd: true, merges, ..Faults::default() };
        let run = |seed| transaction_run::run_in(seed, &[], faults, read_at_followers);
        total += seeds::run("followers", seed, run).operations;
    }
    println!("{total:?}");
    assert!(total.follower_reads > 0, "{total:?}");
}

/// In one run of four regions are merged, too, and in another one nothing else happens.
fn sleeping(seed: u64, keys: &'static [&'static str]) -> Faults {
    let (merges, only_lulls) = (seed.is_multiple_of(4).then_some(keys), seed % 4 == 2);
    Faults { sleeps: true, merges, only_lulls, ..Faults::default() }
}

/// Regions that fall asleep when nobody uses them, and whose stores fail while they sleep, with writers that speak to
/// stores directly.
#[test]
fn sleeping_peers_keep_their_promises() {
    let mut total = raft_checker::Operations::default();
    for seed in seeds::of("sleep_raft", 0..20) {
        let run = |seed| raft_run::run_in(seed, &[], sleeping(seed, BESIDE), |_| {});
        total += seeds::run("sleep_raft", seed, run).operations;
    }
    println!("{total:?}");
    assert!(total.sleeps > 0, "{total:?}");
}

/// The same under transactions, which read at followers in one run of three.
#[test]
fn sleeping_regions_keep_their_promises() {
    let mut total = raft_checker::Operations::default();
    for seed in seeds::of("sleep_transactions", 0..20) {
        let faults = Faults { pd: true, ..sleeping(seed, &[]) };
        let change = |shape: &mut shape::Shape| {
            if seed.is_multiple_of(3) {
                read_at_followers(shape);
            }
        };
        let run = |seed| transaction_run::run_in(seed, &[], faults, change);
        total += seeds::run("sleep_transactions", seed, run).operations;
    }
    println!("{total:?}");
    assert!(total.sleeps > 0, "{total:?}");
}

/// A thousand regions fall silent, and each serves at once when it is asked; a store that stops hands its part on.
#[test]
fn idle_regions_cost_nothing() {
    println!("{:?}", idle::run(1));
}

/// Regions that split, or split and merge, every 200 milliseconds while PD restarts: clients notice nothing, every change ends in time.
#[test]
fn changing_regions_are_not_noticed() {
    for seed in seeds::of("storm", 0..12) {
        let seen = seeds::run("storm", seed, |seed| storm::run(seed, &[]));
        println!("seed {seed}: {seen:?}");
        assert!(seen.counts.acknowledged > 0, "{seen:?}");
    }
    for seed in seeds::of("merge_storm", 0..6) {
        let seen = seeds::run("merge_storm", seed, |seed| storm::run_in(seed, &[], true, |_| {}));
        println!("seed {seed}: {seen:?}");
        assert!(seen.counts.acknowledged > 0 && seen.operations.merges > 0, "{seen:?}");
    }
    let mut sleeps = 0;
    for seed in seeds::of("sleep_storm", 0..6) {
        let run = |seed| storm::run_in(seed, &[], false, |shape| shape.let_sleep_at_once());
        let seen = seeds::run("sleep_storm", seed, run);
        println!("seed {seed}: {seen:?}");
        assert!(seen.counts.acknowledged > 0, "{seen:?}");
        sleeps += seen.operations.sleeps;
    }
    assert!(sleeps > 0);
}

/// Clocks that run 40 % fast or slow break the promise that leases rest on: a test that does not find a stale read
/// then would not find one either if leases were wrong. At 10 % the same faults find none.
#[test]
fn clocks_beyond_the_promise_are_noticed() {
    let run = |seed, off_ppm: u64| {
        let faults = Faults { first_leads: true, ..Faults::default() };
        seeds::failure(seed, |seed| {
            raft_run::run_in(seed, &[], faults, |shape| {
                // A slow one leads, a majority runs fast.
                shape.paces_ppm.fill(1_000_000 + off_ppm);
                if let Some(first) = shape.paces_ppm.first_mut() {
                    *first = 1_000_000 - off_ppm;
                }
            });
        })
    };
    let seeds = seeds::of("clocks", 0..100);
    let found = seeds.iter().find_map(|seed| {
        let failure = run(*seed, 400_000).filter(|failure| failure.contains("stale read"))?;
        Some((*seed, failure))
    });
    let (seed, failure) = found.expect("a stale read with clocks that are 40 % off");
    println!("seed {seed}: {failure}");
    for seed in seeds.into_iter().take(10) {
        assert_eq!(run(seed, 100_000), None, "seed {seed}");
    }
}

/// A lost, repeated or late request, a lost answer, a client that dies: at each request of each way to commit.
#[test]
fn every_step_of_a_commit_may_fail() {
    let seeds = seeds::of("each_step", 0..8);
    let cases: u64 =
        seeds.iter().map(|seed| seeds::run("each_step", *seed, |seed| each_step::run(seed, &[]))).sum();
    println!("{} seeds: {cases} cases", seeds.len());
    assert!(cases > 0);
}

/// The same seed tells the same story, down to the order of all tasks.
#[test]
fn a_seed_repeats_itself() {
    for seed in seeds::of("repeat", 0..20) {
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
