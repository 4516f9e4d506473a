//! The in-memory lock table: an ordered map from key to handle.
//!
//! A handle lives from before its command computes a commit timestamp until after the command is
//! applied. The count beside the map lets the common case, no handle at all, cost a reader one
//! atomic load.
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use rutile_kv_types::Lock;
use tokio::sync::Notify;

#[derive(Default)]
pub(super) struct LockTable {
    handles: RwLock<BTreeMap<Vec<u8>, Arc<KeyHandle>>>,
    /// Never below the number of handles in the map: raised before insertion, lowered after removal.
    count: AtomicUsize,
}

/// One key of a command in flight.
pub struct KeyHandle {
    key: Vec<u8>,
    lock: Mutex<Option<Lock>>,
    released: Notify,
}

impl KeyHandle {
    /// The encoded key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Runs `check` under the handle's mutex if a lock has been published.
    pub(super) fn with_lock<E>(&self, check: impl FnOnce(&Lock) -> Result<(), E>) -> Result<(), E> {
        match &*self.lock.lock() {
            Some(lock) => check(lock),
            None => Ok(()),
        }
    }

    /// A future that ends when the handle leaves the table after this call.
    pub fn released(&self) -> tokio::sync::futures::Notified<'_> {
        self.released.notified()
    }
}

/// Keeps a handle in the table until dropped.
pub struct KeyHandleGuard {
    table: Arc<LockTable>,
    handle: Arc<KeyHandle>,
}

impl KeyHandleGuard {
    /// Publishes the lock that `make` returns. `make` runs under the handle's mutex, so a `max_ts`
    /// it reads and the lock it returns appear to readers as one step.
    pub fn publish<T>(&self, make: impl FnOnce() -> (Lock, T)) -> T {
        let mut slot = self.handle.lock.lock();
        let (lock, result) = make();
        *slot = Some(lock);
        result
    }
}

impl Drop for KeyHandleGuard {
    fn drop(&mut self) {
        self.table.remove(&self.handle);
        self.handle.released.notify_waiters();
    }
}

impl LockTable {
    pub(super) fn insert(self: &Arc<Self>, key: &[u8]) -> KeyHandleGuard {
        let handle =
            Arc::new(KeyHandle { key: key.to_vec(), lock: Mutex::new(None), released: Notify::new() });
        self.count.fetch_add(1, Ordering::SeqCst);
        let previous = self.handles.write().insert(key.to_vec(), handle.clone());
        debug_assert!(previous.is_none(), "the latch admits one command per key");
        KeyHandleGuard { table: self.clone(), handle }
    }

    fn remove(&self, handle: &Arc<KeyHandle>) {
        self.handles.write().remove(handle.key());
        let before = self.count.fetch_sub(1, Ordering::SeqCst);
        debug_assert!(before > 0, "every handle was counted");
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Arc<KeyHandle>> {
        if self.len() == 0 {
            return None;
        }
        self.handles.read().get(key).cloned()
    }

    pub(super) fn range(&self, start: &[u8], end: &[u8]) -> Vec<Arc<KeyHandle>> {
        if self.len() == 0 || (!end.is_empty() && start >= end) {
            return Vec::new();
        }
        let upper = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end) };
        let handles = self.handles.read();
        handles.range::<[u8], _>((Bound::Included(start), upper)).map(|(_, handle)| handle.clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}
