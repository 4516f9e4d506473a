//! From the wire: requests into the words of `txn` and `mvcc`.
//!
//! What the store does not support is refused here, before anything is read.
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_proto::{Status, kvrpcpb};
use rutile_kv_types::{Key, Mutation, MutationOp, TimeStamp};
use rutile_pd_client::from_wire;

use crate::mvcc::ReadOptions;
use crate::replica::RegionContext;
use crate::txn::{
    AcquirePessimisticLock, CheckTxnStatus, LOCK_WAIT_MAX, PessimisticAction, Prewrite, Verdict,
};

/// The addressed region. Every request must carry one.
pub fn region_context(context: Option<&kvrpcpb::Context>) -> Result<RegionContext, Status> {
    let context = context.ok_or_else(|| Status::invalid_argument("request without context"))?;
    let peer = context.peer.as_ref().ok_or_else(|| Status::invalid_argument("context without peer"))?;
    let isolation = kvrpcpb::IsolationLevel::try_from(context.isolation_level);
    if isolation != Ok(kvrpcpb::IsolationLevel::Si) {
        return Err(Status::invalid_argument("only snapshot isolation is supported"));
    }
    Ok(RegionContext {
        region_id: context.region_id,
        epoch: from_wire::epoch(context.region_epoch.as_ref()),
        store_id: peer.store_id,
        peer_id: peer.id,
        term: context.term,
    })
}

/// How to read at `version`.
pub fn read_options(context: Option<&kvrpcpb::Context>, version: u64) -> ReadOptions {
    let mut options = ReadOptions::at(TimeStamp::new(version));
    if let Some(context) = context {
        options.resolved_locks.extend_from_slice(&context.resolved_locks);
        options.committed_locks.extend_from_slice(&context.committed_locks);
        options.fill_cache = !context.not_fill_cache;
        options.replica_read = context.replica_read;
    }
    options
}

/// Encodes user keys.
pub fn keys(raw: &[Bytes]) -> Vec<Key> {
    raw.iter().map(|key| Key::from_raw(key)).collect()
}

/// An encoded bound; the empty bound stays empty.
pub fn bound(raw: &[u8]) -> Vec<u8> {
    if raw.is_empty() { Vec::new() } else { Key::from_raw(raw).into_encoded() }
}

/// A prewrite.
pub fn prewrite(request: kvrpcpb::PrewriteRequest) -> Result<Prewrite, Status> {
    let off = kvrpcpb::AssertionLevel::Off as i32;
    let asserts =
        request.assertion_level != off && request.mutations.iter().any(|mutation| mutation.assertion != 0);
    let unsupported = [(request.skip_constraint_check, "skip_constraint_check"), (asserts, "assertions")];
    if let Some((_, what)) = unsupported.iter().find(|(asked, _)| *asked) {
        return Err(Status::invalid_argument(format!("prewrite: {what} are not supported")));
    }
    if request.start_version == 0 || request.primary_lock.is_empty() {
        return Err(Status::invalid_argument("prewrite needs a start timestamp and a primary key"));
    }
    let mutations = request.mutations.into_iter().map(mutation).collect::<Result<Vec<_>, _>>()?;
    let start_ts = TimeStamp::new(request.start_version);
    let mut prewrite = Prewrite::new(mutations, request.primary_lock, start_ts, request.lock_ttl);
    prewrite.txn_size = request.txn_size;
    prewrite.min_commit_ts = TimeStamp::new(request.min_commit_ts);
    prewrite.max_commit_ts = TimeStamp::new(request.max_commit_ts);
    prewrite.try_one_pc = request.try_one_pc;
    prewrite.secondaries = request.use_async_commit.then_some(request.secondaries);
    prewrite.for_update_ts = TimeStamp::new(request.for_update_ts);
    prewrite.actions = request
        .pessimistic_actions
        .iter()
        .map(|action| pessimistic_action(*action))
        .collect::<Result<_, _>>()?;
    Ok(prewrite)
}

fn pessimistic_action(wire: i32) -> Result<PessimisticAction, Status> {
    use kvrpcpb::prewrite_request::PessimisticAction as Wire;
    match Wire::try_from(wire) {
        Ok(Wire::SkipPessimisticCheck) => Ok(PessimisticAction::Skip),
        Ok(Wire::DoPessimisticCheck) => Ok(PessimisticAction::PessimisticCheck),
        Ok(Wire::DoConstraintCheck) => Ok(PessimisticAction::ConstraintCheck),
        Err(_) => Err(Status::invalid_argument(format!("pessimistic action {wire} is not known"))),
    }
}

/// A request for pessimistic locks, and how long it may wait for those of others.
pub fn pessimistic_lock(
    request: kvrpcpb::PessimisticLockRequest,
) -> Result<(AcquirePessimisticLock, Duration), Status> {
    let normal = kvrpcpb::PessimisticLockWakeUpMode::WakeUpModeNormal as i32;
    if request.force || request.wake_up_mode != normal {
        return Err(Status::invalid_argument("pessimistic lock: locking with conflict is not supported"));
    }
    let (start_ts, for_update_ts) = (request.start_version, request.for_update_ts);
    if start_ts == 0 || for_update_ts < start_ts || request.primary_lock.is_empty() {
        return Err(Status::invalid_argument(
            "pessimistic lock needs a start timestamp, a for_update_ts not below it, and a primary key",
        ));
    }
    let keys = request.mutations.into_iter().map(locked_key).collect::<Result<Vec<_>, _>>()?;
    let mut command = AcquirePessimisticLock::new(
        keys,
        request.primary_lock,
        start_ts.into(),
        for_update_ts.into(),
        request.lock_ttl,
    );
    command.min_commit_ts = request.min_commit_ts.into();
    command.return_values = request.return_values;
    command.check_existence = request.check_existence;
    command.lock_only_if_exists = request.lock_only_if_exists;
    let wait = match u64::try_from(request.wait_timeout) {
        Ok(0) => LOCK_WAIT_MAX,
        Ok(wait_ms) => LOCK_WAIT_MAX.min(Duration::from_millis(wait_ms)),
        Err(_) => Duration::ZERO,
    };
    Ok((command, wait))
}

/// The key, and whether it must have no row.
fn locked_key(wire: kvrpcpb::Mutation) -> Result<(Bytes, bool), Status> {
    if wire.op() != kvrpcpb::Op::PessimisticLock {
        return Err(Status::invalid_argument(format!("mutation op {} can not be locked", wire.op)));
    }
    match wire.assertion() {
        kvrpcpb::Assertion::None => Ok((wire.key, false)),
        kvrpcpb::Assertion::NotExist => Ok((wire.key, true)),
        kvrpcpb::Assertion::Exist => {
            Err(Status::invalid_argument("pessimistic lock: an assertion of existence is not supported"))
        }
    }
}

fn mutation(wire: kvrpcpb::Mutation) -> Result<Mutation, Status> {
    let op = match kvrpcpb::Op::try_from(wire.op) {
        Ok(kvrpcpb::Op::Put) => MutationOp::Put,
        Ok(kvrpcpb::Op::Del) => MutationOp::Delete,
        Ok(kvrpcpb::Op::Lock) => MutationOp::Lock,
        Ok(kvrpcpb::Op::Insert) => MutationOp::Insert,
        Ok(kvrpcpb::Op::CheckNotExists) => MutationOp::CheckNotExists,
        Ok(kvrpcpb::Op::Rollback | kvrpcpb::Op::PessimisticLock) | Err(_) => {
            return Err(Status::invalid_argument(format!("mutation op {} can not be prewritten", wire.op)));
        }
    };
    let value = if matches!(op, MutationOp::Put | MutationOp::Insert) { wire.value } else { Bytes::new() };
    Ok(Mutation { op, key: wire.key, value })
}

/// A status check.
pub fn check_txn_status(request: &kvrpcpb::CheckTxnStatusRequest) -> CheckTxnStatus {
    let ts = TimeStamp::new;
    let (lock_ts, caller, current) = (request.lock_ts, request.caller_start_ts, request.current_ts);
    let mut check = CheckTxnStatus::new(&request.primary_key, ts(lock_ts), ts(caller), ts(current));
    check.rollback_if_not_exist = request.rollback_if_not_exist;
    check.force_sync_commit = request.force_sync_commit;
    check.resolving_pessimistic_lock = request.resolving_pessimistic_lock;
    check.verify_is_primary = request.verify_is_primary;
    check
}

/// The transactions to resolve: a list, or the single one of the older form.
pub fn verdicts(request: &kvrpcpb::ResolveLockRequest) -> Vec<Verdict> {
    let verdict = |start: u64, commit: u64| Verdict { start_ts: start.into(), commit_ts: commit.into() };
    if request.txn_infos.is_empty() {
        return vec![verdict(request.start_version, request.commit_version)];
    }
    request.txn_infos.iter().map(|info| verdict(info.txn, info.status)).collect()
}
