//! What every state engine must do, run on both.

use crate::support::{on_both, put};
use rutile_kv_engine::{Engine, EngineIterator, IterOptions, WriteBatch};
use rutile_kv_types::{Cf, Key};

/// Walks an iterator to the end in one direction.
fn walk(iterator: &mut dyn EngineIterator, mut on_pair: bool, forward: bool) -> Vec<String> {
    let mut keys = Vec::new();
    while on_pair {
        keys.push(String::from_utf8_lossy(iterator.key()).into_owned());
        on_pair = if forward { iterator.next() } else { iterator.prev() }.expect("a healthy engine");
    }
    assert!(!iterator.valid());
    assert!(iterator.key().is_empty());
    keys
}

fn letters(engine: &dyn Engine) {
    let mut batch = WriteBatch::new();
    for key in ["b", "d", "f", "h"] {
        batch.put(Cf::Default, key, key.to_uppercase());
    }
    engine.write(batch, false).expect("write");
}

#[test]
fn a_batch_is_applied_in_order_over_all_families() {
    on_both(|engine| {
        let mut batch = WriteBatch::new();
        batch.put(Cf::Default, "k", "old");
        batch.put(Cf::Default, "k", "new");
        batch.put(Cf::Lock, "k", "locked");
        batch.put(Cf::Write, "gone", "x");
        batch.delete(Cf::Write, "gone");
        batch.put(Cf::Raft, "empty", "");
        engine.write(batch, true).expect("write");
        assert_eq!(engine.get(Cf::Default, b"k").expect("get").as_deref(), Some(&b"new"[..]));
        assert_eq!(engine.get(Cf::Lock, b"k").expect("get").as_deref(), Some(&b"locked"[..]));
        assert_eq!(engine.get(Cf::Write, b"gone").expect("get"), None);
        assert_eq!(engine.get(Cf::Raft, b"empty").expect("get").as_deref(), Some(&b""[..]));
        assert_eq!(engine.get(Cf::Raft, b"k").expect("get"), None);
        let mut seen = Vec::new();
        assert!(engine.get_with(Cf::Lock, b"k", &mut |value| seen.extend_from_slice(value)).expect("get"));
        assert_eq!(seen, b"locked");
        assert!(!engine.get_with(Cf::Lock, b"none", &mut |_| panic!("there is no value")).expect("get"));
    });
}

#[test]
fn a_snapshot_does_not_move_and_its_iterators_outlive_it() {
    on_both(|engine| {
        letters(engine);
        let snapshot = engine.snapshot();
        let mut batch = WriteBatch::new();
        batch.put(Cf::Default, "d", "changed");
        batch.delete(Cf::Default, "f");
        batch.put(Cf::Default, "g", "new");
        engine.write(batch, false).expect("write");
        engine.flush().expect("flush");
        assert_eq!(snapshot.get(Cf::Default, b"d").expect("get").as_deref(), Some(&b"D"[..]));
        assert!(snapshot.get_with(Cf::Default, b"f", &mut |value| assert_eq!(value, b"F")).expect("get"));
        assert_eq!(snapshot.get(Cf::Default, b"g").expect("get"), None);
        let mut iterator = snapshot.iter(Cf::Default, IterOptions::default());
        drop(snapshot);
        let on_pair = iterator.seek_to_first().expect("seek");
        assert_eq!(walk(&mut *iterator, on_pair, true), ["b", "d", "f", "h"]);
        let now = engine.snapshot();
        let mut iterator = now.iter(Cf::Default, IterOptions::default());
        let on_pair = iterator.seek_to_first().expect("seek");
        assert_eq!(walk(&mut *iterator, on_pair, true), ["b", "d", "g", "h"]);
    });
}

#[test]
fn iterators_seek_both_ways_and_turn_around() {
    on_both(|engine| {
        letters(engine);
        let snapshot = engine.snapshot();
        let mut iterator = snapshot.iter(Cf::Default, IterOptions::default());
        assert!(!iterator.valid());
        for (key, forward, backward) in
            [("a", "b", ""), ("b", "b", "b"), ("c", "d", "b"), ("h", "h", "h"), ("z", "", "h")]
        {
            assert_eq!(iterator.seek(key.as_bytes()).expect("seek"), !forward.is_empty());
            assert_eq!(iterator.key(), forward.as_bytes(), "at or after {key}");
            assert_eq!(iterator.seek_for_prev(key.as_bytes()).expect("seek"), !backward.is_empty());
            assert_eq!(iterator.key(), backward.as_bytes(), "at or before {key}");
        }
        assert!(iterator.seek(b"d").expect("seek"));
        assert_eq!(iterator.value(), b"D");
        assert!(iterator.next().expect("next"));
        assert!(iterator.prev().expect("prev"));
        assert_eq!(iterator.key(), b"d");
        assert!(iterator.prev().expect("prev"));
        assert!(!iterator.prev().expect("prev"));
        assert!(!iterator.next().expect("stays off"));
        let on_pair = iterator.seek_to_last().expect("seek");
        assert_eq!(walk(&mut *iterator, on_pair, false), ["h", "f", "d", "b"]);
    });
}

#[test]
fn bounds_hide_what_is_outside() {
    on_both(|engine| {
        letters(engine);
        let snapshot = engine.snapshot();
        let mut iterator = snapshot.iter(Cf::Default, IterOptions::range("c", "h"));
        let on_pair = iterator.seek_to_first().expect("seek");
        assert_eq!(walk(&mut *iterator, on_pair, true), ["d", "f"]);
        let on_pair = iterator.seek_to_last().expect("seek");
        assert_eq!(walk(&mut *iterator, on_pair, false), ["f", "d"]);
        assert!(iterator.seek(b"a").expect("seek"));
        assert_eq!(iterator.key(), b"d");
        assert!(iterator.seek_for_prev(b"z").expect("seek"));
        assert_eq!(iterator.key(), b"f");
        assert!(!iterator.seek(b"h").expect("seek"));
        assert!(!iterator.seek_for_prev(b"b").expect("seek"));
        let mut open = snapshot.iter(Cf::Default, IterOptions::range("e", ""));
        let on_pair = open.seek_to_first().expect("seek");
        assert_eq!(walk(&mut *open, on_pair, true), ["f", "h"]);
        let mut empty = snapshot.iter(Cf::Default, IterOptions::range("x", "c"));
        assert!(!empty.seek_to_first().expect("seek"));
        assert!(!empty.seek_to_last().expect("seek"));
    });
}

/// The write CF has prefix filters; a scan without prefix must not be cut by them, one with prefix must find all
/// versions of its key.
#[test]
fn versions_are_found_by_prefix_and_by_scan() {
    on_both(|engine| {
        let key = |raw: &str, ts: u64| Key::from_raw(raw.as_bytes()).append_ts(ts.into()).into_encoded();
        for ts in [10, 20, 30] {
            for raw in ["a", "b", "c"] {
                put(engine, Cf::Write, &key(raw, ts), format!("{raw}{ts}").as_bytes());
            }
            engine.flush().expect("one table file per version");
        }
        let snapshot = engine.snapshot();
        let by_prefix = IterOptions { prefix_same_as_start: true, ..IterOptions::default() };
        let mut iterator = snapshot.iter(Cf::Write, by_prefix);
        assert!(iterator.seek(&key("b", 25)).expect("seek"));
        assert_eq!(iterator.value(), b"b20");
        assert!(iterator.next().expect("next"));
        assert_eq!(iterator.value(), b"b10");
        assert!(iterator.seek(&key("b", u64::MAX)).expect("seek"));
        assert_eq!(iterator.value(), b"b30");
        if iterator.seek(&key("bb", 25)).expect("seek") {
            assert!(!Key::from_raw(b"bb").is_version_of(iterator.key()));
        }
        let mut scan = snapshot.iter(Cf::Write, IterOptions::default());
        assert!(scan.seek(&key("aa", 0)).expect("seek"));
        assert_eq!(scan.value(), b"b30");
        let mut count = 0;
        let mut on_pair = scan.seek_to_first().expect("seek");
        while on_pair {
            count += 1;
            on_pair = scan.next().expect("next");
        }
        assert_eq!(count, 9);
    });
}

#[test]
fn ranges_are_deleted_without_touching_neighbours() {
    on_both(|engine| {
        letters(engine);
        let before = engine.snapshot();
        engine.delete_range(Cf::Default, b"c", b"h").expect("delete");
        assert!(before.get(Cf::Default, b"d").expect("get").is_some());
        assert_eq!(engine.get(Cf::Default, b"d").expect("get"), None);
        assert!(engine.get(Cf::Default, b"h").expect("get").is_some());
        let mut batch = WriteBatch::new();
        batch.put(Cf::Default, "a", "");
        batch.delete_range(Cf::Default, "a", "c");
        batch.put(Cf::Default, "b", "again");
        engine.write(batch, false).expect("write");
        drop(before);
        engine.flush().expect("flush");
        engine.destroy_range(Cf::Default, b"c", b"i").expect("destroy");
        engine.destroy_range(Cf::Default, b"z", b"a").expect("an empty range is no error");
        let snapshot = engine.snapshot();
        let mut iterator = snapshot.iter(Cf::Default, IterOptions::default());
        let on_pair = iterator.seek_to_first().expect("seek");
        assert_eq!(walk(&mut *iterator, on_pair, true), ["b"]);
    });
}

#[test]
fn sizes_and_keys_are_about_right() {
    on_both(|engine| {
        let value = [7u8; 100];
        let mut batch = WriteBatch::new();
        for index in 0..20_000u64 {
            // Bytes that do not compress, so that sizes on disk can be compared with what was written.
            let noise: Vec<u8> = value
                .iter()
                .zip(index.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes().iter().cycle())
                .enumerate()
                .map(|(at, (a, b))| a ^ b ^ (at as u8).wrapping_mul(b.wrapping_add(index as u8)))
                .collect();
            batch.put(Cf::Default, format!("k{index:06}"), noise);
        }
        engine.write(batch, false).expect("write");
        for flushed in [false, true] {
            if flushed {
                engine.flush().expect("flush");
            }
            let (size, keys) = (
                engine.approximate_size(Cf::Default, b"", b"").expect("size"),
                engine.approximate_keys(Cf::Default, b"", b"").expect("keys"),
            );
            assert!((500_000..6_000_000).contains(&size), "flushed {flushed}: {size} bytes");
            assert!((10_000..40_000).contains(&keys), "flushed {flushed}: {keys} keys");
            assert_eq!(engine.approximate_keys(Cf::Default, b"k000100", b"k000200").expect("keys"), 100);
            assert_eq!(engine.approximate_size(Cf::Default, b"k000100", b"k000200").expect("size"), 10_700);
            assert_eq!(engine.approximate_size(Cf::Default, b"x", b"").expect("size"), 0);
        }
        assert!(engine.metrics().keys_estimate >= 10_000);
    });
}

#[test]
fn metrics_count_snapshots() {
    on_both(|engine| {
        let (first, second) = (engine.snapshot(), engine.snapshot());
        assert_eq!(engine.metrics().snapshots, 2);
        drop((first, second));
        assert_eq!(engine.metrics().snapshots, 0);
        assert_eq!(engine.metrics().background_errors, 0);
        assert!(!engine.metrics().is_write_stalled);
    });
}
