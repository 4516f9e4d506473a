//! How the peers of a region agree to sleep, and fall asleep.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use raft::eraftpb::Message as RaftMessage;
use rutile_kv_env::Monotonic;
use rutile_kv_types::Peer as PeerId;

use crate::raftstore::store::RaftLoop;
use crate::raftstore::transport::PeerMessage;

/// Ticks after which a leader asks those again who have not agreed.
const ASK_AGAIN_TICKS: u64 = 10;

/// What peers tell one another about their rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestMessage {
    pub kind: RestKind,
    /// Of the sender.
    pub term: u64,
    /// The last entry in the log of the sender.
    pub index: u64,
}

/// See [`super`] for who says what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestKind {
    /// A follower was asked for something: all shall be awake.
    Wake,
    Ask,
    Agree,
    Sleep,
    Check,
}

/// What the raft loop keeps of the sleep of its peers.
pub struct Hibernation {
    /// Peers may sleep.
    pub(super) enabled: bool,
    /// Ticks without anything to do after which a leader asks the others.
    pub(super) idle_ticks: u64,
    /// How often peers that sleep are looked after.
    pub(super) check_interval: Duration,
    /// Peers that sleep once this round is over, if nothing comes between, with term and end of the log.
    pub(super) drowsy: Vec<(u64, (u64, u64))>,
    /// When each peer that sleeps is looked after.
    pub(super) due: BTreeSet<(Monotonic, u64)>,
    /// Stores that could not be reached, and when that was last told.
    pub(super) unreachable: BTreeMap<u64, Monotonic>,
}

impl Hibernation {
    /// Nobody sleeps yet. `idle` counts in ticks of `tick`.
    pub fn new(enabled: bool, idle: Duration, tick: Duration, check_interval: Duration) -> Hibernation {
        let idle_ticks = u64::try_from(idle.as_nanos() / tick.as_nanos().max(1)).unwrap_or(u64::MAX);
        Hibernation {
            enabled,
            idle_ticks: idle_ticks.max(1),
            check_interval,
            drowsy: Vec::new(),
            due: BTreeSet::new(),
            unreachable: BTreeMap::new(),
        }
    }
}

impl RaftLoop {
    /// One tick: leaders that have had nothing to do for a while.
    pub(in crate::raftstore) fn ask_to_sleep(&mut self) {
        if !self.hibernation.enabled {
            return;
        }
        let (mut asking, mut drowsy) = (Vec::new(), Vec::new());
        for peer in self.peers.awake_mut().filter(|peer| peer.is_leader()) {
            if peer.rests_for(self.hibernation.idle_ticks, ASK_AGAIN_TICKS) {
                let region_id = peer.region_id();
                if peer.all_agreed() {
                    drowsy.push((region_id, peer.place()));
                } else {
                    asking.push(region_id);
                }
            }
        }
        self.hibernation.drowsy.append(&mut drowsy);
        asking.into_iter().for_each(|region_id| self.tell_others(region_id, RestKind::Ask));
    }

    /// Another peer speaks about its rest.
    pub(in crate::raftstore) fn hear_of_rest(&mut self, arrived: &PeerMessage, told: RestMessage) {
        let (region_id, from) = (arrived.region_id, arrived.from.id);
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        if arrived.to.id != peer.view.peer.id || peer.doomed || !self.hibernation.enabled {
            return self.metrics.raft_messages_dropped.add(1);
        }
        match told.kind {
            RestKind::Wake => self.wake(region_id),
            RestKind::Ask => self.asked_to_sleep(region_id, &arrived.from, &told),
            RestKind::Agree => {
                if peer.hears_agreement(from, &told) {
                    self.hibernation.drowsy.push((region_id, (told.term, told.index)));
                }
            }
            RestKind::Sleep => {
                if peer.may_sleep_under(from, &told) {
                    // It is the leader's word, as a heartbeat is.
                    peer.node.raft.election_elapsed = 0;
                    self.hibernation.drowsy.push((region_id, (told.term, told.index)));
                }
            }
            RestKind::Check => self.checked(region_id, &arrived.from, &told),
        }
    }

    fn asked_to_sleep(&mut self, region_id: u64, leader: &PeerId, told: &RestMessage) {
        self.wake(region_id);
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        if peer.may_sleep_under(leader.id, told) {
            self.tell_one(region_id, leader, RestKind::Agree);
        }
    }

    /// The end of a round: peers fall asleep to whom nothing has come since they were to.
    pub(in crate::raftstore) fn fall_asleep(&mut self) {
        for (region_id, place) in std::mem::take(&mut self.hibernation.drowsy) {
            if self.falls_asleep(region_id, place) {
                self.put_to_sleep(region_id);
            }
        }
    }

    fn falls_asleep(&mut self, region_id: u64, place: (u64, u64)) -> bool {
        let is_dirty = self.dirty.contains(&region_id) || self.holding.contains(&region_id);
        let Some(peer) = self.peers.awake_peer(region_id).filter(|_| !is_dirty) else {
            return false;
        };
        let agreed = !peer.is_leader() || peer.all_agreed() && !peer.view.is_used();
        agreed && peer.place() == place && !peer.node.has_ready() && peer.is_at_rest()
    }

    fn put_to_sleep(&mut self, region_id: u64) {
        let lease_kept = self.env.hooks.is_planted("raftstore::hibernate::lease_kept");
        if let Some(peer) = self.peers.awake_peer(region_id)
            && peer.is_leader()
        {
            peer.note_all_active();
            if lease_kept {
                peer.view.set_unbounded_lease();
            }
            self.tell_others(region_id, RestKind::Sleep);
        }
        self.peers.put_to_sleep(region_id);
        self.look_after_later(region_id);
        if let Some(peer) = self.peers.sleeper(region_id) {
            peer.view.set_asleep(true);
            let (peer_id, leads) = (peer.view.peer.id, peer.is_leader());
            self.env.hooks.record("raftstore::hibernate::sleeps", || [region_id, peer_id, u64::from(leads)]);
        }
        self.metrics.regions_asleep.set(self.peers.asleep_count() as u64);
    }

    /// Says something to all other peers of a region.
    pub(super) fn tell_others(&self, region_id: u64, kind: RestKind) {
        let Some(peer) = self.peers.get(&region_id) else {
            return;
        };
        for other in peer.region.peers.iter().filter(|other| other.id != peer.view.peer.id) {
            self.tell_one(region_id, other, kind);
        }
    }

    /// Says something to one of them.
    pub(super) fn tell_one(&self, region_id: u64, to: &PeerId, kind: RestKind) {
        let Some(peer) = self.peers.get(&region_id) else {
            return;
        };
        let (term, index) = peer.place();
        let from = peer.view.peer.clone();
        // Of no kind that raft takes from another store.
        let message = RaftMessage { from: from.id, to: to.id, ..RaftMessage::default() };
        self.metrics.raft_messages.add(1);
        self.transport.send(PeerMessage {
            region_id,
            epoch: peer.region.epoch,
            from,
            to: to.clone(),
            range: None,
            is_tombstone: false,
            merged_into: None,
            rest: Some(RestMessage { kind, term, index }),
            message,
        });
    }
}
