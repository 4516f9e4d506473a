//! What clients were told about their transfers.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    pub acknowledged: BTreeSet<Bytes>,
    pub failed: BTreeSet<Bytes>,
    /// Still running, cut off, or told to be unknown.
    pub unknown: BTreeSet<Bytes>,
}

/// Shared by all clients, and outlives them.
#[derive(Clone, Default)]
pub struct History {
    outcomes: Arc<Mutex<Outcomes>>,
}

impl History {
    /// A new marker.
    pub fn begin(&self) -> Bytes {
        let mut outcomes = self.outcomes.lock();
        let number = outcomes.acknowledged.len() + outcomes.failed.len() + outcomes.unknown.len();
        let marker = Bytes::from(format!("m{number:05}"));
        outcomes.unknown.insert(marker.clone());
        marker
    }

    pub fn acknowledged(&self, marker: &Bytes) {
        let mut outcomes = self.outcomes.lock();
        outcomes.unknown.remove(marker);
        outcomes.acknowledged.insert(marker.clone());
    }

    pub fn failed(&self, marker: &Bytes) {
        let mut outcomes = self.outcomes.lock();
        outcomes.unknown.remove(marker);
        outcomes.failed.insert(marker.clone());
    }

    pub fn outcomes(&self) -> Outcomes {
        self.outcomes.lock().clone()
    }
}
