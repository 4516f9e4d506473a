//! Reads under leader changes, splits, dead stores and locks.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use super::scripted::{Answer, World, lock, not_leader, region, split_into};
use crate::{ClientConfig, Error, ReplicaRead, Result};

fn world() -> World {
    World::new(ClientConfig { retry_budget: Duration::from_secs(5), ..ClientConfig::default() })
}

fn found() -> Answer {
    Answer::Get(kvrpcpb::GetResponse { value: Bytes::from_static(b"v"), ..kvrpcpb::GetResponse::default() })
}

fn region_error(error: rutile_kv_proto::errorpb::Error) -> Answer {
    Answer::Get(kvrpcpb::GetResponse {
        region_error: Some(Box::new(error)),
        ..kvrpcpb::GetResponse::default()
    })
}

fn locked(lock: kvrpcpb::LockInfo) -> Answer {
    let error = kvrpcpb::KeyError { locked: Some(lock), ..kvrpcpb::KeyError::default() };
    Answer::Get(kvrpcpb::GetResponse { error: Some(Box::new(error)), ..kvrpcpb::GetResponse::default() })
}

fn get(world: &World, key: &str) -> Result<Option<Bytes>> {
    world.run(async {
        let ts = world.client.timestamp().await?;
        world.client.snapshot(ts).get(key.as_bytes()).await
    })
}

#[test]
fn a_leader_hint_is_followed_at_once() {
    let world = world();
    let other = region(2, "", "", 1).peers.last().cloned();
    world.script.expect("1 get a", region_error(not_leader(other)));
    world.script.expect("2 get a", found());
    let before = world.simulation.env().clock.now();
    assert_eq!(get(&world, "a").expect("reads"), Some(Bytes::from_static(b"v")));
    assert_eq!(world.simulation.env().clock.now() - before, Duration::ZERO, "no pause");
    world.script.expect("2 get b", found());
    get(&world, "b").expect("the new leader is remembered");
}

#[test]
fn two_peers_that_name_each_other_do_not_spin() {
    let world = world();
    let peers = region(2, "", "", 1).peers;
    for _ in 0..4 {
        world.script.expect("1 get a", region_error(not_leader(peers.last().cloned())));
        world.script.expect("2 get a", region_error(not_leader(peers.first().cloned())));
    }
    world.script.expect("1 get a", found());
    let before = world.simulation.env().clock.now();
    get(&world, "a").expect("reads");
    assert!(world.simulation.env().clock.now() - before > Duration::from_millis(10), "pauses after a few");
}

#[test]
fn a_split_is_learned_from_the_error() {
    let world = world();
    world.script.expect("1 get z", region_error(split_into(&[region(3, "", "m", 2), region(2, "m", "", 2)])));
    world.script.expect("1 get z", found());
    get(&world, "z").expect("reads");
    world.script.expect("1 get a", found());
    get(&world, "a").expect("the other half was learned, too");
}

#[test]
fn a_dead_store_ends_in_an_error_that_names_it() {
    let world = world();
    world.script.forever("1 get a", || Answer::Lost);
    let error = get(&world, "a").expect_err("gives up");
    assert!(matches!(&error, Error::Backoff { cause, .. } if cause.contains("store 1")), "{error}");
    assert!(error.to_string().contains("connection reset"), "{error}");
}

#[test]
fn a_committed_owner_is_finished_and_remembered() {
    let world = world();
    world.script.expect("1 get a", locked(lock("a", 3, 1)));
    let status =
        kvrpcpb::CheckTxnStatusResponse { commit_version: 4, ..kvrpcpb::CheckTxnStatusResponse::default() };
    world.script.expect("1 check p@3", Answer::Check(status));
    world.script.expect("1 resolve a to 4", Answer::Resolve(kvrpcpb::ResolveLockResponse::default()));
    world.script.expect("1 get a", found());
    get(&world, "a").expect("reads");
    world.script.expect("1 get b", locked(lock("b", 3, 1)));
    world.script.expect("1 resolve b to 4", Answer::Resolve(kvrpcpb::ResolveLockResponse::default()));
    world.script.expect("1 get b", found());
    get(&world, "b").expect("reads without asking the primary again");
}

#[test]
fn an_owner_that_never_reached_its_primary_is_rolled_back_after_its_time() {
    let world = world();
    world.script.expect("1 get a", locked(lock("a", 3, 1)));
    let missing = kvrpcpb::TxnNotFound { start_ts: 3, primary_key: Bytes::from_static(b"p") };
    let error = kvrpcpb::KeyError { txn_not_found: Some(missing), ..kvrpcpb::KeyError::default() };
    let answer = kvrpcpb::CheckTxnStatusResponse {
        error: Some(Box::new(error)),
        ..kvrpcpb::CheckTxnStatusResponse::default()
    };
    world.script.expect("1 check p@3", Answer::Check(answer));
    world.script.expect("1 check p@3 force", Answer::Check(kvrpcpb::CheckTxnStatusResponse::default()));
    world.script.expect("1 resolve a to 0", Answer::Resolve(kvrpcpb::ResolveLockResponse::default()));
    world.script.expect("1 get a", found());
    get(&world, "a").expect("reads");
}

#[test]
fn a_living_owner_is_waited_for_within_the_budget() {
    let world = world();
    let now = world.simulation.env().clock.unix_millis();
    let owner = TimeStamp::compose(now, 0).into_inner();
    let alive =
        kvrpcpb::CheckTxnStatusResponse { lock_ttl: 60_000, ..kvrpcpb::CheckTxnStatusResponse::default() };
    // The script can not borrow `owner` in a function pointer, so a bounded number of rounds is written down.
    for _ in 0..40 {
        world.script.expect("1 get a", locked(lock("a", owner, 60_000)));
        world.script.expect(&format!("1 check p@{owner}"), Answer::Check(alive.clone()));
    }
    let outcome = world.simulation.block_on(async {
        let ts = world.client.timestamp().await?;
        world.client.snapshot(ts).get(b"a").await
    });
    match outcome.expect_err("stays locked") {
        Error::KeyLocked { lock_ts, waited, .. } => {
            assert_eq!(lock_ts.into_inner(), owner);
            assert!(waited >= Duration::from_secs(5) && waited < Duration::from_secs(7), "{waited:?}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_pushed_owner_is_read_past() {
    let world = world();
    world.script.expect("1 get a", locked(lock("a", u64::MAX >> 1, 1_000)));
    let pushed = kvrpcpb::CheckTxnStatusResponse {
        lock_ttl: 1_000,
        action: kvrpcpb::Action::MinCommitTsPushed as i32,
        ..kvrpcpb::CheckTxnStatusResponse::default()
    };
    world.script.expect(&format!("1 check p@{}", u64::MAX >> 1), Answer::Check(pushed));
    world.script.expect("1 get a", found());
    get(&world, "a").expect("reads");
}

#[test]
fn a_follower_is_asked_first_and_the_leader_when_it_does_not_serve() {
    let world = world();
    let read = |wanted: ReplicaRead, age_s: u64| {
        world.run(async {
            let ts = world.client.timestamp().await.expect("PD answers");
            let snapshot = world.client.snapshot(ts).read_from(wanted);
            world.simulation.env().clock.sleep(Duration::from_secs(age_s)).await;
            snapshot.get(b"a").await.expect("reads")
        })
    };
    let value = Some(Bytes::from_static(b"v"));
    world.script.expect("2 get a", found());
    assert_eq!(read(ReplicaRead::Follower, 0), value);
    assert_eq!(world.client.follower_reads(), 1);
    // Behind, or locked there: the leader knows better.
    world.script.expect("2 get a", region_error(not_leader(None)));
    world.script.expect("1 get a", found());
    assert_eq!(read(ReplicaRead::Follower, 0), value);
    world.script.expect("2 get a", locked(lock("a", 5, 1_000)));
    world.script.expect("1 get a", found());
    assert_eq!(read(ReplicaRead::Follower, 0), value);
    world.script.expect("1 get a", found());
    assert_eq!(read(ReplicaRead::Follower, 61), value, "versions may be gone where they are not known to be");
    // Away: it is left alone for a while.
    world.script.expect("2 get a", Answer::Lost);
    for _ in 0..3 {
        world.script.expect("1 get a", found());
        assert_eq!(read(ReplicaRead::Follower, 0), value);
    }
    world.script.expect("2 get a", found());
    assert_eq!(read(ReplicaRead::Follower, 11), value);
    // All in turn, and the leader alone.
    world.script.forever("1 get a", found);
    world.script.forever("2 get a", found);
    let before = world.client.follower_reads();
    (0..10).for_each(|_| drop(read(ReplicaRead::LeaderAndFollower, 0)));
    assert_eq!(world.client.follower_reads() - before, 5);
    (0..10).for_each(|_| drop(read(ReplicaRead::Leader, 0)));
    assert_eq!(world.client.follower_reads() - before, 5);
}
