//! Pessimistic locks under region errors, lost answers, dead owners and time.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_proto::{errorpb, kvrpcpb};

use super::scripted::{Answer, World, lock, region, split_into};
use crate::{
    ClientConfig, Error, LockOptions, LockWait, LockedKeys, Result, Transaction, TransactionOptions,
};

fn world() -> World {
    World::new(ClientConfig::default())
}

/// All keys locked, none of them exists.
fn locked(keys: usize) -> Answer {
    Answer::Lock(kvrpcpb::PessimisticLockResponse {
        not_founds: vec![true; keys],
        ..kvrpcpb::PessimisticLockResponse::default()
    })
}

fn refused(error: kvrpcpb::KeyError) -> Answer {
    Answer::Lock(kvrpcpb::PessimisticLockResponse {
        errors: vec![error],
        ..kvrpcpb::PessimisticLockResponse::default()
    })
}

fn region_failed(error: errorpb::Error) -> Answer {
    Answer::Lock(kvrpcpb::PessimisticLockResponse {
        region_error: Some(Box::new(error)),
        ..kvrpcpb::PessimisticLockResponse::default()
    })
}

fn blocked_by(owner: u64, ttl_ms: u64, lock_type: kvrpcpb::Op) -> kvrpcpb::KeyError {
    let lock = kvrpcpb::LockInfo { lock_type: lock_type as i32, ..lock("a", owner, ttl_ms) };
    kvrpcpb::KeyError { locked: Some(lock), ..kvrpcpb::KeyError::default() }
}

fn unlocked() -> Answer {
    Answer::Unlock(kvrpcpb::PessimisticRollbackResponse::default())
}

fn beaten() -> Answer {
    Answer::Beat(kvrpcpb::TxnHeartBeatResponse::default())
}

fn checked(lock_ttl: u64, action: kvrpcpb::Action) -> Answer {
    Answer::Check(kvrpcpb::CheckTxnStatusResponse {
        lock_ttl,
        action: action as i32,
        ..kvrpcpb::CheckTxnStatusResponse::default()
    })
}

async fn begin(world: &World) -> Transaction {
    world
        .client
        .begin(TransactionOptions { pessimistic: true, ..TransactionOptions::default() })
        .await
        .expect("begins")
}

async fn lock_keys(
    transaction: &mut Transaction,
    keys: &[&'static str],
    wait: LockWait,
) -> Result<LockedKeys> {
    let keys: Vec<Bytes> = keys.iter().map(|key| Bytes::from_static(key.as_bytes())).collect();
    transaction.lock_keys(&keys, &LockOptions { wait, ..LockOptions::default() }).await
}

#[test]
fn the_region_of_the_primary_is_locked_first() {
    let world = world();
    world.script.expect(
        "1 lock a,z for a",
        region_failed(split_into(&[region(3, "", "m", 2), region(2, "m", "", 2)])),
    );
    world.script.expect("1 lock a for a", locked(1));
    world.script.expect("1 lock z for a", locked(1));
    // Once more: held already, so nobody is asked.
    world.script.expect("1 prewrite a", Answer::Prewrite(kvrpcpb::PrewriteResponse::default()));
    world.script.expect("1 prewrite z", Answer::Prewrite(kvrpcpb::PrewriteResponse::default()));
    world.script.expect("1 commit a", Answer::Commit(kvrpcpb::CommitResponse::default()));
    world.script.expect("1 commit z", Answer::Commit(kvrpcpb::CommitResponse::default()));
    world.run(async {
        let mut transaction = begin(&world).await;
        lock_keys(&mut transaction, &["z", "a"], LockWait::NoWait).await.expect("locks");
        lock_keys(&mut transaction, &["z"], LockWait::NoWait).await.expect("holds");
        // "a" is not written, and goes along as the primary all the same.
        transaction.put(Bytes::from_static(b"z"), Bytes::from_static(b"v"));
        transaction.commit().await.expect("commits");
    });
}

#[test]
fn a_lost_answer_is_asked_for_again_and_a_failed_call_lets_go() {
    let world = world();
    world.script.expect("1 lock a for a", Answer::Lost);
    world.script.expect("1 lock a for a", locked(1));
    let deadlock = kvrpcpb::Deadlock { lock_ts: 3, ..kvrpcpb::Deadlock::default() };
    let error = kvrpcpb::KeyError { deadlock: Some(deadlock), ..kvrpcpb::KeyError::default() };
    world.script.expect("1 lock y,z for a", refused(error));
    // What the failed call asked for, not what is held from before.
    world.script.expect("1 unlock y,z", unlocked());
    world.script.expect("1 unlock a", unlocked());
    world.run(async {
        let mut transaction = begin(&world).await;
        lock_keys(&mut transaction, &["a"], LockWait::NoWait).await.expect("locks");
        let error =
            lock_keys(&mut transaction, &["a", "y", "z"], LockWait::NoWait).await.expect_err("refused");
        assert!(matches!(error, Error::Deadlock { .. }), "{error}");
        transaction.rollback().await.expect("releases");
    });
}

/// Nothing is decided about the owner: it is asked for again the next time.
#[test]
fn the_lock_of_a_dead_owner_is_removed() {
    let world = world();
    let pessimistic = kvrpcpb::Op::PessimisticLock;
    for _ in 0..2 {
        world.script.expect("1 lock a for a", refused(blocked_by(3, 1, pessimistic)));
        world.script.expect("1 check p@3", checked(0, kvrpcpb::Action::TtlExpirePessimisticRollback));
        world.script.expect("1 unlock a", unlocked());
    }
    world.script.expect("1 lock a for a", refused(blocked_by(3, 1, kvrpcpb::Op::Put)));
    world.script.expect("1 check p@3", checked(0, kvrpcpb::Action::TtlExpireRollback));
    world.script.expect("1 resolve a to 0", Answer::Resolve(kvrpcpb::ResolveLockResponse::default()));
    world.script.expect("1 lock a for a", locked(1));
    world.script.expect("1 unlock a", unlocked());
    world.run(async {
        let mut transaction = begin(&world).await;
        lock_keys(&mut transaction, &["a"], LockWait::NoWait).await.expect("locks");
        transaction.rollback().await.expect("releases");
    });
}

#[test]
fn the_wait_ends_when_the_caller_wants_it_to() {
    let world = world();
    world.script.forever("1 lock a for a", || refused(blocked_by(3, 9_000, kvrpcpb::Op::PessimisticLock)));
    world.script.forever("1 check p@3", || checked(9_000, kvrpcpb::Action::NoAction));
    world.script.forever("1 unlock a", unlocked);
    let started = world.simulation.env().clock.now();
    let error = world.run(async {
        let mut transaction = begin(&world).await;
        lock_keys(&mut transaction, &["a"], LockWait::Timeout(Duration::from_secs(3))).await
    });
    let error = error.expect_err("the owner lives");
    assert!(
        matches!(&error, Error::LockWaitTimeout { waited, .. } if *waited == Duration::from_secs(3)),
        "{error}"
    );
    assert_eq!(world.simulation.env().clock.now() - started, Duration::from_secs(3));
}

#[test]
fn a_changed_key_is_locked_as_it_is_now_unless_the_caller_has_read_it() {
    let world = world();
    let conflict = || {
        let conflict = kvrpcpb::WriteConflict { key: Bytes::from_static(b"a"), ..Default::default() };
        refused(kvrpcpb::KeyError { conflict: Some(conflict), ..kvrpcpb::KeyError::default() })
    };
    world.script.expect("1 lock a for a", conflict());
    world.script.expect("1 lock a for a", locked(1));
    world.script.expect("1 lock b for a", conflict());
    world.script.expect("1 unlock b", unlocked());
    world.script.expect("1 unlock a", unlocked());
    world.run(async {
        let mut transaction = begin(&world).await;
        let read_at = transaction.fresh_for_update_ts().await.expect("a timestamp");
        let locked = lock_keys(&mut transaction, &["a"], LockWait::NoWait).await.expect("locks");
        assert!(locked.for_update_ts > read_at);
        let options = LockOptions { for_update_ts: Some(read_at), ..LockOptions::default() };
        let error = transaction.lock_keys(&[Bytes::from_static(b"b")], &options).await.expect_err("changed");
        assert!(matches!(error, Error::WriteConflict { .. }), "{error}");
        transaction.rollback().await.expect("releases");
    });
}

#[test]
fn the_primary_is_kept_alive_until_the_transaction_ends() {
    let world = world();
    world.script.expect("1 lock a,b for a", locked(2));
    world.script.expect("1 beat a", beaten());
    world.script.expect("1 beat a", beaten());
    let mut transaction = world.simulation.block_on(begin(&world));
    world.simulation.block_on(lock_keys(&mut transaction, &["a", "b"], LockWait::NoWait)).expect("locks");
    world.simulation.run_for(Duration::from_secs(25));
    world.script.expect("1 unlock a,b", unlocked());
    world.run(transaction.rollback()).expect("releases");
    world.simulation.run_for(Duration::from_secs(60));
    world.script.assert_done();
}

/// Others may have changed `a` since; what a statement reads beside it would be of another time.
#[test]
fn a_transaction_that_lost_its_primary_lock_locks_nothing_more() {
    let world = world();
    world.script.expect("1 lock a for a", locked(1));
    let gone = kvrpcpb::TxnNotFound { start_ts: 1, primary_key: Bytes::from_static(b"a") };
    world.script.expect(
        "1 beat a",
        Answer::Beat(kvrpcpb::TxnHeartBeatResponse {
            error: Some(Box::new(kvrpcpb::KeyError { txn_not_found: Some(gone), ..Default::default() })),
            ..Default::default()
        }),
    );
    let mut transaction = world.simulation.block_on(begin(&world));
    world.simulation.block_on(lock_keys(&mut transaction, &["a"], LockWait::NoWait)).expect("locks");
    world.simulation.run_for(Duration::from_secs(25));
    world.script.expect("1 unlock a", unlocked());
    world.run(async {
        let error = lock_keys(&mut transaction, &["b"], LockWait::NoWait).await.expect_err("lost");
        assert!(matches!(&error, Error::RolledBack { .. }), "{error}");
        transaction.rollback().await.expect("releases");
    });
    world.script.assert_done();
}

#[test]
fn a_transaction_that_is_too_old_is_given_up() {
    let world = World::new(ClientConfig {
        transaction_lifetime_max: Duration::from_secs(15),
        ..ClientConfig::default()
    });
    world.script.expect("1 lock a for a", locked(1));
    world.script.expect("1 beat a", beaten());
    let mut transaction = world.simulation.block_on(begin(&world));
    world.simulation.block_on(lock_keys(&mut transaction, &["a"], LockWait::NoWait)).expect("locks");
    world.simulation.run_for(Duration::from_secs(60));
    world.script.assert_done();
    // Others removed the lock meanwhile and committed: prewrite is told that it is lost.
    let lost = kvrpcpb::KeyError { abort: "the lock is lost".to_owned(), ..kvrpcpb::KeyError::default() };
    world.script.expect(
        "1 one-pc a",
        Answer::Prewrite(kvrpcpb::PrewriteResponse { errors: vec![lost], ..Default::default() }),
    );
    world.script.expect("1 rollback a", Answer::RollBack(kvrpcpb::BatchRollbackResponse::default()));
    transaction.put(Bytes::from_static(b"a"), Bytes::from_static(b"v"));
    let error = world.run(transaction.commit()).expect_err("too late");
    assert!(matches!(&error, Error::RolledBack { cause, .. } if cause == "the lock is lost"), "{error}");
}

/// Sessions run on tasks that move between threads.
#[test]
fn what_a_transaction_waits_for_may_move_between_threads() {
    fn movable<T: Send>(future: T) -> T {
        future
    }
    let world = world();
    world.script.expect("1 lock a for a", locked(1));
    world.script.expect(
        "1 one-pc a",
        Answer::Prewrite(kvrpcpb::PrewriteResponse {
            one_pc_commit_ts: 99,
            ..kvrpcpb::PrewriteResponse::default()
        }),
    );
    let commit_ts = world.run(movable(async {
        let mut transaction = begin(&world).await;
        movable(lock_keys(&mut transaction, &["a"], LockWait::NoWait)).await.expect("locks");
        transaction.put(Bytes::from_static(b"a"), Bytes::from_static(b"v"));
        movable(transaction.commit()).await
    }));
    assert_eq!(commit_ts.expect("commits").into_inner(), 99);
}
