//! Transaction commands: each request becomes one command of `txn`.
use rutile_kv_proto::{Status, kvrpcpb};
use rutile_kv_types::TimeStamp;

use super::from_wire;
use super::to_wire::{self, Failure};
use crate::replica::{RegionContext, Replica};
use crate::txn::{Commit, HeartBeat, Prewrite, Prewritten, ResolveLock, Rollback, Scheduler};

/// First phase, or all of a one-phase commit.
pub async fn prewrite<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    command: Prewrite,
) -> Result<kvrpcpb::PrewriteResponse, Failure> {
    let one_pc = command.try_one_pc;
    let mut response = kvrpcpb::PrewriteResponse::default();
    match scheduler.run(context, command).await? {
        Prewritten::Blocked(locks) => {
            response.errors = locks
                .into_iter()
                .map(|locked| kvrpcpb::KeyError {
                    locked: Some(to_wire::lock_info(locked)),
                    ..Default::default()
                })
                .collect();
        }
        Prewritten::Locked => {}
        Prewritten::Committed { commit_ts } if one_pc => response.one_pc_commit_ts = commit_ts.into(),
        Prewritten::Committed { commit_ts } => response.min_commit_ts = commit_ts.into(),
    }
    Ok(response)
}

/// Second phase.
pub async fn commit<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    request: &kvrpcpb::CommitRequest,
) -> Result<TimeStamp, Failure> {
    let keys = from_wire::keys(&request.keys);
    let command = Commit::new(keys, request.start_version.into(), request.commit_version.into());
    Ok(scheduler.run(context, command).await?)
}

/// Rollback of listed keys.
pub async fn rollback<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    request: &kvrpcpb::BatchRollbackRequest,
) -> Result<(), Failure> {
    let command = Rollback::new(from_wire::keys(&request.keys), request.start_version.into());
    Ok(scheduler.run(context, command).await?)
}

/// Listed keys of one transaction, or the whole region for all transactions named.
pub async fn resolve_lock<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    request: &kvrpcpb::ResolveLockRequest,
) -> Result<(), Failure> {
    let verdicts = from_wire::verdicts(request);
    if request.keys.is_empty() {
        return Ok(scheduler.resolve_region(context, &verdicts).await?);
    }
    let [verdict] = verdicts.as_slice() else {
        return Err(Failure::Status(Status::invalid_argument("keys belong to one transaction")));
    };
    let command = ResolveLock::of_transaction(from_wire::keys(&request.keys), *verdict);
    Ok(scheduler.run(context, command).await?)
}

/// A longer life for the primary lock.
pub async fn heart_beat<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    request: &kvrpcpb::TxnHeartBeatRequest,
) -> Result<u64, Failure> {
    let command =
        HeartBeat::new(&request.primary_lock, request.start_version.into(), request.advise_lock_ttl);
    Ok(scheduler.run(context, command).await?)
}
