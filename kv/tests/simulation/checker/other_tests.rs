//! Histories of registers and counters with known verdicts.

use super::counters::{self, Increment, Reading};
use super::linearizable::{self, Action, Operation};

fn operation(called: u64, returned: u64, action: Action) -> Operation {
    Operation { called, returned: Some(returned), action }
}

fn unknown(called: u64, action: Action) -> Operation {
    Operation { called, returned: None, action }
}

#[test]
fn registers_that_are_linearizable() {
    use Action::{Read, Replace, Write};
    let histories: [&[Operation]; 5] = [
        &[operation(0, 1, Write(1)), operation(2, 3, Read(Some(1)))],
        &[operation(0, 9, Write(1)), operation(1, 2, Read(None)), operation(3, 4, Read(Some(1)))],
        &[unknown(0, Write(1)), operation(2, 3, Read(None)), operation(4, 5, Read(Some(1)))],
        &[unknown(0, Write(1)), operation(2, 3, Write(2)), operation(4, 5, Read(Some(2)))],
        &[
            operation(0, 9, Replace(Some(2), 3)),
            operation(0, 9, Replace(None, 2)),
            operation(10, 11, Read(Some(3))),
        ],
    ];
    for history in histories {
        assert_eq!(linearizable::check(history), Ok(()), "{history:?}");
    }
}

#[test]
fn registers_that_are_not() {
    use Action::{Read, Replace, Write};
    let histories: [&[Operation]; 6] = [
        // Stale.
        &[operation(0, 1, Write(1)), operation(2, 3, Read(None))],
        // Back again.
        &[operation(0, 9, Write(1)), operation(1, 2, Read(Some(1))), operation(3, 4, Read(None))],
        // Read before it was written.
        &[operation(0, 1, Read(Some(1))), operation(2, 3, Write(1))],
        // Two replaced the same.
        &[
            operation(0, 9, Replace(None, 1)),
            operation(0, 9, Replace(None, 2)),
            operation(10, 11, Read(Some(2))),
        ],
        // Came after all, and went away again.
        &[
            unknown(0, Write(1)),
            operation(2, 3, Write(2)),
            operation(4, 5, Read(Some(1))),
            operation(6, 7, Read(Some(2))),
        ],
        // Nobody wrote it.
        &[operation(0, 1, Read(Some(5)))],
    ];
    for history in histories {
        assert!(linearizable::check(history).is_err(), "{history:?}");
    }
}

fn reading(begun: u64, ended: u64, counts: &[u64]) -> Reading {
    Reading { begun, ended, counts: counts.to_vec() }
}

fn increment(begun: u64, ended: u64, counter: usize, from: u64) -> Increment {
    Increment { begun, ended: Some(ended), counter, from }
}

#[test]
fn counters_are_judged_rightly() {
    let increments = [increment(0, 3, 0, 0), increment(1, 4, 1, 0), increment(10, 11, 0, 1)];
    let judged = |readings: &[Reading]| counters::check(readings, &increments);
    assert_eq!(judged(&[reading(0, 9, &[1, 0]), reading(5, 9, &[1, 1]), reading(12, 13, &[2, 1])]), Ok(()));
    // Seen in two orders.
    assert!(judged(&[reading(0, 9, &[1, 0]), reading(0, 9, &[0, 1])]).is_err());
    // Back in time.
    assert!(judged(&[reading(0, 4, &[1, 1]), reading(5, 6, &[1, 0])]).is_err());
    // An acknowledged increment is missing, and one is there that nobody made.
    assert!(judged(&[reading(12, 13, &[1, 1])]).is_err());
    assert!(judged(&[reading(5, 6, &[2, 1])]).is_err());
    // Two made the same step.
    let twice = [increment(0, 1, 0, 0), increment(2, 3, 0, 0)];
    assert!(counters::check(&[], &twice).is_err());
}
