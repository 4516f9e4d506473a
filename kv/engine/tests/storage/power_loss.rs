//! The raft log after a power failure at any point: of what was not synced, any subset of sectors survives.
//!
//! The files are real; what a failure leaves of them is made from two images, the one at the last sync and the one
//! now: each sector of 512 bytes is from one or the other, and a file that grew may have grown in part. The file of
//! marks is never synced on purpose, so of it any version since the beginning may be left. Names are not lost: they
//! are synced when files are made. Opening may lose power again, up to three times.
//!
//! Whatever is left, the log opens, and holds what was synced and then a prefix of the batches after that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rutile_kv_engine::{EngineRaftLog, Entry, HardState, RaftLog, RaftLogBatch, RaftLogConfig};
use rutile_kv_env::{Env, Random};

const SECTOR: usize = 512;
/// The head of a file is synced when the file is made.
const HEAD_BYTES: usize = 69;
const REGIONS: u64 = 3;
const STEPS: usize = 40;
const SEEDS: u64 = 8;
/// The file that is never synced; see `raft_log::synced`.
const MARKS: &str = "SYNCED";

type Files = BTreeMap<PathBuf, Vec<u8>>;
/// Per region: entries as index, term and size, the vote, and the small state.
type Contents = Vec<(Vec<(u64, u64, usize)>, u64, Option<Vec<u8>>)>;

fn image(directory: &Path) -> Files {
    let entries = std::fs::read_dir(directory).expect("list").map(|entry| entry.expect("list").path());
    entries.map(|path| (path.file_name().expect("named").into(), read(&path))).collect()
}

#[expect(clippy::disallowed_methods, reason = "the test plays the disk")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("read")
}

#[expect(clippy::disallowed_methods, reason = "the test plays the disk")]
fn write(directory: &Path, files: &Files) {
    for (name, bytes) in files {
        std::fs::write(directory.join(name), bytes).expect("write");
    }
}

/// What may be left: `synced` is certain, `now` is what the kernel has.
fn survivor(synced: &Files, now: &Files, marks: &[Vec<u8>], random: &dyn Random) -> Files {
    let mut left = Files::new();
    let is_log = |name: &PathBuf| name.extension().is_some_and(|extension| extension == "raftlog");
    let newest = now.keys().filter(|name| is_log(name)).max().cloned();
    for (name, now) in now {
        if name.as_os_str() == MARKS {
            left.insert(name.clone(), marks[random.range(0..marks.len() as u64) as usize].clone());
            continue;
        }
        if Some(name) != newest.as_ref() {
            // The log syncs a file before it goes on in the next one.
            left.insert(name.clone(), now.clone());
            continue;
        }
        let head = now[..HEAD_BYTES.min(now.len())].to_vec();
        let before = synced.get(name).unwrap_or(&head);
        let mut bytes = now.clone();
        if now.len() > before.len() && random.one_in(2) {
            bytes.truncate(random.range(before.len() as u64..now.len() as u64 + 1) as usize);
        }
        // All, none, or half of the sectors: extremes are likely, and mixtures are what is interesting.
        let lost_in_four = random.range(0..5);
        for (at, sector) in bytes.chunks_mut(SECTOR).enumerate() {
            if random.range(0..4) < lost_in_four {
                for (offset, byte) in sector.iter_mut().enumerate() {
                    *byte = before.get(at * SECTOR + offset).copied().unwrap_or(0);
                }
            }
        }
        left.insert(name.clone(), bytes);
    }
    left
}

fn contents(log: &dyn RaftLog) -> Contents {
    (1..=REGIONS)
        .map(|region_id| {
            let bounds = log.first_index(region_id).zip(log.last_index(region_id));
            let entries = bounds.map_or(Vec::new(), |(first, last)| {
                log.entries(region_id, first, last + 1, u64::MAX).expect("entries")
            });
            let entries = entries.iter().map(|entry| (entry.index, entry.term, entry.data.len())).collect();
            let vote = log.hard_state(region_id).expect("read").map_or(0, |state| state.vote);
            (entries, vote, log.get_state(region_id, b"state").expect("read"))
        })
        .collect()
}

/// Entries for a region, at its end or over its tail, and sometimes hard state and small state.
fn batch(log: &dyn RaftLog, step: usize, random: &dyn Random) -> RaftLogBatch {
    let mut batch = RaftLogBatch::new();
    for region_id in 1..=REGIONS {
        if random.one_in(2) {
            continue;
        }
        let last = log.last_index(region_id).unwrap_or(0);
        let first = log.first_index(region_id).unwrap_or(1);
        let from = last + 1 - random.range(0..3).min(last + 1 - first);
        let entries = (from..from + random.range(1..5)).map(|index| {
            let data = vec![step as u8; random.range(1..900) as usize];
            Entry { index, term: step as u64, data: data.into(), ..Entry::default() }
        });
        batch.append(region_id, entries.collect());
        if random.one_in(2) {
            batch.put_hard_state(region_id, HardState { vote: step as u64, ..HardState::default() });
        }
        if random.one_in(3) {
            batch.put_state(region_id, b"state", vec![step as u8; 40]);
        }
    }
    batch
}

/// One life of a log; answers how many power failures were tried.
fn live(seed: u64) -> usize {
    let random = Env::simulated(seed).random;
    let config = RaftLogConfig { file_bytes: 8 << 10, ..RaftLogConfig::small() };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = EngineRaftLog::open(directory.path(), &config).expect("opens");
    let mut synced = image(directory.path());
    let mut marks = vec![synced.get(Path::new(MARKS)).cloned().unwrap_or_default()];
    // Contents after each batch since the last sync, the synced one first.
    let mut possible = vec![contents(&log)];
    let mut failures = 0;
    for step in 1..STEPS {
        let sync = random.one_in(3);
        log.append(batch(&log, step, &*random), sync).expect("append");
        let now = image(directory.path());
        if sync {
            possible.clear();
            synced = now.clone();
        }
        possible.push(contents(&log));
        marks.extend(now.get(Path::new(MARKS)).cloned());
        let mut left = survivor(&synced, &now, &marks, &*random);
        for _ in 0..random.range(1..4) {
            failures += 1;
            let after = tempfile::tempdir().expect("a temporary directory");
            write(after.path(), &left);
            let opened = EngineRaftLog::open(after.path(), &config);
            let opened = opened.unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
            let found = contents(&opened);
            assert!(
                possible.contains(&found),
                "seed {seed}, step {step}: neither what was synced nor a prefix"
            );
            drop(opened);
            // Power fails while what was opened is not synced either: what was written then may be lost again.
            left = survivor(&left, &image(after.path()), &marks, &*random);
        }
    }
    failures
}

#[test]
fn a_power_failure_leaves_what_was_synced_and_a_prefix_of_the_rest() {
    let failures: usize = (0..SEEDS).map(live).sum();
    assert!(failures > 400, "{failures}");
}
