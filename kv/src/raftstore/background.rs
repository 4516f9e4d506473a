//! The background thread: work that reads or flushes a lot and that nobody waits for.
//!
//! Its queue is a set of region ids and a flag, so it can not grow beyond the regions of the store.
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};
use rutile_kv_engine::{Engine, RaftLog};

use super::heartbeat::Reports;
use super::inbox::Inbox;
use super::log_gc;
use super::message::Message;
use super::split_checker::{Limits, find_split_keys};
use super::view::{RegionView, Regions};

/// A walk is worth it after this part of a piece was written; TiKV's `region-split-check-diff`.
const CHECK_FRACTION: u64 = 16;

#[derive(Default)]
struct Work {
    checks: BTreeSet<u64>,
    collect_log: bool,
    stop: bool,
}

/// What is to be done, shared by those who find it and the thread that does it.
pub struct Background {
    work: Mutex<Work>,
    arrived: Condvar,
    limits: Limits,
}

impl Background {
    /// Nothing to do yet.
    pub fn new(limits: Limits) -> Self {
        Background { work: Mutex::default(), arrived: Condvar::new(), limits }
    }

    /// Called after each write: queues a split check when the region may have grown too large. A region that was
    /// just walked and could not be split is walked again only after a good part of a piece was written to it.
    pub fn note_written(&self, view: &RegionView) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (bytes, keys) = (load(&view.written_bytes), load(&view.written_keys));
        let grown = bytes >= self.limits.split_bytes / CHECK_FRACTION
            || keys >= self.limits.split_keys / CHECK_FRACTION;
        let over = load(&view.measured_bytes) + bytes >= self.limits.max_bytes
            || load(&view.measured_keys) + keys >= self.limits.max_keys;
        if grown && over && view.leader_term() != 0 && !view.split_pending.swap(true, Ordering::SeqCst) {
            self.work.lock().checks.insert(view.region_id);
            self.arrived.notify_one();
        }
    }

    /// Queues a truncation of the raft log.
    pub fn collect_log(&self) {
        self.work.lock().collect_log = true;
        self.arrived.notify_one();
    }

    /// Ends the thread after the work at hand.
    pub fn stop(&self) {
        self.work.lock().stop = true;
        self.arrived.notify_one();
    }

    fn take(&self) -> Work {
        let mut work = self.work.lock();
        while work.checks.is_empty() && !work.collect_log && !work.stop {
            self.arrived.wait(&mut work);
        }
        let stop = work.stop;
        std::mem::replace(&mut *work, Work { stop, ..Work::default() })
    }
}

/// State of the background thread.
pub struct Worker {
    pub background: Arc<Background>,
    pub engine: Arc<dyn Engine>,
    pub raft_log: Arc<dyn RaftLog>,
    pub regions: Arc<Regions>,
    pub raft: Arc<Inbox<Message>>,
    pub reports: Arc<Reports>,
}

impl Worker {
    /// The loop of the thread.
    pub fn run(self) {
        loop {
            let work = self.background.take();
            if work.stop {
                return;
            }
            for region_id in work.checks {
                self.check_split(region_id);
            }
            if work.collect_log {
                log_gc::run(&*self.engine, &*self.raft_log, &self.regions, &self.raft);
            }
        }
    }

    fn check_split(&self, region_id: u64) {
        let Ok(view) = self.regions.get(region_id) else {
            return;
        };
        let written =
            (view.written_bytes.swap(0, Ordering::Relaxed), view.written_keys.swap(0, Ordering::Relaxed));
        let region = view.region();
        match find_split_keys(&*self.engine.snapshot(), &region, &self.background.limits) {
            Ok(found) => {
                view.measured_bytes.store(found.bytes, Ordering::Relaxed);
                view.measured_keys.store(found.keys, Ordering::Relaxed);
                if found.split_keys.is_empty() {
                    view.split_pending.store(false, Ordering::SeqCst);
                } else {
                    self.reports.ask_split(region, found.split_keys);
                }
            }
            Err(error) => {
                tracing::warn!(region_id, %error, "split check failed");
                view.written_bytes.fetch_add(written.0, Ordering::Relaxed);
                view.written_keys.fetch_add(written.1, Ordering::Relaxed);
                view.split_pending.store(false, Ordering::SeqCst);
            }
        }
    }
}
