//! Commit under region errors, lost answers, conflicts and slow stores.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;

use super::scripted::{Answer, World, lock, not_leader, region, split_into};
use crate::{ClientConfig, Error, Result, TransactionOptions};

fn world() -> World {
    let config = ClientConfig { commit_budget: Duration::from_secs(10), ..ClientConfig::default() };
    World::new(ClientConfig { async_commit: false, ..config })
}

fn prewritten(one_pc_commit_ts: u64) -> Answer {
    Answer::Prewrite(kvrpcpb::PrewriteResponse { one_pc_commit_ts, ..kvrpcpb::PrewriteResponse::default() })
}

fn committed() -> Answer {
    Answer::Commit(kvrpcpb::CommitResponse::default())
}

fn prewrite_error(error: kvrpcpb::KeyError) -> Answer {
    Answer::Prewrite(kvrpcpb::PrewriteResponse {
        errors: vec![error],
        ..kvrpcpb::PrewriteResponse::default()
    })
}

fn commit(world: &World, keys: &[&'static str]) -> Result<u64> {
    world.run(async {
        let mut transaction = world.client.begin(TransactionOptions::default()).await?;
        for key in keys {
            transaction.put(Bytes::from_static(key.as_bytes()), Bytes::from_static(b"v"));
        }
        transaction.commit().await.map(u64::from)
    })
}

/// The region of all keys was split at "m".
fn split() -> rutile_kv_proto::errorpb::Error {
    split_into(&[region(3, "", "m", 2), region(2, "m", "", 2)])
}

#[test]
fn one_region_is_one_request() {
    let world = world();
    world.script.expect("1 one-pc a,z", prewritten(77));
    assert_eq!(commit(&world, &["a", "z"]).expect("commits"), 77);
}

#[test]
fn a_split_before_prewrite_makes_two_phases() {
    let world = world();
    let region_error = Some(Box::new(split()));
    world.script.expect(
        "1 one-pc a,z",
        Answer::Prewrite(kvrpcpb::PrewriteResponse { region_error, ..kvrpcpb::PrewriteResponse::default() }),
    );
    world.script.expect("1 prewrite a", prewritten(0));
    world.script.expect("1 prewrite z", prewritten(0));
    world.script.expect("1 commit a", committed());
    world.script.expect("1 commit z", committed());
    commit(&world, &["a", "z"]).expect("commits");
}

#[test]
fn a_split_and_a_new_leader_in_the_middle_of_commit_are_followed() {
    let world = world();
    world.script.expect("1 one-pc a,z", prewritten(0));
    let region_error = Some(Box::new(split()));
    world.script.expect(
        "1 commit a,z",
        Answer::Commit(kvrpcpb::CommitResponse { region_error, ..kvrpcpb::CommitResponse::default() }),
    );
    let region_error = Some(Box::new(not_leader(region(3, "", "m", 2).peers.last().cloned())));
    world.script.expect(
        "1 commit a",
        Answer::Commit(kvrpcpb::CommitResponse { region_error, ..kvrpcpb::CommitResponse::default() }),
    );
    world.script.expect("2 commit a", committed());
    world.script.expect("1 commit z", committed());
    commit(&world, &["a", "z"]).expect("commits");
}

#[test]
fn a_lost_answer_is_asked_for_again() {
    let world = world();
    world.script.expect("1 one-pc a", Answer::Lost);
    world.script.expect("1 one-pc a", prewritten(88));
    assert_eq!(commit(&world, &["a"]).expect("commits"), 88);
}

#[test]
fn a_lost_answer_of_one_phase_and_a_split_keep_the_commit_timestamp() {
    let world = world();
    world.script.expect("1 one-pc a,z", Answer::Lost);
    let region_error = Some(Box::new(split()));
    world.script.expect(
        "1 one-pc a,z",
        Answer::Prewrite(kvrpcpb::PrewriteResponse { region_error, ..kvrpcpb::PrewriteResponse::default() }),
    );
    // Asked for locks, the store says when the transaction was committed.
    for call in ["1 prewrite a", "1 prewrite z"] {
        world.script.forever(call, || {
            let min_commit_ts = 88;
            Answer::Prewrite(kvrpcpb::PrewriteResponse { min_commit_ts, ..Default::default() })
        });
    }
    assert_eq!(commit(&world, &["a", "z"]).expect("commits"), 88);
}

#[test]
fn a_primary_without_answer_is_undetermined_and_not_rolled_back() {
    let world = world();
    world.script.expect("1 one-pc a,z", prewritten(0));
    world.script.forever("1 commit a,z", || Answer::Lost);
    world.script.forever("1 beat a", || Answer::Lost);
    let error = commit(&world, &["a", "z"]).expect_err("can not know");
    assert!(
        matches!(&error, Error::Undetermined { cause, .. } if cause.contains("connection reset")),
        "{error}"
    );
}

#[test]
fn a_store_that_never_ran_the_commit_leaves_no_doubt() {
    let world = world();
    world.script.expect("1 one-pc a", prewritten(0));
    world.script.forever("1 commit a", || {
        let region_error = Some(Box::new(not_leader(None)));
        Answer::Commit(kvrpcpb::CommitResponse { region_error, ..kvrpcpb::CommitResponse::default() })
    });
    world.script.forever("1 beat a", || Answer::Beat(kvrpcpb::TxnHeartBeatResponse::default()));
    world.script.forever("1 rollback a", || Answer::RollBack(kvrpcpb::BatchRollbackResponse::default()));
    let error = commit(&world, &["a"]).expect_err("gives up");
    assert!(matches!(&error, Error::Backoff { cause, .. } if cause.contains("not leader")), "{error}");
}

#[test]
fn a_conflict_removes_the_locks_of_other_regions() {
    let world = world();
    let region_error = Some(Box::new(split()));
    world.script.expect(
        "1 one-pc a,z",
        Answer::Prewrite(kvrpcpb::PrewriteResponse { region_error, ..kvrpcpb::PrewriteResponse::default() }),
    );
    world.script.expect("1 prewrite a", prewritten(0));
    let conflict = kvrpcpb::WriteConflict {
        conflict_ts: 5,
        conflict_commit_ts: 6,
        key: Bytes::from_static(b"z"),
        ..kvrpcpb::WriteConflict::default()
    };
    let error = kvrpcpb::KeyError { conflict: Some(conflict), ..kvrpcpb::KeyError::default() };
    world.script.expect("1 prewrite z", prewrite_error(error));
    world.script.expect("1 rollback a", Answer::RollBack(kvrpcpb::BatchRollbackResponse::default()));
    world.script.expect("1 rollback z", Answer::RollBack(kvrpcpb::BatchRollbackResponse::default()));
    match commit(&world, &["a", "z"]).expect_err("conflicts") {
        Error::WriteConflict { conflict_start_ts, conflict_commit_ts, key, .. } => {
            assert_eq!((conflict_start_ts.into_inner(), conflict_commit_ts.into_inner()), (5, 6));
            assert_eq!(key, Bytes::from_static(b"z"));
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_pushed_commit_timestamp_is_taken_anew() {
    let world = world();
    world.script.expect("1 one-pc a", prewritten(0));
    let expired = kvrpcpb::CommitTsExpired { min_commit_ts: 1, ..kvrpcpb::CommitTsExpired::default() };
    let error = kvrpcpb::KeyError { commit_ts_expired: Some(expired), ..kvrpcpb::KeyError::default() };
    world.script.expect(
        "1 commit a",
        Answer::Commit(kvrpcpb::CommitResponse {
            error: Some(Box::new(error)),
            ..kvrpcpb::CommitResponse::default()
        }),
    );
    world.script.expect("1 commit a", committed());
    commit(&world, &["a"]).expect("commits");
}

#[test]
fn locks_of_a_dead_transaction_are_removed_on_the_way() {
    let world = world();
    let error = kvrpcpb::KeyError { locked: Some(lock("a", 3, 1)), ..kvrpcpb::KeyError::default() };
    world.script.expect("1 one-pc a", prewrite_error(error));
    world.script.expect("1 check p@3", Answer::Check(kvrpcpb::CheckTxnStatusResponse::default()));
    world.script.expect("1 resolve a to 0", Answer::Resolve(kvrpcpb::ResolveLockResponse::default()));
    world.script.expect("1 one-pc a", prewritten(99));
    assert_eq!(commit(&world, &["a"]).expect("commits"), 99);
}

#[test]
fn an_async_commit_is_answered_before_its_records_are_written() {
    let world = World::new(ClientConfig::default());
    let locked = |min_commit_ts| {
        Answer::Prewrite(kvrpcpb::PrewriteResponse { min_commit_ts, ..kvrpcpb::PrewriteResponse::default() })
    };
    let region_error = Some(Box::new(split()));
    world.script.expect(
        "1 one-pc a,z",
        Answer::Prewrite(kvrpcpb::PrewriteResponse { region_error, ..kvrpcpb::PrewriteResponse::default() }),
    );
    world.script.expect("1 prewrite a", locked(91));
    world.script.expect("1 prewrite z", locked(95));
    world.script.expect("1 commit a", committed());
    world.script.expect("1 commit z", committed());
    assert_eq!(commit(&world, &["a", "z"]).expect("commits"), 95);
}
