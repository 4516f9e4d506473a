//! Reports to the placement driver: heartbeats, splits, and the timestamp a new leader needs.
//!
//! One task talks to PD. What it has to do is kept in sets keyed by region, so a PD that is away makes nothing
//! grow beyond the regions of the store; heartbeats are sent at each change and repeated every minute, so a lost one
//! is made good. The answer to a heartbeat may name the next step of an operator, which goes to the raft loop.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_env::Env;
use rutile_kv_types::{ErrorClass, Region};
use rutile_pd_client::{PdClient, RegionHeartbeat};
use tokio::sync::Notify;

use super::command::SplitPlan;
use super::inbox::Inbox;
use super::message::{Message, SplitProposal};
use super::store_stats::StoreMeter;
use super::view::{Health, RegionView, Regions};
use crate::concurrency_manager::ConcurrencyManager;
use crate::metrics::Metrics;

/// A store tells PD that it lives this often.
const STORE_HEARTBEAT: Duration = Duration::from_secs(10);
/// Pause after PD failed.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Todo {
    /// Regions that became led here, with the term.
    new_leaders: BTreeMap<u64, (Arc<RegionView>, u64)>,
    /// By region, as it was when the report was queued: a newer range is told only together with the regions that
    /// were cut off, or PD would have a gap for a moment.
    heartbeats: BTreeMap<u64, Arc<Region>>,
    splits: Vec<Vec<Arc<Region>>>,
    /// By region, because a region has at most one split on its way.
    asks: BTreeMap<u64, (Arc<Region>, Vec<Bytes>)>,
    /// Peers that may have been removed, by region.
    memberships: BTreeMap<u64, u64>,
}

/// What PD is to be told, shared by those who find it and the task that does it.
#[derive(Default)]
pub struct Reports {
    todo: Mutex<Todo>,
    arrived: Notify,
}

impl Reports {
    /// A region is led here since `term`.
    pub fn became_leader(&self, view: Arc<RegionView>, term: u64) {
        let mut todo = self.todo.lock();
        todo.heartbeats.entry(view.region_id).or_insert_with(|| view.region());
        todo.new_leaders.insert(view.region_id, (view, term));
        drop(todo);
        self.arrived.notify_one();
    }

    /// A region was split; the region itself comes last.
    pub fn split(&self, regions: Vec<Arc<Region>>) {
        let mut todo = self.todo.lock();
        todo.heartbeats.extend(regions.iter().map(|region| (region.id, region.clone())));
        todo.splits.push(regions);
        drop(todo);
        self.arrived.notify_one();
    }

    /// Another region was merged into one led here: it needs a timestamp, and PD has to know.
    pub fn merged(&self, view: Arc<RegionView>, term: u64, region: Arc<Region>) {
        let mut todo = self.todo.lock();
        todo.heartbeats.insert(region.id, region);
        todo.new_leaders.insert(view.region_id, (view, term));
        drop(todo);
        self.arrived.notify_one();
    }

    /// The members of a region led here are others now, or one that waited for a snapshot has it.
    pub fn members_changed(&self, region: Arc<Region>) {
        self.todo.lock().heartbeats.insert(region.id, region);
        self.arrived.notify_one();
    }

    /// A peer heard of no leader for long.
    pub fn ask_membership(&self, region_id: u64, peer_id: u64) {
        self.todo.lock().memberships.insert(region_id, peer_id);
        self.arrived.notify_one();
    }

    /// A region has grown too large.
    pub fn ask_split(&self, region: Arc<Region>, keys: Vec<Bytes>) {
        self.todo.lock().asks.insert(region.id, (region, keys));
        self.arrived.notify_one();
    }

    /// No timestamp could be had for these. Whoever began to lead anew meanwhile waits for one already.
    fn once_more(&self, leaders: BTreeMap<u64, (Arc<RegionView>, u64)>) {
        let mut todo = self.todo.lock();
        for (region_id, leader) in leaders {
            todo.new_leaders.entry(region_id).or_insert(leader);
        }
    }

    fn take(&self) -> Todo {
        std::mem::take(&mut *self.todo.lock())
    }
}

/// State of the task.
pub struct Reporter {
    pub env: Env,
    pub pd: PdClient,
    pub store_id: u64,
    pub reports: Arc<Reports>,
    pub regions: Arc<Regions>,
    pub raft: Arc<Inbox<Message>>,
    pub concurrency: Arc<ConcurrencyManager>,
    pub metrics: Arc<Metrics>,
    pub meter: StoreMeter,
    /// How often all regions led here are reported.
    pub region_interval: Duration,
    /// PD is told the resolved timestamp with each report.
    pub reports_resolved_ts: bool,
    /// How often those of them that sleep are.
    pub sleeping_interval: Duration,
    /// PD did not answer; when it does it may be another one, which knows nothing of who leads.
    pub missed: AtomicBool,
}

impl Reporter {
    /// The loop of the task; ends by being aborted.
    pub async fn run(self) {
        // At once where there is a disk to tell of: PD weighs stores by their space.
        let first = if self.meter.data_dir.is_some() { Duration::ZERO } else { STORE_HEARTBEAT };
        let mut beat = self.env.clock.sleep(first);
        let mut report = self.env.clock.sleep(self.region_interval);
        let mut rounds = 0;
        loop {
            tokio::select! {
                biased;
                () = self.reports.arrived.notified() => self.work().await,
                () = &mut beat => {
                    self.store_heartbeat().await;
                    beat = self.env.clock.sleep(STORE_HEARTBEAT);
                }
                () = &mut report => {
                    rounds += 1;
                    self.report_all_regions(rounds);
                    report = self.env.clock.sleep(self.region_interval);
                }
            }
        }
    }

    async fn work(&self) {
        let todo = self.reports.take();
        self.sync_max_ts(todo.new_leaders).await;
        for regions in todo.splits {
            let regions: Vec<Region> = regions.iter().map(|region| (**region).clone()).collect();
            // Heartbeats of the same regions follow, so a lost report is only a delay.
            self.note(self.pd.report_batch_split(&regions).await);
        }
        for region in todo.heartbeats.into_values() {
            self.region_heartbeat(&region).await;
        }
        for (region, keys) in todo.asks.into_values() {
            self.ask_split(region, keys).await;
        }
        for (region_id, peer_id) in todo.memberships {
            self.ask_membership(region_id, peer_id).await;
        }
    }

    /// PD may be behind: the raft loop looks at the epoch. Who gets no answer asks again later.
    async fn ask_membership(&self, region_id: u64, peer_id: u64) {
        let known = self.pd.region_by_id(region_id).await;
        if known.as_ref().is_err_and(|error| error.class() == ErrorClass::RefreshRegion) {
            return self.raft.push(Message::Forgotten { region_id, peer_id });
        }
        if let Ok(known) = known
            && known.region.peer(peer_id).is_none()
            // What PD knows from the peer itself, which led when it was removed, says nothing of the others.
            && known.leader.is_some_and(|leader| leader.id != peer_id)
        {
            self.raft.push(Message::Removed { region_id, peer_id, epoch: known.region.epoch });
        }
    }

    /// One timestamp serves all regions that changed hands: it is newer than every read answered under their
    /// earlier leaders. The term guards against a leadership that ended meanwhile.
    async fn sync_max_ts(&self, leaders: BTreeMap<u64, (Arc<RegionView>, u64)>) {
        let unsynced =
            |(view, term): &&(Arc<RegionView>, u64)| view.leader_term() == *term && !view.is_max_ts_synced();
        if !leaders.values().any(|leader| unsynced(&leader)) {
            return;
        }
        // Before the timestamp: what is merged in meanwhile needs another one.
        let merges: Vec<u64> = leaders.values().map(|(view, _)| view.merges()).collect();
        match self.pd.timestamp().await {
            Ok(ts) => {
                self.concurrency.raise_max_ts(ts);
                for ((view, term), merges) in leaders.values().zip(merges) {
                    view.set_max_ts_synced(*term, merges);
                }
            }
            Err(error) => {
                self.metrics.pd_failures.add(1);
                tracing::warn!(%error, "no timestamp for new leaders yet");
                self.reports.once_more(leaders);
                self.env.clock.sleep(RETRY_PAUSE).await;
                self.reports.arrived.notify_one();
            }
        }
    }

    async fn region_heartbeat(&self, region: &Region) {
        let Ok(view) = self.regions.get(region.id) else {
            return;
        };
        let term = view.leader_term();
        if term == 0 {
            return;
        }
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let Health { pending, down } = view.health();
        let counted = view.traffic.take(term);
        let beat = RegionHeartbeat {
            region: region.clone(),
            leader: Some(region.peer(view.peer.id).unwrap_or(&view.peer).clone()),
            term,
            pending_peers: pending,
            down_peers: down,
            approximate_size_bytes: load(&view.measured_bytes) + load(&view.written_bytes),
            approximate_keys: load(&view.measured_keys) + load(&view.written_keys),
            bytes_written: counted.written_bytes,
            keys_written: counted.written_keys,
            bytes_read: counted.read_bytes,
            keys_read: counted.read_keys,
        };
        self.metrics.region_heartbeats.add(1);
        match self.pd.region_heartbeat(&beat).await {
            Ok(Some(operator)) => self.raft.push(Message::Operate(operator)),
            Ok(None) => {}
            Err(error) => self.note(Err(error)),
        }
    }

    async fn ask_split(&self, region: Arc<Region>, keys: Vec<Bytes>) {
        let view = self.regions.get(region.id);
        match self.pd.ask_batch_split(&region, keys.len() as u32).await {
            Ok(ids) => {
                let (region_id, epoch) = (region.id, region.epoch);
                self.raft.push(Message::Split(SplitProposal {
                    region_id,
                    epoch,
                    plan: SplitPlan { keys, ids },
                    done: Box::new(move |result| {
                        if let Err(error) = result {
                            tracing::info!(region_id, %error, "split did not happen");
                            // The next write to the region tries again.
                            view.into_iter()
                                .for_each(|view| view.split_pending.store(false, Ordering::SeqCst));
                        }
                    }),
                }));
            }
            Err(error) => {
                self.metrics.pd_failures.add(1);
                tracing::warn!(region_id = region.id, %error, "PD gave no ids for a split");
                view.into_iter().for_each(|view| view.split_pending.store(false, Ordering::SeqCst));
            }
        }
    }

    /// A region that sleeps has its turn once in so many rounds, not all in the same; and when PD may have changed.
    fn report_all_regions(&self, round: u64) {
        let intervals = self.sleeping_interval.as_nanos() / self.region_interval.as_nanos().max(1);
        let every = u64::try_from(intervals).unwrap_or(u64::MAX).max(1);
        let all = self.missed.swap(false, Ordering::Relaxed);
        let has_turn = |view: &RegionView| (view.region_id + round).is_multiple_of(every);
        let is_due = |view: &RegionView| all || !view.is_asleep() || has_turn(view);
        let led = self.regions.all().into_iter().filter(|view| view.leader_term() != 0 && is_due(view));
        let mut todo = self.reports.todo.lock();
        for view in led {
            todo.heartbeats.entry(view.region_id).or_insert_with(|| view.region());
        }
        drop(todo);
        self.reports.arrived.notify_one();
    }

    async fn store_heartbeat(&self) {
        let stats = self.meter.stats(self.store_id, &self.metrics);
        self.note(self.pd.store_heartbeat(&stats).await);
        if self.reports_resolved_ts {
            self.report_resolved_ts().await;
        }
    }

    pub(super) fn note(&self, result: rutile_pd_client::Result<()>) {
        if let Err(error) = result {
            self.metrics.pd_failures.add(1);
            self.missed.store(true, Ordering::Relaxed);
            tracing::warn!(%error, "PD was not told");
        }
    }
}
