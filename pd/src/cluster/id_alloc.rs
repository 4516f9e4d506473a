//! Ids of stores, regions and peers: one sequence, granted from saved blocks. Blocks not used up are lost in a crash.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::Result;
use crate::storage::{Batch, Storage, keys};

const BLOCK: u64 = 1_000;
const FIRST_ID: u64 = 1;

pub(crate) struct IdAllocator {
    storage: Arc<Storage>,
    /// Ids that may be granted; the end is durable.
    granted: Mutex<Range<u64>>,
}

impl IdAllocator {
    pub(crate) fn open(storage: Arc<Storage>) -> Result<IdAllocator> {
        let end = storage.get_u64(keys::ID_END)?.unwrap_or(FIRST_ID);
        Ok(IdAllocator { storage, granted: Mutex::new(end..end) })
    }

    /// `count` ids, not always consecutive with earlier ones.
    pub(crate) fn alloc(&self, count: u64) -> Result<Range<u64>> {
        let mut granted = self.granted.lock();
        if granted.end - granted.start < count {
            let end = granted.start + count.max(BLOCK);
            let mut batch = Batch::default();
            batch.put_u64(keys::ID_END, end);
            self.storage.write(batch)?;
            granted.end = end;
        }
        let first = granted.start;
        granted.start += count;
        Ok(first..first + count)
    }
}
