//! Transaction commands: each request becomes one command of `txn`.
use std::time::Duration;

use rutile_kv_proto::{Status, kvrpcpb};
use rutile_kv_types::TimeStamp;

use super::from_wire;
use super::to_wire::{self, Failure};
use crate::error::LockedKey;
use crate::replica::{RegionContext, Replica};
use crate::space::Space;
use crate::txn::{
    AcquirePessimisticLock, Acquired, CheckSecondaryLocks, Commit, HeartBeat, PessimisticRollback, Prewrite,
    Prewritten, ResolveLock, Rollback, Scheduler, SecondaryStatus,
};

/// Locks before there is anything to write.
pub async fn pessimistic_lock<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    command: AcquirePessimisticLock,
    wait: Duration,
) -> Result<kvrpcpb::PessimisticLockResponse, Failure> {
    let mut response = kvrpcpb::PessimisticLockResponse::default();
    match scheduler.acquire(context, &command, wait).await? {
        Acquired::Blocked(locks) => response.errors = locked_errors(locks),
        Acquired::Locked(rows) => {
            // An empty value alone can not tell an empty row from none, so the flags always come along.
            response.not_founds = rows.iter().map(|row| !row.exists).collect();
            if command.return_values {
                response.values = rows.into_iter().map(|row| row.value.unwrap_or_default()).collect();
            }
        }
    }
    Ok(response)
}

/// Releases the pessimistic locks on listed keys, or all of the transaction in the region.
pub async fn pessimistic_rollback<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    request: &kvrpcpb::PessimisticRollbackRequest,
) -> Result<(), Failure> {
    let (start_ts, for_update_ts) = (request.start_version.into(), request.for_update_ts.into());
    if request.keys.is_empty() {
        return Ok(scheduler.release_region(context, start_ts, for_update_ts).await?);
    }
    let command = PessimisticRollback::new(from_wire::keys(&request.keys), start_ts, for_update_ts);
    Ok(scheduler.run(context, command).await?)
}

/// The secondary keys of an async commit.
pub async fn check_secondary_locks<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    request: &kvrpcpb::CheckSecondaryLocksRequest,
) -> Result<SecondaryStatus, Failure> {
    let command = CheckSecondaryLocks::new(from_wire::keys(&request.keys), request.start_version.into());
    Ok(scheduler.run(context, command).await?)
}

fn locked_errors(locks: Vec<LockedKey>) -> Vec<kvrpcpb::KeyError> {
    let error = |locked| kvrpcpb::KeyError { locked: Some(to_wire::lock_info(locked)), ..Default::default() };
    locks.into_iter().map(error).collect()
}

/// First phase, or all of a one-phase commit.
pub async fn prewrite<R: Replica>(
    scheduler: &Scheduler<R>,
    context: &RegionContext,
    space: &Space,
    mut command: Prewrite,
) -> Result<kvrpcpb::PrewriteResponse, Failure> {
    if command.adds_data() {
        space.check()?;
    }
    let one_pc = command.try_one_pc;
    command.plant_bugs(scheduler.hooks());
    let mut response = kvrpcpb::PrewriteResponse::default();
    match scheduler.run(context, command).await? {
        Prewritten::Blocked(locks) => response.errors = locked_errors(locks),
        Prewritten::Locked { min_commit_ts } => response.min_commit_ts = min_commit_ts.into(),
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
