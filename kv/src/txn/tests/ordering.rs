//! What readers, one-phase commits and latched commands see of each other.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use rutile_kv_env::Env;
use rutile_kv_types::{Key, Mutation, TimeStamp};

use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, KeyError, Result};
use crate::local_replica::LocalReplica;
use crate::mvcc::{PointGetter, ReadOptions};
use crate::txn::{Commit, Prewrite, Prewritten, ReadTarget, Scheduler};

struct Fixture {
    replica: Arc<LocalReplica>,
    scheduler: Scheduler<LocalReplica>,
}

impl Fixture {
    fn new() -> Self {
        let replica = LocalReplica::new(Bytes::new(), Bytes::new());
        let concurrency = Arc::new(ConcurrencyManager::default());
        let scheduler = Scheduler::new(Env::simulated(1), replica.clone(), concurrency, Arc::default());
        Fixture { replica, scheduler }
    }

    async fn get(&self, key: &str, ts: u64) -> Result<Option<Bytes>> {
        let key = Key::from_raw(key.as_bytes());
        let options = ReadOptions::at(ts.into());
        let context = self.replica.context();
        let snapshot = self.scheduler.read_snapshot(&context, ReadTarget::Key(&key), &options).await?;
        PointGetter::new(snapshot.versions(), &options).get(&key)
    }

    async fn one_pc(&self, key: &str, start_ts: u64) -> Result<TimeStamp> {
        let mutation = Mutation::put(key.to_owned(), "new");
        let mut command = Prewrite::new(vec![mutation], key.to_owned().into(), start_ts.into(), 3000);
        command.try_one_pc = true;
        match self.scheduler.run(&self.replica.context(), command).await? {
            Prewritten::Committed { commit_ts } => Ok(commit_ts),
            other => panic!("not committed: {other:?}"),
        }
    }
}

fn poll<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> Option<T> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[test]
fn a_one_phase_commit_lands_above_every_read_before_it() {
    let fixture = Fixture::new();
    assert_eq!(poll(&mut Box::pin(fixture.get("k", 50))).expect("no wait").expect("no error"), None);
    let commit_ts = poll(&mut Box::pin(fixture.one_pc("k", 10))).expect("applied at once").expect("no error");
    assert_eq!(commit_ts, TimeStamp::new(51));
    assert_eq!(
        poll(&mut Box::pin(fixture.get("k", 50))).expect("no wait").expect("no error"),
        None,
        "repeatable"
    );
    let value = poll(&mut Box::pin(fixture.get("k", 51))).expect("no wait").expect("no error");
    assert_eq!(value.as_deref(), Some(b"new".as_slice()));
}

#[test]
fn a_reader_waits_for_a_one_phase_commit_that_may_be_below_it() {
    let fixture = Fixture::new();
    fixture.replica.hold();
    let mut writer = Box::pin(fixture.one_pc("k", 10));
    assert!(poll(&mut writer).is_none(), "the disk does not answer");
    assert_eq!(fixture.replica.held(), 1);
    // The commit timestamp is 11: a reader at 10 may go past, one at 20 may not.
    assert_eq!(poll(&mut Box::pin(fixture.get("k", 10))).expect("no wait").expect("no error"), None);
    assert_eq!(poll(&mut Box::pin(fixture.get("other", 20))).expect("no wait").expect("no error"), None);
    let mut reader = Box::pin(fixture.get("k", 20));
    assert!(poll(&mut reader).is_none(), "waits for the in-memory lock");
    fixture.replica.release();
    let value = poll(&mut reader).expect("released").expect("no error");
    assert_eq!(value.as_deref(), Some(b"new".as_slice()));
    assert_eq!(poll(&mut writer).expect("applied").expect("no error"), TimeStamp::new(11));
    assert_eq!(fixture.scheduler.concurrency().locked_keys(), 0);
}

#[test]
fn an_in_memory_lock_that_stays_is_reported() {
    let simulation = rutile_kv_env::Simulation::new(1);
    let replica = LocalReplica::new(Bytes::new(), Bytes::new());
    let scheduler = Scheduler::new(simulation.env(), replica.clone(), Arc::default(), Arc::default());
    let fixture = Fixture { replica, scheduler };
    fixture.replica.hold();
    let mut writer = Box::pin(fixture.one_pc("k", 10));
    assert!(poll(&mut writer).is_none());
    let mut reader = Box::pin(fixture.get("k", 20));
    assert!(poll(&mut reader).is_none());
    simulation.clock().advance(std::time::Duration::from_secs(1));
    match poll(&mut reader).expect("time is over") {
        Err(Error::Key(error)) => assert!(matches!(*error, KeyError::Locked(_)), "{error:?}"),
        other => panic!("not reported: {other:?}"),
    }
}

#[test]
fn a_command_sees_what_the_one_before_it_wrote() {
    let fixture = Fixture::new();
    let context = fixture.replica.context();
    fixture.replica.hold();
    let mut first = Box::pin(fixture.one_pc("k", 10));
    assert!(poll(&mut first).is_none());
    let mut second = Box::pin(fixture.one_pc("k", 11));
    assert!(poll(&mut second).is_none(), "latched");
    assert_eq!(fixture.replica.held(), 1);
    fixture.replica.release();
    match poll(&mut second).expect("its turn") {
        // The first committed at 11, not above the start of the second, so there is no conflict.
        Ok(commit_ts) => assert_eq!(commit_ts, TimeStamp::new(12)),
        Err(error) => panic!("{error}"),
    }
    let late = Commit::new(vec![Key::from_raw(b"k")], 10.into(), 30.into());
    let committed = poll(&mut Box::pin(fixture.scheduler.run(&context, late))).expect("applied");
    assert_eq!(committed.expect("a repeated commit succeeds"), TimeStamp::new(30));
}

#[test]
fn a_caller_that_goes_away_releases_nothing_early() {
    let fixture = Fixture::new();
    fixture.replica.hold();
    let mut first = Box::pin(fixture.one_pc("k", 10));
    assert!(poll(&mut first).is_none());
    drop(first);
    assert_eq!(fixture.scheduler.concurrency().locked_keys(), 1, "the lock stays until the write is applied");
    let mut second = Box::pin(fixture.one_pc("k", 5));
    assert!(poll(&mut second).is_none(), "still latched");
    fixture.replica.release();
    match poll(&mut second).expect("its turn") {
        Err(Error::Key(error)) => assert!(matches!(*error, KeyError::WriteConflict { .. }), "{error:?}"),
        other => panic!("the accepted write was missed: {other:?}"),
    }
}

/// While the locks of an async commit are written, the in-memory ones stand for them.
#[test]
fn an_async_commit_in_flight_is_met_by_readers_above_its_timestamp() {
    let fixture = Fixture::new();
    let context = fixture.replica.context();
    fixture.replica.hold();
    let mut command = Prewrite::new(vec![Mutation::put("k", "new")], "k".into(), 10.into(), 3000);
    command.secondaries = Some(Vec::new());
    let mut writer = Box::pin(fixture.scheduler.run(&context, command));
    assert!(poll(&mut writer).is_none(), "the disk does not answer");
    assert_eq!(poll(&mut Box::pin(fixture.get("k", 10))).expect("no wait").expect("no error"), None);
    let mut reader = Box::pin(fixture.get("k", 20));
    assert!(poll(&mut reader).is_none(), "waits for the in-memory lock");
    fixture.replica.release();
    let min_commit_ts = TimeStamp::new(11);
    assert_eq!(poll(&mut writer).expect("applied").expect("no error"), Prewritten::Locked { min_commit_ts });
    match poll(&mut reader).expect("released") {
        Err(Error::Key(error)) => assert!(matches!(*error, KeyError::Locked(_)), "{error:?}"),
        other => panic!("the stored lock was missed: {other:?}"),
    }
    assert_eq!(poll(&mut Box::pin(fixture.get("k", 10))).expect("no wait").expect("no error"), None);
}
