//! The background loop: work that reads or flushes a lot and that nobody waits for.
//!
//! A region asks for one split check at a time, and the log for one collection per so many bytes appended, so its
//! inbox stays small; a stream of a snapshot waits for each of its chunks.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_engine::{Engine, RaftLog};
use rutile_kv_env::Hooks;

use super::driver::{Steps, Wait};
use super::heartbeat::Reports;
use super::inbox::Inbox;
use super::log_gc;
use super::message::Message;
use super::snapshot::{KeepChunk, drop_chunks, keep_chunk};
use super::split::inner_keys;
use super::split_checker::{Limits, find_middle_key, find_split_keys};
use super::view::{RegionView, Regions};

/// A walk is worth it after this part of a piece was written; TiKV's `region-split-check-diff`.
const CHECK_FRACTION: u64 = 16;
/// How long the loop sleeps when nothing comes; a message wakes it at once.
const IDLE_WAIT: Duration = Duration::from_secs(3600);

/// What is to be done.
pub enum Work {
    /// Look whether a region has grown too large.
    CheckSplit(u64),
    /// Split a region at these keys; without any, in the middle.
    SplitAt(u64, Vec<Bytes>),
    /// Flush the state engine and have the raft log truncated.
    CollectLog,
    /// Keep a piece of a snapshot that is received.
    KeepChunk(KeepChunk),
    /// Remove what was received for a region.
    DropChunks(u64),
    /// End.
    Stop,
}

/// Where work is found, shared with the loop that does it.
pub struct Background {
    pub inbox: Arc<Inbox<Work>>,
    limits: Limits,
}

impl Background {
    /// Nothing to do yet.
    pub fn new(limits: Limits) -> Self {
        Background { inbox: Arc::default(), limits }
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
            self.inbox.push(Work::CheckSplit(view.region_id));
        }
    }

    /// Queues a truncation of the raft log.
    pub fn collect_log(&self) {
        self.inbox.push(Work::CollectLog);
    }

    /// Ends the loop after the work at hand.
    pub fn stop(&self) {
        self.inbox.push(Work::Stop);
    }
}

/// State of the background loop.
pub struct Worker {
    pub background: Arc<Background>,
    pub engine: Arc<dyn Engine>,
    pub raft_log: Arc<dyn RaftLog>,
    pub regions: Arc<Regions>,
    pub raft: Arc<Inbox<Message>>,
    pub reports: Arc<Reports>,
    pub hooks: Hooks,
}

impl Steps for Worker {
    type Message = Work;
    const NAME: &'static str = "kv-background";
    const PAUSE: &'static str = "raftstore::background::pause";

    fn wait(&self) -> Wait {
        Wait::Message(IDLE_WAIT)
    }

    fn step(&mut self, messages: &mut Vec<Work>) -> bool {
        if messages.iter().any(|work| matches!(work, Work::Stop)) {
            return false;
        }
        let mut collect_log = false;
        for work in messages.drain(..) {
            match work {
                Work::CheckSplit(region_id) => self.check_split(region_id),
                Work::SplitAt(region_id, keys) => self.split_at(region_id, keys),
                Work::CollectLog => collect_log = true,
                Work::KeepChunk(chunk) => keep_chunk(&*self.engine, chunk),
                Work::DropChunks(region_id) => {
                    if let Err(error) = drop_chunks(&*self.engine, region_id) {
                        tracing::warn!(region_id, %error, "received chunks are removed at the next start");
                    }
                }
                Work::Stop => return false,
            }
        }
        if collect_log {
            log_gc::run(&*self.engine, &*self.raft_log, &self.regions, &self.raft, &self.hooks);
        }
        true
    }
}

impl Worker {
    /// Splits at keys that PD named, those of them that are inside the region, or in the middle.
    fn split_at(&self, region_id: u64, keys: Vec<Bytes>) {
        let Ok(view) = self.regions.get(region_id) else {
            return;
        };
        let region = view.region();
        let found = if keys.is_empty() {
            find_middle_key(&*self.engine.snapshot(), &region).map(Vec::from_iter)
        } else {
            inner_keys(&region, keys.into_iter().map(Vec::from).collect())
        };
        match found {
            Ok(keys) if !keys.is_empty() => return self.reports.ask_split(region, keys),
            Ok(_) => tracing::info!(region_id, "nothing to split the region at"),
            Err(error) => tracing::warn!(region_id, %error, "no key to split the region at"),
        }
        view.split_pending.store(false, Ordering::SeqCst);
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
