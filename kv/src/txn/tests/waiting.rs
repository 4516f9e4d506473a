//! Requests that wait for the locks of others.
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_engine::MemoryEngine;
use rutile_kv_env::Simulation;
use rutile_kv_types::{Key, Mutation};

use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, KeyError, Result};
use crate::local_replica::LocalReplica;
use crate::txn::{
    AcquirePessimisticLock, Acquired, Commit, LOCK_WAIT_MAX, PessimisticRollback, Prewrite, Rollback,
    Scheduler,
};

struct Fixture {
    simulation: Simulation,
    replica: Arc<LocalReplica>,
    scheduler: Scheduler<LocalReplica>,
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Acquired>> + 'a>>;

impl Fixture {
    fn new(in_memory: bool) -> Self {
        let simulation = Simulation::new(1);
        let engine = Arc::new(MemoryEngine::new());
        let replica = LocalReplica::over(engine, Bytes::new(), Bytes::new(), in_memory);
        let concurrency = Arc::new(ConcurrencyManager::default());
        let scheduler = Scheduler::new(simulation.env(), replica.clone(), concurrency, Arc::default());
        Fixture { simulation, replica, scheduler }
    }

    fn lock(&self, keys: &'static [&'static str], start_ts: u64, for_update_ts: u64) -> Waiting<'_> {
        let primary = Bytes::from_static(keys[0].as_bytes());
        let keys = keys.iter().map(|key| (Bytes::from_static(key.as_bytes()), false));
        let command = AcquirePessimisticLock::new(keys, primary, start_ts.into(), for_update_ts.into(), 3000);
        Box::pin(
            async move { self.scheduler.acquire(&self.replica.context(), &command, LOCK_WAIT_MAX).await },
        )
    }

    fn lock_now(&self, keys: &'static [&'static str], start_ts: u64) {
        let locked = poll(&mut self.lock(keys, start_ts, start_ts)).expect("free").expect("no error");
        assert_eq!(locked, Acquired::Locked(Vec::new()));
    }

    fn unlock(&self, key: &str, start_ts: u64) {
        let command =
            PessimisticRollback::new(vec![Key::from_raw(key.as_bytes())], start_ts.into(), start_ts.into());
        self.now(self.scheduler.run(&self.replica.context(), command));
    }

    fn commit(&self, key: &'static str, start_ts: u64, commit_ts: u64) {
        let context = self.replica.context();
        let mut prewrite = Prewrite::new(vec![Mutation::put(key, "v")], key.into(), start_ts.into(), 3000);
        prewrite.for_update_ts = start_ts.into();
        self.now(self.scheduler.run(&context, prewrite));
        let commit = Commit::new(vec![Key::from_raw(key.as_bytes())], start_ts.into(), commit_ts.into());
        self.now(self.scheduler.run(&context, commit));
    }

    fn now<T>(&self, future: impl Future<Output = Result<T>>) -> T {
        poll(&mut Box::pin(future)).expect("does not wait").expect("no error")
    }
}

fn poll<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> Option<T> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Runs a test with replicated locks and with locks in memory.
fn in_both_places(test: impl Fn(&Fixture)) {
    for in_memory in [false, true] {
        test(&Fixture::new(in_memory));
    }
}

fn key_error(result: Result<Acquired>) -> KeyError {
    match result {
        Err(Error::Key(error)) => *error,
        other => panic!("no key error: {other:?}"),
    }
}

#[test]
fn a_released_lock_goes_to_the_oldest_waiter() {
    in_both_places(|fixture| {
        fixture.lock_now(&["k"], 10);
        let (mut young, mut old) = (fixture.lock(&["k"], 30, 30), fixture.lock(&["a", "k"], 20, 20));
        assert!(poll(&mut young).is_none() && poll(&mut old).is_none());
        fixture.unlock("k", 10);
        assert!(poll(&mut young).is_none(), "not its turn");
        poll(&mut old).expect("its turn").expect("nothing was committed");
        // The others look for themselves after the delay, and wait on.
        fixture.simulation.run_for(Duration::from_millis(20));
        assert!(poll(&mut young).is_none(), "locked by the other one");
        fixture.unlock("k", 20);
        poll(&mut young).expect("its turn").expect("nothing was committed");
    });
}

#[test]
fn a_waiter_that_goes_away_does_not_keep_the_others_waiting() {
    in_both_places(|fixture| {
        fixture.lock_now(&["k"], 10);
        let (mut first, mut second) = (fixture.lock(&["k"], 20, 20), fixture.lock(&["k"], 30, 30));
        assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
        fixture.unlock("k", 10);
        drop(first);
        assert!(poll(&mut second).is_none());
        fixture.simulation.run_for(Duration::from_millis(20));
        poll(&mut second).expect("the delay is over").expect("nothing was committed");
        assert_eq!(fixture.scheduler.lock_manager.waiting(), 0);
    });
}

#[test]
fn a_commit_sends_waiters_back_for_newer_data() {
    in_both_places(|fixture| {
        fixture.lock_now(&["k"], 10);
        let mut waiter = fixture.lock(&["k"], 20, 20);
        assert!(poll(&mut waiter).is_none());
        fixture.commit("k", 10, 25);
        match key_error(poll(&mut waiter).expect("its turn")) {
            KeyError::WriteConflict { conflict_commit_ts, .. } => {
                assert_eq!(conflict_commit_ts.into_inner(), 25);
            }
            other => panic!("{other}"),
        }
        let mut again = fixture.lock(&["k"], 20, 26);
        poll(&mut again).expect("free").expect("nothing newer");
    });
}

#[test]
fn a_rollback_releases_as_well() {
    in_both_places(|fixture| {
        fixture.lock_now(&["k"], 10);
        let mut waiter = fixture.lock(&["k"], 20, 20);
        assert!(poll(&mut waiter).is_none());
        let rollback = Rollback::new(vec![Key::from_raw(b"k")], 10.into());
        fixture.now(fixture.scheduler.run(&fixture.replica.context(), rollback));
        poll(&mut waiter).expect("its turn").expect("a rollback is no conflict");
    });
}

#[test]
fn a_wait_ends_with_the_lock_that_is_still_there() {
    in_both_places(|fixture| {
        fixture.lock_now(&["k"], 10);
        let mut waiter = fixture.lock(&["k"], 20, 20);
        assert!(poll(&mut waiter).is_none());
        fixture.simulation.clock().advance(LOCK_WAIT_MAX - Duration::from_millis(1));
        assert!(poll(&mut waiter).is_none());
        fixture.simulation.clock().advance(Duration::from_millis(1));
        match poll(&mut waiter).expect("time is over").expect("no error") {
            Acquired::Blocked(locks) => assert_eq!(locks[0].lock.start_ts.into_inner(), 10),
            other => panic!("{other:?}"),
        }
        drop(waiter);
        assert_eq!(fixture.scheduler.lock_manager.waiting(), 0);
    });
}

#[test]
fn the_wait_that_closes_a_circle_is_refused() {
    in_both_places(|fixture| {
        fixture.lock_now(&["a"], 10);
        fixture.lock_now(&["b"], 20);
        let mut first = fixture.lock(&["b"], 10, 10);
        assert!(poll(&mut first).is_none());
        match key_error(poll(&mut fixture.lock(&["a"], 20, 20)).expect("at once")) {
            KeyError::Deadlock { lock_ts, key, circle } => {
                assert_eq!((lock_ts.into_inner(), key.as_slice(), circle.len()), (10, &b"a"[..], 2));
            }
            other => panic!("{other}"),
        }
        // The victim gives up, the other one goes on.
        fixture.unlock("b", 20);
        poll(&mut first).expect("its turn").expect("nothing was committed");
    });
}

/// The holder changes while one waits, and the new one already waits for it.
#[test]
fn a_circle_closed_by_the_next_holder_ends_the_wait_of_the_others() {
    in_both_places(|fixture| {
        fixture.lock_now(&["k"], 10);
        fixture.lock_now(&["x"], 30);
        let mut young = fixture.lock(&["k"], 30, 30);
        // Waits on "x" in one request and on "k" in another.
        let (mut other_region, mut old) = (fixture.lock(&["x"], 20, 20), fixture.lock(&["k"], 20, 20));
        assert!(poll(&mut young).is_none() && poll(&mut other_region).is_none() && poll(&mut old).is_none());
        fixture.unlock("k", 10);
        poll(&mut old).expect("its turn").expect("nothing was committed");
        assert!(matches!(key_error(poll(&mut young).expect("told at once")), KeyError::Deadlock { .. }));
    });
}

/// The lock goes away after the waiter looked and before it lines up.
#[test]
fn a_lock_released_in_between_is_not_waited_for() {
    in_both_places(|fixture| {
        fixture.lock_now(&["k"], 10);
        fixture.replica.hold();
        let command = Rollback::new(vec![Key::from_raw(b"k")], 10.into());
        let context = fixture.replica.context();
        let mut unlock = Box::pin(fixture.scheduler.run(&context, command));
        assert!(poll(&mut unlock).is_none(), "in flight, and latched");
        let mut waiter = fixture.lock(&["k"], 20, 20);
        assert!(poll(&mut waiter).is_none(), "behind the latch");
        fixture.replica.release();
        poll(&mut waiter).expect("its turn").expect("free");
    });
}
