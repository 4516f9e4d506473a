//! PessimisticRollback: locks of a failed statement or an ended transaction go away and leave no record.
//!
//! Nothing was written under a pessimistic lock, so nothing needs to be forbidden. A lock that the transaction took
//! again at a later `for_update_ts` stays: the request is then late.
use rutile_kv_types::{Key, Lock, TimeStamp};

use super::command::{Command, Decision, unique};
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::Result;
use crate::mvcc::Reader;

/// Releases pessimistic locks of a transaction.
pub struct PessimisticRollback {
    keys: Vec<Key>,
    start_ts: TimeStamp,
    for_update_ts: TimeStamp,
}

impl PessimisticRollback {
    /// Of encoded keys.
    pub fn new(keys: Vec<Key>, start_ts: TimeStamp, for_update_ts: TimeStamp) -> Self {
        PessimisticRollback { keys: unique(keys), start_ts, for_update_ts }
    }
}

impl Command for PessimisticRollback {
    type Outcome = ();

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn decide(self, reader: &mut Reader<'_>, _: &ConcurrencyManager) -> Result<Decision<()>> {
        let mut buffer = reader.buffer(0);
        for key in &self.keys {
            let releases = |lock: &Lock| {
                lock.start_ts == self.start_ts
                    && lock.is_pessimistic()
                    && lock.for_update_ts <= self.for_update_ts
            };
            if reader.load_lock(key)?.as_ref().is_some_and(releases) {
                buffer.unlock(key);
            }
        }
        Ok(Decision::new(buffer, ()))
    }
}
