//! CheckTxnStatus: what became of a transaction, decided at its primary key.
//!
//! Who finds a lock in the way asks here. A lock whose life is over is rolled back; a living one may have
//! its `min_commit_ts` pushed above the asking reader, who may then ignore it; a transaction that left
//! nothing is rolled back in advance when the caller says so, so that a late prewrite fails.
use rutile_kv_types::{Key, Lock, TimeStamp, WriteType};

use super::command::{Command, Decision};
use super::rollback::{remove_lock, rollback_missing};
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{KeyError, LockedKey, Result};
use crate::mvcc::{Reader, TxnRecord, WriteBuffer};

/// Asks for, and if it must decides, the fate of the transaction `lock_ts`.
pub struct CheckTxnStatus {
    primary: [Key; 1],
    pub lock_ts: TimeStamp,
    /// Start of the asking reader; zero when nobody reads, `MAX` for a reader of the latest.
    pub caller_start_ts: TimeStamp,
    pub current_ts: TimeStamp,
    pub rollback_if_not_exist: bool,
    pub force_sync_commit: bool,
    pub resolving_pessimistic_lock: bool,
    pub verify_is_primary: bool,
}

/// The fate of a transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum TxnStatus {
    Committed {
        commit_ts: TimeStamp,
    },
    /// It was rolled back before.
    RolledBack,
    /// Its primary lock lives. `pushed` when the asking reader may ignore it.
    Alive {
        lock: Box<LockedKey>,
        pushed: bool,
    },
    /// Its life was over, it is rolled back now.
    Expired,
    /// The same for a pessimistic lock, which is only removed.
    PessimisticExpired,
    /// It had left nothing and is rolled back now.
    RolledBackMissing,
    /// It had left nothing and nothing was done.
    Missing,
}

impl CheckTxnStatus {
    /// A check that changes nothing but expired locks.
    pub fn new(
        primary: &[u8],
        lock_ts: TimeStamp,
        caller_start_ts: TimeStamp,
        current_ts: TimeStamp,
    ) -> Self {
        CheckTxnStatus {
            primary: [Key::from_raw(primary)],
            lock_ts,
            caller_start_ts,
            current_ts,
            rollback_if_not_exist: false,
            force_sync_commit: false,
            resolving_pessimistic_lock: false,
            verify_is_primary: false,
        }
    }

    fn with_lock(
        &self,
        buffer: &mut WriteBuffer,
        reader: &mut Reader<'_>,
        mut lock: Lock,
    ) -> Result<TxnStatus> {
        let [key] = &self.primary;
        let raw = key.to_raw()?;
        if self.verify_is_primary && *lock.primary != *raw {
            if lock.is_pessimistic() && !self.resolving_pessimistic_lock {
                // A pessimistic lock whose transaction changed its mind about the primary is worth nothing.
                buffer.unlock(key);
                return self.without_lock(buffer, reader, None);
            }
            return Err(KeyError::PrimaryMismatch(LockedKey { key: raw, lock }).into());
        }
        if lock.use_async_commit && !self.force_sync_commit {
            // Only its secondaries can tell whether it has committed, expired or not.
            return Ok(TxnStatus::Alive { lock: Box::new(LockedKey { key: raw, lock }), pushed: false });
        }
        if is_expired(&lock, self.current_ts) {
            if lock.is_pessimistic() && self.resolving_pessimistic_lock {
                buffer.unlock(key);
                return Ok(TxnStatus::PessimisticExpired);
            }
            remove_lock(buffer, reader, key, &lock, true)?;
            return Ok(TxnStatus::Expired);
        }
        let caller = self.caller_start_ts;
        if !lock.min_commit_ts.is_zero() && !caller.is_max() && caller >= lock.min_commit_ts {
            lock.min_commit_ts = caller.next().max(self.current_ts);
            buffer.replace_lock(key, &lock);
        }
        let above_caller = !caller.is_zero() && lock.min_commit_ts > caller;
        let pushed = caller.is_max() || above_caller;
        Ok(TxnStatus::Alive { lock: Box::new(LockedKey { key: raw, lock }), pushed })
    }

    fn without_lock(
        &self,
        buffer: &mut WriteBuffer,
        reader: &mut Reader<'_>,
        foreign: Option<Lock>,
    ) -> Result<TxnStatus> {
        let [key] = &self.primary;
        match reader.txn_record(key, self.lock_ts)? {
            TxnRecord::Own { write, .. } if write.write_type == WriteType::Rollback => {
                Ok(TxnStatus::RolledBack)
            }
            TxnRecord::OverlappedRollback => Ok(TxnStatus::RolledBack),
            TxnRecord::Own { commit_ts, .. } => Ok(TxnStatus::Committed { commit_ts }),
            TxnRecord::None { .. } if !self.rollback_if_not_exist => {
                Err(KeyError::TxnNotFound { start_ts: self.lock_ts, primary: key.to_raw()? }.into())
            }
            TxnRecord::None { .. } if self.resolving_pessimistic_lock => Ok(TxnStatus::Missing),
            TxnRecord::None { .. } => {
                rollback_missing(buffer, reader, key, self.lock_ts, foreign, true)?;
                Ok(TxnStatus::RolledBackMissing)
            }
        }
    }
}

impl Command for CheckTxnStatus {
    type Outcome = TxnStatus;

    fn keys(&self) -> &[Key] {
        &self.primary
    }

    fn decide(
        self,
        reader: &mut Reader<'_>,
        concurrency: &ConcurrencyManager,
    ) -> Result<Decision<TxnStatus>> {
        for ts in [self.lock_ts, self.current_ts, self.caller_start_ts] {
            concurrency.raise_max_ts(ts);
        }
        let mut buffer = reader.buffer(0);
        let status = match reader.load_lock(&self.primary[0])? {
            Some(lock) if lock.start_ts == self.lock_ts => self.with_lock(&mut buffer, reader, lock)?,
            foreign => self.without_lock(&mut buffer, reader, foreign)?,
        };
        Ok(Decision::new(buffer, status))
    }
}

/// Strictly: a lock lives through the last millisecond of its time.
fn is_expired(lock: &Lock, current_ts: TimeStamp) -> bool {
    lock.start_ts.physical().saturating_add(lock.ttl_ms) < current_ts.physical()
}
