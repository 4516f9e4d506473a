//! What all statements and transactions of the server hold together.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::resident::{Resident, ResidentProbe};

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
    /// Statements that run.
    statements: AtomicUsize,
    resident: Option<Resident>,
}

/// This part of the limit is given whatever the process takes: an operator that went to disk needs memory to come back
/// from there, and not all that the process takes is the fault of statements.
const UNCONDITIONAL: usize = 2;

impl ServerMemory {
    pub fn new(limit: MemoryLimit) -> Self {
        let none = || AtomicUsize::new(0);
        Self { limit: limit.server_bytes, used: none(), statements: none(), resident: None }
    }

    /// The same that also looks at the process.
    pub fn watching(mut self, probe: Option<ResidentProbe>) -> Self {
        self.resident = probe.map(|probe| Resident::new(probe, self.limit));
        self
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

    pub(super) fn enter_statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leave_statement(&self) {
        self.statements.fetch_sub(1, Ordering::Relaxed);
    }

    /// What each of the statements that run may count on.
    pub(crate) fn share(&self) -> usize {
        self.limit / UNCONDITIONAL / self.statements.load(Ordering::Relaxed).max(1)
    }

    /// Whether a statement that is to hold so much gets it, as far as the process is concerned.
    pub(super) fn has_room_for(&self, statement: usize, more: usize) -> bool {
        let Some(resident) = &self.resident else { return true };
        resident.note(more);
        let used = self.used();
        if !resident.is_over() || used.saturating_add(more) <= self.limit / UNCONDITIONAL {
            return true;
        }
        statement <= used / self.statements.load(Ordering::Relaxed).max(1)
    }

    /// Takes bytes that are held already.
    pub(super) fn grow(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn shrink(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
