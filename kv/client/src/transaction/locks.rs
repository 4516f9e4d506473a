//! The pessimistic locks of one transaction: which keys it holds, and their end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_env::Monotonic;
use rutile_kv_types::TimeStamp;

use crate::client::Core;
use crate::error::{Error, Result};
use crate::heartbeat::Heartbeat;

/// What is known of a key that the transaction asked a lock for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// The request was sent; its answer did not come, or the caller went away before.
    InDoubt,
    /// Locked at this `for_update_ts`; whether the key had a row when it was, which stays so until commit.
    Locked { exists: bool, at: TimeStamp },
}

/// Locks of a transaction. Whatever is still held when it is dropped is released in the background.
pub(crate) struct Locks {
    pub(super) core: Arc<Core>,
    pub(super) start_ts: TimeStamp,
    begun: Monotonic,
    primary: Option<Bytes>,
    held: BTreeMap<Bytes, Held>,
    /// Keys that the lock of another key protects.
    guarded: BTreeSet<Bytes>,
    /// The newest at which a lock was taken or a locking read was announced.
    for_update_ts: TimeStamp,
    heartbeat: Option<Heartbeat>,
}

impl Locks {
    pub(super) fn new(core: Arc<Core>, start_ts: TimeStamp, begun: Monotonic) -> Locks {
        Locks {
            core,
            start_ts,
            begun,
            primary: None,
            held: BTreeMap::new(),
            guarded: BTreeSet::new(),
            for_update_ts: TimeStamp::ZERO,
            heartbeat: None,
        }
    }

    pub(crate) fn primary(&self) -> Option<&Bytes> {
        self.primary.as_ref()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Held> {
        self.held.get(key).copied()
    }

    /// Fails when a heartbeat found the primary lock gone: others may have changed what was read under it, so that
    /// no statement may build on it.
    pub(super) fn check_kept(&self) -> Result<()> {
        match &self.heartbeat {
            Some(heartbeat) if heartbeat.is_lost() => Err(Error::RolledBack {
                start_ts: self.start_ts,
                cause: "its primary lock is gone".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Locked keys in order.
    pub(crate) fn locked(&self) -> impl Iterator<Item = &Bytes> {
        self.held.iter().filter(|(_, held)| **held != Held::InDoubt).map(|(key, _)| key)
    }

    pub(crate) fn guard(&mut self, key: Bytes) {
        self.guarded.insert(key);
    }

    pub(crate) fn is_guarded(&self, key: &[u8]) -> bool {
        self.guarded.contains(key)
    }

    /// What they take, keys of a usual length assumed.
    pub(super) fn memory_bytes(&self) -> usize {
        const KEY_BYTES: usize = 128;
        (self.held.len() + self.guarded.len()) * KEY_BYTES
    }

    /// Zero when nothing was locked.
    pub(crate) fn for_update_ts(&self) -> TimeStamp {
        self.for_update_ts
    }

    pub(super) fn use_for_update_ts(&mut self, for_update_ts: TimeStamp) {
        self.for_update_ts = self.for_update_ts.max(for_update_ts);
    }

    /// Lifetimes count from the start of the transaction.
    pub(super) fn ttl_from_now_ms(&self) -> u64 {
        let age = self.core.env.clock.now() - self.begun;
        (age + self.core.config.pessimistic_lock_ttl).as_millis() as u64
    }

    /// A request for these keys is about to be sent.
    pub(super) fn asked(&mut self, key: &Bytes) {
        self.held.entry(key.clone()).or_insert(Held::InDoubt);
    }

    /// The lock is there; the first one decides which key is the primary, and starts the heartbeat.
    pub(super) fn locked_at(&mut self, key: Bytes, exists: bool, for_update_ts: TimeStamp, primary: &Bytes) {
        self.use_for_update_ts(for_update_ts);
        if self.primary.is_none() {
            self.primary = Some(primary.clone());
            self.heartbeat = Some(Heartbeat::start(&self.core, primary.clone(), self.start_ts, self.begun));
        }
        self.held.insert(key, Held::Locked { exists, at: for_update_ts });
    }

    /// Releases the locks that a failed statement asked for; earlier ones stay. Until the stores answer, the keys are
    /// in doubt.
    pub(super) async fn release(&mut self, keys: Vec<Bytes>, for_update_ts: TimeStamp) {
        for key in &keys {
            self.held.insert(key.clone(), Held::InDoubt);
            if self.primary.as_ref() == Some(key) {
                self.primary = None;
                self.heartbeat = None;
            }
        }
        release(&self.core, keys.clone(), self.start_ts, for_update_ts).await;
        for key in &keys {
            self.held.remove(key);
        }
    }

    /// Releases everything and waits for it.
    pub(super) async fn release_all(&mut self) {
        self.heartbeat = None;
        let keys = std::mem::take(&mut self.held).into_keys().collect();
        release(&self.core, keys, self.start_ts, TimeStamp::MAX).await;
    }

    /// The commit took over the locks; what is in doubt is still released.
    pub(super) fn handed_over(&mut self) {
        self.heartbeat = None;
        self.held.retain(|_, held| *held == Held::InDoubt);
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        let keys: Vec<Bytes> = std::mem::take(&mut self.held).into_keys().collect();
        if keys.is_empty() {
            return;
        }
        let (core, start_ts) = (Arc::clone(&self.core), self.start_ts);
        let work = async move { release(&core, keys, start_ts, TimeStamp::MAX).await };
        self.core.env.spawn.spawn("release-locks", Box::pin(work));
    }
}

/// What fails here is left to those who meet the locks, once their time is over.
async fn release(core: &Core, keys: Vec<Bytes>, start_ts: TimeStamp, for_update_ts: TimeStamp) {
    if keys.is_empty() {
        return;
    }
    if let Err(error) = core.release_locks(keys, start_ts, for_update_ts).await {
        tracing::warn!(start_ts = start_ts.into_inner(), %error, "locks were left to their time");
    }
}
