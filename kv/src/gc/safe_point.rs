//! The safe point as one store knows it.
use std::sync::atomic::{AtomicU64, Ordering};

use rutile_kv_types::TimeStamp;

use crate::error::{KeyError, Result};

/// Timestamp below which versions may be missing here. Never falls while the store runs, and is fetched from PD before
/// the store serves.
///
/// It is raised before anything is removed: by the worker before it proposes, and on every replica before a removal is
/// applied. So a reader that checks after it took its snapshot knows that the snapshot is whole for its timestamp.
#[derive(Debug, Default)]
pub struct SafePoint(AtomicU64);

impl SafePoint {
    /// The safe point now.
    pub fn get(&self) -> TimeStamp {
        self.0.load(Ordering::SeqCst).into()
    }

    /// Moves it forward.
    pub fn raise(&self, safe_point: TimeStamp) {
        debug_assert!(!safe_point.is_max(), "MAX is no timestamp");
        self.0.fetch_max(safe_point.into_inner(), Ordering::SeqCst);
    }

    /// Whether all that `ts` may see is still there. At the safe point itself it is.
    pub fn check(&self, ts: TimeStamp) -> Result<()> {
        let safe_point = self.get();
        if ts < safe_point {
            return Err(KeyError::BelowSafePoint { ts, safe_point }.into());
        }
        Ok(())
    }
}
