//! Milliseconds that follow the wall clock ahead, and go on at the pace of the monotonic clock when it jumps back.
//!
//! Lifetimes of locks are counted in the physical part of timestamps. If that stood still until a wall clock that was
//! set back by an hour catches up, no lock of a dead client would expire for an hour.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rutile_kv_env::Clock;
use rutile_kv_types::TimeStamp;

pub(crate) struct SteadyClock {
    clock: Arc<dyn Clock>,
    /// The largest lead of the wall clock over the monotonic clock that was seen.
    lead_ms: AtomicU64,
}

impl SteadyClock {
    /// Starts at `from`, or at the wall clock when that is later.
    pub(crate) fn new(clock: Arc<dyn Clock>, from: TimeStamp) -> SteadyClock {
        let lead_ms = AtomicU64::new(from.physical().saturating_sub(monotonic_ms(&*clock)));
        SteadyClock { clock, lead_ms }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        let monotonic_ms = monotonic_ms(&*self.clock);
        let lead_ms = self.clock.unix_millis().saturating_sub(monotonic_ms);
        let known = self.lead_ms.load(Ordering::Relaxed);
        if lead_ms > known {
            self.lead_ms.fetch_max(lead_ms, Ordering::Relaxed);
        }
        monotonic_ms + known.max(lead_ms)
    }
}

fn monotonic_ms(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().since_origin().as_millis()).unwrap_or(u64::MAX)
}
