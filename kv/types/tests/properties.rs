//! Properties of lock values and write records: every value comes back, rubbish never panics.

use bytes::Bytes;
use proptest::option;
use proptest::prelude::*;
use rutile_kv_types::{Key, LastChange, Lock, LockType, TimeStamp, Write, WriteType, format};

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..=max).prop_map(Bytes::from)
}

fn ts() -> impl Strategy<Value = TimeStamp> {
    prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), 0u64..1000].prop_map(TimeStamp::new)
}

fn last_change() -> impl Strategy<Value = LastChange> {
    let exist = (1u64.., any::<u64>());
    prop_oneof![
        Just(LastChange::Unknown),
        Just(LastChange::NotExist),
        exist.prop_map(|(ts, versions)| LastChange::Exist { commit_ts: ts.into(), versions }),
    ]
}

fn lock_type() -> impl Strategy<Value = LockType> {
    prop_oneof![
        Just(LockType::Put),
        Just(LockType::Delete),
        Just(LockType::Lock),
        Just(LockType::Pessimistic),
        Just(LockType::Shared)
    ]
}

prop_compose! {
    fn lock()(
        (lock_type, primary, start_ts, ttl_ms) in (lock_type(), bytes(40), ts(), any::<u64>()),
        (short_value, for_update_ts, txn_size, min_commit_ts) in (option::of(bytes(255)), ts(), any::<u64>(), ts()),
        secondaries in option::of(proptest::collection::vec(bytes(20), 0..5)),
        rollback_ts in proptest::collection::vec(ts(), 0..5),
        (last_change, txn_source, is_locked_with_conflict, generation) in
            (last_change(), any::<u64>(), any::<bool>(), any::<u64>()),
    ) -> Lock {
        Lock {
            short_value, for_update_ts, txn_size, min_commit_ts,
            use_async_commit: secondaries.is_some(),
            secondaries: secondaries.unwrap_or_default(),
            rollback_ts, last_change, txn_source, is_locked_with_conflict, generation,
            ..Lock::new(lock_type, primary, start_ts, ttl_ms)
        }
    }
}

prop_compose! {
    fn write()(
        write_type in prop_oneof![
            Just(WriteType::Put), Just(WriteType::Delete), Just(WriteType::Lock), Just(WriteType::Rollback)
        ],
        (start_ts, short_value, has_overlapped_rollback) in (ts(), option::of(bytes(255)), any::<bool>()),
        (gc_fence, last_change, txn_source) in (option::of(ts()), last_change(), any::<u64>()),
    ) -> Write {
        Write {
            has_overlapped_rollback, gc_fence, last_change, txn_source,
            ..Write::new(write_type, start_ts, short_value)
        }
    }
}

proptest! {
    #[test]
    fn locks_come_back(lock in lock()) {
        prop_assert_eq!(Lock::parse(&lock.to_bytes()), Ok(lock));
    }

    #[test]
    fn writes_come_back(write in write()) {
        prop_assert_eq!(Write::parse(&write.to_bytes()), Ok(write));
    }

    #[test]
    fn rubbish_never_panics(raw in bytes(64), kind in 0usize..4) {
        let mut value = raw.to_vec();
        if let Some(first) = value.first_mut() {
            *first = b"PDLR"[kind];
        }
        // A success must describe what was read: encoding it again reads the same.
        if let Ok(lock) = Lock::parse(&value) {
            prop_assert_eq!(Lock::parse(&lock.to_bytes()), Ok(lock));
        }
        if let Ok(write) = Write::parse(&value) {
            prop_assert_eq!(Write::parse(&write.to_bytes()), Ok(write));
        }
        prop_assert!(!format::raw_key(&raw).is_empty());
        prop_assert!(!format::encoded_key(&raw).is_empty());
    }

    #[test]
    fn encoded_keys_with_versions_sort_by_key_then_newest_first(
        a in bytes(20), b in bytes(20), x in any::<u64>(), y in any::<u64>()
    ) {
        let left = Key::from_raw(&a).append_ts(x.into());
        let right = Key::from_raw(&b).append_ts(y.into());
        prop_assert_eq!(left.cmp(&right), a.cmp(&b).then(y.cmp(&x)));
    }
}
