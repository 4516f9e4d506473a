//! The GC safe point: versions that no snapshot at or after it can see may be removed. It only moves forward.

use std::sync::Arc;

use parking_lot::Mutex;
use rutile_kv_types::TimeStamp;

use crate::error::Result;
use crate::storage::{Batch, Storage, keys};

pub(crate) struct GcSafePoint {
    storage: Arc<Storage>,
    /// Also orders the writers, so that the stored value never goes back.
    current: Mutex<TimeStamp>,
}

impl GcSafePoint {
    pub(crate) fn open(storage: Arc<Storage>) -> Result<GcSafePoint> {
        let current = TimeStamp::new(storage.get_u64(keys::GC_SAFE_POINT)?.unwrap_or(0));
        Ok(GcSafePoint { storage, current: Mutex::new(current) })
    }

    pub(crate) fn get(&self) -> TimeStamp {
        *self.current.lock()
    }

    /// Moves it to `safe_point` unless it is there or further already; answers the one in force.
    pub(crate) fn advance(&self, safe_point: TimeStamp) -> Result<TimeStamp> {
        let mut current = self.current.lock();
        if safe_point > *current {
            let mut batch = Batch::default();
            batch.put_u64(keys::GC_SAFE_POINT, safe_point.into_inner());
            self.storage.write(batch)?;
            *current = safe_point;
        }
        Ok(*current)
    }
}
