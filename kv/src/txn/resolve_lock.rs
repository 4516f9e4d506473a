//! ResolveLock: the locks of decided transactions are committed or rolled back.
use rutile_kv_types::{Key, TimeStamp};

use super::command::{Command, Decision, unique};
use super::commit::commit_key;
use super::rollback::rollback_key;
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, KeyError, Result};
use crate::mvcc::Reader;

/// Locks resolved by one proposal when a whole region is.
pub const RESOLVE_BATCH: usize = 256;

/// A transaction and its fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub start_ts: TimeStamp,
    /// Zero when it was rolled back.
    pub commit_ts: TimeStamp,
}

/// Resolves given keys, each by the verdict on its transaction.
pub struct ResolveLock {
    keys: Vec<Key>,
    verdicts: Vec<Verdict>,
    /// Keys were seen locked: a lock that went meanwhile without a record was pessimistic and needs nothing.
    seen_locked: bool,
}

impl ResolveLock {
    /// All keys belong to one transaction.
    pub fn of_transaction(keys: Vec<Key>, verdict: Verdict) -> Self {
        let keys = unique(keys);
        let verdicts = vec![verdict; keys.len()];
        ResolveLock { keys, verdicts, seen_locked: false }
    }

    /// Keys as a scan found them.
    pub fn of_scan(found: Vec<(Key, Verdict)>) -> Self {
        let (keys, verdicts) = found.into_iter().unzip();
        ResolveLock { keys, verdicts, seen_locked: true }
    }
}

impl Command for ResolveLock {
    type Outcome = ();

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn decide(self, reader: &mut Reader<'_>, _: &ConcurrencyManager) -> Result<Decision<()>> {
        let mut buffer = reader.buffer(0);
        for (key, verdict) in self.keys.iter().zip(&self.verdicts) {
            let Verdict { start_ts, commit_ts } = *verdict;
            if commit_ts.is_zero() {
                rollback_key(&mut buffer, reader, key, start_ts)?;
            } else if commit_ts <= start_ts {
                return Err(KeyError::InvalidCommitTs { start_ts, commit_ts }.into());
            } else {
                match commit_key(&mut buffer, reader, key, start_ts, commit_ts) {
                    Err(Error::Key(error)) if self.seen_locked && is_gone(&error) => {}
                    result => result?,
                }
            }
        }
        Ok(Decision::new(buffer, ()))
    }
}

fn is_gone(error: &KeyError) -> bool {
    matches!(error, KeyError::TxnLockNotFound { .. })
}
