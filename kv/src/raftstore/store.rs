//! The raft loop, and the handle that ends all loops of the store.
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_engine::{Engine, RaftLog};
use rutile_kv_env::{Env, Monotonic, TaskHandle, ThreadHandle, fail_stop};
use tokio::sync::{Semaphore, oneshot};

use super::apply::ApplyMessage;
use super::background::Background;
use super::driver::{Running, Steps, Wait};
use super::heartbeat::Reports;
use super::hibernate::{Hibernation, Peers};
use super::inbox::{Inbox, Room};
use super::message::Message;
use super::peer::Peer;
use super::read::RaftReplica;
use super::snapshot::{Arrived, Streams};
use super::transport::{Arrivals, PeerMessage, Transport};
use super::view::{RegionView, Regions};
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::pessimistic_locks::{Budget, MovedLock};
use crate::replica::Splitter;

/// Raft's unit of time.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// State of the raft loop.
pub struct RaftLoop {
    pub(super) env: Env,
    pub(super) store_id: u64,
    pub(super) peers: Peers,
    pub(super) hibernation: Hibernation,
    pub(super) regions: Arc<Regions>,
    pub(super) raft_log: Arc<dyn RaftLog>,
    pub(super) engine: Arc<dyn Engine>,
    /// This loop's own inbox, for those who answer it.
    pub(super) own: Arc<Inbox<Message>>,
    pub(super) apply: Arc<Inbox<ApplyMessage>>,
    pub(super) background: Arc<Background>,
    pub(super) reports: Arc<Reports>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) metrics: Arc<Metrics>,
    /// Regions to look at in this round. Ordered, so that a run is repeatable.
    pub(super) dirty: BTreeSet<u64>,
    /// Regions with committed entries that wait for a source of a merge.
    pub(super) holding: BTreeSet<u64>,
    /// Calls for votes in regions that are not here yet.
    pub(super) early_votes: VecDeque<PeerMessage>,
    pub(super) lease: Duration,
    /// Number of the last quorum round.
    pub(super) last_round: u64,
    /// Raft log bytes since the last truncation.
    pub(super) appended_bytes: u64,
    pub(super) log_gc_bytes: u64,
    /// What a read must pass that a leader answers for its follower.
    pub(super) concurrency: Arc<ConcurrencyManager>,
    /// Room for the pessimistic locks that leaders keep in memory.
    pub(super) lock_budget: Arc<Budget>,
    /// Ticks without a leader after which a peer asks PD whether it is still a member.
    pub(super) stale_ticks: u64,
    /// When followers are looked after next.
    pub(super) next_look: Monotonic,
    /// Entries for which a log waits for a peer that lags behind.
    pub(super) log_lag_max: u64,
    /// Snapshots that may be sent at once.
    pub(super) sending: Arc<Semaphore>,
    pub(super) streams: Arc<Streams>,
    /// Whole snapshots that wait until their range is free.
    pub(super) arrived_snapshots: Vec<Arrived>,
    pub(super) next_tick: Monotonic,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    Stop,
    Halt,
}

impl RaftLoop {
    /// Adds a peer and makes it visible. `locks` are those in memory that came with a split.
    pub(super) fn add_peer(&mut self, mut peer: Peer, locks: Vec<MovedLock>) {
        peer.view.memory_locks.open(self.lock_budget.clone(), locks);
        peer.choose_election_timeout(&*self.env.random);
        let region_id = peer.region_id();
        self.regions.insert(peer.view.clone());
        self.peers.insert(region_id, peer);
        self.dirty.insert(region_id);
        self.metrics.regions.set(self.peers.len() as u64);
    }

    fn handle(&mut self, message: Message) -> Option<Flow> {
        if let Some(region_id) = message.disturbs() {
            self.wake(region_id);
        }
        match message {
            Message::Raft(message) => self.receive(*message),
            Message::Propose(proposal, in_flight) => self.propose(proposal, in_flight),
            Message::Split(split) => self.propose_split(split),
            Message::Operate(operator) => self.operate(operator),
            Message::ReadBarrier { region_id, done } => self.read_barrier(region_id, done),
            Message::FollowerRead { region_id, read, done } => self.ask_leader(region_id, &read, done),
            Message::SplitApplied { regions } => {
                if let Err(error) = self.split_applied(regions) {
                    fail_stop("new regions of a split", &error);
                }
            }
            Message::ConfChanged { region_id, change } => self.conf_changed(region_id, change),
            Message::Removed { region_id, peer_id, epoch } => self.destroy_stale(region_id, peer_id, epoch),
            Message::Buried { region_id, peer_id } => self.buried(region_id, peer_id),
            Message::MergePrepared { region, state } => self.merge_prepared(region.id, region, state),
            Message::MergeRolledBack { region } => self.merge_rolled_back(region.id, region),
            Message::Merged(merged) => self.merged(merged),
            Message::Forgotten { region_id, peer_id } => self.ask_around(region_id, peer_id),
            Message::SnapshotTaken { region_id, taken } => {
                self.snapshot_taken(region_id, taken.map(|taken| *taken))
            }
            Message::SnapshotSent { region_id, to, arrived } => self.snapshot_sent(region_id, to, arrived),
            Message::SnapshotArrived(arrived) => self.snapshot_arrived(*arrived),
            Message::Restored { region_id } => self.restored(region_id),
            Message::Flushed { applied } => self.truncate_logs(&applied),
            Message::HandOn { regions, round, done } => {
                // Nobody to tell means that the store no longer waits for it.
                let _ = done.send(self.hand_on(regions, round));
            }
            Message::AskedFor { region_id } => self.asked_for(region_id),
            Message::Unreachable { store_id } => self.store_unreachable(store_id),
            #[cfg(test)]
            Message::HandOverLocks { region_id, hands_over, done } => {
                let is_last = hands_over && self.hand_over_locks(region_id);
                if !hands_over {
                    self.keep_locks(region_id);
                }
                done.send(is_last).expect("a test waits");
            }
            Message::Sync(done) => {
                // Nobody to tell means that the start was given up.
                let _ = done.send(());
            }
            Message::Stop => return Some(Flow::Stop),
            Message::Halt => return Some(Flow::Halt),
        }
        None
    }

    fn tick(&mut self) {
        let now = self.env.clock.now();
        if now < self.next_tick {
            return;
        }
        // After a long pause one tick is enough: many at once would start elections for nothing.
        self.next_tick = now + TICK;
        self.look_after_sleepers(now);
        self.ask_to_sleep();
        let mut ticks = 0;
        for peer in self.peers.awake_mut() {
            ticks += 1;
            if peer.tick(&*self.env.random) {
                self.dirty.insert(peer.region_id());
            }
        }
        self.metrics.raft_ticks.add(ticks);
        self.go_on_with_transfers();
        self.go_on_with_merges();
        self.retry_snapshots();
        self.suspect_removal();
        self.go_on_leaving();
        self.look_after_peers(now);
        self.renew_leases();
        self.finish_all_barriers();
    }

    /// Everything committed goes to the apply loop; what is not gets no answer.
    fn stop(&mut self) {
        for peer in self.peers.values_mut() {
            peer.fail_all(|| Error::Unknown);
        }
        self.apply.push(ApplyMessage::Stop);
    }
}

impl Steps for RaftLoop {
    type Message = Message;
    const NAME: &'static str = "raft";
    const PAUSE: &'static str = "raftstore::store::pause";

    fn wait(&self) -> Wait {
        if self.dirty.is_empty() {
            return Wait::Message(self.next_tick - self.env.clock.now());
        }
        if self.apply.is_full() { Wait::Room(self.apply.clone()) } else { Wait::Message(Duration::ZERO) }
    }

    /// What was queued while the last round synced is all taken now, and shares the next sync.
    fn step(&mut self, messages: &mut Vec<Message>) -> bool {
        let flow = messages.drain(..).fold(Flow::GoOn, |flow, message| self.handle(message).unwrap_or(flow));
        if flow == Flow::Halt {
            self.apply.push(ApplyMessage::Halt);
            return false;
        }
        self.tick();
        self.run_rounds();
        self.fall_asleep();
        if flow == Flow::Stop {
            self.stop();
        }
        flow == Flow::GoOn
    }
}

/// How to end a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Apply what is committed and flush the state engine.
    Clean,
    /// End the threads and leave everything as a killed process would.
    Halt,
}

/// A running store.
pub struct RaftStore {
    pub store_id: u64,
    pub replica: Arc<RaftReplica>,
    pub splitter: Arc<dyn Splitter>,
    pub(super) background: Arc<Background>,
    pub(super) apply: Arc<Inbox<ApplyMessage>>,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) streams: Arc<Streams>,
    pub(super) loops: Mutex<Vec<Running>>,
    pub(super) reporter: TaskHandle,
}

impl RaftStore {
    /// Waits until every region that only this store can lead serves, those included that come out of the log.
    pub(super) async fn settle(&self) {
        loop {
            let views = self.replica.regions.all();
            for view in &views {
                // The log may add members, who may have elected another leader, or take this peer away.
                let others =
                    |view: &RegionView| view.region().peers.iter().any(|peer| peer.id != view.peer.id);
                let is_gone = |view: &RegionView| self.replica.regions.get(view.region_id).is_err();
                view.wait_until(|view| view.is_ready() || others(view) || is_gone(view)).await;
            }
            let (sender, synced) = oneshot::channel();
            self.replica.inbox.push(Message::Sync(sender));
            // A raft thread that is gone has taken the process with it, or the store is ending.
            let ended = synced.await.is_err();
            if ended || self.replica.regions.all().len() == views.len() {
                return;
            }
        }
    }

    /// Ends the loops and waits until they have ended; calling it again does nothing.
    pub async fn end(self: &Arc<Self>, how: Stop) -> Result<()> {
        let loops = self.ask_to_end(how);
        if loops.is_empty() {
            return Ok(());
        }
        // Until it is gone it keeps the engine open.
        self.reporter.join().await;
        let mut threads = Vec::new();
        for running in loops {
            match running {
                Running::Thread(thread) => threads.push(thread),
                Running::Task(task) => drop(task.join().await),
            }
        }
        let (sender, receiver) = oneshot::channel();
        let store = self.clone();
        // Joining threads and flushing block.
        let work = move || {
            let result = join(threads).and_then(|()| store.after_end(how));
            // Before the answer: the caller may open the same files next.
            drop(store);
            // Nobody to tell means that the caller gave up waiting; the store has ended all the same.
            let _ = sender.send(result);
        };
        self.replica.env.spawn.spawn_blocking("store-stop", Box::new(work));
        self.streams.end().await;
        receiver.await.unwrap_or(Err(Error::Stopped))
    }

    /// Answers the loops that end now; none the second time.
    fn ask_to_end(&self, how: Stop) -> Vec<Running> {
        let loops = std::mem::take(&mut *self.loops.lock());
        if !loops.is_empty() {
            self.replica.in_flight.close();
            self.reporter.abort();
            self.background.stop();
            self.replica.inbox.push(if how == Stop::Clean { Message::Stop } else { Message::Halt });
        }
        loops
    }

    fn after_end(&self, how: Stop) -> Result<()> {
        // What came too late is dropped unanswered, which its caller hears as "unknown".
        self.replica.inbox.close();
        self.apply.close();
        if how == Stop::Clean {
            self.engine.flush()?;
        }
        Ok(())
    }
}

fn join(threads: Vec<ThreadHandle>) -> Result<()> {
    threads.into_iter().try_for_each(|thread| thread.join().map_err(|error| Error::Engine(error.into())))
}

impl Drop for RaftStore {
    fn drop(&mut self) {
        let mut threads = Vec::new();
        for running in self.ask_to_end(Stop::Halt) {
            match running {
                Running::Thread(thread) => threads.push(thread),
                Running::Task(task) => task.abort(),
            }
        }
        if let Err(error) = join(threads).and_then(|()| self.after_end(Stop::Halt)) {
            tracing::error!(%error, "a thread of the store did not end well");
        }
    }
}
