//! Golden scripts of the codecs and printers: each line of input becomes its bytes and its print.
//!
//! `RUTILE_RECORD=1 cargo test -p rutile-kv-types` rewrites the scripts; the diff is the review.
//!
//! The scripts hold TiKV's published encodings. Where an expected byte string is known from TiKV's own tests it is
//! asserted in `known_bytes` below, so that recording can not change it.

use std::fmt::Write as _;

use bytes::Bytes;
use rutile_kv_types::{
    Cf, Key, KeyRange, LastChange, Lock, LockType, TimeStamp, Write, WriteType, codec, format,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a String takes everything");
        out
    })
}

/// Compares with the recorded file, or records it.
fn golden(name: &str, actual: &str) {
    let path = format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("RUTILE_RECORD").is_some() {
        #[expect(clippy::disallowed_methods, reason = "re-recording a golden file of the source tree")]
        std::fs::write(&path, actual).expect("the source tree is writable while recording");
    }
    let expected = std::fs::read_to_string(&path).expect("record it first");
    assert_eq!(actual, expected, "{name} changed; RUTILE_RECORD=1 re-records it");
}

#[test]
fn keys() {
    let table = |id: i64| {
        let mut key = vec![b't'];
        codec::encode_i64(&mut key, id);
        key
    };
    let record = |id: i64, handle: i64| {
        let mut key = table(id);
        key.extend_from_slice(b"_r");
        codec::encode_i64(&mut key, handle);
        key
    };
    let index = |id: i64, index: i64, values: &[u8]| {
        let mut key = table(id);
        key.extend_from_slice(b"_i");
        codec::encode_i64(&mut key, index);
        key.extend_from_slice(values);
        key
    };
    let mut values = vec![0x01];
    codec::encode_bytes(&mut values, b"abc");
    values.push(0x03);
    codec::encode_i64(&mut values, -7);
    values.push(0x00);
    values.push(0x05);
    codec::encode_f64(&mut values, 2.5);
    let raw_keys: Vec<Vec<u8>> = vec![
        vec![],
        b"a".to_vec(),
        b"12345678".to_vec(),
        b"\xff\x00quoted\"".to_vec(),
        b"mSchemaVersion".to_vec(),
        table(10),
        record(10, 5),
        record(10, -5),
        record(i64::MAX, i64::MIN),
        index(10, 2, &values),
        index(10, 2, &[]),
        [b"x\x00\x00\x01".as_slice(), &record(10, 5)].concat(),
        [record(10, 5), vec![0]].concat(),
        b"t_broken".to_vec(),
    ];
    let mut out = String::new();
    for raw in raw_keys {
        let key = Key::from_raw(&raw);
        writeln!(out, "{}\n  {}", key, hex(key.as_encoded())).expect("a String takes everything");
        let with_ts = key.append_ts(412.into());
        writeln!(out, "{}\n  {}", with_ts, hex(with_ts.as_encoded())).expect("a String takes everything");
        assert_eq!(with_ts.truncate_ts().and_then(|key| key.to_raw()), Ok(raw));
    }
    writeln!(out, "{}", format::encoded_key(b"not an encoding")).expect("a String takes everything");
    writeln!(out, "{}", format::key_range(&KeyRange::new(record(10, 1), "")))
        .expect("a String takes everything");
    golden("keys.txt", &out);
}

fn locks() -> Vec<Lock> {
    let base = Lock::new(LockType::Put, Bytes::from_static(b"primary"), 410.into(), 3000);
    let full = Lock {
        short_value: Some(Bytes::from_static(b"value")),
        for_update_ts: 411.into(),
        txn_size: 16,
        min_commit_ts: 412.into(),
        use_async_commit: true,
        secondaries: vec![Bytes::from_static(b"s1"), Bytes::from_static(b"")],
        rollback_ts: vec![405.into(), 406.into()],
        last_change: LastChange::Exist { commit_ts: 400.into(), versions: 3 },
        txn_source: 1,
        is_locked_with_conflict: true,
        generation: 9,
        ..base.clone()
    };
    vec![
        base.clone(),
        Lock { lock_type: LockType::Delete, ..base.clone() },
        Lock { lock_type: LockType::Lock, last_change: LastChange::NotExist, ..base.clone() },
        Lock { lock_type: LockType::Pessimistic, for_update_ts: 420.into(), ..base.clone() },
        Lock { lock_type: LockType::Shared, ..base.clone() },
        Lock { short_value: Some(Bytes::from(vec![b'x'; 255])), ..base.clone() },
        Lock { use_async_commit: true, ..base },
        full,
    ]
}

#[test]
fn lock_values() {
    let mut out = String::new();
    for lock in locks() {
        let bytes = lock.to_bytes();
        writeln!(out, "{lock}\n  {}", hex(&bytes)).expect("a String takes everything");
        assert_eq!(Lock::parse(&bytes), Ok(lock));
    }
    writeln!(out, "{}", format::cf_value(Cf::Lock, b"Zrubbish")).expect("a String takes everything");
    golden("locks.txt", &out);
}

fn writes() -> Vec<Write> {
    let put = Write::new(WriteType::Put, 410.into(), Some(Bytes::from_static(b"v")));
    vec![
        put.clone(),
        Write::new(WriteType::Put, 410.into(), None),
        Write::new(WriteType::Put, 410.into(), Some(Bytes::new())),
        Write::new(WriteType::Delete, 410.into(), None),
        Write { last_change: LastChange::NotExist, ..Write::new(WriteType::Lock, 410.into(), None) },
        Write::new_rollback(410.into(), false),
        Write::new_rollback(410.into(), true),
        Write { has_overlapped_rollback: true, gc_fence: Some(TimeStamp::ZERO), ..put.clone() },
        Write {
            has_overlapped_rollback: true,
            gc_fence: Some(421.into()),
            last_change: LastChange::Exist { commit_ts: 400.into(), versions: 300 },
            txn_source: 2,
            ..put
        },
    ]
}

#[test]
fn write_records() {
    let mut out = String::new();
    for write in writes() {
        let bytes = write.to_bytes();
        writeln!(out, "{write}\n  {}", hex(&bytes)).expect("a String takes everything");
        assert_eq!(Write::parse(&bytes), Ok(write));
    }
    golden("writes.txt", &out);
}

/// Bytes that TiKV's sources and documents print (`components/codec/src/byte.rs`, `components/txn_types`).
#[test]
fn known_bytes() {
    let encoded = |raw: &[u8]| hex(Key::from_raw(raw).as_encoded());
    assert_eq!(encoded(b""), "0000000000000000f7");
    assert_eq!(encoded(b"\x01\x02\x03"), "0102030000000000fa");
    assert_eq!(encoded(b"\x01\x02\x03\x04\x05\x06\x07\x08"), "0102030405060708ff0000000000000000f7");
    let mut varint = Vec::new();
    codec::encode_var_i64(&mut varint, 7);
    codec::encode_var_i64(&mut varint, -64);
    codec::encode_var_u64(&mut varint, 300);
    assert_eq!(hex(&varint), "0e7fac02");
    assert_eq!(hex(&Write::new_rollback(5.into(), true).to_bytes()), "5205760170");
    let lock = Lock::new(LockType::Put, Bytes::from_static(b"pk"), 1.into(), 2);
    assert_eq!(hex(&lock.to_bytes()), "5004706b0102");
    let mut number = Vec::new();
    codec::encode_i64(&mut number, -1);
    assert_eq!(hex(&number), "7fffffffffffffff");
}

/// Every cut of every value either fails or reads a prefix of the optional fields; nothing panics.
#[test]
fn cut_values_never_panic() {
    for bytes in locks().iter().map(Lock::to_bytes) {
        for end in 0..bytes.len() {
            if let Ok(lock) = Lock::parse(&bytes[..end]) {
                assert_eq!(lock.start_ts, 410.into(), "cut at {end}");
            }
        }
    }
    for bytes in writes().iter().map(Write::to_bytes) {
        for end in 0..bytes.len() {
            if let Ok(write) = Write::parse(&bytes[..end]) {
                assert!([410, 410 & 0x7f].contains(&write.start_ts.into_inner()), "cut at {end}");
            }
        }
    }
}

#[test]
fn fields_of_newer_versions_are_skipped() {
    let lock = &locks()[7];
    let mut bytes = lock.to_bytes();
    bytes.extend_from_slice(b"\x01future");
    assert_eq!(Lock::parse(&bytes).as_ref(), Ok(lock));
    let write = &writes()[8];
    let mut bytes = write.to_bytes();
    bytes.extend_from_slice(b"\x01future");
    assert_eq!(Write::parse(&bytes).as_ref(), Ok(write));
}

#[test]
fn a_count_is_not_trusted_with_memory() {
    let mut bytes = Lock::new(LockType::Put, Bytes::new(), 1.into(), 1).to_bytes();
    bytes.push(b'a');
    codec::encode_var_u64(&mut bytes, u64::MAX);
    assert!(Lock::parse(&bytes).is_err());
}

#[test]
fn a_gc_fence_hides_a_record_from_readers_above_it() {
    let write = &writes()[8];
    assert!(write.is_visible_under_gc_fence(420.into()));
    assert!(!write.is_visible_under_gc_fence(421.into()));
    assert!(writes()[7].is_visible_under_gc_fence(TimeStamp::MAX));
}
