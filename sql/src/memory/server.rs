//! What all statements and transactions of the server hold together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes all queries together may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimit {
    pub server_bytes: usize,
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self { server_bytes: SERVER_BYTES_DEFAULT }
    }
}

/// Half of a small machine's memory; `--memory-limit` changes it.
const SERVER_BYTES_DEFAULT: usize = 1 << 30;

/// The account of the server.
#[derive(Debug)]
pub struct ServerMemory {
    limit: usize,
    used: AtomicUsize,
}

impl ServerMemory {
    pub fn new(limit: MemoryLimit) -> Self {
        Self { limit: limit.server_bytes, used: AtomicUsize::new(0) }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes bytes if they fit.
    pub(super) fn try_grow(&self, bytes: usize) -> bool {
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|total| *total <= self.limit)
        });
        taken.is_ok()
    }

    /// Takes bytes that are held already.
    pub(super) fn grow(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn shrink(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
