//! Time: a monotonic clock for deadlines and leases, the wall clock for timestamps and humans, and timers.

use std::ops::{Add, Sub};
use std::time::Duration;

use crate::BoxFuture;

/// A reading of the monotonic clock: time since an origin that only this process knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(Duration);

impl Monotonic {
    pub const ORIGIN: Monotonic = Monotonic(Duration::ZERO);

    pub const fn from_origin(since: Duration) -> Monotonic {
        Monotonic(since)
    }

    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// Time from `earlier` to this reading; zero when `earlier` is the later one.
    pub fn saturating_since(self, earlier: Monotonic) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Sub for Monotonic {
    type Output = Duration;

    /// Never negative: a reading of another thread may be later by a hair.
    fn sub(self, earlier: Monotonic) -> Duration {
        self.saturating_since(earlier)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Monotonic;

    fn add(self, by: Duration) -> Monotonic {
        Monotonic(self.0.saturating_add(by))
    }
}

impl Sub<Duration> for Monotonic {
    type Output = Monotonic;

    fn sub(self, by: Duration) -> Monotonic {
        Monotonic(self.0.saturating_sub(by))
    }
}

pub trait Clock: Send + Sync {
    /// Never goes back; the only clock that leases and deadlines may use.
    fn now(&self) -> Monotonic;

    /// Microseconds since the Unix epoch; may jump both ways.
    fn unix_micros(&self) -> u64;

    /// Milliseconds since the Unix epoch; may jump both ways.
    fn unix_millis(&self) -> u64 {
        self.unix_micros() / 1_000
    }

    /// Completes when `duration` has passed on the monotonic clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}
