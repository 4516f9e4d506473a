//! Leader transfer: the leader names its successor, who need not wait for an election timeout.
//!
//! The successor's campaign is forced: voters answer it although they promised the leader to keep quiet, and all
//! leases are built on that promise. So the lease ends before the successor is told, and the leader takes no other one
//! in this term: the call to campaign may arrive long after raft gave the transfer up. Reads ask a quorum meanwhile.
//! Raft refuses proposals from now on until the transfer is over or an election timeout has passed; what waited for
//! the end of the round goes before, and so do the pessimistic locks that the leader has in memory.
use raft::{ProgressState, StateRole};
use rutile_kv_types::Peer as PeerId;

use super::peer::Peer;
use super::store::RaftLoop;

/// Entries that a successor may still have to get; more would keep writers waiting. TiKV's
/// `leader-transfer-max-log-lag`.
const LAG_MAX: u64 = 128;
/// Ticks for which a transfer waits for writes that end locks in memory; later ones then fail, and their locks are lost.
const WAIT_TICKS_MAX: usize = 3;
/// The same for a split or a merge.
const CHANGE_TICKS_MAX: usize = 50;

/// A transfer under way.
pub struct Transfer {
    candidates: Vec<PeerId>,
    waited_ticks: usize,
    change_ticks: usize,
    /// The successor was told. What follows is over when raft no longer knows it, one way or the other.
    is_told: bool,
}

impl RaftLoop {
    /// Hands leadership of a region to the best of the candidates, if one is fit for it.
    pub(super) fn transfer_leader(&mut self, region_id: u64, candidates: &[PeerId]) {
        if let Some(peer) = self.peers.get_mut(&region_id)
            && peer.transfer.as_ref().is_none_or(|transfer| !transfer.is_told)
            && !peer.is_being_merged()
        {
            let candidates = candidates.to_vec();
            peer.transfer = Some(Transfer { candidates, waited_ticks: 0, change_ticks: 0, is_told: false });
            self.go_on_with_transfer(region_id);
        }
    }

    /// Looks after transfers under way, once per tick.
    pub(super) fn go_on_with_transfers(&mut self) {
        let under_way: Vec<u64> =
            self.peers.awake().filter(|peer| peer.transfer.is_some()).map(Peer::region_id).collect();
        for region_id in under_way {
            self.go_on_with_transfer(region_id);
        }
    }

    fn go_on_with_transfer(&mut self, region_id: u64) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        let Some(mut transfer) = peer.transfer.take().filter(|_| peer.is_leader()) else {
            return;
        };
        if transfer.is_told {
            if peer.node.raft.lead_transferee.is_some() {
                peer.transfer = Some(transfer);
            } else {
                self.keep_locks(region_id);
            }
            return;
        }
        if transfer.change_ticks < CHANGE_TICKS_MAX && self.is_changing(region_id) {
            transfer.change_ticks += 1;
            return self.go_on_later(region_id, transfer);
        }
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        peer.propose_group();
        let Some(successor) = peer.fit_successor(&transfer.candidates) else {
            tracing::debug!(region_id, "nobody is fit to lead");
            return self.keep_locks(region_id);
        };
        transfer.is_told = self.hand_over_locks(region_id) || transfer.waited_ticks >= WAIT_TICKS_MAX;
        transfer.waited_ticks += 1;
        if transfer.is_told {
            self.tell_successor(region_id, successor);
        }
        self.go_on_later(region_id, transfer);
    }

    fn go_on_later(&mut self, region_id: u64, transfer: Transfer) {
        if let Some(peer) = self.peers.get_mut(&region_id) {
            peer.transfer = Some(transfer);
        }
    }

    /// Whether a split of the region, or its takeover of another one, is not over. Locks in memory are proposed with the
    /// epoch that the region has here: behind a change that is not applied yet they would be refused, and lost. And those
    /// that a split brought into another region are only here until that one has a leader: a successor that applies the
    /// split when it leads already would call for votes there, too.
    fn is_changing(&self, region_id: u64) -> bool {
        let ignored = self.env.hooks.is_planted("raftstore::transfer_leader::change_ignored");
        let Some(peer) = self.peers.get(&region_id).filter(|_| !ignored) else {
            return false;
        };
        let is_unled = |id: &u64| self.peers.get(id).is_some_and(|made| made.view.leader_peer() == 0);
        let applied = peer.view.applied().applied_index;
        applied < peer.split_index || peer.is_taking_over() || peer.split_off.iter().any(is_unled)
    }

    fn tell_successor(&mut self, region_id: u64, successor: u64) {
        let keeps_lease = self.env.hooks.is_planted("raftstore::transfer_leader::keeps_lease");
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        if !keeps_lease {
            peer.leaseless_term = peer.node.raft.term;
            peer.view.suspend_lease();
        }
        peer.node.transfer_leader(successor);
        self.metrics.leader_transfers.add(1);
        self.env.hooks.record("raftstore::transfer_leader::start", || [region_id, successor]);
        self.dirty.insert(region_id);
    }
}

impl Peer {
    /// The candidate with most of the log, of those that vote, were heard of and are not far behind.
    fn fit_successor(&self, candidates: &[PeerId]) -> Option<u64> {
        let raft = &self.node.raft;
        if raft.state != StateRole::Leader || raft.lead_transferee.is_some() || raft.has_pending_conf() {
            return None;
        }
        let last_index = raft.raft_log.last_index();
        let voters = raft.prs().conf().voters();
        let fit =
            candidates.iter().filter(|candidate| candidate.id != raft.id && voters.contains(candidate.id));
        let fit = fit.filter_map(|candidate| {
            let progress = raft.prs().get(candidate.id)?;
            let follows = progress.recent_active && progress.state == ProgressState::Replicate;
            (follows && progress.matched + LAG_MAX >= last_index).then_some((progress.matched, candidate.id))
        });
        fit.max().map(|(_, id)| id)
    }

    /// Whether a quorum's answer gives this leader a lease: not while a split of it is not applied, nor from the proposal
    /// on that merges it into another region, nor after it tried to hand leadership on in this term.
    pub(super) fn may_hold_lease(&self) -> bool {
        !self.gives_lease_up()
            && self.view.applied().applied_index >= self.split_index
            && self.leaseless_term != self.node.raft.term
    }
}
