//! What every raft log must do, run on both.

use rutile_kv_engine::{
    EngineRaftLog, Entry, Error, HardState, MemoryRaftLog, RaftLog, RaftLogBatch, RaftLogConfig,
};

fn on_both(body: fn(&dyn RaftLog)) {
    body(&MemoryRaftLog::new());
    let directory = tempfile::tempdir().expect("a temporary directory");
    body(&EngineRaftLog::open(directory.path(), &RaftLogConfig::small()).expect("open"));
}

fn entries(range: std::ops::Range<u64>, term: u64) -> Vec<Entry> {
    let data = |index: u64| format!("entry {index} of term {term}").into_bytes();
    let entry = |index| Entry { index, term, data: data(index).into(), ..Entry::default() };
    range.map(entry).collect()
}

fn append(log: &dyn RaftLog, region_id: u64, range: std::ops::Range<u64>, term: u64, sync: bool) {
    let mut batch = RaftLogBatch::new();
    batch.append(region_id, entries(range, term));
    log.append(batch, sync).expect("append");
}

/// Index and term of all entries.
fn contents(log: &dyn RaftLog, region_id: u64) -> Vec<(u64, u64)> {
    let (Some(first), Some(last)) = (log.first_index(region_id), log.last_index(region_id)) else {
        return Vec::new();
    };
    let found = log.entries(region_id, first, last + 1, u64::MAX).expect("entries");
    for entry in &found {
        assert_eq!(log.term(region_id, entry.index).expect("term"), entry.term);
        assert_eq!(entry.data, format!("entry {} of term {}", entry.index, entry.term).into_bytes());
    }
    found.iter().map(|entry| (entry.index, entry.term)).collect()
}

#[test]
fn one_batch_serves_many_regions() {
    on_both(|log| {
        let mut batch = RaftLogBatch::new();
        for region_id in [3, 1, 2] {
            batch.append(region_id, entries(6..9, 5));
            batch.put_hard_state(
                region_id,
                HardState { term: 5, vote: region_id, commit: 6, ..HardState::default() },
            );
            batch.put_state(region_id, b"local", vec![region_id as u8]);
        }
        log.append(batch, true).expect("append");
        assert_eq!(log.region_ids(), [1, 2, 3]);
        for region_id in [1, 2, 3] {
            assert_eq!(contents(log, region_id), [(6, 5), (7, 5), (8, 5)]);
            assert_eq!(log.hard_state(region_id).expect("read").map(|state| state.vote), Some(region_id));
            assert_eq!(log.get_state(region_id, b"local").expect("read"), Some(vec![region_id as u8]));
        }
        assert_eq!(log.hard_state(9).expect("read"), None);
        assert_eq!(log.get_state(1, b"other").expect("read"), None);
        assert_eq!((log.first_index(9), log.last_index(9)), (None, None));
    });
}

#[test]
fn a_conflicting_tail_is_replaced() {
    on_both(|log| {
        append(log, 1, 1..8, 1, false);
        append(log, 1, 4..6, 2, false);
        assert_eq!(contents(log, 1), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)]);
        append(log, 1, 6..7, 3, false);
        assert_eq!(log.term(1, 6).expect("term"), 3);
        assert!(matches!(log.term(1, 7), Err(Error::Unavailable { last: 6, .. })));
    });
}

#[test]
fn holes_and_rewrites_of_the_compacted_part_are_refused_whole() {
    on_both(|log| {
        append(log, 1, 5..8, 1, false);
        log.compact_to(1, 6).expect("compact");
        for start in [9, 5] {
            let mut batch = RaftLogBatch::new();
            batch.append(2, entries(1..2, 1));
            batch.append(1, entries(start..start + 1, 2));
            assert!(matches!(log.append(batch, false), Err(Error::NotContiguous { first: 6, last: 7, .. })));
        }
        assert_eq!(contents(log, 1), [(6, 1), (7, 1)]);
        assert_eq!(contents(log, 2), [], "a refused batch must not be applied in part");
        let mut batch = RaftLogBatch::new();
        batch.append(1, vec![entries(8..9, 2).remove(0), entries(10..11, 2).remove(0)]);
        assert!(matches!(log.append(batch, false), Err(Error::NotContiguous { index: 10, .. })));
    });
}

#[test]
fn reads_are_limited_and_tell_which_end_is_missing() {
    on_both(|log| {
        append(log, 1, 10..20, 1, false);
        log.compact_to(1, 12).expect("compact");
        assert_eq!(log.entries(1, 12, 20, 0).expect("at least one").len(), 1);
        let some = log.entries(1, 13, 20, 80).expect("entries").len();
        assert!((2..5).contains(&some), "{some}");
        assert!(log.entries(1, 15, 15, u64::MAX).expect("nothing").is_empty());
        assert!(matches!(log.entries(1, 11, 13, u64::MAX), Err(Error::Compacted { first: 12, .. })));
        assert!(matches!(log.entries(1, 18, 21, u64::MAX), Err(Error::Unavailable { last: 19, .. })));
        assert!(matches!(log.term(1, 11), Err(Error::Compacted { .. })));
        assert!(matches!(log.entries(2, 1, 2, u64::MAX), Err(Error::Unavailable { .. })));
    });
}

#[test]
fn compaction_may_take_everything_and_the_log_goes_on_anywhere() {
    on_both(|log| {
        append(log, 1, 1..5, 1, false);
        log.compact_to(1, 5).expect("compact");
        assert_eq!(log.first_index(1), None);
        log.compact_to(1, 5).expect("again is no error");
        append(log, 1, 5..7, 2, false);
        assert_eq!(contents(log, 1), [(5, 2), (6, 2)]);
    });
}

#[test]
fn a_cleaned_region_starts_from_nothing() {
    on_both(|log| {
        append(log, 1, 1..5, 1, false);
        log.put_state(1, b"local", b"x").expect("put");
        let mut batch = RaftLogBatch::new();
        batch.clean(1);
        batch.append(1, entries(100..102, 9));
        batch.put_state(1, b"tombstone", b"y".to_vec());
        log.append(batch, true).expect("append");
        assert_eq!(contents(log, 1), [(100, 9), (101, 9)]);
        assert_eq!(log.get_state(1, b"local").expect("read"), None);
        assert_eq!(log.get_state(1, b"tombstone").expect("read").as_deref(), Some(&b"y"[..]));
        let mut batch = RaftLogBatch::new();
        batch.clean(1);
        log.append(batch, false).expect("append");
        assert_eq!(log.region_ids(), Vec::<u64>::new());
        log.sync().expect("sync");
        assert_eq!(log.region_ids(), Vec::<u64>::new(), "what makes a sync happen is no region");
    });
}

#[test]
fn state_is_deleted() {
    on_both(|log| {
        log.put_state(1, b"h", b"not the hard state").expect("put");
        assert_eq!(log.hard_state(1).expect("read"), None);
        let mut batch = RaftLogBatch::new();
        batch.delete_state(1, b"h");
        log.append(batch, false).expect("append");
        assert_eq!(log.get_state(1, b"h").expect("read"), None);
    });
}

#[test]
fn everything_is_there_after_reopening() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = RaftLogConfig::small();
    let log = EngineRaftLog::open(directory.path(), &config).expect("open");
    append(&log, 1, 1..50, 1, false);
    append(&log, 1, 40..60, 2, false);
    log.compact_to(1, 10).expect("compact");
    log.put_state(2, b"local", b"x").expect("put");
    let mut batch = RaftLogBatch::new();
    batch.put_hard_state(1, HardState { term: 2, vote: 3, commit: 45, ..HardState::default() });
    log.append(batch, true).expect("append");
    let before = contents(&log, 1);
    drop(log);
    let log = EngineRaftLog::open(directory.path(), &config).expect("reopen");
    assert_eq!(log.first_index(1), Some(10));
    assert_eq!(contents(&log, 1), before);
    assert_eq!(log.term(1, 39).expect("read from disk"), 1);
    assert_eq!(log.hard_state(1).expect("read").map(|state| state.commit), Some(45));
    assert_eq!(log.region_ids(), [1, 2]);
    append(&log, 1, 60..61, 3, true);
    assert_eq!(log.term(1, 59).expect("term"), 2);
}

/// The cache is smaller than the log: what it has dropped is read from disk.
#[test]
fn entries_beyond_the_cache_are_read_from_disk() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = EngineRaftLog::open(directory.path(), &RaftLogConfig::small()).expect("open");
    append(&log, 1, 1..3000, 1, false);
    assert!(log.metrics().cache_bytes <= RaftLogConfig::small().cache_bytes as u64);
    assert_eq!(contents(&log, 1).len(), 2999);
}

#[test]
fn purging_gives_space_back_once_the_log_is_compacted() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = RaftLogConfig { purge_threshold_bytes: 128 * 1024, ..RaftLogConfig::small() };
    let log = EngineRaftLog::open(directory.path(), &config).expect("open");
    // A region that never moves must not lose its state while the files around it go.
    log.put_state(7, b"local", b"kept").expect("put");
    for start in (1..40_001).step_by(500) {
        append(&log, 1, start..start + 500, 1, false);
    }
    let full = log.metrics().disk_bytes;
    log.compact_to(1, 40_000).expect("compact");
    log.purge().expect("purge");
    let purged = log.metrics().disk_bytes;
    assert!(purged < full / 2, "{full} -> {purged}");
    drop(log);
    let log = EngineRaftLog::open(directory.path(), &RaftLogConfig::small()).expect("reopen");
    assert_eq!(contents(&log, 1), [(40_000, 1)]);
    assert_eq!(log.get_state(7, b"local").expect("read").as_deref(), Some(&b"kept"[..]));
}

#[test]
fn a_crash_of_the_memory_log_keeps_what_was_synced_and_a_prefix_of_the_rest() {
    let log = MemoryRaftLog::new();
    append(&log, 1, 1..3, 1, true);
    append(&log, 1, 3..4, 1, false);
    append(&log, 2, 1..2, 1, false);
    log.compact_to(1, 2).expect("compact");
    log.crash(1);
    assert_eq!(contents(&log, 1), [(1, 1), (2, 1), (3, 1)]);
    assert_eq!(log.region_ids(), [1]);
    append(&log, 1, 4..5, 1, false);
    log.sync().expect("sync");
    log.crash(0);
    assert_eq!(log.last_index(1), Some(4));
}

/// Threads append to regions of their own at the same time; one fsync may serve several of them.
#[test]
fn concurrent_writers_share_the_log() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = RaftLogConfig::small();
    let log = EngineRaftLog::open(directory.path(), &config).expect("open");
    std::thread::scope(|scope| {
        for region_id in 1..5 {
            let log = &log;
            scope.spawn(move || {
                for index in 1..30 {
                    append(log, region_id, index..index + 1, 1, true);
                }
            });
        }
    });
    drop(log);
    let log = EngineRaftLog::open(directory.path(), &config).expect("reopen");
    for region_id in 1..5 {
        assert_eq!(contents(&log, region_id).len(), 29);
    }
}
