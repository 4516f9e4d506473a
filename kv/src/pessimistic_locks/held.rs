//! Locks copied out of the table, for one decision.
use std::sync::Arc;

use rutile_kv_types::{Key, Lock};

use crate::error::{RegionError, Result};

/// One lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLock {
    pub key: Key,
    pub lock: Lock,
    /// It was proposed as an ordinary lock: whatever is proposed from now on finds it in the lock CF.
    pub proposed: bool,
}

/// Some locks of a region in order of their keys, as they were in one term.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// `None` when there are none, which is the usual case and costs nothing.
    locks: Option<Arc<[HeldLock]>>,
    term: u64,
}

impl Held {
    /// Locks of `term`, sorted here.
    pub(super) fn new(mut locks: Vec<HeldLock>, term: u64) -> Self {
        if locks.is_empty() {
            return Held::default();
        }
        if !locks.is_sorted_by(|a, b| a.key <= b.key) {
            locks.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        }
        Held { locks: Some(locks.into()), term }
    }

    /// Whether they may be looked at together with a snapshot of `term` that was taken after them. That there is no lock
    /// is right in any term: the latch of the key lets nobody lock it meanwhile.
    pub fn check(&self, term: u64) -> Result<()> {
        if self.locks.is_none() || self.term == term {
            return Ok(());
        }
        Err(RegionError::StaleCommand.into())
    }

    /// In order of their keys.
    pub fn all(&self) -> &[HeldLock] {
        self.locks.as_deref().unwrap_or_default()
    }

    /// The lock of a key.
    pub fn get(&self, key: &Key) -> Option<&HeldLock> {
        let all = self.all();
        let index = all.binary_search_by(|held| held.key.cmp(key)).ok()?;
        all.get(index)
    }

    /// Whether the lock of a key is kept in memory and will stay there.
    pub fn is_unproposed(&self, key: &Key) -> bool {
        self.get(key).is_some_and(|held| !held.proposed)
    }
}
