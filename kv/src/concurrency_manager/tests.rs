//! The two orders of the module's proof, and the table.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rutile_kv_env::Env;
use rutile_kv_types::{Lock, LockType, TimeStamp};

use super::ConcurrencyManager;

fn lock(min_commit_ts: TimeStamp) -> Lock {
    let mut lock = Lock::new(LockType::Put, Bytes::from_static(b"k"), TimeStamp::new(1), 10);
    lock.min_commit_ts = min_commit_ts;
    lock
}

fn visible(manager: &ConcurrencyManager, key: &[u8]) -> bool {
    manager.read_key(key, |_, _| Err(())).is_err()
}

#[test]
fn max_ts_never_falls_and_ignores_the_latest() {
    let manager = ConcurrencyManager::new(TimeStamp::new(5));
    manager.raise_max_ts(TimeStamp::new(9));
    manager.raise_max_ts(TimeStamp::new(7));
    manager.raise_max_ts(TimeStamp::MAX);
    assert_eq!(manager.max_ts(), TimeStamp::new(9));
}

#[test]
fn a_handle_shows_its_lock_from_publishing_to_its_end() {
    let manager = ConcurrencyManager::default();
    let handle = manager.lock_key(b"k");
    assert!(!visible(&manager, b"k"), "nothing published yet");
    handle.publish(|| (lock(TimeStamp::new(3)), ()));
    assert!(visible(&manager, b"k"));
    assert!(!visible(&manager, b"l"));
    let in_range = |start: &[u8], end: &[u8]| manager.read_range(start, end, |_, _, _| Err(())).is_err();
    assert!(in_range(b"", b"") && in_range(b"k", b"l") && in_range(b"a", b""));
    assert!(!in_range(b"l", b"") && !in_range(b"", b"k") && !in_range(b"l", b"k"));
    drop(handle);
    assert!(!visible(&manager, b"k"));
    assert_eq!(manager.locked_keys(), 0);
}

/// A writer picks `max_ts + 1`, a reader raises `max_ts`: whatever the interleaving, a reader that missed the lock
/// read below the commit timestamp.
#[test]
fn a_reader_that_misses_the_lock_is_below_the_commit() {
    const ROUNDS: u64 = 20_000;
    let manager = Arc::new(ConcurrencyManager::default());
    let missed_at = Arc::new(AtomicU64::new(0));
    let (round_of_reader, round_of_writer) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let reader = {
        let (manager, missed_at) = (manager.clone(), missed_at.clone());
        let (mine, other) = (round_of_reader.clone(), round_of_writer.clone());
        Env::real().spawn.spawn_thread(
            "reader",
            Box::new(move || {
                for round in 1..=ROUNDS {
                    let read_ts = TimeStamp::new(round * 10);
                    manager.raise_max_ts(read_ts);
                    if !visible(&manager, b"k") {
                        missed_at.store(read_ts.into_inner(), Ordering::SeqCst);
                    }
                    mine.store(round, Ordering::SeqCst);
                    while other.load(Ordering::SeqCst) < round {
                        std::hint::spin_loop();
                    }
                }
            }),
        )
    };
    let reader = reader.expect("a thread");
    for round in 1..=ROUNDS {
        let handle = manager.lock_key(b"k");
        let commit_ts = handle.publish(|| {
            let commit_ts = manager.max_ts().next();
            (lock(commit_ts), commit_ts)
        });
        while round_of_reader.load(Ordering::SeqCst) < round {
            std::hint::spin_loop();
        }
        let missed = missed_at.load(Ordering::SeqCst);
        assert!(missed < commit_ts.into_inner(), "read at {missed} missed a commit at {commit_ts}");
        drop(handle);
        round_of_writer.store(round, Ordering::SeqCst);
    }
    reader.join().expect("the reader ended well");
}
