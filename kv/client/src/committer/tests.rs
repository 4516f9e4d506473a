//! Golden scripts of the committer machine: `testdata/*.script`.
//!
//! A line `new …` makes a machine, a line `> …` is an event, the lines below it are the actions it asks for. Run with
//! `RECORD=1` to write the actions of the current code; the difference is the review.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rutile_kv_env::Env;
use rutile_kv_types::TimeStamp;

use super::machine::{Event, Executed, Machine, Plan};
use crate::error::Error;

fn machine(words: &[&str]) -> Machine {
    let field = |name: &str| {
        let found = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{name} is missing")).to_owned()
    };
    let number = |name: &str| field(name).parse().unwrap_or_else(|_| panic!("{name} is no number"));
    Machine::new(Plan {
        start_ts: TimeStamp::new(10),
        count: number("keys"),
        primary: (field("primary") != "none").then(|| number("primary")),
        one_pc: field("one_pc") == "yes",
        async_commit: words.contains(&"async"),
        is_pessimistic: words.contains(&"pessimistic"),
        concurrency: number("concurrency"),
    })
}

fn event(words: &[&str]) -> Event {
    let task = || words[1].parse().expect("a task");
    let text = |from: usize| words[from..].join(" ");
    match words[0] {
        "begin" => Event::Begin,
        "grouped" => {
            let batch =
                |batch: &str| batch.split(',').map(|index| index.parse().expect("an index")).collect();
            Event::Grouped { task: task(), batches: words[2].split('|').map(batch).collect() }
        }
        "prewritten" => {
            let ts = |name: &str| {
                let found = words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
                found.map_or(0, |ts| ts.parse().expect("a timestamp")).into()
            };
            let (one_pc_commit_ts, min_commit_ts) = (ts("committed"), ts("async"));
            Event::Prewritten { task: task(), one_pc_commit_ts, min_commit_ts }
        }
        "commit_ts" => Event::CommitTs(words[1].parse::<u64>().expect("a timestamp").into()),
        "commit_ts_failed" => Event::CommitTsFailed(Error::Aborted(text(1))),
        "committed" => Event::Committed,
        "cancelled" => Event::Cancelled,
        "expired" => Event::CommitTsExpired,
        "locked" => Event::Locked { task: task() },
        "failed" => {
            let executed = if words[2] == "unknown" { Executed::Unknown } else { Executed::No };
            Event::RegionFailed { task: task(), executed, cause: text(3) }
        }
        "resumed" => Event::Resumed { task: task() },
        "refused" => {
            Event::Refused { task: task(), error: Error::Aborted(text(3)), final_word: words[2] == "final" }
        }
        other => panic!("unknown event {other}"),
    }
}

fn play(script: &str) -> String {
    let mut output = String::new();
    let mut current = None;
    for line in script.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.first() {
            None => output.push('\n'),
            Some(first) if first.starts_with('#') => writeln!(output, "{line}").expect("writes to a string"),
            Some(&"new") => {
                writeln!(output, "{line}").expect("writes to a string");
                current = Some(machine(&words));
            }
            Some(&">") => {
                writeln!(output, "{line}").expect("writes to a string");
                for action in current.as_mut().expect("a machine").step(event(&words[1..])) {
                    writeln!(output, "  {action:?}").expect("writes to a string");
                }
            }
            // Recorded actions are not input.
            Some(_) => {}
        }
    }
    output
}

#[test]
fn scripts_play_as_recorded() {
    let env = Env::real();
    let dir = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/committer/testdata"));
    let scripts: Vec<PathBuf> = env.disk.read_dir(&dir).expect("lists");
    let is_script = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "script");
    let mut played = 0;
    for path in scripts.iter().filter(is_script) {
        let recorded = String::from_utf8(env.disk.read(path).expect("reads")).expect("is text");
        let now = play(&recorded);
        if std::env::var_os("RECORD").is_some() {
            env.disk.write_atomic(Path::new(path), now.as_bytes()).expect("writes");
        } else {
            assert_eq!(now, recorded, "{} differs", path.display());
        }
        played += 1;
    }
    assert!(played >= 5, "the scripts were not found");
}
