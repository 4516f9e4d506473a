//! Whether a peer has anything left to do.
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use raft::{ProgressState, StateRole};
use rutile_kv_env::Monotonic;

use super::agree::RestMessage;
use crate::raftstore::conf_change::is_in_joint;
use crate::raftstore::peer::Peer;

/// What a peer knows of its rest.
#[derive(Default)]
pub struct Rest {
    /// Ticks for which nothing happened, as the leader counts them.
    pub(super) ticks: u64,
    /// Term and end of the log to which `agreed` belongs.
    pub(super) asked: (u64, u64),
    /// Who agreed to sleep.
    pub(super) agreed: BTreeSet<u64>,
    /// When the peer, which sleeps, is looked after.
    pub(super) due: Option<Monotonic>,
    /// Followers that checked on this leader, which sleeps, since it was looked after.
    pub(super) heard: BTreeSet<u64>,
}

impl Peer {
    /// Whether nothing is under way that a tick, another peer or the apply loop has to bring to an end. On a leader, also
    /// whether all have its log.
    pub(super) fn is_at_rest(&mut self) -> bool {
        self.has_nothing_waiting() && self.has_applied_all() && (!self.is_leader() || self.all_follow())
    }

    fn has_nothing_waiting(&self) -> bool {
        self.is_sound()
            && self.merge.is_quiet(self.view.applied().applied_index)
            && self.transfer.is_none()
            && self.pending.is_empty()
            && self.group.is_empty()
            && self.barriers.is_empty()
            && self.questions.is_empty()
            // The only peer of a region does not count them.
            && (self.silent_ticks == 0 || self.region.peers.len() == 1)
            && self.node.store().has_no_snapshot()
    }

    /// Everything in the log is committed and applied, and the raft loop has been told of what came of it.
    fn has_applied_all(&mut self) -> bool {
        // Raft of a region at rest would not hear of it.
        self.tell_applied();
        let log = &self.node.raft.raft_log;
        let last = log.last_index();
        log.committed == last
            && self.told_applied == last
            && self.unreported_changes.is_empty()
            && !is_in_joint(&self.region)
            && self.view.region().epoch == self.region.epoch
    }

    fn all_follow(&self) -> bool {
        let raft = &self.node.raft;
        let last = raft.raft_log.last_index();
        let has_all = |id: u64| {
            let progress = raft.prs().get(id);
            progress.is_some_and(|p| p.state == ProgressState::Replicate && p.matched == last)
        };
        raft.commit_to_current_term()
            && raft.lead_transferee.is_none()
            && !raft.has_pending_conf()
            && self.view.leader_term() == raft.term
            && self.view.is_max_ts_synced()
            && !self.view.split_pending.load(Ordering::SeqCst)
            && self.region.peers.iter().all(|peer| peer.id == raft.id || has_all(peer.id))
    }

    /// Where the peer is, as the messages name it.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.node.raft.term, self.node.raft.raft_log.last_index())
    }

    /// One tick of a leader that is awake; true when the others are to be asked now, or need not be.
    pub(super) fn rests_for(&mut self, ticks: u64, ask_again: u64) -> bool {
        if self.view.take_used() || !self.is_at_rest() {
            self.rest = Rest::default();
            return false;
        }
        self.rest.ticks += 1;
        // Not all regions at once, if all were left at once.
        let turn = self.region_id() % ask_again;
        if self.rest.ticks < ticks || (self.rest.ticks - ticks) % ask_again != turn {
            return false;
        }
        let place = self.place();
        if self.rest.asked != place {
            self.rest.asked = place;
            self.rest.agreed.clear();
        }
        true
    }

    /// A follower or learner that is asked by its leader: whether it may sleep.
    pub(super) fn may_sleep_under(&mut self, leader: u64, told: &RestMessage) -> bool {
        let raft = &self.node.raft;
        raft.state == StateRole::Follower
            && raft.leader_id == leader
            && self.place() == (told.term, told.index)
            && self.is_at_rest()
    }

    /// A leader hears that a follower agrees; true when nobody is left to agree.
    pub(super) fn hears_agreement(&mut self, from: u64, told: &RestMessage) -> bool {
        let asked = self.rest.asked;
        if !self.is_leader() || asked != (told.term, told.index) || asked != self.place() {
            return false;
        }
        self.rest.agreed.insert(from);
        self.all_agreed()
    }

    pub(super) fn all_agreed(&self) -> bool {
        let own = self.view.peer.id;
        self.region.peers.iter().all(|peer| peer.id == own || self.rest.agreed.contains(&peer.id))
    }

    /// A leader before it sleeps. All have just spoken, which is as good as an answer to a heartbeat: who wakes it to hand
    /// leadership on, or to change the members, need not wait for another one.
    pub(super) fn note_all_active(&mut self) {
        let own = self.view.peer.id;
        for (id, progress) in self.node.raft.mut_prs().iter_mut() {
            progress.recent_active |= *id != own;
        }
    }

    /// The peer is awake again.
    pub(super) fn wake_up(&mut self) {
        self.rest = Rest::default();
        self.view.set_asleep(false);
        if self.is_leader() {
            // A whole election timeout for the others to answer, and their silence begins now.
            self.node.raft.election_elapsed = 0;
            self.alive.clear();
            self.node.ping();
        }
    }
}
