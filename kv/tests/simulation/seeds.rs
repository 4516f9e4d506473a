//! Which seeds a test runs, and what it tells when one fails.
//!
//! `RUTILE_SEED=7` runs one seed and prints the last events when it fails; `RUTILE_SEEDS=1000..2000` runs a range.
//! Without either, a test runs the seeds of `seeds.txt` that once failed and a fixed range from zero.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use rutile_kv_env::Simulation;

/// Lines of `test seed # what it found`; for a planted bug its name stands for the test.
const KEPT: &str = include_str!("seeds.txt");

fn kept(test: &str) -> Vec<u64> {
    let lines = KEPT.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(test)).then(|| words.next()?.parse().ok()).flatten()
        })
        .collect()
}

fn number(text: &str) -> u64 {
    text.trim().parse().expect("a seed is a number")
}

/// The seeds of a test.
pub fn of(test: &str, default: Range<u64>) -> Vec<u64> {
    if let Ok(one) = std::env::var("RUTILE_SEED") {
        return vec![number(&one)];
    }
    if let Ok(range) = std::env::var("RUTILE_SEEDS") {
        let (from, to) = range.split_once("..").expect("a range such as 0..100");
        return (number(from)..number(to)).collect();
    }
    let mut seeds = kept(test);
    seeds.extend(default);
    seeds
}

/// Runs one seed; a failure names it.
pub fn run<T>(test: &str, seed: u64, body: impl FnOnce(u64) -> T) -> T {
    catch_unwind(AssertUnwindSafe(|| body(seed))).unwrap_or_else(|panic| {
        eprintln!("seed {seed} of {test} failed; RUTILE_SEED={seed} runs it again");
        resume_unwind(panic)
    })
}

/// Prints the last events when a run ends in a panic and a single seed was asked for, or with `RUTILE_TRACE=1`.
pub struct Story(pub Simulation);

impl Drop for Story {
    fn drop(&mut self) {
        let failed = std::thread::panicking() && std::env::var_os("RUTILE_SEED").is_some();
        if failed || std::env::var_os("RUTILE_TRACE").is_some() {
            let events = self.0.last_events();
            events
                .iter()
                .filter(|event| !event.name.starts_with("network::"))
                .for_each(|event| eprintln!("{event}"));
        }
    }
}

/// What a planted bug makes of one seed: the failure in words, if there was one.
pub fn failure(seed: u64, body: impl FnOnce(u64)) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| body(seed))).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}
