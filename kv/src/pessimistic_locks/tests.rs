//! The table in every state it can be in.
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_types::{Key, Lock, LockType, Region, RegionEpoch, TimeStamp};

use super::table::{Begun, Outdated, Table};
use super::{At, Budget, LockChange, MemoryLocks, MovedLock};
use crate::write_set::{Change, Changes, WriteSet};

const AT: At = At { term: 6, version: 4 };

fn lock(start_ts: u64) -> Lock {
    Lock::new(LockType::Pessimistic, Bytes::from_static(b"p"), TimeStamp::new(start_ts), 3000)
}

fn key(name: &str) -> Key {
    Key::from_encoded(name.as_bytes())
}

fn add(name: &str) -> LockChange {
    LockChange::Add(key(name), lock(10))
}

fn leading(budget: &Arc<Budget>) -> Table {
    let mut table = Table::new(AT.version);
    table.open(budget.clone(), Vec::new());
    table.lead(AT.term, true);
    table
}

/// A leader that holds locks on these keys.
fn holding(names: &[&str]) -> Table {
    let mut table = leading(&Arc::new(Budget::new(true)));
    let changes: Vec<_> = names.iter().map(|name| add(name)).collect();
    assert_eq!(table.begin(AT, &changes, false), Ok(Begun::All));
    table
}

fn names(table: &Table) -> Vec<String> {
    let all = table.range(&[], &[], |_| true);
    all.all().iter().map(|held| String::from_utf8(held.key.as_encoded().to_vec()).expect("text")).collect()
}

fn keys(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

fn moved(table: &[MovedLock]) -> Vec<&[u8]> {
    table.iter().map(|(key, _)| key.as_slice()).collect()
}

#[test]
fn locks_are_found_by_key_and_by_range() {
    let table = holding(&["b", "d", "a"]);
    let wanted = [key("d"), key("c"), key("a")];
    let found = table.find(wanted.iter());
    assert_eq!(found.all().iter().map(|held| held.key.clone()).collect::<Vec<_>>(), [key("a"), key("d")]);
    assert!(found.get(&key("d")).is_some() && found.get(&key("b")).is_none());
    assert!(found.check(AT.term).is_ok() && found.check(AT.term + 1).is_err());
    assert!(table.find([key("x")].iter()).check(AT.term + 1).is_ok(), "no lock is right in any term");
    assert_eq!(names(&table), ["a", "b", "d"]);
    assert_eq!(table.range(b"b", b"d", |_| true).all().len(), 1);
    assert!(table.range(b"b", b"b", |_| true).all().is_empty());
    assert!(table.range(&[], &[], |lock| lock.start_ts.into_inner() < 10).all().is_empty());
}

#[test]
fn a_decision_of_another_term_or_version_changes_nothing() {
    let mut table = holding(&["a"]);
    for at in [At { term: 7, ..AT }, At { version: 5, ..AT }, At { term: 0, ..AT }] {
        assert_eq!(table.begin(at, &[LockChange::Release(key("a"))], false), Err(Outdated));
        assert_eq!(table.begin(at, &[add("b")], false), Ok(Begun::WithoutNew), "raft says what is wrong");
    }
    assert_eq!(table.begin(AT, &[LockChange::Store(key("b"))], true), Err(Outdated), "not there");
    assert_eq!(names(&table), ["a"]);
}

#[test]
fn a_lock_that_ends_without_a_write_is_gone_at_once() {
    let mut table = holding(&["a", "b"]);
    assert_eq!(table.begin(AT, &[LockChange::Release(key("a"))], false), Ok(Begun::All));
    assert_eq!(names(&table), ["b"]);
    table.measure();
}

#[test]
fn a_lock_that_ends_with_a_write_stays_until_the_write_is_applied() {
    let mut table = holding(&["a", "b"]);
    let changes = [LockChange::Store(key("a")), LockChange::Release(key("b"))];
    assert_eq!(table.begin(AT, &changes, true), Ok(Begun::All));
    assert_eq!(names(&table), ["a", "b"]);
    assert!(table.has_leaving());
    assert_eq!(table.begin(AT, &changes[..1], true), Err(Outdated), "it is leaving already");
    table.finish(AT.term, &keys(&["a"]), false);
    table.finish(AT.term + 1, &keys(&["b"]), true);
    assert_eq!(names(&table), ["a", "b"], "the one is back, the other was meant for another leadership");
    table.finish(AT.term, &keys(&["a", "b"]), true);
    assert_eq!(names(&table), ["a"], "only what was leaving goes");
    assert!(!table.has_leaving());
}

#[test]
fn a_lock_that_changes_stays() {
    let mut table = holding(&["a"]);
    let mut newer = lock(10);
    newer.ttl_ms = 9000;
    newer.primary = Bytes::from_static(b"another");
    assert_eq!(table.begin(AT, &[LockChange::Replace(key("a"), newer.clone())], false), Ok(Begun::All));
    assert_eq!(table.find([key("a")].iter()).all()[0].lock, newer);
    table.measure();
}

#[test]
fn what_finds_no_room_is_for_the_log() {
    let one = {
        let table = holding(&["a"]);
        table.measure().1
    };
    let budget = Arc::new(Budget::of(2 * one, 3 * one));
    let (mut left, mut right) = (leading(&budget), leading(&budget));
    assert_eq!(left.begin(AT, &[add("a"), add("b"), add("c")], false), Ok(Begun::WithoutNew), "all or none");
    assert_eq!(left.begin(AT, &[add("a"), add("b")], false), Ok(Begun::All));
    assert_eq!(left.begin(AT, &[add("c")], false), Ok(Begun::WithoutNew), "the region has its share");
    assert_eq!(right.begin(AT, &[add("x"), add("y")], false), Ok(Begun::WithoutNew), "the store is full");
    assert_eq!(right.begin(AT, &[add("x")], false), Ok(Begun::All));
    assert_eq!(budget.used(), 3 * one);
    assert_eq!(left.begin(AT, &[LockChange::Release(key("a"))], false), Ok(Begun::All));
    assert_eq!(budget.used(), 2 * one);
    left.lead(7, false);
    drop(right);
    assert_eq!(budget.used(), 0);
    let mut off = leading(&Arc::new(Budget::new(false)));
    assert_eq!(off.begin(AT, &[add("a")], false), Ok(Begun::WithoutNew));
}

#[test]
fn a_new_term_starts_empty_unless_the_locks_came_with_a_split() {
    let mut table = holding(&["a"]);
    table.lead(AT.term, false);
    assert_eq!(names(&table), ["a"], "told again");
    table.lead(0, false);
    assert!(names(&table).is_empty());
    let mut table = holding(&["a"]);
    table.lead(8, true);
    assert!(names(&table).is_empty(), "it led before");

    let carried = || {
        let mut table = Table::new(5);
        table.open(Arc::new(Budget::new(true)), vec![(b"a".to_vec(), lock(10))]);
        table
    };
    let mut first = carried();
    first.lead(6, true);
    assert_eq!(names(&first), ["a"]);
    let release = [LockChange::Release(key("a"))];
    assert_eq!(first.begin(At { term: 6, version: 5 }, &release, false), Ok(Begun::All));
    let mut second = carried();
    second.lead(7, false);
    assert!(names(&second).is_empty(), "somebody else led in between");
    let mut follower = carried();
    follower.lead(0, false);
    follower.lead(8, true);
    assert!(names(&follower).is_empty());
    let mut split_by_another = carried();
    assert!(split_by_another.narrow(6, b"b", b"").is_empty(), "whoever split it has led it");
    let mut split_by_another = carried();
    split_by_another.narrow(6, b"", b"b");
    split_by_another.lead(7, true);
    assert!(names(&split_by_another).is_empty());
}

#[test]
fn a_split_moves_the_locks_outside() {
    let mut table = holding(&["a", "b", "c", "d"]);
    assert_eq!(
        table.begin(AT, &[LockChange::Store(key("a")), LockChange::Store(key("d"))], true),
        Ok(Begun::All)
    );
    let outside = table.narrow(5, b"c", b"");
    assert_eq!(moved(&outside), [b"a", b"b"]);
    assert_eq!(names(&table), ["c", "d"]);
    // What was decided before the split is refused when it is applied.
    table.finish(AT.term, &keys(&["a", "d"]), false);
    let at = At { version: 5, ..AT };
    assert_eq!(table.begin(AT, &[LockChange::Release(key("c"))], false), Err(Outdated));
    assert_eq!(table.begin(at, &[LockChange::Release(key("d"))], false), Ok(Begun::All));
    table.measure();
    assert_eq!(moved(&table.narrow(6, b"", b"c")), [b"c"]);
}

#[test]
fn handing_over_proposes_each_lock_once_and_takes_no_new_ones() {
    let mut table = holding(&["a", "b", "c"]);
    assert_eq!(table.begin(AT, &[LockChange::Store(key("c"))], true), Ok(Begun::All));
    assert_eq!(moved(&table.hand_over()), [b"a", b"b"]);
    assert!(table.hand_over().is_empty());
    assert_eq!(table.begin(AT, &[add("d")], false), Ok(Begun::WithoutNew), "frozen");
    let found = table.find([key("a"), key("c")].iter());
    assert!(found.all()[0].proposed && !found.is_unproposed(&key("a")), "the lock CF will have it");
    assert!(found.is_unproposed(&key("c")));
    assert_eq!(table.begin(AT, &[LockChange::Release(key("a"))], false), Err(Outdated), "too late");
    table.finish(AT.term, &keys(&["c"]), false);
    assert_eq!(moved(&table.hand_over()), [b"c"], "back from a write that was refused");
    table.stored(AT.term, &keys(&["a"]), true);
    table.stored(AT.term, &keys(&["b", "c"]), false);
    assert_eq!(names(&table), ["b", "c"]);
    table.keep();
    assert_eq!(table.begin(AT, &[add("d"), LockChange::Release(key("b"))], false), Ok(Begun::All));
    assert_eq!(names(&table), ["c", "d"]);
}

#[test]
fn a_range_that_is_removed_takes_its_locks_along() {
    let mut table = holding(&["a", "b", "c"]);
    table.remove_range(b"b", b"c");
    assert_eq!(names(&table), ["a", "c"]);
    table.measure();
}

#[test]
fn new_locks_without_room_join_the_writes() {
    let locks = Arc::new(MemoryLocks::new(AT.version));
    locks.open(Arc::new(Budget::new(false)), Vec::new());
    locks.lead(AT.term, true);
    let mut writes = WriteSet::default();
    let (refused, leaving) = locks.begin(AT, vec![add("a")], &mut writes).expect("nothing is outdated");
    leaving.finish(true);
    assert_eq!((refused, locks.count()), (1, 0));
    let changes: Vec<_> = Changes::decode(writes.as_bytes()).map(|change| change.expect("encoded")).collect();
    let value = &lock(10).to_bytes();
    assert_eq!(changes, [Change::Put { cf: rutile_kv_types::Cf::Lock, key: b"a", value }]);
}

#[test]
fn a_write_that_is_given_up_leaves_its_lock() {
    let locks = Arc::new(MemoryLocks::new(AT.version));
    locks.open(Arc::new(Budget::new(true)), Vec::new());
    locks.lead(AT.term, true);
    let mut writes = WriteSet::default();
    let (_, leaving) = locks.begin(AT, vec![add("a")], &mut writes).expect("nothing is outdated");
    leaving.finish(true);
    writes.put(rutile_kv_types::Cf::Write, b"a", b"record");
    let (_, leaving) = locks.begin(AT, vec![LockChange::Store(key("a"))], &mut writes).expect("it is held");
    drop(leaving);
    let (_, leaving) =
        locks.begin(AT, vec![LockChange::Store(key("a"))], &mut writes).expect("it is held again");
    leaving.finish(true);
    assert_eq!(locks.count(), 0);
}

#[test]
fn the_region_changes_while_nobody_sees_the_table() {
    let locks = Arc::new(MemoryLocks::new(AT.version));
    locks.open(Arc::new(Budget::new(true)), Vec::new());
    locks.lead(AT.term, true);
    let mut writes = WriteSet::default();
    let (refused, _) = locks.begin(AT, vec![add("a"), add("b")], &mut writes).expect("nothing is outdated");
    assert!(refused == 0 && writes.is_empty());
    let epoch = RegionEpoch { conf_ver: 1, version: 5 };
    let region = Region { start_key: "b".into(), epoch, ..Region::default() };
    let mut published = false;
    assert_eq!(moved(&locks.change_region(&region, || published = true)), [b"a"]);
    assert!(published);
    assert!(locks.begin(AT, vec![LockChange::Release(key("b"))], &mut writes).is_err());
}
