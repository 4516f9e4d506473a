//! To the wire: errors and answers of the store as clients know them.
//!
//! Which field of `KeyError` stands for which condition is what clients act on; see TiKV
//! `src/storage/errors.rs`, `extract_key_error`.
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb::write_conflict::Reason;
use rutile_kv_proto::{Code, Status, errorpb, kvrpcpb, metapb};
use rutile_kv_types::{LockType, Region};
use rutile_pd_client::to_wire;

use super::deadlock::entry;
use crate::error::{ConflictReason, Error, KeyError, LockedKey, RegionError};
use crate::txn::{SecondaryStatus, TxnStatus};

/// Where an error goes in an answer.
pub enum Failure {
    Region(Box<errorpb::Error>),
    Key(Box<kvrpcpb::KeyError>),
    Status(Status),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Region(error) => Failure::Region(Box::new(region_error(error))),
            Error::Key(error) => Failure::Key(Box::new(key_error(*error))),
            Error::Invalid(text) => Failure::Status(Status::invalid_argument(text)),
            Error::Stopped => Failure::Status(Status::new(Code::FailedPrecondition, error.to_string())),
            Error::Unknown | Error::Pd(_) => Failure::Status(Status::unavailable(error.to_string())),
            Error::Engine(_) | Error::Codec(_) | Error::Corrupt { .. } => {
                tracing::error!(%error, "request failed");
                Failure::Status(Status::internal(error.to_string()))
            }
        }
    }
}

/// A region error with its one field.
pub fn region_error(error: RegionError) -> errorpb::Error {
    let mut wire = errorpb::Error { message: error.to_string(), ..errorpb::Error::default() };
    match error {
        RegionError::StoreNotMatch { requested, actual } => {
            wire.store_not_match =
                Some(errorpb::StoreNotMatch { request_store_id: requested, actual_store_id: actual });
        }
        RegionError::RegionNotFound { region_id } => {
            wire.region_not_found = Some(errorpb::RegionNotFound { region_id });
        }
        RegionError::PeerMismatch { requested, actual } => {
            wire.mismatch_peer_id =
                Some(errorpb::MismatchPeerId { request_peer_id: requested, store_peer_id: actual });
        }
        RegionError::NotLeader { region_id, leader } => {
            let leader = leader.as_ref().map(to_wire::peer);
            wire.not_leader = Some(errorpb::NotLeader { region_id, leader });
        }
        RegionError::StaleCommand => wire.stale_command = Some(errorpb::StaleCommand {}),
        RegionError::EpochNotMatch { current } => {
            wire.epoch_not_match = Some(errorpb::EpochNotMatch { current_regions: regions(&current) });
        }
        RegionError::KeyNotInRegion { key, region } => {
            wire.key_not_in_region = Some(errorpb::KeyNotInRegion {
                key: key.into(),
                region_id: region.id,
                start_key: region.start_key.clone(),
                end_key: region.end_key.clone(),
            });
        }
        RegionError::ReadIndexNotReady { region_id, reason } => {
            wire.read_index_not_ready =
                Some(errorpb::ReadIndexNotReady { reason: reason.to_owned(), region_id });
        }
        RegionError::ProposalInMergingMode { region_id } => {
            wire.proposal_in_merging_mode = Some(errorpb::ProposalInMergingMode { region_id });
        }
        RegionError::EntryTooLarge { region_id, size } => {
            wire.raft_entry_too_large = Some(errorpb::RaftEntryTooLarge { region_id, entry_size: size });
        }
        RegionError::DiskFull { .. } => {
            let reason = wire.message.clone();
            wire.disk_full = Some(errorpb::DiskFull { store_id: Vec::new(), reason });
        }
        RegionError::Busy { reason } => {
            let reason = reason.to_owned();
            wire.server_is_busy = Some(errorpb::ServerIsBusy { reason, ..errorpb::ServerIsBusy::default() });
        }
    }
    wire
}

/// Regions, bounds included.
pub fn regions(regions: &[Arc<Region>]) -> Vec<metapb::Region> {
    regions.iter().map(|region| to_wire::region(region)).collect()
}

/// A condition on a key.
pub fn key_error(error: KeyError) -> kvrpcpb::KeyError {
    let text = error.to_string();
    let mut wire = kvrpcpb::KeyError::default();
    match error {
        KeyError::Locked(locked) => wire.locked = Some(lock_info(locked)),
        KeyError::WriteConflict { start_ts, conflict_start_ts, conflict_commit_ts, key, primary, reason } => {
            let reason = match reason {
                ConflictReason::Optimistic => Reason::Optimistic,
                ConflictReason::PessimisticRetry => Reason::PessimisticRetry,
                ConflictReason::SelfRolledBack => Reason::SelfRolledBack,
                ConflictReason::LazyUniquenessCheck => Reason::LazyUniquenessCheck,
            };
            wire.conflict = Some(kvrpcpb::WriteConflict {
                start_ts: start_ts.into(),
                conflict_ts: conflict_start_ts.into(),
                key: key.into(),
                primary: primary.into(),
                conflict_commit_ts: conflict_commit_ts.into(),
                reason: reason.into(),
            });
            wire.retryable = text;
        }
        KeyError::AlreadyExists { key } => {
            wire.already_exist = Some(kvrpcpb::AlreadyExist { key: key.into() });
        }
        KeyError::CommitTsExpired { start_ts, commit_ts, key, min_commit_ts } => {
            wire.commit_ts_expired = Some(kvrpcpb::CommitTsExpired {
                start_ts: start_ts.into(),
                attempted_commit_ts: commit_ts.into(),
                key: key.into(),
                min_commit_ts: min_commit_ts.into(),
            });
        }
        KeyError::TxnNotFound { start_ts, primary } => {
            wire.txn_not_found =
                Some(kvrpcpb::TxnNotFound { start_ts: start_ts.into(), primary_key: primary.into() });
        }
        KeyError::TxnLockNotFound { key, .. } => {
            wire.txn_lock_not_found = Some(kvrpcpb::TxnLockNotFound { key: key.into() });
            wire.retryable = text;
        }
        KeyError::PrimaryMismatch(locked) => {
            wire.primary_mismatch = Some(kvrpcpb::PrimaryMismatch { lock_info: Some(lock_info(locked)) });
        }
        KeyError::Deadlock { lock_ts, key, circle } => {
            let wait_chain: Vec<_> = circle.into_iter().map(entry::to_wire).collect();
            wire.deadlock = Some(kvrpcpb::Deadlock {
                lock_ts: lock_ts.into(),
                lock_key: key.into(),
                deadlock_key_hash: entry::circle_hash(&wait_chain),
                wait_chain,
            });
        }
        KeyError::Committed { .. }
        | KeyError::InvalidCommitTs { .. }
        | KeyError::BelowSafePoint { .. }
        | KeyError::LockTypeNotMatch { .. }
        | KeyError::PessimisticLockNotFound { .. }
        | KeyError::PessimisticLockRolledBack { .. }
        | KeyError::LockIfExistsFailed { .. } => wire.abort = text,
    }
    wire
}

/// A lock as clients resolve it.
pub fn lock_info(locked: LockedKey) -> kvrpcpb::LockInfo {
    let LockedKey { key, lock } = locked;
    let lock_type = match lock.lock_type {
        LockType::Put => kvrpcpb::Op::Put,
        LockType::Delete => kvrpcpb::Op::Del,
        LockType::Lock => kvrpcpb::Op::Lock,
        LockType::Pessimistic | LockType::Shared => kvrpcpb::Op::PessimisticLock,
    };
    kvrpcpb::LockInfo {
        primary_lock: lock.primary,
        lock_version: lock.start_ts.into(),
        key: key.into(),
        lock_ttl: lock.ttl_ms,
        txn_size: lock.txn_size,
        lock_type: lock_type.into(),
        lock_for_update_ts: lock.for_update_ts.into(),
        use_async_commit: lock.use_async_commit,
        min_commit_ts: lock.min_commit_ts.into(),
        secondaries: lock.secondaries,
        duration_to_last_update_ms: 0,
    }
}

/// The error pair that stands for a locked key.
pub fn error_pair(error: Box<kvrpcpb::KeyError>) -> kvrpcpb::KvPair {
    let key = error.locked.as_ref().map_or_else(Bytes::new, |lock| lock.key.clone());
    kvrpcpb::KvPair { error: Some(error), key, value: Bytes::new() }
}

/// What the secondaries of an async commit say: locks, a commit timestamp, or neither when it is rolled back.
pub fn secondary_status(status: SecondaryStatus) -> kvrpcpb::CheckSecondaryLocksResponse {
    let mut wire = kvrpcpb::CheckSecondaryLocksResponse::default();
    match status {
        SecondaryStatus::Locked(locks) => wire.locks = locks.into_iter().map(lock_info).collect(),
        SecondaryStatus::Committed { commit_ts } => wire.commit_ts = commit_ts.into(),
        SecondaryStatus::RolledBack => {}
    }
    wire
}

/// The answer to a status check. A living lock always comes with its description: clients rely on it.
pub fn txn_status(status: TxnStatus) -> kvrpcpb::CheckTxnStatusResponse {
    use kvrpcpb::Action;
    let mut wire = kvrpcpb::CheckTxnStatusResponse::default();
    let action = match status {
        TxnStatus::Committed { commit_ts } => {
            wire.commit_version = commit_ts.into();
            Action::NoAction
        }
        TxnStatus::RolledBack => Action::NoAction,
        TxnStatus::Alive { lock, pushed } => {
            wire.lock_ttl = lock.lock.ttl_ms;
            wire.lock_info = Some(lock_info(*lock));
            if pushed { Action::MinCommitTsPushed } else { Action::NoAction }
        }
        TxnStatus::Expired => Action::TtlExpireRollback,
        TxnStatus::PessimisticExpired => Action::TtlExpirePessimisticRollback,
        TxnStatus::RolledBackMissing => Action::LockNotExistRollback,
        TxnStatus::Missing => Action::LockNotExistDoNothing,
    };
    wire.action = action.into();
    wire
}
