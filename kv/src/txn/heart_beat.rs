//! HeartBeat: a transaction that takes long keeps its primary lock alive.
use rutile_kv_types::{Key, TimeStamp};

use super::command::{Command, Decision};
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{KeyError, Result};
use crate::mvcc::Reader;

/// Raises the life of the primary lock.
pub struct HeartBeat {
    primary: [Key; 1],
    start_ts: TimeStamp,
    ttl_ms: u64,
}

impl HeartBeat {
    /// `ttl_ms` counts from the physical part of `start_ts`.
    pub fn new(primary: &[u8], start_ts: TimeStamp, ttl_ms: u64) -> Self {
        HeartBeat { primary: [Key::from_raw(primary)], start_ts, ttl_ms }
    }
}

impl Command for HeartBeat {
    /// The life in force.
    type Outcome = u64;

    fn keys(&self) -> &[Key] {
        &self.primary
    }

    fn decide(self, reader: &mut Reader<'_>, _: &ConcurrencyManager) -> Result<Decision<u64>> {
        let [key] = &self.primary;
        let lock = reader.load_lock(key)?.filter(|lock| lock.start_ts == self.start_ts);
        let Some(mut lock) = lock else {
            return Err(KeyError::TxnNotFound { start_ts: self.start_ts, primary: key.to_raw()? }.into());
        };
        if lock.ttl_ms >= self.ttl_ms {
            return Ok(Decision::answer(lock.ttl_ms));
        }
        lock.ttl_ms = self.ttl_ms;
        let mut buffer = reader.buffer(0);
        buffer.replace_lock(key, &lock);
        Ok(Decision::new(buffer, self.ttl_ms))
    }
}
