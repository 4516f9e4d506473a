//! Saving the window: ahead of time in the background, one save at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::Env;
use rutile_kv_types::TimeStamp;
use tokio::sync::Notify;

use super::oracle::{COUNT_MAX, Grant, Oracle};
use super::steady::SteadyClock;
use crate::error::{Error, Result};
use crate::storage::{Batch, Storage, keys};

/// How often one request waits for a longer window before it fails; each round ends with a completed save.
const WAITS_MAX: usize = 8;

/// Grants timestamps on the caller's thread. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tso {
    inner: Arc<Inner>,
}

struct Inner {
    env: Env,
    clock: SteadyClock,
    storage: Arc<Storage>,
    oracle: Oracle,
    saving: AtomicBool,
    saved: Notify,
    last_failure: Mutex<Option<String>>,
}

impl Tso {
    /// Timestamps below it may have been given away; it is durable.
    pub(crate) fn window_end(&self) -> TimeStamp {
        self.inner.oracle.window_end()
    }

    /// Goes on after every timestamp of earlier lives and of earlier leaders. Blocks for the save of the first window, but
    /// not for other members to take it.
    pub(crate) fn open(env: &Env, storage: Arc<Storage>, window: Duration) -> Result<Tso> {
        let saved = TimeStamp::new(storage.get_u64(keys::TSO_WINDOW)?.unwrap_or(0));
        let clock = SteadyClock::new(env.clock.clone(), saved);
        let oracle = Oracle::new(saved, clock.now_ms(), window.as_millis() as u64);
        let inner = Inner {
            env: env.clone(),
            clock,
            storage,
            oracle,
            saving: AtomicBool::new(false),
            saved: Notify::new(),
            last_failure: Mutex::new(None),
        };
        let tso = Tso { inner: Arc::new(inner) };
        tso.inner.saving.store(true, Ordering::Release);
        let outcome = tso.inner.save();
        match &outcome {
            Ok(Some(end)) if !tso.inner.storage.is_settled() => {
                let (inner, end) = (Arc::clone(&tso.inner), *end);
                env.spawn.spawn("pd-tso-window", Box::pin(async move { inner.settle(end).await }));
            }
            _ => tso.inner.finish(&outcome),
        }
        outcome.map(|_| tso)
    }

    /// The last of `count` consecutive timestamps of one millisecond.
    pub(crate) async fn grant(&self, count: u32) -> Result<TimeStamp> {
        if count == 0 || count > COUNT_MAX {
            return Err(Error::TimestampCount { count, max: COUNT_MAX });
        }
        for _ in 0..WAITS_MAX {
            if let Some(granted) = self.grant_now(count) {
                return Ok(granted);
            }
            let saved = self.inner.saved.notified();
            tokio::pin!(saved);
            // Registered before the second look, so that a save that ends in between is not missed.
            saved.as_mut().enable();
            if let Some(granted) = self.grant_now(count) {
                return Ok(granted);
            }
            if !self.inner.storage.leads() {
                return Err(Error::NotLeader);
            }
            self.save_in_background();
            saved.await;
        }
        let failure = self.inner.last_failure.lock().clone();
        Err(Error::Window(failure.unwrap_or_else(|| "the clock runs ahead of every saved window".to_owned())))
    }

    fn grant_now(&self, count: u32) -> Option<TimeStamp> {
        match self.inner.oracle.grant(self.inner.clock.now_ms(), count) {
            Grant::Granted { last, extend } => {
                if extend {
                    self.save_in_background();
                }
                Some(last)
            }
            Grant::WindowEnded => None,
        }
    }

    fn save_in_background(&self) {
        if self.inner.saving.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = Arc::clone(&self.inner);
        let work = move || match inner.save() {
            Ok(Some(end)) if !inner.storage.is_settled() => {
                let spawn = Arc::clone(&inner.env.spawn);
                spawn.spawn("pd-tso-window", Box::pin(async move { inner.settle(end).await }));
            }
            outcome => inner.finish(&outcome),
        };
        self.inner.env.spawn.spawn_blocking("pd-tso-window", Box::new(work));
    }
}

impl Inner {
    /// Writes the next window end; `None` when the present one is as good.
    fn save(&self) -> Result<Option<TimeStamp>> {
        let end = self.oracle.next_window_end(self.clock.now_ms());
        if end <= self.oracle.window_end() {
            return Ok(None);
        }
        let mut batch = Batch::default();
        batch.put_u64(keys::TSO_WINDOW, end.into_inner());
        rutile_kv_env::failpoint!("pd::tso::before_save");
        if !self.env.hooks.is_planted("pd::tso::window_not_saved") {
            self.storage.write(batch)?;
        }
        rutile_kv_env::failpoint!("pd::tso::after_save");
        Ok(Some(end))
    }

    /// Waits for other members to take it.
    async fn settle(&self, end: TimeStamp) {
        let settled = if self.env.hooks.is_planted("pd::tso::window_not_settled") {
            Ok(())
        } else {
            self.storage.settled().await
        };
        self.finish(&settled.map(|()| Some(end)));
    }

    /// A save has ended; those who wait look again.
    fn finish(&self, outcome: &Result<Option<TimeStamp>>) {
        match outcome {
            Ok(Some(end)) => self.oracle.extended(*end),
            Ok(None) => {}
            Err(Error::NotLeader) => {}
            Err(error) => tracing::error!(%error, "the timestamp window could not be saved"),
        }
        *self.last_failure.lock() = outcome.as_ref().err().map(ToString::to_string);
        self.saving.store(false, Ordering::Release);
        self.saved.notify_waiters();
    }
}
