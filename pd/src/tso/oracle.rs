//! Granting from a window, without clock and disk.

use std::sync::atomic::{AtomicU64, Ordering};

use rutile_kv_types::TimeStamp;

/// A block never crosses a millisecond, so it can not be larger than the logical part.
pub(crate) const COUNT_MAX: u32 = 1 << 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The last timestamp of the block; `extend` asks for a later window end soon.
    Granted { last: TimeStamp, extend: bool },
    /// The window is used up, or the wall clock left it behind.
    WindowEnded,
}

/// Invariant: every granted timestamp < `window_end`, and `window_end` is durable.
pub(crate) struct Oracle {
    last: AtomicU64,
    window_end: AtomicU64,
    window_ms: u64,
}

impl Oracle {
    /// Starts where no earlier life of the oracle has been: at `saved_end`, or at the wall clock when that is later.
    /// Nothing is granted before the first [`Oracle::extended`].
    pub(crate) fn new(saved_end: TimeStamp, now_ms: u64, window_ms: u64) -> Oracle {
        let start = saved_end.max(TimeStamp::compose(now_ms, 0));
        Oracle {
            last: AtomicU64::new(start.prev().into_inner()),
            window_end: AtomicU64::new(start.into_inner()),
            window_ms,
        }
    }

    /// Grants `count` consecutive timestamps of one millisecond.
    pub(crate) fn grant(&self, now_ms: u64, count: u32) -> Grant {
        debug_assert!(count > 0 && count <= COUNT_MAX);
        let end = self.window_end.load(Ordering::Acquire);
        let wall = TimeStamp::compose(now_ms, 0).into_inner();
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let mut first = wall.max(last + 1);
            let mut granted = first + u64::from(count) - 1;
            if TimeStamp::new(first).physical() != TimeStamp::new(granted).physical() {
                first = TimeStamp::compose(TimeStamp::new(granted).physical(), 0).into_inner();
                granted = first + u64::from(count) - 1;
            }
            if granted >= end {
                return Grant::WindowEnded;
            }
            match self.last.compare_exchange_weak(last, granted, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => {
                    let left_ms = TimeStamp::new(end).physical() - TimeStamp::new(granted).physical();
                    let extend = left_ms * 2 < self.window_ms;
                    return Grant::Granted { last: TimeStamp::new(granted), extend };
                }
                Err(seen) => last = seen,
            }
        }
    }

    /// The window end to save next: a full window ahead of the wall clock and of what was granted.
    pub(crate) fn next_window_end(&self, now_ms: u64) -> TimeStamp {
        let last = TimeStamp::new(self.last.load(Ordering::Acquire));
        TimeStamp::compose(now_ms.max(last.physical() + 1) + self.window_ms, 0)
    }

    /// `end` is durable now. A smaller end than before changes nothing.
    pub(crate) fn extended(&self, end: TimeStamp) {
        self.window_end.fetch_max(end.into_inner(), Ordering::AcqRel);
    }

    pub(crate) fn window_end(&self) -> TimeStamp {
        TimeStamp::new(self.window_end.load(Ordering::Acquire))
    }
}
