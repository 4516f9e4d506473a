//! At which timestamp a read looks, and what a lock means to it.
use rutile_kv_engine::Snapshot;
use rutile_kv_types::{Key, Lock, LockType, TimeStamp};

use crate::error::{Error, KeyError, LockedKey, Result};

/// Of one read request.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Reads see what committed at or below it; `MAX` means the latest and is for single keys only.
    pub ts: TimeStamp,
    /// Start timestamps of transactions known to be rolled back, or committed above `ts`.
    pub resolved_locks: Vec<u64>,
    /// Start timestamps of transactions known to have committed at or below `ts`.
    pub committed_locks: Vec<u64>,
    /// Whether blocks read stay in the cache; off for one-time scans.
    pub fill_cache: bool,
    /// Whether a peer that does not lead may answer.
    pub replica_read: bool,
}

impl ReadOptions {
    /// A plain read at `ts`.
    pub fn at(ts: TimeStamp) -> Self {
        ReadOptions {
            ts,
            resolved_locks: Vec::new(),
            committed_locks: Vec::new(),
            fill_cache: true,
            replica_read: false,
        }
    }
}

/// A snapshot, and whether it holds locks that a read must heed.
#[derive(Clone, Copy)]
pub struct Versions<'s> {
    pub engine: &'s dyn Snapshot,
    /// When false, the lock CF is not looked at: its deleted locks would cost a scan more than its rows.
    pub has_locks: bool,
}

/// What a lock means to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockVerdict {
    /// It cannot commit at or below the read timestamp, or changes nothing.
    Ignore,
    /// It has committed at or below the read timestamp: its value is the answer.
    ReadThrough,
    /// It may commit at or below the read timestamp: the reader must have it resolved.
    Blocked,
}

/// Judges a lock on the encoded key.
pub fn judge_lock(lock: &Lock, encoded_key: &[u8], options: &ReadOptions) -> Result<LockVerdict> {
    let changes_value = matches!(lock.lock_type, LockType::Put | LockType::Delete);
    if !changes_value || lock.start_ts > options.ts || lock.min_commit_ts > options.ts {
        return Ok(LockVerdict::Ignore);
    }
    let start_ts = lock.start_ts.into_inner();
    if options.resolved_locks.contains(&start_ts) {
        return Ok(LockVerdict::Ignore);
    }
    if options.committed_locks.contains(&start_ts) {
        return Ok(LockVerdict::ReadThrough);
    }
    // The latest value of a primary may be read below its lock: the read is then ordered before the
    // commit. An async commit may already be decided, so this does not hold for it.
    if options.ts.is_max() && !lock.use_async_commit && is_primary(lock, encoded_key)? {
        return Ok(LockVerdict::Ignore);
    }
    Ok(LockVerdict::Blocked)
}

fn is_primary(lock: &Lock, encoded_key: &[u8]) -> Result<bool> {
    Ok(*lock.primary == *raw_of(encoded_key)?)
}

/// The error for a lock that blocks.
pub(super) fn locked(lock: Lock, encoded_key: &[u8]) -> Error {
    match raw_of(encoded_key) {
        Ok(key) => KeyError::Locked(LockedKey { key, lock }).into(),
        Err(error) => error,
    }
}

fn raw_of(encoded_key: &[u8]) -> Result<Vec<u8>> {
    Ok(Key::from_encoded(encoded_key).to_raw()?)
}
