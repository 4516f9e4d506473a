//! Savepoints restore exactly what was; combinations of writes keep their meaning.

use std::collections::BTreeMap;

use bytes::Bytes;
use rutile_kv_env::Simulation;
use rutile_kv_types::KeyRange;

use super::MemBuffer;
use super::membuffer::Change;

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn contents(buffer: &MemBuffer) -> BTreeMap<Bytes, Change> {
    buffer.changes().map(|(key, change)| (key.clone(), change.clone())).collect()
}

fn size(buffer: &MemBuffer) -> usize {
    let value = |key: &Bytes| buffer.get(key).flatten().map_or(0, |value| value.len());
    buffer.changes().map(|(key, _)| key.len() + value(key)).sum()
}

#[test]
fn random_writes_roll_back_to_any_savepoint() {
    let random = Simulation::new(42).env().random;
    for _ in 0..300 {
        let mut buffer = MemBuffer::default();
        let mut savepoints = Vec::new();
        for step in 0..60_u64 {
            let key = bytes(&format!("k{}", random.range(0..6)));
            match random.range(0..8) {
                0 | 1 => buffer.put(key, bytes(&"v".repeat(step as usize))),
                2 => buffer.insert(key, bytes("i")),
                3 => buffer.delete(key),
                4 => buffer.lock(key),
                5 | 6 => savepoints.push((buffer.savepoint(), contents(&buffer))),
                _ if savepoints.is_empty() => {}
                _ => {
                    let at = random.range(0..savepoints.len() as u64) as usize;
                    savepoints.truncate(at + 1);
                    let (savepoint, expected) = &savepoints[at];
                    buffer.rollback_to(savepoint);
                    assert_eq!(contents(&buffer), *expected);
                }
            }
            assert_eq!(buffer.size_bytes(), size(&buffer));
        }
    }
}

#[test]
fn an_insert_stays_a_check_whatever_follows() {
    let cases: [(&str, Change); 7] = [
        ("i", Change::Insert(bytes("1"))),
        ("ip", Change::Insert(bytes("1"))),
        ("id", Change::CheckNotExists),
        ("idp", Change::Insert(bytes("1"))),
        ("di", Change::Put(bytes("1"))),
        ("pi", Change::Duplicate(bytes("1"))),
        ("ii", Change::Duplicate(bytes("1"))),
    ];
    for (writes, expected) in cases {
        let mut buffer = MemBuffer::default();
        for write in writes.chars() {
            match write {
                'i' => buffer.insert(bytes("k"), bytes("1")),
                'p' => buffer.put(bytes("k"), bytes("1")),
                _ => buffer.delete(bytes("k")),
            }
        }
        assert_eq!(contents(&buffer).get(&bytes("k")), Some(&expected), "{writes}");
    }
}

#[test]
fn ranges_show_deletions_and_hide_locks() {
    let mut buffer = MemBuffer::default();
    for key in ["a", "b", "c", "d"] {
        buffer.put(bytes(key), bytes("v"));
    }
    buffer.delete(bytes("b"));
    buffer.lock(bytes("bb"));
    let seen = |start: &str, end: &str| -> Vec<(String, bool)> {
        let range = KeyRange { start: bytes(start), end: bytes(end) };
        let text = |key: &Bytes| String::from_utf8_lossy(key).into_owned();
        buffer.range(&range).map(|(key, value)| (text(key), value.is_some())).collect()
    };
    assert_eq!(seen("b", "d"), [("b".to_owned(), false), ("c".to_owned(), true)]);
    assert_eq!(seen("d", ""), [("d".to_owned(), true)]);
    assert!(seen("d", "b").is_empty() && seen("b", "b").is_empty());
}
