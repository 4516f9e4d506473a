//! Savepoints restore exactly what was; combinations of writes keep their meaning.

use std::collections::BTreeMap;

use bytes::Bytes;
use rutile_kv_env::Simulation;
use rutile_kv_types::KeyRange;

use super::MemBuffer;
use super::membuffer::{Change, Kind};

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn contents(buffer: &MemBuffer) -> BTreeMap<Bytes, (Kind, Bytes)> {
    let data = buffer.frozen();
    let change = |change: Change| (data.bytes(change.key), (change.kind, data.bytes(change.value)));
    buffer.changes().map(change).collect()
}

fn size(buffer: &MemBuffer) -> usize {
    contents(buffer).iter().map(|(key, (_, value))| key.len() + value.len()).sum()
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
                0 | 1 => buffer.put(&key, "v".repeat(step as usize).as_bytes()),
                2 => buffer.insert(&key, b"i"),
                3 => buffer.delete(&key),
                4 => buffer.lock(&key),
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
    let cases: [(&str, (Kind, Bytes)); 7] = [
        ("i", (Kind::Insert, bytes("1"))),
        ("ip", (Kind::Insert, bytes("1"))),
        ("id", (Kind::CheckNotExists, Bytes::new())),
        ("idp", (Kind::Insert, bytes("1"))),
        ("di", (Kind::Put, bytes("1"))),
        ("pi", (Kind::Duplicate, bytes("1"))),
        ("ii", (Kind::Duplicate, bytes("1"))),
    ];
    for (writes, expected) in cases {
        let mut buffer = MemBuffer::default();
        for write in writes.chars() {
            match write {
                'i' => buffer.insert(b"k", b"1"),
                'p' => buffer.put(b"k", b"1"),
                _ => buffer.delete(b"k"),
            }
        }
        assert_eq!(contents(&buffer).get(&bytes("k")), Some(&expected), "{writes}");
    }
}

#[test]
fn ranges_show_deletions_and_hide_locks() {
    let mut buffer = MemBuffer::default();
    for key in ["a", "b", "c", "d"] {
        buffer.put(key.as_bytes(), b"v");
    }
    buffer.delete(b"b");
    buffer.lock(b"bb");
    let seen = |start: &str, end: &str| -> Vec<(String, bool)> {
        let range = KeyRange { start: bytes(start), end: bytes(end) };
        let text = |key: &Bytes| String::from_utf8_lossy(key).into_owned();
        buffer.range(&range).map(|(key, value)| (text(&key), value.is_some())).collect()
    };
    assert_eq!(seen("b", "d"), [("b".to_owned(), false), ("c".to_owned(), true)]);
    assert_eq!(seen("d", ""), [("d".to_owned(), true)]);
    assert!(seen("d", "b").is_empty() && seen("b", "b").is_empty());
}

#[test]
fn many_short_rows_take_little_beside_their_bytes_and_nothing_once_rolled_back() {
    let mut buffer = MemBuffer::default();
    let before = buffer.savepoint();
    for row in 0..50_000_u64 {
        buffer.insert(&row.to_be_bytes(), &[7; 40]);
    }
    assert_eq!(buffer.size_bytes(), 50_000 * 48);
    assert!(buffer.memory_bytes() < 50_000 * (48 + 44), "{}", buffer.memory_bytes());
    buffer.rollback_to(&before);
    assert_eq!((buffer.len(), buffer.size_bytes(), buffer.memory_bytes()), (0, 0, 0));
}
