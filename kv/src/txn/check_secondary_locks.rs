//! CheckSecondaryLocks: whether an async commit reached its secondary keys.
//!
//! Such a transaction is committed as soon as all its keys are prewritten, although no record says so yet. Whoever
//! finds its primary lock out of time asks the secondaries: if all are locked it is committed; a key without lock
//! and record is rolled back here, which decides the opposite, for its prewrite fails from now on.
use rutile_kv_types::{Key, TimeStamp, WriteType};

use super::command::{Command, Decision, unique};
use super::rollback::{remove_lock, rollback_missing};
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{LockedKey, Result};
use crate::mvcc::{Reader, TxnRecord};

/// Asks secondary keys of one region.
pub struct CheckSecondaryLocks {
    keys: Vec<Key>,
    start_ts: TimeStamp,
}

/// What the keys say together; the first key that decides the transaction ends the search.
#[derive(Clone, Debug, PartialEq)]
pub enum SecondaryStatus {
    Locked(Vec<LockedKey>),
    Committed { commit_ts: TimeStamp },
    RolledBack,
}

impl CheckSecondaryLocks {
    /// Of encoded keys.
    pub fn new(keys: Vec<Key>, start_ts: TimeStamp) -> Self {
        CheckSecondaryLocks { keys: unique(keys), start_ts }
    }
}

impl Command for CheckSecondaryLocks {
    type Outcome = SecondaryStatus;

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn decide(
        self,
        reader: &mut Reader<'_>,
        concurrency: &ConcurrencyManager,
    ) -> Result<Decision<SecondaryStatus>> {
        concurrency.raise_max_ts(self.start_ts);
        let (mut buffer, mut locks) = (reader.buffer(0), Vec::new());
        for key in &self.keys {
            let decided = match reader.load_lock(key)? {
                Some(lock) if lock.start_ts == self.start_ts && !lock.is_pessimistic() => {
                    locks.push(LockedKey { key: key.to_raw()?, lock });
                    continue;
                }
                Some(lock) if lock.start_ts == self.start_ts => {
                    remove_lock(&mut buffer, reader, key, &lock, true)?;
                    SecondaryStatus::RolledBack
                }
                foreign => match reader.txn_record(key, self.start_ts)? {
                    TxnRecord::Own { write, commit_ts } if write.write_type != WriteType::Rollback => {
                        SecondaryStatus::Committed { commit_ts }
                    }
                    TxnRecord::Own { .. } | TxnRecord::OverlappedRollback => SecondaryStatus::RolledBack,
                    TxnRecord::None { .. } => {
                        rollback_missing(&mut buffer, reader, key, self.start_ts, foreign, true)?;
                        SecondaryStatus::RolledBack
                    }
                },
            };
            return Ok(Decision::new(buffer, decided));
        }
        Ok(Decision::answer(SecondaryStatus::Locked(locks)))
    }
}
