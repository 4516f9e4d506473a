//! Transactions of several clients against one store in simulated time, under lost, late and repeated requests,
//! clients that die, and regions that split.
//!
//! Every transfer moves money between two accounts, counts a version up in both, and inserts a marker of its own, so
//! that each snapshot shows whether transactions are atomic: the total never changes, versions are twice the markers,
//! and in the end the markers are exactly those of the acknowledged transfers and of some whose outcome was lost.
//!
//! Each seed is run twice: with pessimistic locks in the leader's memory, and replicated.
//!
//! `RUTILE_SEED=7` runs one seed, `RUTILE_SEEDS=0..1000` a range.

mod carrier;
mod history;
mod transfer;
mod world;

use std::panic::{catch_unwind, resume_unwind};

use world::Variant;

fn number(text: &str) -> u64 {
    text.trim().parse().expect("a seed is a number")
}

fn seeds() -> std::ops::Range<u64> {
    if let Ok(one) = std::env::var("RUTILE_SEED") {
        return number(&one)..number(&one) + 1;
    }
    match std::env::var("RUTILE_SEEDS") {
        Ok(range) => {
            let (from, to) = range.split_once("..").expect("a range such as 0..100");
            number(from)..number(to)
        }
        Err(_) => 0..40,
    }
}

#[test]
fn transfers_are_atomic_whatever_happens_on_the_way() {
    let (mut acknowledged, mut unknown, mut failed) = (0, 0, 0);
    for seed in seeds() {
        for in_memory in [true, false] {
            let variant = Variant { in_memory, bug: None };
            let seen = catch_unwind(|| world::run(seed, variant)).unwrap_or_else(|panic| {
                eprintln!("seed {seed} failed with {variant:?}; RUTILE_SEED={seed} runs it again");
                resume_unwind(panic)
            });
            acknowledged += seen.acknowledged.len();
            unknown += seen.unknown.len();
            failed += seen.failed.len();
        }
    }
    println!("{:?}: {acknowledged} acknowledged, {unknown} unknown, {failed} failed", seeds());
    assert!(acknowledged > unknown && acknowledged > failed, "{acknowledged} {unknown} {failed}");
}

/// Known bugs, and a range of seeds of which one at least finds each.
const BUGS: [(&str, std::ops::Range<u64>); 2] = [
    ("raftstore::split::memory_locks_not_carried", 0..50),
    ("txn::prewrite::amend_at_for_update_ts", 130..400),
];

/// A test that can not fail proves nothing.
#[test]
fn planted_bugs_are_found() {
    for (bug, seeds) in BUGS {
        let variant = Variant { in_memory: true, bug: Some(bug) };
        let found = seeds.clone().find_map(|seed| Some((seed, failure(seed, variant)?)));
        println!("{bug}: {found:?}");
        assert!(found.is_some(), "no seed of {seeds:?} finds {bug}");
    }
}

/// What a run that fails says about it.
fn failure(seed: u64, variant: Variant) -> Option<String> {
    let panic = catch_unwind(|| world::run(seed, variant)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}
