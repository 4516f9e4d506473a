//! Rollback: locks go away, and a record forbids a late prewrite or commit.
//!
//! The record is *protected* where the fate of the transaction is decided, at its primary; others are
//! collapsed into the next one on the same key. When a foreign record already sits at `start_ts` (its
//! commit timestamp did not come from PD), a protected rollback is marked on it instead of replacing it.
use rutile_kv_types::{Key, Lock, LockType, TimeStamp, Write, WriteType};

use super::command::{Command, Decision, unique};
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{KeyError, Result};
use crate::mvcc::{Reader, TxnRecord, WriteBuffer};

/// Rolls some keys of a transaction back.
pub struct Rollback {
    keys: Vec<Key>,
    start_ts: TimeStamp,
}

impl Rollback {
    /// A rollback of encoded keys.
    pub fn new(keys: Vec<Key>, start_ts: TimeStamp) -> Self {
        let keys = unique(keys);
        Rollback { keys, start_ts }
    }
}

impl Command for Rollback {
    type Outcome = ();

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn decide(self, reader: &mut Reader<'_>, _: &ConcurrencyManager) -> Result<Decision<()>> {
        let mut buffer = reader.buffer(0);
        for key in &self.keys {
            rollback_key(&mut buffer, reader, key, self.start_ts)?;
        }
        Ok(Decision::new(buffer, ()))
    }
}

/// Rolls one key back; an unprotected record where no lock was.
pub(super) fn rollback_key(
    buffer: &mut WriteBuffer,
    reader: &mut Reader<'_>,
    key: &Key,
    start_ts: TimeStamp,
) -> Result<()> {
    match reader.load_lock(key)? {
        Some(lock) if lock.start_ts == start_ts => {
            let is_primary = *lock.primary == *key.to_raw()?;
            remove_lock(buffer, reader, key, &lock, is_primary)
        }
        foreign => rollback_missing(buffer, reader, key, start_ts, foreign, false),
    }
}

/// Removes an own lock and its value, and leaves the record.
pub(super) fn remove_lock(
    buffer: &mut WriteBuffer,
    reader: &mut Reader<'_>,
    key: &Key,
    lock: &Lock,
    protected: bool,
) -> Result<()> {
    buffer.unlock(key);
    if lock.lock_type == LockType::Put && lock.short_value.is_none() {
        buffer.delete_value(key.clone(), lock.start_ts);
    }
    let overlapped = match reader.txn_record(key, lock.start_ts)? {
        TxnRecord::None { overlapped } => overlapped,
        // A lock beside an own record cannot be; a record wins, so nothing is written over it.
        TxnRecord::Own { .. } | TxnRecord::OverlappedRollback => return Ok(()),
    };
    put_rollback(buffer, reader, key, lock.start_ts, overlapped, protected)
}

/// Rolls back where there is no own lock. `foreign` is the lock of another transaction, if one is there.
pub(super) fn rollback_missing(
    buffer: &mut WriteBuffer,
    reader: &mut Reader<'_>,
    key: &Key,
    start_ts: TimeStamp,
    foreign: Option<Lock>,
    protected: bool,
) -> Result<()> {
    debug_assert!(foreign.as_ref().is_none_or(|lock| lock.start_ts != start_ts), "own locks are removed");
    match reader.txn_record(key, start_ts)? {
        TxnRecord::Own { write, .. } if write.write_type == WriteType::Rollback => Ok(()),
        TxnRecord::OverlappedRollback => Ok(()),
        TxnRecord::Own { commit_ts, .. } => {
            Err(KeyError::Committed { start_ts, commit_ts, key: key.to_raw()? }.into())
        }
        TxnRecord::None { overlapped } => {
            mark_async_lock(buffer, key, start_ts, foreign);
            put_rollback(buffer, reader, key, start_ts, overlapped, protected)
        }
    }
}

/// An async-commit lock may still commit exactly at `start_ts`; its record then has to carry the rollback.
fn mark_async_lock(buffer: &mut WriteBuffer, key: &Key, start_ts: TimeStamp, foreign: Option<Lock>) {
    if let Some(mut lock) = foreign
        && lock.use_async_commit
        && start_ts >= lock.min_commit_ts
        && !lock.rollback_ts.contains(&start_ts)
    {
        lock.rollback_ts.push(start_ts);
        buffer.replace_lock(key, &lock);
    }
}

fn put_rollback(
    buffer: &mut WriteBuffer,
    reader: &mut Reader<'_>,
    key: &Key,
    start_ts: TimeStamp,
    overlapped: Option<Write>,
    protected: bool,
) -> Result<()> {
    if let Some(mut write) = overlapped {
        if protected {
            write.has_overlapped_rollback = true;
            write.gc_fence = Some(next_change(reader, key, start_ts)?);
            buffer.put_write(key.clone(), start_ts, &write);
        }
        return Ok(());
    }
    collapse_previous(buffer, reader, key, start_ts)?;
    buffer.put_write(key.clone(), start_ts, &Write::new_rollback(start_ts, protected));
    Ok(())
}

/// An unprotected rollback before this one says nothing that this one does not.
fn collapse_previous(
    buffer: &mut WriteBuffer,
    reader: &mut Reader<'_>,
    key: &Key,
    start_ts: TimeStamp,
) -> Result<()> {
    if let Some((commit_ts, write)) = reader.seek_write(key, start_ts)?
        && write.write_type == WriteType::Rollback
        && !write.is_protected_rollback()
    {
        buffer.delete_write(key.clone(), commit_ts);
    }
    Ok(())
}

/// Commit timestamp of the next newer Put or Delete above `ts`, zero when there is none.
fn next_change(reader: &mut Reader<'_>, key: &Key, ts: TimeStamp) -> Result<TimeStamp> {
    let mut above = TimeStamp::ZERO;
    let mut at = TimeStamp::MAX;
    while let Some((commit_ts, _)) = reader.seek_change(key, at)? {
        if commit_ts <= ts {
            break;
        }
        above = commit_ts;
        at = commit_ts.prev();
    }
    Ok(above)
}
