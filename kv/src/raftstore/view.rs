//! What other threads may know about a region without asking the raft thread.
//!
//! Written by the raft thread (leadership, lease) and the apply thread (range, applied index); read by everybody.
//! A read is admitted in this order: snapshot first, then leadership, lease and epoch. Whatever changes after the
//! snapshot only makes the read refuse; it can not make it stale.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use rutile_kv_env::Monotonic;
use rutile_kv_types::{Peer, Region, RegionEpoch};
use tokio::sync::Notify;

use super::follower_read::AppliedWatch;
use super::state::{ApplyState, MergeState};
use crate::error::{RegionError, Result};
use crate::pessimistic_locks::{MemoryLocks, MovedLock};
use crate::replica::RegionContext;
use crate::traffic::Traffic;

/// A lease without end: the only voter can not be replaced behind its back.
const LEASE_UNBOUNDED: u64 = u64::MAX;

/// A number of locks that no region reaches: look for yourself.
const LOCKS_UNKNOWN: u64 = 1 << 62;

/// Shared state of one peer.
pub struct RegionView {
    pub region_id: u64,
    /// The peer on this store.
    pub peer: Peer,
    region: RwLock<Arc<Region>>,
    /// Term in which this peer leads; 0 when it does not.
    leader_term: AtomicU64,
    /// Peer id of the leader as far as known; 0 when not.
    leader_peer: AtomicU64,
    /// End of the lease in nanoseconds since the clock's origin; 0 = none.
    lease_end: AtomicU64,
    applied_index: AtomicU64,
    applied_term: AtomicU64,
    /// The log up to here may go, as far as this peer was told.
    compact_index: AtomicU64,
    /// Leader term for which `max_ts` was raised from PD since the last merge.
    max_ts_term: Mutex<u64>,
    /// How many regions were merged into this one in this life of the store.
    merges: AtomicU64,
    /// The merge into another region that is under way.
    merge: RwLock<Option<Arc<MergeState>>>,
    /// Whether there is one.
    merging: AtomicBool,
    /// A merge into another region has begun.
    merge_begun: Notify,
    /// From this epoch on the peer has gone through the history of its region by its log.
    history_from: Mutex<RegionEpoch>,
    /// Locks in the lock CF, never below their number once a reader may rely on it.
    locks: AtomicU64,
    /// Pessimistic locks that only this leader knows. Its mutex comes before that of the region.
    pub memory_locks: Arc<MemoryLocks>,
    /// Something that a waiter may wait for has changed.
    changed: Notify,
    /// Readers of a follower that wait for entries to be applied.
    pub applied_watch: AppliedWatch,
    /// Written since the size was last measured.
    pub written_bytes: AtomicU64,
    pub written_keys: AtomicU64,
    /// Size at the last measurement.
    pub measured_bytes: AtomicU64,
    pub measured_keys: AtomicU64,
    /// Since PD was told.
    pub traffic: Arc<Traffic>,
    /// The peer applied its removal; nothing is applied to it any more.
    pub removed: AtomicBool,
    /// How the leader sees the other peers.
    health: Mutex<Health>,
    /// A split check is queued or a split is on its way.
    pub split_pending: AtomicBool,
    /// Somebody has asked the leader for something of late.
    used: AtomicBool,
    /// The peer sleeps.
    asleep: AtomicBool,
}

/// What the leader of several peers tells PD about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Peers that wait for a snapshot.
    pub pending: Vec<Peer>,
    /// Peers not heard of, with the seconds of silence.
    pub down: Vec<(Peer, u64)>,
}

impl RegionView {
    /// The view of a peer that knows no leader yet.
    pub fn new(region: Arc<Region>, peer: Peer, applied: ApplyState) -> Self {
        RegionView {
            region_id: region.id,
            peer,
            memory_locks: Arc::new(MemoryLocks::new(region.epoch.version)),
            region: RwLock::new(region),
            leader_term: AtomicU64::new(0),
            leader_peer: AtomicU64::new(0),
            lease_end: AtomicU64::new(0),
            applied_index: AtomicU64::new(applied.applied_index),
            applied_term: AtomicU64::new(applied.applied_term),
            compact_index: AtomicU64::new(0),
            max_ts_term: Mutex::new(0),
            merges: AtomicU64::new(0),
            merge: RwLock::default(),
            merging: AtomicBool::new(false),
            merge_begun: Notify::new(),
            history_from: Mutex::default(),
            locks: AtomicU64::new(LOCKS_UNKNOWN),
            changed: Notify::new(),
            applied_watch: AppliedWatch::default(),
            written_bytes: AtomicU64::new(0),
            written_keys: AtomicU64::new(0),
            measured_bytes: AtomicU64::new(0),
            measured_keys: AtomicU64::new(0),
            traffic: Arc::default(),
            removed: AtomicBool::new(false),
            health: Mutex::default(),
            split_pending: AtomicBool::new(false),
            used: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
        }
    }

    /// Range, epoch and peers now.
    pub fn region(&self) -> Arc<Region> {
        self.region.read().clone()
    }

    /// Replaces the region after a split. Answers the locks in memory that lie outside it now.
    pub fn set_region(&self, region: Arc<Region>) -> Vec<MovedLock> {
        debug_assert_eq!(region.id, self.region_id, "a view stays with its region");
        let moved = self.memory_locks.change_region(&region.clone(), || *self.region.write() = region);
        self.changed.notify_waiters();
        moved
    }

    /// This peer became the leader of `term`; `is_first` when the region had no leader before.
    pub fn set_leading(&self, term: u64, is_first: bool) {
        debug_assert!(term > 0, "terms start above zero");
        self.memory_locks.lead(term, is_first);
        self.lease_end.store(0, Ordering::SeqCst);
        self.leader_peer.store(self.peer.id, Ordering::SeqCst);
        self.leader_term.store(term, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// This peer follows `leader`, or nobody when 0.
    pub fn set_following(&self, leader: u64) {
        self.leader_term.store(0, Ordering::SeqCst);
        self.lease_end.store(0, Ordering::SeqCst);
        self.leader_peer.store(leader, Ordering::SeqCst);
        self.memory_locks.lead(0, false);
        self.changed.notify_waiters();
    }

    /// Term in which this peer leads; 0 when it does not.
    pub fn leader_term(&self) -> u64 {
        self.leader_term.load(Ordering::SeqCst)
    }

    /// Peer id of the leader as far as known; 0 when not.
    pub fn leader_peer(&self) -> u64 {
        self.leader_peer.load(Ordering::SeqCst)
    }

    /// The lease of a region that has no other voter.
    pub fn set_unbounded_lease(&self) {
        self.lease_end.store(LEASE_UNBOUNDED, Ordering::SeqCst);
    }

    /// The region has other voters now.
    pub fn end_unbounded_lease(&self) {
        let (bound, none) = (LEASE_UNBOUNDED, 0);
        // Another lease stays as it is.
        let _ = self.lease_end.compare_exchange(bound, none, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// How the leader sees the other peers.
    pub fn health(&self) -> Health {
        self.health.lock().clone()
    }

    /// See [`RegionView::health`].
    pub fn set_health(&self, health: Health) {
        *self.health.lock() = health;
    }

    /// A quorum answered a message sent at `sent`; the lease is shorter than any election timeout.
    pub fn renew_lease(&self, sent: Monotonic, duration: Duration) {
        let end = nanos(sent + duration);
        self.lease_end.fetch_max(end, Ordering::SeqCst);
    }

    /// Ends the lease, before anything that may give leadership away.
    pub fn suspend_lease(&self) {
        self.lease_end.store(0, Ordering::SeqCst);
    }

    /// Whether there is a lease.
    pub fn lease_holds(&self, now: impl FnOnce() -> Monotonic) -> bool {
        match self.lease_end.load(Ordering::SeqCst) {
            LEASE_UNBOUNDED => true,
            0 => false,
            end => nanos(now()) < end,
        }
    }

    /// Somebody asks the leader for something.
    #[inline]
    pub fn note_used(&self) {
        // Mostly it is set already, and readers share the line.
        if !self.is_used() {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether anybody has asked since [`RegionView::take_used`].
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// The same, and forgets it.
    pub fn take_used(&self) -> bool {
        self.is_used() && self.used.swap(false, Ordering::Relaxed)
    }

    /// Whether the peer sleeps.
    pub fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::SeqCst)
    }

    /// The peer falls asleep or wakes.
    pub fn set_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::SeqCst);
    }

    /// How far the region is applied.
    pub fn applied(&self) -> ApplyState {
        ApplyState {
            applied_index: self.applied_index.load(Ordering::SeqCst),
            applied_term: self.applied_term.load(Ordering::SeqCst),
        }
    }

    /// The engine holds what the entries up to here did.
    pub fn set_applied(&self, applied: ApplyState) {
        self.applied_index.store(applied.applied_index, Ordering::SeqCst);
        let before = self.applied_term.swap(applied.applied_term, Ordering::SeqCst);
        if before != applied.applied_term {
            self.changed.notify_waiters();
        }
        self.applied_watch.wake();
    }

    /// The log up to `index` may go.
    pub fn allow_compaction(&self, index: u64) {
        self.compact_index.fetch_max(index, Ordering::SeqCst);
    }

    /// The log up to here may go.
    pub fn compact_index(&self) -> u64 {
        self.compact_index.load(Ordering::SeqCst)
    }

    /// Whether a snapshot taken after this call may hold a lock that a read must heed. A lock that is applied later
    /// belongs to a transaction that has no commit timestamp yet, so it will get one above every read under way.
    pub fn may_have_locks(&self) -> bool {
        self.locks.load(Ordering::SeqCst) != 0
    }

    /// The number of locks, counted.
    pub fn set_locks(&self, locks: u64) {
        self.locks.store(locks, Ordering::SeqCst);
    }

    /// Locks were removed without being counted: readers look for themselves from now on.
    pub fn give_up_counting_locks(&self) {
        self.locks.store(LOCKS_UNKNOWN, Ordering::SeqCst);
    }

    /// Locks added less locks removed. A count that would fall below zero was wrong and is given up: readers look
    /// for themselves from then on.
    pub fn add_locks(&self, change: i64) {
        let before = self.locks.load(Ordering::SeqCst);
        let after = before.checked_add_signed(change);
        debug_assert!(after.is_some(), "region {} had {before} locks, then {change}", self.region_id);
        self.locks.store(after.unwrap_or(LOCKS_UNKNOWN), Ordering::SeqCst);
    }

    /// The number of locks as far as known.
    #[cfg(test)]
    pub fn locks(&self) -> u64 {
        self.locks.load(Ordering::SeqCst)
    }

    /// `max_ts` covers what was read under leaders before `term`, and in the regions that were merged into this one up
    /// to the number `merges`.
    pub fn set_max_ts_synced(&self, term: u64, merges: u64) {
        let mut synced = self.max_ts_term.lock();
        if self.merges() == merges {
            *synced = term.max(*synced);
        }
        drop(synced);
        self.changed.notify_waiters();
    }

    /// Whether `max_ts` was raised for the present leader term.
    pub fn is_max_ts_synced(&self) -> bool {
        let term = self.leader_term();
        term != 0 && *self.max_ts_term.lock() >= term
    }

    /// From this epoch on the peer has gone through the history of its region by its log.
    pub fn history_from(&self) -> RegionEpoch {
        *self.history_from.lock()
    }

    /// A snapshot has put the peer here.
    pub fn set_history_from(&self, epoch: RegionEpoch) {
        *self.history_from.lock() = epoch;
    }

    /// How many regions were merged into this one.
    pub fn merges(&self) -> u64 {
        self.merges.load(Ordering::SeqCst)
    }

    /// Another region is about to become a part of this one: what was read there may be above `max_ts` here, and there
    /// may be locks.
    pub fn begin_takeover(&self, keeps_max_ts: bool) {
        let mut synced = self.max_ts_term.lock();
        self.merges.fetch_add(1, Ordering::SeqCst);
        if !keeps_max_ts {
            *synced = 0;
        }
        drop(synced);
        self.give_up_counting_locks();
    }

    /// The merge into another region that is under way.
    pub fn merge_state(&self) -> Option<Arc<MergeState>> {
        if self.is_merging() { self.merge.read().clone() } else { None }
    }

    /// Whether the region is on its way into another one; it serves nobody then.
    pub fn is_merging(&self) -> bool {
        self.merging.load(Ordering::SeqCst)
    }

    /// A merge into another region has begun, or was rolled back.
    pub fn set_merge_state(&self, merge: Option<Arc<MergeState>>) {
        let begins = merge.is_some();
        *self.merge.write() = merge;
        self.merging.store(begins, Ordering::SeqCst);
        if begins {
            self.merge_begun.notify_waiters();
        }
    }

    /// Waits until a merge into another region has begun.
    pub async fn merge_begun(&self) {
        let begun = self.merge_begun.notified();
        if !self.is_merging() {
            begun.await;
        }
    }

    /// Whether this peer leads, has applied an entry of its term, and may commit in one phase.
    pub fn is_ready(&self) -> bool {
        let term = self.leader_term();
        term != 0 && self.applied_term.load(Ordering::SeqCst) == term && self.is_max_ts_synced()
    }

    /// Waits until `condition` holds; woken at each change of leadership, applied term or `max_ts`.
    pub async fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            if condition(self) {
                return;
            }
            changed.await;
        }
    }

    /// The checks that do not change over the life of a peer.
    pub fn check_peer(&self, context: &RegionContext) -> Result<(), RegionError> {
        let Peer { id, store_id, .. } = self.peer;
        if context.store_id != store_id {
            return Err(RegionError::StoreNotMatch { requested: context.store_id, actual: store_id });
        }
        if context.peer_id != id {
            return Err(RegionError::PeerMismatch { requested: context.peer_id, actual: id });
        }
        Ok(())
    }

    /// Leadership and term; answers the term to propose in.
    pub fn check_leader(&self, context_term: u64) -> Result<u64, RegionError> {
        let term = self.leader_term();
        if term == 0 {
            return Err(self.not_leader());
        }
        // A leader in between would cost two terms, so one term more is still the same leader.
        if context_term != 0 && term > context_term + 1 {
            return Err(RegionError::StaleCommand);
        }
        Ok(term)
    }

    /// The region if its version is the one of the request.
    pub fn check_epoch(&self, epoch: RegionEpoch) -> Result<Arc<Region>, RegionError> {
        let region = self.region();
        if region.epoch.version == epoch.version {
            Ok(region)
        } else {
            Err(RegionError::EpochNotMatch { current: vec![region] })
        }
    }

    /// Whether a snapshot taken before this call may be read: true, or false when the lease can not tell.
    pub fn check_read(&self, term: u64, now: impl FnOnce() -> Monotonic) -> Result<bool, RegionError> {
        if self.leader_term() != term {
            return Err(self.not_leader());
        }
        if self.is_merging() {
            return Err(RegionError::ProposalInMergingMode { region_id: self.region_id });
        }
        if self.applied_term.load(Ordering::SeqCst) != term {
            let reason = "the new leader has not committed in its term";
            return Err(RegionError::ReadIndexNotReady { region_id: self.region_id, reason });
        }
        Ok(self.lease_holds(now))
    }

    /// The error for a peer that does not lead. The leader is named only when it is another known peer.
    pub fn not_leader(&self) -> RegionError {
        let leader = self.leader_peer.load(Ordering::SeqCst);
        let leader = self.region().peer(leader).filter(|peer| peer.id != self.peer.id).cloned();
        RegionError::NotLeader { region_id: self.region_id, leader }
    }
}

fn nanos(at: Monotonic) -> u64 {
    u64::try_from(at.since_origin().as_nanos()).unwrap_or(LEASE_UNBOUNDED - 1)
}

/// All regions with a peer on this store.
#[derive(Default)]
pub struct Regions {
    views: RwLock<HashMap<u64, Arc<RegionView>>>,
}

impl Regions {
    /// The view of a region.
    pub fn get(&self, region_id: u64) -> Result<Arc<RegionView>, RegionError> {
        let views = self.views.read();
        views.get(&region_id).cloned().ok_or(RegionError::RegionNotFound { region_id })
    }

    /// Adds a region.
    pub fn insert(&self, view: Arc<RegionView>) {
        let before = self.views.write().insert(view.region_id, view);
        debug_assert!(before.is_none(), "a region has one peer per store");
    }

    /// Forgets a region.
    pub fn remove(&self, region_id: u64) {
        self.views.write().remove(&region_id);
    }

    /// All views, in order of region id.
    pub fn all(&self) -> Vec<Arc<RegionView>> {
        let mut all: Vec<_> = self.views.read().values().cloned().collect();
        all.sort_unstable_by_key(|view| view.region_id);
        all
    }

    /// The region that begins with the first key of all.
    pub fn first(&self) -> Option<Arc<RegionView>> {
        self.views.read().values().find(|view| view.region().start_key.is_empty()).cloned()
    }

    /// The region and those its last split cut off, in key order: they share one version and lie to its left.
    pub fn with_siblings(&self, region: Arc<Region>) -> Vec<Arc<Region>> {
        let all: Vec<_> = self.views.read().values().map(|view| view.region()).collect();
        let mut found = vec![region];
        while let Some(first) = found.last().filter(|first| !first.start_key.is_empty()) {
            let left = |other: &&Arc<Region>| {
                other.end_key == first.start_key && other.epoch.version == first.epoch.version
            };
            match all.iter().find(left).cloned() {
                Some(left) => found.push(left),
                None => break,
            }
        }
        found.reverse();
        found
    }
}
