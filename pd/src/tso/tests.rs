//! Timestamps increase over restarts, clock jumps and a full logical part.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Simulation;
use rutile_kv_types::TimeStamp;

use super::Tso;
use super::oracle::{COUNT_MAX, Grant, Oracle};
use crate::error::Error;
use crate::storage::Storage;

const WINDOW: Duration = Duration::from_secs(3);

fn granted(grant: Grant) -> TimeStamp {
    match grant {
        Grant::Granted { last, .. } => last,
        Grant::WindowEnded => panic!("the window ended"),
    }
}

fn open(simulation: &Simulation) -> Tso {
    let env = simulation.env();
    let storage = Arc::new(Storage::open(&env, PathBuf::from("/pd")).expect("opens"));
    Tso::open(&env, storage, WINDOW).expect("opens")
}

#[test]
fn a_full_logical_part_carries_into_the_next_millisecond() {
    let oracle = Oracle::new(TimeStamp::ZERO, 1_000, 100);
    oracle.extended(oracle.next_window_end(1_000));
    let mut former = TimeStamp::ZERO;
    for _ in 0..10 {
        let last = granted(oracle.grant(1_000, COUNT_MAX));
        let first = TimeStamp::new(last.into_inner() - u64::from(COUNT_MAX) + 1);
        assert!(first > former);
        assert_eq!(first.physical(), last.physical(), "a block stays inside one millisecond");
        former = last;
    }
    assert_eq!(former.physical(), 1_002, "ten quarters of the logical part need three milliseconds");
}

#[test]
fn a_block_that_does_not_fit_starts_at_the_next_millisecond() {
    let oracle = Oracle::new(TimeStamp::ZERO, 1_000, 100);
    oracle.extended(oracle.next_window_end(1_000));
    let mut last = TimeStamp::ZERO;
    while last.logical() + 1 < TimeStamp::LOGICAL_LIMIT - 2 {
        let room = TimeStamp::LOGICAL_LIMIT - 2 - last.logical() - 1;
        last = granted(oracle.grant(1_000, (room as u32).min(COUNT_MAX)));
    }
    assert_eq!(granted(oracle.grant(1_000, 5)), TimeStamp::compose(1_001, 4));
}

#[test]
fn nothing_is_granted_at_or_after_the_window_end() {
    let oracle = Oracle::new(TimeStamp::ZERO, 1_000, 1);
    assert_eq!(oracle.grant(1_000, 1), Grant::WindowEnded);
    let end = oracle.next_window_end(1_000);
    oracle.extended(end);
    let mut last = TimeStamp::ZERO;
    while let Grant::Granted { last: granted, .. } = oracle.grant(1_000, COUNT_MAX) {
        last = granted;
    }
    assert!(last < end && last.physical() + 1 == end.physical());
    assert_eq!(oracle.grant(end.physical(), 1), Grant::WindowEnded, "the wall clock left the window");
}

#[test]
fn timestamps_follow_the_clock_and_survive_its_going_back() {
    let simulation = Simulation::new(3);
    let tso = open(&simulation);
    let before = simulation.block_on(tso.grant(1)).expect("grants");
    simulation.clock().advance(Duration::from_secs(100));
    let later = simulation.block_on(tso.grant(1)).expect("grants");
    assert!(later.physical() - before.physical() >= 100_000);
    simulation.clock().jump_wall(-3_600_000_000);
    let mut former = later;
    for _ in 0..1_000 {
        let next = simulation.block_on(tso.grant(1_000)).expect("grants");
        assert!(next > former);
        former = next;
    }
    assert!(former.physical() - later.physical() < 10, "without the clock only the logical part moves");
}

#[test]
fn time_goes_on_after_the_wall_clock_was_set_back() {
    let simulation = Simulation::new(8);
    let tso = open(&simulation);
    let before = simulation.block_on(tso.grant(1)).expect("grants");
    simulation.clock().jump_wall(-3_600_000_000);
    simulation.clock().advance(Duration::from_secs(10));
    let after = simulation.block_on(tso.grant(1)).expect("grants");
    assert!(after.physical() - before.physical() >= 10_000, "locks of dead clients must expire");
    drop(tso);
    simulation.disk().crash(0);
    let tso = open(&simulation);
    let restarted = simulation.block_on(tso.grant(1)).expect("grants");
    simulation.clock().advance(Duration::from_secs(10));
    let later = simulation.block_on(tso.grant(1)).expect("grants");
    assert!(later.physical() - restarted.physical() >= 10_000, "also when the saved window is ahead");
}

#[test]
fn no_timestamp_repeats_after_crashes_with_the_clock_going_back() {
    let simulation = Simulation::new(4);
    let mut former = TimeStamp::ZERO;
    for round in 0..30_usize {
        let tso = open(&simulation);
        for _ in 0..20 {
            let next = simulation.block_on(tso.grant(100)).expect("grants");
            assert!(next.into_inner() - 99 > former.into_inner());
            former = next;
            simulation.run_for(Duration::from_millis(250));
        }
        drop(tso);
        simulation.disk().crash(round);
        simulation.clock().jump_wall(-20_000_000);
    }
}

#[test]
fn a_window_that_can_not_be_saved_stops_granting() {
    let simulation = Simulation::new(5);
    let tso = open(&simulation);
    simulation.block_on(tso.grant(1)).expect("grants");
    simulation.disk().set_capacity(0);
    simulation.clock().advance(Duration::from_secs(10));
    assert!(matches!(simulation.block_on(tso.grant(1)), Err(Error::Window(_))));
    simulation.disk().set_capacity(1 << 30);
    simulation.block_on(tso.grant(1)).expect("grants again");
}

#[test]
fn zero_and_oversized_blocks_are_refused() {
    let simulation = Simulation::new(6);
    let tso = open(&simulation);
    for count in [0, COUNT_MAX + 1] {
        assert!(matches!(simulation.block_on(tso.grant(count)), Err(Error::TimestampCount { .. })));
    }
}
