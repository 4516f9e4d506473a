//! What the process really takes.
//!
//! Accounts see what is reserved. Beside it there are batches under way, caches of the store, what the allocator has
//! not given back. Each time statements were given a while's worth of memory the system is asked; above the ceiling
//! statements that hold more than the average get no more: they spill or end, the others go on.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How often the system is asked: once for so many bytes that were given.
const LOOK_BYTES: usize = 1 << 20;

/// Answers the memory of the process, if the system tells.
#[derive(Clone)]
pub struct ResidentProbe(Arc<dyn Fn() -> Option<usize> + Send + Sync>);

impl ResidentProbe {
    pub fn new(probe: impl Fn() -> Option<usize> + Send + Sync + 'static) -> Self {
        Self(Arc::new(probe))
    }

    fn bytes(&self) -> Option<usize> {
        (self.0)()
    }
}

impl fmt::Debug for ResidentProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResidentProbe")
    }
}

/// The watch over one process.
#[derive(Debug)]
pub(super) struct Resident {
    probe: ResidentProbe,
    ceiling: usize,
    /// Given since the last look.
    given: AtomicUsize,
    is_over: AtomicBool,
}

impl Resident {
    /// `limit` is what the process should stay below; an eighth of it is for what is noticed late. One that takes more
    /// than three eighths to begin with still gets half of it for its statements.
    pub(super) fn new(probe: ResidentProbe, limit: usize) -> Self {
        let start = probe.bytes().unwrap_or(0);
        let ceiling = (limit - limit / 8).max(start.saturating_add(limit / 2));
        Self { probe, ceiling, given: AtomicUsize::new(0), is_over: AtomicBool::new(false) }
    }

    /// Statements were given memory.
    pub(super) fn note(&self, bytes: usize) {
        if self.given.fetch_add(bytes, Ordering::Relaxed) + bytes < LOOK_BYTES {
            return;
        }
        self.given.store(0, Ordering::Relaxed);
        if let Some(now) = self.probe.bytes() {
            self.is_over.store(now > self.ceiling, Ordering::Relaxed);
        }
    }

    /// Whether the process was larger than it should be when last looked at.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}
