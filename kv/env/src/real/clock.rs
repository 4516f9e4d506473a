//! Operating system clocks and Tokio timers.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::{BoxFuture, Clock, Monotonic};

pub(super) struct RealClock {
    origin: Instant,
}

impl RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    pub(super) fn new() -> RealClock {
        RealClock { origin: Instant::now() }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Monotonic {
        Monotonic::from_origin(self.origin.elapsed())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn unix_micros(&self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // The timer is made at the first poll, which happens inside the runtime; here may be outside.
        Box::pin(async move { tokio::time::sleep(duration).await })
    }
}
