//! Below which timestamp nothing commits on this store any more.
//!
//! In this order: a timestamp from PD, `max_ts` raised to it, a look at the locks in memory and at those stored, of all
//! peers here, whether they lead or not. Whoever has a lock may commit right above its start. Whoever locks a key later
//! asks PD for a commit timestamp after that, or takes one above `max_ts`. So nothing commits below the oldest lock, nor at
//! or below the timestamp.
//!
//! A lock that is committed and not applied here yet is applied at its leader, whose store tells of it: of several stores
//! the least counts. Pessimistic locks do not count: they are turned into locks that do before there is a commit
//! timestamp.
use std::sync::Arc;

use rutile_kv_engine::{Engine, IterOptions};
use rutile_kv_types::{Cf, Lock, LockType, TimeStamp};
use tokio::sync::oneshot;

use super::heartbeat::Reporter;
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, Result};

fn may_commit(lock: &Lock) -> bool {
    lock.lock_type != LockType::Pessimistic
}

/// The oldest start of a lock in memory.
fn oldest_in_memory(concurrency: &ConcurrencyManager) -> TimeStamp {
    let mut oldest = TimeStamp::MAX;
    let looked: Result<(), ()> = concurrency.read_range(&[], &[], |_, lock, _| {
        if may_commit(lock) {
            oldest = oldest.min(lock.start_ts);
        }
        Ok(())
    });
    debug_assert!(looked.is_ok(), "looking refuses nothing");
    oldest
}

/// The oldest start of a stored lock.
fn oldest_stored(engine: &dyn Engine) -> Result<TimeStamp> {
    let snapshot = engine.snapshot();
    let mut locks = snapshot.iter(Cf::Lock, IterOptions::range(Vec::new(), Vec::new()).without_cache());
    let mut oldest = TimeStamp::MAX;
    let mut valid = locks.seek(&[])?;
    while valid {
        let lock = Lock::parse(locks.value())?;
        if may_commit(&lock) {
            oldest = oldest.min(lock.start_ts);
        }
        valid = locks.next()?;
    }
    Ok(oldest)
}

impl Reporter {
    /// Tells PD. What can not be told now is told with the next report.
    pub(super) async fn report_resolved_ts(&self) {
        let resolved_ts = match self.resolved_ts().await {
            Ok(resolved_ts) => resolved_ts,
            Err(error) => return tracing::warn!(%error, "the resolved timestamp is not known"),
        };
        self.note(self.pd.report_min_resolved_ts(self.store_id, resolved_ts).await);
    }

    async fn resolved_ts(&self) -> Result<TimeStamp> {
        let ts = self.pd.timestamp().await.map_err(|error| Error::Pd(error.to_string()))?;
        self.concurrency.raise_max_ts(ts);
        let in_memory = oldest_in_memory(&self.concurrency);
        let (engine, (sender, stored)) = (Arc::clone(&self.meter.engine), oneshot::channel());
        let work = move || {
            // A reporter that is gone needs no answer.
            let _ = sender.send(oldest_stored(&*engine));
        };
        self.env.spawn.spawn_blocking("resolved-ts", Box::new(work));
        let stored = stored.await.unwrap_or(Err(Error::Stopped))?;
        Ok(ts.min(in_memory.min(stored).prev()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rutile_kv_engine::{MemoryEngine, WriteBatch};

    use super::*;

    fn lock(kind: LockType, start_ts: u64) -> Lock {
        Lock::new(kind, Bytes::from_static(b"k"), TimeStamp::new(start_ts), 1_000)
    }

    #[test]
    fn the_oldest_lock_that_may_commit_counts() {
        let engine = MemoryEngine::new();
        let mut batch = WriteBatch::new();
        batch.put(Cf::Lock, b"a", lock(LockType::Put, 70).to_bytes());
        batch.put(Cf::Lock, b"b", lock(LockType::Pessimistic, 10).to_bytes());
        batch.put(Cf::Lock, b"c", lock(LockType::Delete, 50).to_bytes());
        assert_eq!(oldest_stored(&engine).expect("reads"), TimeStamp::MAX);
        engine.write(batch, false).expect("writes");
        assert_eq!(oldest_stored(&engine).expect("reads"), TimeStamp::new(50));
        let concurrency = ConcurrencyManager::new(TimeStamp::ZERO);
        let held = concurrency.lock_key(b"a");
        assert_eq!(oldest_in_memory(&concurrency), TimeStamp::MAX, "nothing is published");
        held.publish(|| (lock(LockType::Put, 30), ()));
        assert_eq!(oldest_in_memory(&concurrency), TimeStamp::new(30));
    }
}
