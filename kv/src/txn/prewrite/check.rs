//! What one mutation may do, from the lock and the records of its key.
use rutile_kv_types::{Key, Lock, Mutation, MutationOp, TimeStamp, Write, WriteType};

use super::command::{PessimisticAction, Prewrite};
use crate::error::{ConflictReason, Error, KeyError, LockLoss, LockedKey, Result};
use crate::mvcc::{Reader, TxnRecord};

/// What one mutation needs.
pub(super) enum Check {
    /// Lock and value must be written; over the transaction's own pessimistic lock, if there is one.
    Write {
        replaced: Option<Box<Lock>>,
    },
    /// Only a check was asked for.
    Nothing,
    /// The request came before.
    Prewritten(Box<Lock>),
    Blocked(Box<LockedKey>),
    Committed(TimeStamp),
}

/// What the newest records mean to a mutation.
enum Newer {
    Nothing,
    Conflict { commit_ts: TimeStamp, write: Write, reason: ConflictReason },
    LockLost,
    Committed(TimeStamp),
}

impl Prewrite {
    pub(super) fn check(&self, index: usize, reader: &mut Reader<'_>) -> Result<Check> {
        let (key, mutation) = (&self.keys[index], &self.mutations[index]);
        let relies_on_lock = self.action(index) == Some(PessimisticAction::PessimisticCheck);
        match reader.load_lock(key)? {
            Some(lock) if lock.start_ts != self.start_ts => self.check_foreign(index, lock, reader),
            Some(lock) if lock.is_pessimistic() && self.is_pessimistic() => {
                // The lock kept all others out since it was granted.
                Ok(Check::Write { replaced: Some(Box::new(lock)) })
            }
            Some(lock) if lock.is_pessimistic() => {
                Err(KeyError::LockTypeNotMatch { start_ts: self.start_ts, key: mutation.key.to_vec() }.into())
            }
            Some(lock) => Ok(Check::Prewritten(Box::new(lock))),
            None if relies_on_lock => self.amend(index, reader),
            None => self.check_newest(index, reader),
        }
    }

    /// `None` in an optimistic transaction.
    fn action(&self, index: usize) -> Option<PessimisticAction> {
        self.is_pessimistic().then(|| self.actions.get(index).copied().unwrap_or_default())
    }

    fn check_foreign(&self, index: usize, mut lock: Lock, reader: &mut Reader<'_>) -> Result<Check> {
        let (key, mutation) = (&self.keys[index], &self.mutations[index]);
        if let Some(commit_ts) = own_commit(reader, key, self.start_ts)? {
            return Ok(Check::Committed(commit_ts));
        }
        match self.action(index) {
            Some(PessimisticAction::PessimisticCheck) => {
                return Err(self.lock_lost(mutation, LockLoss::LockTsMismatch));
            }
            // The lock of another key keeps living writers out, so its owner is dead: resolve it at once.
            Some(PessimisticAction::Skip) => lock.ttl_ms = 0,
            Some(PessimisticAction::ConstraintCheck) | None => {}
        }
        Ok(Check::Blocked(Box::new(LockedKey { key: mutation.key.to_vec(), lock })))
    }

    /// The pessimistic lock is not there. It may have been lost with a leader, or removed after its time; it is as
    /// good as held when nobody wrote the key since the transaction started.
    fn amend(&self, index: usize, reader: &mut Reader<'_>) -> Result<Check> {
        let (key, mutation) = (&self.keys[index], &self.mutations[index]);
        match reader.seek_write(key, TimeStamp::MAX)? {
            Some((commit_ts, _)) if commit_ts >= self.start_ts => {
                match own_commit(reader, key, self.start_ts)? {
                    Some(commit_ts) => Ok(Check::Committed(commit_ts)),
                    None => Err(self.lock_lost(mutation, LockLoss::LockMissingAmendFail)),
                }
            }
            _ => Ok(Check::Write { replaced: None }),
        }
    }

    /// No lock and none to rely on: the newest records decide.
    fn check_newest(&self, index: usize, reader: &mut Reader<'_>) -> Result<Check> {
        let (key, mutation) = (&self.keys[index], &self.mutations[index]);
        let newest = reader.seek_write(key, TimeStamp::MAX)?;
        let newer = match &newest {
            None => Newer::Nothing,
            Some((commit_ts, write)) => self.judge(index, *commit_ts, write, reader)?,
        };
        match newer {
            Newer::Nothing => {}
            Newer::Committed(commit_ts) => return Ok(Check::Committed(commit_ts)),
            Newer::LockLost => return Err(self.lock_lost(mutation, LockLoss::NonLockKeyConflict)),
            Newer::Conflict { commit_ts, write, reason } => {
                if let Some(commit_ts) = own_commit(reader, key, self.start_ts)? {
                    return Ok(Check::Committed(commit_ts));
                }
                return Err(self.write_conflict(mutation, commit_ts, &write, reason));
            }
        }
        if mutation.op.should_not_exist() && exists(reader, key, newest)? {
            return Err(KeyError::AlreadyExists { key: mutation.key.to_vec() }.into());
        }
        match mutation.op {
            MutationOp::CheckNotExists => Ok(Check::Nothing),
            _ => Ok(Check::Write { replaced: None }),
        }
    }

    fn judge(
        &self,
        index: usize,
        commit_ts: TimeStamp,
        write: &Write,
        reader: &mut Reader<'_>,
    ) -> Result<Newer> {
        let rolled_back = write.write_type == WriteType::Rollback || write.has_overlapped_rollback;
        let conflict = |reason| Newer::Conflict { commit_ts, write: write.clone(), reason };
        if commit_ts == self.start_ts && rolled_back {
            return Ok(conflict(ConflictReason::SelfRolledBack));
        }
        if commit_ts <= self.start_ts {
            return Ok(Newer::Nothing);
        }
        match self.action(index) {
            None => Ok(conflict(ConflictReason::Optimistic)),
            Some(PessimisticAction::ConstraintCheck) => Ok(conflict(ConflictReason::LazyUniquenessCheck)),
            Some(PessimisticAction::PessimisticCheck | PessimisticAction::Skip) => {
                self.judge_protected(index, reader)
            }
        }
    }

    /// A key that the lock of another one protects: records up to `for_update_ts` are fine, but neither an own
    /// rollback below them nor a change above.
    fn judge_protected(&self, index: usize, reader: &mut Reader<'_>) -> Result<Newer> {
        let key = &self.keys[index];
        match reader.txn_record(key, self.start_ts)? {
            TxnRecord::Own { commit_ts, write } if write.write_type == WriteType::Rollback => {
                let reason = ConflictReason::SelfRolledBack;
                return Ok(Newer::Conflict { commit_ts, write, reason });
            }
            TxnRecord::OverlappedRollback => {
                let (commit_ts, reason) = (self.start_ts, ConflictReason::SelfRolledBack);
                let write = Write::new_rollback(self.start_ts, true);
                return Ok(Newer::Conflict { commit_ts, write, reason });
            }
            TxnRecord::Own { commit_ts, .. } => return Ok(Newer::Committed(commit_ts)),
            TxnRecord::None { .. } => {}
        }
        let mut at = TimeStamp::MAX;
        while let Some((commit_ts, write)) = reader.seek_write(key, at)? {
            if commit_ts <= self.for_update_ts {
                break;
            }
            if write.write_type != WriteType::Rollback {
                return Ok(Newer::LockLost);
            }
            at = commit_ts.prev();
        }
        Ok(Newer::Nothing)
    }

    fn lock_lost(&self, mutation: &Mutation, reason: LockLoss) -> Error {
        let key = mutation.key.to_vec();
        KeyError::PessimisticLockNotFound { start_ts: self.start_ts, key, reason }.into()
    }

    fn write_conflict(
        &self,
        mutation: &Mutation,
        commit_ts: TimeStamp,
        write: &Write,
        reason: ConflictReason,
    ) -> Error {
        KeyError::WriteConflict {
            start_ts: self.start_ts,
            conflict_start_ts: write.start_ts,
            conflict_commit_ts: commit_ts,
            key: mutation.key.to_vec(),
            primary: self.primary.to_vec(),
            reason,
        }
        .into()
    }
}

/// When this transaction committed on the key, if it did.
fn own_commit(reader: &mut Reader<'_>, key: &Key, start_ts: TimeStamp) -> Result<Option<TimeStamp>> {
    match reader.txn_record(key, start_ts)? {
        TxnRecord::Own { commit_ts, write } if write.write_type != WriteType::Rollback => Ok(Some(commit_ts)),
        _ => Ok(None),
    }
}

/// Whether the key has a value now, given its newest record.
fn exists(reader: &mut Reader<'_>, key: &Key, newest: Option<(TimeStamp, Write)>) -> Result<bool> {
    match newest {
        None => Ok(false),
        Some((_, write)) if write.write_type == WriteType::Delete => Ok(false),
        Some((_, write)) if write.write_type == WriteType::Put => {
            Ok(write.is_visible_under_gc_fence(TimeStamp::MAX))
        }
        Some(_) => Ok(reader.visible_put(key, TimeStamp::MAX)?.is_some()),
    }
}
