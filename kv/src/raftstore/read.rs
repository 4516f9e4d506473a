//! Reads: a snapshot on the caller's thread under the lease, or a quorum round when the lease can not tell.
//!
//! The order is snapshot, then checks, then reading (see `view`). A snapshot taken after a quorum round needs no lease:
//! it holds all that was committed when the round began, and whoever leads by then gives later commit timestamps,
//! because the reader's timestamp was given out before. So regions without a lease (see `split`, `transfer_leader`)
//! serve reads, only slower. A quorum round is numbered by the clock's
//! reading when it was sent, which is also where the lease it earns counts from.
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rutile_kv_engine::Engine;
use rutile_kv_env::Env;
use rutile_kv_types::Region;
use tokio::sync::{Semaphore, oneshot};

use super::inbox::Inbox;
use super::message::{BarrierDone, Message};
use super::peer::{Barrier, Peer};
use super::snapshot::Receptions;
use super::store::RaftLoop;
use super::transport::Arrivals;
use super::view::{RegionView, Regions};
use crate::error::{Error, RegionError, Result};
use crate::gc::{self, SafePoint};
use crate::metrics::Metrics;
use crate::pessimistic_locks::MemoryLocks;
use crate::replica::{FollowerRead, LedRegion, Proposal, RegionContext, RegionSnapshot, Replica};

/// Writes taken on and not yet applied, in [`IN_FLIGHT_UNIT`]s: 64 MiB.
pub const IN_FLIGHT_MAX: usize = 1 << 16;
/// Bytes of one permit.
const IN_FLIGHT_UNIT: usize = 1 << 10;
/// Largest write of one command; TiKV's `raft-entry-max-size`.
pub const ENTRY_BYTES_MAX: usize = 8 << 20;
/// How long a write waits for room before it is told that the store is busy.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long a one-phase commit waits for `max_ts` of a new leader.
const MAX_TS_WAIT_MAX: Duration = Duration::from_secs(1);
/// Reads waiting for a quorum per region; more are told to come again.
const BARRIERS_MAX: usize = 1024;

/// The replicated store as callers see it.
pub struct RaftReplica {
    pub(super) env: Env,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) regions: Arc<Regions>,
    pub(super) inbox: Arc<Inbox<Message>>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) receptions: Arc<Receptions>,
    pub(super) in_flight: Arc<Semaphore>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) safe_point: Arc<SafePoint>,
}

impl RaftReplica {
    /// Ends all read leases, as a long pause does.
    #[cfg(test)]
    pub fn suspend_leases(&self) {
        self.regions.all().iter().for_each(|view| view.suspend_lease());
    }

    /// Compares the kept numbers of locks with counted ones; for a store at rest.
    #[cfg(test)]
    pub fn check_locks(&self) {
        for view in self.regions.all() {
            let counted = super::apply::count_locks(&*self.engine, &view.region()).expect("readable");
            assert_eq!(view.locks(), counted, "region {}", view.region_id);
        }
    }

    /// Hands the pessimistic locks in memory over, as before a transfer, or keeps them.
    #[cfg(test)]
    pub async fn hand_over_locks(&self, region_id: u64, hands_over: bool) -> bool {
        let (done, answer) = oneshot::channel();
        self.inbox.push(Message::HandOverLocks { region_id, hands_over, done });
        answer.await.expect("the loop runs")
    }

    /// Whether this store leads the region that begins with the first key of all.
    pub fn leads_first_region(&self) -> bool {
        self.regions.first().is_some_and(|view| view.leader_term() != 0)
    }

    /// The term in which this store leads a region that is asked for. Where it does not, the peer here may sleep, and so
    /// may whoever led; a leader notes that its region is in use.
    #[inline]
    pub(super) fn leading_term(&self, view: &RegionView, context_term: u64) -> Result<u64, RegionError> {
        let term = view.check_leader(context_term);
        if term.is_ok() {
            view.note_used();
        } else if view.is_asleep() {
            self.inbox.push(Message::AskedFor { region_id: view.region_id });
        }
        term
    }

    /// The carrier could not reach a store.
    pub fn store_unreachable(&self, store_id: u64) {
        self.inbox.push(Message::Unreachable { store_id });
    }

    fn check_read(&self, view: &RegionView, term: u64) -> Result<bool, RegionError> {
        let checked = view.check_read(term, || self.env.clock.now());
        let unready = matches!(checked, Err(RegionError::ReadIndexNotReady { .. }));
        if unready && self.env.hooks.is_planted("raftstore::read::before_own_term") {
            return Ok(true);
        }
        let merging = matches!(checked, Err(RegionError::ProposalInMergingMode { .. }));
        if merging && self.env.hooks.is_planted("raftstore::merge::keeps_lease") {
            return Ok(view.lease_holds(|| self.env.clock.now()));
        }
        Ok(checked? || self.env.hooks.is_planted("raftstore::read::lease_ignored"))
    }

    fn give_up_counting_locks(&self, start: &[u8], end: &[u8]) {
        let touches = |region: &Region| {
            *region.start_key < *end && (region.end_key.is_empty() || *start < *region.end_key)
        };
        let views = self.regions.all().into_iter().filter(|view| touches(&view.region()));
        views.for_each(|view| view.give_up_counting_locks());
    }

    async fn room(&self, bytes: usize) -> Result<tokio::sync::OwnedSemaphorePermit> {
        let units = u32::try_from(bytes / IN_FLIGHT_UNIT + 1).unwrap_or(u32::MAX);
        if let Ok(permit) = self.in_flight.clone().try_acquire_many_owned(units) {
            return Ok(permit);
        }
        tokio::select! {
            biased;
            permit = self.in_flight.clone().acquire_many_owned(units) => permit.map_err(|_| Error::Stopped),
            () = self.env.clock.sleep(ROOM_WAIT_MAX) => {
                Err(RegionError::Busy { reason: "too many writes are waiting for the disk" }.into())
            }
        }
    }
}

impl RaftReplica {
    /// A snapshot at the leader, and whether its lease covers it.
    #[inline]
    fn leader_snapshot(&self, context: &RegionContext) -> Result<(bool, RegionSnapshot)> {
        let view = self.regions.get(context.region_id)?;
        view.check_peer(context)?;
        let term = self.leading_term(&view, context.term)?;
        let (has_locks, merges) = (view.may_have_locks(), view.merges());
        let engine = self.engine.snapshot();
        let lease_holds = self.check_read(&view, term)?;
        let region = match view.check_epoch(context.epoch) {
            Ok(region) => region,
            Err(RegionError::EpochNotMatch { current }) => {
                let current =
                    current.into_iter().flat_map(|region| self.regions.with_siblings(region)).collect();
                return Err(RegionError::EpochNotMatch { current }.into());
            }
            Err(error) => return Err(error.into()),
        };
        // The locks of a region that became a part of this one meanwhile were not counted.
        let has_locks = has_locks || view.merges() != merges;
        let traffic = Arc::clone(&view.traffic);
        Ok((lease_holds, RegionSnapshot { engine, has_locks, region, term, traffic }))
    }
}

impl Replica for RaftReplica {
    fn snapshot(&self, context: &RegionContext) -> Result<Option<RegionSnapshot>> {
        let (lease_holds, snapshot) = self.leader_snapshot(context)?;
        Ok(lease_holds.then_some(snapshot))
    }

    fn confirmed_snapshot(&self, context: &RegionContext) -> Result<RegionSnapshot> {
        Ok(self.leader_snapshot(context)?.1)
    }

    fn read_barrier<'a>(&'a self, context: &'a RegionContext) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.metrics.read_barriers.add(1);
            let (sender, receiver) = oneshot::channel();
            let done: BarrierDone = Box::new(move |result| {
                // A reader that went away needs no answer.
                let _ = sender.send(result);
            });
            self.inbox.push(Message::ReadBarrier { region_id: context.region_id, done });
            receiver.await.unwrap_or(Err(Error::Stopped))
        })
    }

    fn follower_snapshot<'a>(
        &'a self,
        context: &'a RegionContext,
        read: FollowerRead,
    ) -> BoxFuture<'a, Result<Option<RegionSnapshot>>> {
        Box::pin(self.read_as_follower(context, read))
    }

    fn max_ts_synced<'a>(&'a self, context: &'a RegionContext, term: u64) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let view = self.regions.get(context.region_id)?;
            if self.env.hooks.is_planted("raftstore::read::max_ts_not_synced") {
                return Ok(());
            }
            let settled = |view: &RegionView| view.leader_term() != term || view.is_max_ts_synced();
            if !settled(&view) {
                tokio::select! {
                    biased;
                    () = view.wait_until(settled) => {}
                    () = self.env.clock.sleep(MAX_TS_WAIT_MAX) => {
                        let reason = "the new leader has not fetched a timestamp yet";
                        let region_id = view.region_id;
                        return Err(RegionError::ReadIndexNotReady { region_id, reason }.into());
                    }
                }
            }
            if view.leader_term() == term { Ok(()) } else { Err(RegionError::StaleCommand.into()) }
        })
    }

    fn propose(&self, proposal: Proposal) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let size = proposal.writes.as_bytes().len();
            if size > ENTRY_BYTES_MAX {
                let error = RegionError::EntryTooLarge { region_id: proposal.region_id, size: size as u64 };
                return (proposal.done)(Err(error.into()));
            }
            match self.room(size).await {
                Ok(permit) => self.inbox.push(Message::Propose(proposal, permit)),
                Err(error) => (proposal.done)(Err(error)),
            }
        })
    }

    fn merge_begun(&self, region_id: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Ok(view) = self.regions.get(region_id) {
                view.merge_begun().await;
            }
        })
    }

    fn memory_locks(&self, region_id: u64) -> Result<Arc<MemoryLocks>> {
        Ok(self.regions.get(region_id)?.memory_locks.clone())
    }

    fn safe_point(&self) -> &SafePoint {
        &self.safe_point
    }

    fn destroy_range(&self, start: Vec<u8>, end: Vec<u8>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            // Before and after, because a split in between counts what it finds. A lock that a command under way
            // removes may be gone then, so that counting on would come out too low.
            self.give_up_counting_locks(&start, &end);
            let (sender, receiver) = oneshot::channel();
            let (engine, bounds) = (self.engine.clone(), (start.clone(), end.clone()));
            let work = move || {
                // The caller may have gone; the range is removed all the same.
                let _ = sender.send(gc::destroy_range(&*engine, &bounds.0, &bounds.1));
            };
            self.env.spawn.spawn_blocking("destroy-range", Box::new(work));
            let result = receiver.await.unwrap_or(Err(Error::Stopped));
            self.give_up_counting_locks(&start, &end);
            self.regions.all().iter().for_each(|view| view.memory_locks.remove_range(&start, &end));
            result
        })
    }

    fn led_regions(&self) -> Vec<LedRegion> {
        let led = self.regions.all().into_iter().filter(|view| view.leader_term() != 0);
        led.map(|view| {
            // Before the region, so that a change in between shows as one.
            let applied_index = view.applied().applied_index;
            let (peer_id, store_id) = (view.peer.id, view.peer.store_id);
            let (region_id, epoch) = (view.region_id, view.region().epoch);
            let context = RegionContext { region_id, epoch, store_id, peer_id, term: 0 };
            LedRegion { context, applied_index }
        })
        .collect()
    }
}

impl RaftLoop {
    /// Starts a quorum round for one read.
    pub(super) fn read_barrier(&mut self, region_id: u64, done: BarrierDone) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return done(Err(RegionError::RegionNotFound { region_id }.into()));
        };
        // The raft node may have stepped down already where the view has not: it would pass the question on.
        if !peer.is_leader() {
            return done(Err(peer.view.not_leader().into()));
        }
        if peer.barriers.len() >= BARRIERS_MAX || !peer.node.raft.commit_to_current_term() {
            let reason = "the leader can not confirm itself yet";
            return done(Err(RegionError::ReadIndexNotReady { region_id, reason }.into()));
        }
        let round = self.next_round();
        if let Some(peer) = self.peers.get_mut(&region_id) {
            peer.barriers.push(Barrier { round, index: 0, done });
            peer.node.read_index(round.to_be_bytes().to_vec());
            self.dirty.insert(region_id);
        }
    }

    /// Leaders of several voters keep their lease alive by a quorum round per heartbeat.
    pub(super) fn renew_leases(&mut self) {
        let round = self.next_round();
        for peer in self.peers.awake_mut() {
            let wanted = peer.is_leader() && !peer.is_only_voter() && peer.may_hold_lease();
            if wanted && peer.node.raft.commit_to_current_term() {
                peer.node.read_index(round.to_be_bytes().to_vec());
                self.dirty.insert(peer.region_id());
            }
        }
    }

    /// Numbers rounds by the time they are sent; two in the same nanosecond still differ.
    pub(super) fn next_round(&mut self) -> u64 {
        let now = u64::try_from(self.env.clock.now().since_origin().as_nanos()).unwrap_or(u64::MAX);
        self.last_round = now.max(self.last_round + 1);
        self.last_round
    }

    /// Lets reads go whose index is applied by now.
    pub(super) fn finish_all_barriers(&mut self) {
        for peer in self.peers.awake_mut() {
            peer.forget_questions();
            if !peer.barriers.is_empty() {
                peer.finish_barriers();
            }
        }
    }
}

impl Peer {
    /// Lets reads go that a quorum confirmed and whose index is applied.
    pub(super) fn finish_barriers(&mut self) {
        let applied = self.view.applied().applied_index;
        let leads = self.is_leader();
        let mut index = 0;
        while index < self.barriers.len() {
            let barrier = &self.barriers[index];
            if leads && (barrier.round != 0 || barrier.index > applied) {
                index += 1;
                continue;
            }
            let barrier = self.barriers.swap_remove(index);
            let result = if leads { Ok(()) } else { Err(self.view.not_leader().into()) };
            (barrier.done)(result);
        }
    }
}
