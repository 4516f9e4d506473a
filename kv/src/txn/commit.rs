//! Commit: locks become records at the commit timestamp.
use rutile_kv_types::{Key, TimeStamp, Write, WriteType};

use super::command::{Command, Decision, unique};
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{KeyError, Result};
use crate::mvcc::{Reader, TxnRecord, WriteBuffer};

/// Commits some keys of a transaction; the primary alone decides it.
pub struct Commit {
    keys: Vec<Key>,
    start_ts: TimeStamp,
    commit_ts: TimeStamp,
}

impl Commit {
    /// A commit of encoded keys.
    pub fn new(keys: Vec<Key>, start_ts: TimeStamp, commit_ts: TimeStamp) -> Self {
        let keys = unique(keys);
        Commit { keys, start_ts, commit_ts }
    }
}

impl Command for Commit {
    type Outcome = TimeStamp;

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn decide(self, reader: &mut Reader<'_>, _: &ConcurrencyManager) -> Result<Decision<TimeStamp>> {
        if self.commit_ts <= self.start_ts {
            return Err(
                KeyError::InvalidCommitTs { start_ts: self.start_ts, commit_ts: self.commit_ts }.into()
            );
        }
        let mut buffer = reader.buffer(0);
        for key in &self.keys {
            commit_key(&mut buffer, reader, key, self.start_ts, self.commit_ts)?;
        }
        Ok(Decision::new(buffer, self.commit_ts))
    }
}

/// Commits one key. Success when it is committed already.
pub(super) fn commit_key(
    buffer: &mut WriteBuffer,
    reader: &mut Reader<'_>,
    key: &Key,
    start_ts: TimeStamp,
    commit_ts: TimeStamp,
) -> Result<()> {
    debug_assert!(commit_ts > start_ts, "checked by the caller");
    let lock = reader.load_lock(key)?.filter(|lock| lock.start_ts == start_ts);
    let Some(lock) = lock else {
        return match reader.txn_record(key, start_ts)? {
            TxnRecord::Own { write, .. } if write.write_type != WriteType::Rollback => Ok(()),
            _ => Err(KeyError::TxnLockNotFound { start_ts, key: key.to_raw()? }.into()),
        };
    };
    if commit_ts < lock.min_commit_ts {
        let min_commit_ts = lock.min_commit_ts;
        return Err(
            KeyError::CommitTsExpired { start_ts, commit_ts, key: key.to_raw()?, min_commit_ts }.into()
        );
    }
    buffer.unlock(key);
    // A pessimistic lock that was never prewritten protects nothing and leaves no record.
    if let Some(write_type) = WriteType::from_lock_type(lock.lock_type) {
        let mut write = Write::new(write_type, start_ts, lock.short_value);
        if lock.rollback_ts.contains(&commit_ts) {
            write.has_overlapped_rollback = true;
            // The record is the newest of its key, so nothing above can be collected.
            write.gc_fence = Some(TimeStamp::ZERO);
        }
        buffer.put_write(key.clone(), commit_ts, &write);
    }
    Ok(())
}
