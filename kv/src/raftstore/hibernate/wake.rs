//! What wakes peers, and who looks after those that sleep.
use std::time::Duration;

use raft::eraftpb::{Message as RaftMessage, MessageType};
use rutile_kv_env::Monotonic;
use rutile_kv_types::Peer as PeerId;

use super::agree::{RestKind, RestMessage};
use crate::raftstore::peer::Peer;
use crate::raftstore::store::RaftLoop;

/// A store that can not be reached is news again after so long.
const UNREACHABLE_AGAIN: Duration = Duration::from_secs(1);
/// A leader that sleeps is looked after this much more rarely than its followers check on it, so that each of them has
/// done so meanwhile.
const LEADER_DUE_FACTOR: u32 = 3;

impl RaftLoop {
    /// Wakes the peer of a region, if it sleeps.
    pub(in crate::raftstore) fn wake(&mut self, region_id: u64) {
        let Some(peer) = self.peers.wake(region_id) else {
            return;
        };
        let due = peer.rest.due.take();
        peer.wake_up();
        let (peer_id, leads) = (peer.view.peer.id, peer.is_leader());
        if let Some(due) = due {
            self.hibernation.due.remove(&(due, region_id));
        }
        self.dirty.insert(region_id);
        self.metrics.regions_asleep.set(self.peers.asleep_count() as u64);
        self.env.hooks.record("raftstore::hibernate::wakes", || [region_id, peer_id, u64::from(leads)]);
    }

    /// Somebody wants something of a region here. A follower knows only who led when it fell asleep, so it wakes all: the
    /// leader, or those whose votes it needs if that is gone. They give none for an election timeout of being awake.
    pub(in crate::raftstore) fn asked_for(&mut self, region_id: u64) {
        if self.peers.is_asleep(region_id) {
            self.wake(region_id);
            self.tell_others(region_id, RestKind::Wake);
        }
    }

    fn leader_elsewhere(&self, region_id: u64) -> Option<PeerId> {
        let peer = self.peers.get(&region_id)?;
        peer.region.peer(peer.node.raft.leader_id).filter(|leader| leader.id != peer.view.peer.id).cloned()
    }

    /// Wakes a peer that has something to send or to propose, whatever the reason.
    pub(in crate::raftstore) fn wake_disturbed(&mut self, region_id: u64) {
        let is_disturbed = |peer: &mut Peer| peer.node.has_ready() || !peer.group.is_empty();
        if self.peers.sleeper(region_id).is_some_and(is_disturbed) {
            self.wake(region_id);
        }
    }

    /// A raft message for a peer. True when it is not worth waking for: a late answer to a leader that knows it already.
    pub(in crate::raftstore) fn sleeps_through(&mut self, region_id: u64, message: &RaftMessage) -> bool {
        let Some(peer) = self.peers.sleeper(region_id) else {
            return false;
        };
        let raft = &peer.node.raft;
        let knows = match message.get_msg_type() {
            MessageType::MsgHeartbeatResponse => true,
            MessageType::MsgAppendResponse => !message.reject && message.index <= raft.raft_log.last_index(),
            _ => false,
        };
        let sleeps_on = knows && peer.is_leader() && message.term == raft.term;
        if !sleeps_on {
            self.wake(region_id);
        }
        sleeps_on
    }

    /// A store can not be reached: whoever has a peer there wakes, to elect another leader or to notice that it is gone.
    pub(in crate::raftstore) fn store_unreachable(&mut self, store_id: u64) {
        let now = self.env.clock.now();
        let told = self.hibernation.unreachable.get(&store_id);
        if told.is_some_and(|told| now.saturating_since(*told) < UNREACHABLE_AGAIN) {
            return;
        }
        self.hibernation.unreachable.insert(store_id, now);
        let concerns = |peer: &&Peer| {
            let there = peer.region.peer_on_store(store_id);
            there.is_some_and(|there| peer.is_leader() || there.id == peer.node.raft.leader_id)
        };
        let concerned: Vec<u64> = self.peers.asleep().filter(concerns).map(Peer::region_id).collect();
        concerned.into_iter().for_each(|region_id| self.wake(region_id));
    }

    /// Sets the time at which a peer that has just fallen asleep is looked after; not that of all at once.
    pub(super) fn look_after_later(&mut self, region_id: u64) {
        let Some(peer) = self.peers.sleeper(region_id) else {
            return;
        };
        // The only peer of a region has nobody to look for.
        if peer.region.peers.len() == 1 {
            return;
        }
        let interval = self.hibernation.check_interval;
        let half_ms = u64::try_from(interval.as_millis() / 2).unwrap_or(u64::MAX);
        let spread = Duration::from_millis(self.env.random.range(0..half_ms.max(1)));
        let base = if peer.is_leader() { interval * LEADER_DUE_FACTOR } else { interval * 3 / 4 };
        let due = self.env.clock.now() + base + spread;
        peer.rest.due = Some(due);
        self.hibernation.due.insert((due, region_id));
    }

    /// One tick: peers that sleep and whose time it is. A follower asks whether its leader is still there, and ticks until
    /// it hears so. A leader that did not hear of all its followers wakes.
    pub(in crate::raftstore) fn look_after_sleepers(&mut self, now: Monotonic) {
        while self.hibernation.due.first().is_some_and(|(due, _)| *due <= now)
            && let Some((due, region_id)) = self.hibernation.due.pop_first()
        {
            let Some(peer) = self.peers.sleeper(region_id).filter(|peer| peer.rest.due == Some(due)) else {
                continue;
            };
            peer.rest.due = None;
            if peer.is_leader() && peer.has_heard_all() {
                peer.rest.heard.clear();
                self.look_after_later(region_id);
                continue;
            }
            let leader = self.leader_elsewhere(region_id);
            self.wake(region_id);
            if let Some(leader) = leader {
                self.tell_one(region_id, &leader, RestKind::Check);
            }
        }
    }

    /// A follower checks on its leader.
    pub(super) fn checked(&mut self, region_id: u64, from: &PeerId, told: &RestMessage) {
        let Some(peer) = self.peers.sleeper(region_id) else {
            return;
        };
        if peer.is_leader() && peer.place() == (told.term, told.index) {
            peer.rest.heard.insert(from.id);
            return self.tell_one(region_id, from, RestKind::Sleep);
        }
        self.wake(region_id);
    }
}

impl Peer {
    fn has_heard_all(&self) -> bool {
        let own = self.view.peer.id;
        self.region.peers.iter().all(|peer| peer.id == own || self.rest.heard.contains(&peer.id))
    }
}
