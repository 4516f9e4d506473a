//! Histories with known anomalies, and some without. One line is one transaction: its begin and end, `ok`, `no` or
//! `?` as its verdict, then what it did: `x=1,2` read a list, `x+3` appended.

use super::append::{Model, Outcome, Step, Transaction, check};

fn parse(text: &str) -> Vec<Transaction> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let (begun, ended) = words.next().and_then(|word| word.split_once('-')).expect("a time");
            let outcome = match words.next() {
                Some("ok") => Outcome::Committed,
                Some("no") => Outcome::Refused,
                _ => Outcome::Unknown,
            };
            let number = |text: &str| text.parse::<u64>().expect("a number");
            Transaction {
                begun: number(begun),
                ended: number(ended),
                outcome,
                steps: words.map(step).collect(),
            }
        })
        .collect()
}

fn step(word: &str) -> Step {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let key = |name: &str| u64::from(*name.as_bytes().first().expect("a name"));
    if let Some((name, value)) = word.split_once('+') {
        return Step::Append { key: key(name), value: number(value) };
    }
    let (name, list) = word.split_once('=').expect("a read");
    Step::Read { key: key(name), list: list.split(',').filter(|text| !text.is_empty()).map(number).collect() }
}

const SI: Model = Model::StrongSnapshotIsolation;
const SERIALIZABLE: Model = Model::StrictSerializable;

/// Name, history, whether it is fine under snapshot isolation, whether it is serializable.
const HISTORIES: &[(&str, &str, bool, bool)] = &[
    ("one after the other", "0-1 ok x+1\n 2-3 ok x=1 x+2\n 4-5 ok x=1,2", true, true),
    ("at once, in some order", "0-9 ok x= x+1\n 0-9 ok x=1 x+2\n 0-9 ok x=1", true, true),
    ("unknown, and seen", "0-1 ? x+1\n 2-3 ok x=1", true, true),
    ("unknown, seen only later", "0-1 ? x+1\n 2-3 ok x=\n 4-5 ok x=1", true, true),
    ("unknown, never seen", "0-1 ? x=7 x+1\n 2-3 ok x=", true, true),
    ("refused, never seen", "0-1 no x+1\n 2-3 ok x=", true, true),
    ("own appends are read", "0-1 ok x= x+1 x=1 x+2 x=1,2\n 2-3 ok x=1,2", true, true),
    ("write skew", "0-9 ok x= y= x+1\n 0-9 ok x= y= y+2\n 10-11 ok x=1 y=2", true, false),
    ("skew over three", "0-9 ok x= y+1\n 0-9 ok y= z+2\n 0-9 ok z= x+3\n 10-11 ok x=3 y=1 z=2", true, false),
    (
        "a reader makes it visible",
        "0-9 ok x= y= x+1\n 0-9 ok y= y+2\n 10-20 ok x= y=2\n 21-22 ok x=1 y=2",
        false,
        false,
    ),
    (
        "G0: writes in two orders",
        "0-9 ok x+1 y+1001\n 0-9 ok x+2 y+1002\n 10-11 ok x=1,2 y=1002,1001",
        false,
        false,
    ),
    ("G1a: read a refused write", "0-1 no x+1\n 2-3 ok x=1", false, false),
    ("G1b: read half of a transaction", "0-9 ok x+1 x+2\n 0-9 ok x=1\n 10-11 ok x=1,2", false, false),
    ("G1c: read one another's writes", "0-9 ok x+1 y=2\n 0-9 ok y+2 x=1", false, false),
    ("G-single: read skew", "0-9 ok x+1 y+2\n 0-9 ok x= y=2\n 10-11 ok x=1 y=2", false, false),
    ("lost update", "0-9 ok x= x+1\n 0-9 ok x= x+2\n 10-11 ok x=1,2", false, false),
    ("long fork", "0-9 ok x+1\n 0-9 ok y+2\n 0-9 ok x=1 y=\n 0-9 ok x= y=2\n 10-11 ok x=1 y=2", false, false),
    ("stale read", "0-1 ok x+1\n 2-3 ok x=\n 4-5 ok x=1", false, false),
    ("lost write", "0-1 ok x+1\n 2-3 ok x=", false, false),
    ("lost write behind others", "0-1 ok x+1\n 2-3 ok x+2\n 4-5 ok x=1", false, false),
    ("read of the future", "0-1 ok x=1\n 2-3 ok x+1", false, false),
    ("read of nobody's write", "0-1 ok x=7", false, false),
    ("a value twice", "0-1 ok x+1\n 2-3 ok x=1,1", false, false),
    ("lists that part", "0-9 ok x+1\n 0-9 ok x+2\n 10-11 ok x=1,2\n 12-13 ok x=2", false, false),
    ("own append is missing", "0-1 ok x+1 x=\n 2-3 ok x=1", false, false),
    ("two reads differ", "0-9 ok x= x=1\n 0-5 ok x+1", false, false),
    ("writes against real time", "0-1 ok x+1\n 2-3 ok x+2\n 4-5 ok x=2,1", false, false),
    ("an unknown one proves a fork", "0-1 ? x+1\n 2-3 ok x=1\n 4-5 ok x=\n 6-7 ok x=1", false, false),
];

#[test]
fn known_histories_are_judged_rightly() {
    for (name, text, si, serializable) in HISTORIES {
        let history = parse(text);
        for (model, expected) in [(SI, *si), (SERIALIZABLE, *serializable)] {
            let found = check(&history, model);
            assert_eq!(found.is_ok(), expected, "{name} under {model:?}: {found:?}");
        }
    }
    assert!(HISTORIES.len() >= 20);
}

/// A store that is serializable by construction, and the same with one old read: the checker is not blind, and does
/// not see ghosts in long histories.
#[test]
fn a_long_history_is_judged_rightly() {
    let (mut lists, mut history) = ([const { Vec::new() }; 4], Vec::new());
    for n in 0..400u64 {
        let (read, append) = (n % 4, (n * 7 + n / 5) % 4);
        let mut steps = vec![Step::Read { key: read, list: lists[read as usize].clone() }];
        lists[append as usize].push(n);
        steps.push(Step::Append { key: append, value: n });
        history.push(Transaction { begun: 2 * n, ended: 2 * n + 1, outcome: Outcome::Committed, steps });
    }
    assert_eq!(check(&history, SERIALIZABLE), Ok(()));
    if let Some(Step::Read { list, .. }) = history[300].steps.first_mut() {
        list.pop();
    }
    assert!(check(&history, SI).is_err());
}
