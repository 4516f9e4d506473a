//! ScanLock: lists the locks of old transactions, for those who clean up.
use rutile_kv_types::TimeStamp;

use crate::error::{LockedKey, Result};
use crate::mvcc::Reader;

/// Locks of transactions that started at or before `max_ts`, within encoded bounds.
pub struct ScanLock {
    pub max_ts: TimeStamp,
    pub start: Vec<u8>,
    pub end: Vec<u8>,
    /// Zero means no limit.
    pub limit: usize,
}

impl ScanLock {
    /// Reads the locks out of a snapshot that was taken after `max_ts` was raised.
    pub fn run(&self, reader: &Reader<'_>) -> Result<Vec<LockedKey>> {
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        let found = reader.scan_locks(&self.start, &self.end, limit, |lock| lock.start_ts <= self.max_ts)?;
        found.into_iter().map(|(key, lock)| Ok(LockedKey { key: key.to_raw()?, lock })).collect()
    }
}
