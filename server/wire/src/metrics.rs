//! Counters of the protocol layer; the owner of the process exports them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Shared by all connections of a server. Relaxed: these are statistics, nothing is ordered by them.
#[derive(Debug, Default)]
pub struct Metrics {
    pub logins: AtomicU64,
    pub logins_refused: AtomicU64,
    /// Passwords checked by thousands of hash rounds.
    pub full_password_checks: AtomicU64,
    pub commands: AtomicU64,
    pub errors_sent: AtomicU64,
    pub malformed_packets: AtomicU64,
    pub bytes_received: AtomicU64,
    pub bytes_sent: AtomicU64,
}

impl Metrics {
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub fn read(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}
