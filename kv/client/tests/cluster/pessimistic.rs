//! Pessimistic transactions: locks, waits, deadlocks, and what they keep together.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_client::{
    Client, Error, LockOptions, LockWait, LockedKeys, Result, ScanOptions, Transaction, TransactionOptions,
};
use rutile_kv_env::Env;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::KeyRange;

use super::{Cluster, all, bank, begin, context_of, fill, key, start, value};

async fn begin_locking(client: &Client) -> Transaction {
    client
        .begin(TransactionOptions { pessimistic: true, ..TransactionOptions::default() })
        .await
        .expect("begins")
}

fn waiting(limit: Duration) -> LockOptions {
    LockOptions { wait: LockWait::Timeout(limit), return_values: true, ..LockOptions::default() }
}

fn no_wait() -> LockOptions {
    LockOptions { wait: LockWait::NoWait, return_values: true, ..LockOptions::default() }
}

fn values(pairs: &[(usize, Bytes)]) -> HashMap<Bytes, Bytes> {
    pairs.iter().map(|(n, value)| (key(*n), value.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_key_is_waited_for_and_read_as_it_is_then() {
    let cluster = start().await;
    for client in cluster.clients() {
        fill(client, 1..2).await;
        let mut first = begin_locking(client).await;
        let mut second = begin_locking(client).await;
        let locked = first.lock_keys(&[key(1), key(2)], &no_wait()).await.expect("free");
        assert_eq!(locked.values, values(&[(1, value(1))]), "an absent key is locked without a value");
        first.put(key(1), value(7));
        let options = waiting(Duration::from_secs(20));
        let keys = [key(1)];
        let (waited, committed) = tokio::join!(second.lock_keys(&keys, &options), async {
            // The other one is in line, or comes later and finds the commit: it sees the new value either way.
            let at_lock = begin(client).await;
            assert_eq!(at_lock.get(&key(1)).await.expect("a lock hides nothing"), Some(value(1)));
            first.commit().await
        });
        let locked = waited.expect("its turn");
        let commit_ts = committed.expect("commits");
        assert!(locked.for_update_ts >= commit_ts);
        assert_eq!(locked.values, values(&[(1, value(7))]));
        assert_eq!(
            second.get(&key(1)).await.expect("reads"),
            Some(value(1)),
            "plain reads stay at the start"
        );
        let view = second.view_at(locked.for_update_ts);
        assert_eq!(view.get(&key(1)).await.expect("reads"), Some(value(7)));
        second.put(key(1), value(8));
        assert_eq!(second.view_at(locked.for_update_ts).get(&key(1)).await.expect("reads"), Some(value(8)));
        second.commit().await.expect("commits without conflict");
        let mut cleaning = begin(client).await;
        assert_eq!(cleaning.get(&key(1)).await.expect("reads"), Some(value(8)));
        cleaning.delete(key(1));
        cleaning.commit().await.expect("nobody holds a lock");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_that_are_not_waited_for() {
    let cluster = start().await;
    let client = &cluster.client;
    fill(client, 0..6).await;
    client.split_region(&[key(3)]).await.expect("splits");
    let mut owner = begin_locking(client).await;
    owner.lock_keys(&[key(1), key(4)], &no_wait()).await.expect("free");
    let mut other = begin_locking(client).await;
    match other.lock_keys(&[key(0), key(1)], &no_wait()).await {
        Err(Error::LockNoWait { key: at, lock_ts }) => {
            assert_eq!((at, lock_ts), (key(1), owner.start_ts()));
        }
        other => panic!("{other:?}"),
    }
    match other.lock_keys(&[key(5), key(4)], &waiting(Duration::from_millis(60))).await {
        Err(Error::LockWaitTimeout { key: at, waited, .. }) => {
            assert_eq!(at, key(4));
            assert!(waited >= Duration::from_millis(60) && waited < Duration::from_secs(5), "{waited:?}");
        }
        other => panic!("{other:?}"),
    }
    // What failed statements had locked is free again.
    let mut third = begin_locking(client).await;
    third.lock_keys(&[key(0), key(5)], &no_wait()).await.expect("released");
    third.rollback().await.expect("releases");
    let skipping = LockOptions { wait: LockWait::SkipLocked, return_values: true, ..LockOptions::default() };
    let keys: Vec<Bytes> = (0..6).map(key).collect();
    let LockedKeys { values: found, skipped, .. } =
        other.lock_keys(&keys, &skipping).await.expect("locks what is free");
    assert_eq!(skipped, [key(1), key(4)]);
    assert_eq!(found, values(&[(0, value(0)), (2, value(2)), (3, value(3)), (5, value(5))]));
    // The same in a transaction whose first key, the primary to be, is not free.
    let mut late = begin_locking(client).await;
    let nothing = late.lock_keys(&keys, &skipping).await.expect("nothing is free");
    assert_eq!(nothing.skipped, keys);
    owner.rollback().await.expect("releases");
    late.lock_keys(&[key(1)], &no_wait()).await.expect("released");
    other.rollback().await.expect("releases");
    late.rollback().await.expect("releases");
    cluster.stop().await;
}

/// Every transaction holds its own key and asks for that of the next one.
async fn circle(client: &Client, size: usize) {
    let mut transactions = Vec::new();
    for n in 0..size {
        let mut transaction = begin_locking(client).await;
        transaction.lock_keys(&[key(n)], &no_wait()).await.expect("free");
        transactions.push(transaction);
    }
    let options = waiting(Duration::from_secs(30));
    let options = &options;
    let waits = transactions.into_iter().enumerate().map(|(n, mut transaction)| async move {
        let outcome = transaction.lock_keys(&[key((n + 1) % size)], options).await;
        transaction.rollback().await.expect("releases");
        outcome.map(|_| ())
    });
    let outcomes: Vec<Result<()>> = futures::future::join_all(waits).await;
    let mut deadlocks = 0;
    for outcome in outcomes {
        match outcome {
            Ok(()) => {}
            Err(Error::Deadlock { wait_chain, .. }) => {
                deadlocks += 1;
                assert_eq!(wait_chain.len(), size);
                let mut next = wait_chain.iter().cycle().skip(1);
                for edge in &wait_chain {
                    assert_eq!(next.next().map(|next| next.waiter), Some(edge.holder), "{wait_chain:?}");
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(deadlocks, 1, "one victim is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlocks_are_found_before_anybody_times_out() {
    let cluster = start().await;
    let started = Env::real().clock.now();
    circle(&cluster.client, 2).await;
    cluster.client.split_region(&[key(1), key(2)]).await.expect("splits");
    circle(&cluster.client, 3).await;
    let took = Env::real().clock.now() - started;
    assert!(took < Duration::from_secs(15), "{took:?}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inserts_are_checked_when_their_key_is_locked() {
    let cluster = start().await;
    for client in cluster.clients() {
        fill(client, 1..2).await;
        let mut transaction = begin_locking(client).await;
        let absent = LockOptions { must_not_exist: true, ..no_wait() };
        match transaction.lock_keys(&[key(1)], &absent).await {
            Err(Error::AlreadyExists { key: at }) => assert_eq!(at, key(1)),
            other => panic!("{other:?}"),
        }
        transaction.lock_keys(&[key(2)], &absent).await.expect("absent");
        transaction.insert(key(2), value(2));
        assert!(matches!(transaction.lock_keys(&[key(2)], &absent).await, Err(Error::AlreadyExists { .. })));
        transaction.commit().await.expect("commits");
        // Without the check at the lock, commit knows from it that the key exists.
        let mut careless = begin_locking(client).await;
        careless.lock_keys(&[key(2)], &no_wait()).await.expect("free");
        careless.insert(key(2), value(3));
        assert!(matches!(careless.commit().await, Err(Error::AlreadyExists { .. })));
        // And a key without a lock is checked at commit.
        let mut unlocked = begin_locking(client).await;
        unlocked.lock_keys(&[key(1)], &no_wait()).await.expect("free");
        unlocked.insert(key(2), value(3));
        assert!(matches!(unlocked.commit().await, Err(Error::AlreadyExists { .. })));
        let mut cleaning = begin_locking(client).await;
        // The failed commit lets go of its locks in the background.
        let options = waiting(Duration::from_secs(20));
        cleaning.lock_keys(&[key(1), key(2)], &options).await.expect("all are released");
        cleaning.delete(key(1));
        cleaning.delete(key(2));
        cleaning.commit().await.expect("commits");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_read_too_early_reads_again() {
    let cluster = start().await;
    let client = &cluster.client;
    fill(client, 0..3).await;
    let mut transaction = begin_locking(client).await;
    let ts = transaction.fresh_for_update_ts().await.expect("a timestamp");
    let mut writer = begin(client).await;
    writer.put(key(1), value(9));
    writer.commit().await.expect("commits");
    let found = transaction.view_at(ts).batch_get(&[key(1)]).await.expect("reads");
    assert_eq!(found, values(&[(1, value(1))]));
    let at = |ts| LockOptions { for_update_ts: Some(ts), ..no_wait() };
    assert!(matches!(
        transaction.lock_keys(&[key(0), key(1)], &at(ts)).await,
        Err(Error::WriteConflict { .. })
    ));
    let ts = transaction.fresh_for_update_ts().await.expect("a timestamp");
    let found = transaction.view_at(ts).batch_get(&[key(1)]).await.expect("reads");
    assert_eq!(found, values(&[(1, value(9))]));
    transaction.lock_keys(&[key(0), key(1)], &at(ts)).await.expect("unchanged since");
    transaction.put(key(1), value(10));
    transaction.commit().await.expect("commits");
    cluster.stop().await;
}

/// Locked keys that are not written still keep optimistic writers from committing past them.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_without_write_is_a_conflict_for_optimistic_writers() {
    let cluster = start().await;
    for client in cluster.clients() {
        fill(client, 0..2).await;
        let mut optimistic = begin(client).await;
        optimistic.put(key(0), value(5));
        let mut locking = begin_locking(client).await;
        locking.lock_keys(&[key(0)], &no_wait()).await.expect("free");
        locking.put(key(1), value(6));
        locking.commit().await.expect("commits");
        assert!(matches!(optimistic.commit().await, Err(Error::WriteConflict { .. })));
        // A transaction that only locks leaves no trace.
        let mut optimistic = begin(client).await;
        optimistic.put(key(0), value(5));
        let mut locking = begin_locking(client).await;
        locking.lock_keys(&[key(0)], &no_wait()).await.expect("free");
        locking.commit().await.expect("nothing to write");
        optimistic.commit().await.expect("no conflict");
    }
    cluster.stop().await;
}

/// Keys written without a lock: checked since the start, or left to the lock of another key.
#[tokio::test(flavor = "multi_thread")]
async fn unlocked_writes_are_checked_unless_guarded() {
    let cluster = start().await;
    for client in cluster.clients() {
        let (row, entry) = (key(0), key(1));
        let mut unguarded = begin_locking(client).await;
        let mut guarded = begin_locking(client).await;
        let mut before = begin_locking(client).await;
        before.lock_keys(std::slice::from_ref(&row), &no_wait()).await.expect("free");
        before.put(row.clone(), value(1));
        before.put(entry.clone(), value(1));
        before.commit().await.expect("commits");
        unguarded.lock_keys(std::slice::from_ref(&row), &no_wait()).await.expect("free");
        unguarded.put(entry.clone(), value(2));
        assert!(matches!(unguarded.commit().await, Err(Error::WriteConflict { .. })));
        let options = waiting(Duration::from_secs(20));
        guarded.lock_keys(std::slice::from_ref(&row), &options).await.expect("released by the failure");
        guarded.put(entry.clone(), value(3));
        guarded.guarded_by_lock(entry.clone());
        guarded.commit().await.expect("the lock of the row is enough");
        assert_eq!(begin(client).await.get(&entry).await.expect("reads"), Some(value(3)));
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_transactions_let_go_of_their_locks() {
    let cluster = start().await;
    let client = &cluster.client;
    let mut dropped = begin_locking(client).await;
    dropped.lock_keys(&[key(0), key(1)], &no_wait()).await.expect("free");
    let mut next = begin_locking(client).await;
    let options = waiting(Duration::from_secs(15));
    let keys = [key(0), key(1)];
    let (locked, ()) = tokio::join!(next.lock_keys(&keys, &options), async { drop(dropped) });
    locked.expect("released");
    let savepoint = next.savepoint();
    next.put(key(0), value(1));
    next.rollback_to(savepoint);
    let mut third = begin_locking(client).await;
    assert!(matches!(third.lock_keys(&[key(0)], &no_wait()).await, Err(Error::LockNoWait { .. })));
    next.rollback().await.expect("releases");
    assert!(matches!(next.lock_keys(&[key(0)], &no_wait()).await, Err(Error::TransactionEnded(_))));
    let mut optimistic = begin(client).await;
    assert!(matches!(optimistic.lock_keys(&[key(0)], &no_wait()).await, Err(Error::Unsupported(_))));
    cluster.stop().await;
}

/// The client of the transactions knows one region; another one splits between every two steps.
#[tokio::test(flavor = "multi_thread")]
async fn splits_between_lock_prewrite_and_commit_are_invisible() {
    let cluster = start().await;
    let (splitter, stale) = (&cluster.client, &cluster.two_phases);
    fill(splitter, 0..300).await;
    let mut transaction = begin_locking(stale).await;
    let keys: Vec<Bytes> = (0..300).step_by(2).map(key).collect();
    transaction.lock_keys(&keys[..10], &no_wait()).await.expect("free");
    splitter.split_region(&[key(4), key(100)]).await.expect("splits");
    let locked = transaction.lock_keys(&keys, &no_wait()).await.expect("across regions");
    assert_eq!(locked.values.len(), keys.len());
    let mut other = begin_locking(splitter).await;
    let options = LockOptions { wait: LockWait::SkipLocked, ..LockOptions::default() };
    let all_keys: Vec<Bytes> = (0..300).map(key).collect();
    let skipped = other.lock_keys(&all_keys, &options).await.expect("locks the others").skipped;
    assert_eq!(skipped, keys, "splits lose no lock");
    splitter.split_region(&[key(50), key(150), key(151)]).await.expect("splits");
    for n in (0..300).step_by(2) {
        transaction.put(key(n), value(n + 1_000));
    }
    splitter.split_region(&[key(200), key(250)]).await.expect("splits");
    transaction.commit().await.expect("commits");
    other.rollback().await.expect("releases");
    let pairs = all(&begin(splitter).await, KeyRange::all(), ScanOptions::default()).await;
    for (n, pair) in pairs.into_iter().enumerate() {
        let expected = if n % 2 == 0 { value(n + 1_000) } else { value(n) };
        assert_eq!(pair, (key(n), expected));
    }
    cluster.stop().await;
}

/// Locks two keys, the first is the primary, as a client that dies then.
async fn leave_locks(cluster: &Cluster, keys: [usize; 2], lock_ttl: u64) {
    let start_ts = cluster.client.timestamp().await.expect("a timestamp").into_inner();
    let mutation = |n: usize| kvrpcpb::Mutation {
        op: kvrpcpb::Op::PessimisticLock as i32,
        key: key(n),
        ..kvrpcpb::Mutation::default()
    };
    for n in keys {
        let request = kvrpcpb::PessimisticLockRequest {
            context: context_of(cluster, n).await,
            mutations: vec![mutation(n)],
            primary_lock: key(keys[0]),
            start_version: start_ts,
            for_update_ts: start_ts,
            lock_ttl,
            ..kvrpcpb::PessimisticLockRequest::default()
        };
        let answer = cluster.store.service().kv_pessimistic_lock(request).await.expect("answers");
        assert_eq!((answer.region_error, answer.errors), (None, Vec::new()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_of_a_dead_owner_are_removed_when_their_time_is_over() {
    let cluster = start().await;
    cluster.client.split_region(&[key(5)]).await.expect("splits");
    leave_locks(&cluster, [1, 7], 200).await;
    let mut next = begin_locking(&cluster.client).await;
    let skipping = LockOptions { wait: LockWait::SkipLocked, ..LockOptions::default() };
    let skipped = next.lock_keys(&[key(1), key(7)], &skipping).await.expect("alive").skipped;
    assert_eq!(skipped, [key(1), key(7)], "the owner may still come back");
    // The secondary first: its owner is found out at the primary.
    let options = waiting(Duration::from_secs(30));
    next.lock_keys(&[key(7)], &options).await.expect("its time is over");
    next.lock_keys(&[key(1)], &options).await.expect("its time is over");
    next.put(key(1), value(1));
    next.put(key(7), value(7));
    next.commit().await.expect("commits");
    cluster.stop().await;
}

/// A transaction that lost a lock without knowing, as it may with a leader, reads and locks the key once more. That must
/// not give it a new lock, under which the write of another in between would be overwritten.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lock_is_not_taken_again_unnoticed() {
    let cluster = start().await;
    for (n, client) in cluster.clients().into_iter().enumerate() {
        fill(client, n..n + 1).await;
        let mut loser = begin_locking(client).await;
        let locked = loser.lock_keys(&[key(n)], &no_wait()).await.expect("free");
        assert_eq!(locked.values, values(&[(n, value(n))]));
        let request = kvrpcpb::PessimisticRollbackRequest {
            context: context_of(&cluster, n).await,
            start_version: loser.start_ts().into_inner(),
            for_update_ts: locked.for_update_ts.into_inner(),
            keys: vec![key(n)],
        };
        let answer = cluster.store.service().kv_pessimistic_rollback(request).await.expect("answers");
        assert_eq!((answer.region_error, answer.errors), (None, Vec::new()));
        let mut other = begin_locking(client).await;
        other.lock_keys(&[key(n)], &no_wait()).await.expect("free");
        other.put(key(n), value(100));
        other.commit().await.expect("commits");
        let again = loser.lock_keys(&[key(n)], &no_wait()).await.expect("believed to be held");
        assert_eq!(again.values, values(&[(n, value(n))]), "what is locked does not change");
        loser.put(key(n), value(200));
        assert!(matches!(loser.commit().await, Err(Error::RolledBack { .. })));
        assert_eq!(begin(client).await.get(&key(n)).await.expect("reads"), Some(value(100)));
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_increments_lose_nothing() {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 25;
    let cluster = start().await;
    let increments = (0..CLIENTS).map(|n| {
        let client = cluster.clients()[n % 3].clone();
        Box::pin(async move {
            for _ in 0..ROUNDS {
                let mut transaction = begin_locking(&client).await;
                let locked = transaction.lock_keys(&[key(0)], &waiting(Duration::from_secs(50))).await;
                let before = bank::number(locked.expect("waits for its turn").values.get(&key(0)));
                transaction.put(key(0), Bytes::from((before + 1).to_string()));
                transaction.commit().await.expect("the lock keeps conflicts away");
            }
        })
    });
    futures::future::join_all(increments).await;
    let total = begin(&cluster.client).await.get(&key(0)).await.expect("reads");
    assert_eq!(bank::number(total.as_ref()), (CLIENTS * ROUNDS) as i64);
    cluster.stop().await;
}

/// Transfers in random order, so that some are deadlocks, while another task splits regions.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transfers_keep_the_total_while_regions_split() {
    let cluster = start().await;
    bank::open(&cluster.client).await;
    let transfers = (0..6_usize).map(|worker| {
        let client = cluster.clients()[worker % 3].clone();
        Box::pin(async move {
            let mut committed = 0;
            for round in 0..30_usize {
                let (from, to) =
                    ((worker * 5 + round * 7) % bank::ACCOUNTS, (worker + round * 3 + 1) % bank::ACCOUNTS);
                if from != to {
                    committed += transfer(&client, from, to).await;
                }
            }
            committed
        })
    });
    let splits = async {
        for n in [6, 3, 9, 1, 11, 5] {
            cluster.client.split_region(&[key(n)]).await.expect("splits");
        }
    };
    let (committed, ()) = tokio::join!(futures::future::join_all(transfers), splits);
    assert!(committed.iter().sum::<usize>() > 100, "{committed:?}");
    let reader = begin(&cluster.client).await;
    assert_eq!(bank::total(&reader, ScanOptions::default()).await, bank::TOTAL);
    cluster.stop().await;
}

/// 1 when it was committed, 0 when it was the victim of a deadlock.
async fn transfer(client: &Client, from: usize, to: usize) -> usize {
    let mut transaction = begin_locking(client).await;
    for (n, change) in [(from, -1), (to, 1)] {
        match transaction.lock_keys(&[key(n)], &waiting(Duration::from_secs(50))).await {
            Ok(locked) => {
                let balance = bank::number(locked.values.get(&key(n))) + change;
                transaction.put(key(n), Bytes::from(balance.to_string()));
            }
            Err(Error::Deadlock { .. }) => {
                transaction.rollback().await.expect("releases");
                return 0;
            }
            Err(error) => panic!("{error}"),
        }
    }
    transaction.commit().await.expect("commits");
    1
}
