//! The end of a peer that is no member of its region any more.
//!
//! It learns of its removal by applying it; or, when it missed that, by a newer peer with its name on the message, by
//! another member that answers its messages with a tombstone, or by asking PD after it heard of no leader for long.
//!
//! The apply loop buries it: one synced batch removes its data and leaves a tombstone with its id, which keeps late
//! messages from bringing it back. Then the raft loop drops its log. A crash in between leaves a log under a tombstone,
//! which the next start drops.
//!
//! A peer that leads when it applies its removal, because it was elected with that in its log, stays until a majority of
//! the others knows that the removal is committed: they may need its vote as long as they do not.
use std::sync::atomic::Ordering;

use raft::eraftpb::MessageType;
use rutile_kv_engine::{Engine, RaftLogBatch, WriteBatch};
use rutile_kv_env::fail_stop;
use rutile_kv_types::{Cf, Peer as PeerId, Region, RegionEpoch};

use super::apply::{Applier, ApplyMessage};
use super::inbox::Inbox;
use super::message::Message;
use super::peer::Peer;
use super::snapshot::clear_range;
use super::state::{LocalState, PeerState, local_state_to_bytes};
use super::storage::conf_state;
use super::store::RaftLoop;
use super::transport::PeerMessage;
use super::view::RegionView;
use crate::error::{Error, RegionError, Result};
use crate::keys;

/// Ticks for which a removed leader stays at most.
const LEAVING_TICKS_MAX: u64 = 600;

/// Adds the end of a peer to a batch: no data, no state but the tombstone.
pub fn bury(
    batch: &mut WriteBatch,
    snapshot: &dyn rutile_kv_engine::Snapshot,
    region: &Region,
    epoch: RegionEpoch,
    peer: &PeerId,
) -> Result<()> {
    if !region.peers.is_empty() {
        clear_range(batch, snapshot, region)?;
    }
    let tombstone = Region { id: region.id, epoch, peers: vec![peer.clone()], ..Region::default() };
    let grave = LocalState {
        state: PeerState::Tombstone,
        region: tombstone,
        merge: None,
        history_from: history_in_grave(snapshot, region.id, epoch, peer)?,
    };
    batch.put(Cf::Raft, keys::region_state(region.id), grave.to_bytes());
    batch.delete(Cf::Raft, keys::apply_state(region.id));
    batch.delete(Cf::Raft, keys::snapshot_point(region.id));
    Ok(())
}

/// What the peer's history was, if it applied its removal.
fn history_in_grave(
    snapshot: &dyn rutile_kv_engine::Snapshot,
    region_id: u64,
    epoch: RegionEpoch,
    peer: &PeerId,
) -> Result<Option<RegionEpoch>> {
    let Some(bytes) = snapshot.get(Cf::Raft, &keys::region_state(region_id))? else {
        return Ok(None);
    };
    let LocalState { state, region, history_from, .. } = LocalState::parse(&bytes)?;
    let is_its = region.epoch == epoch && region.peers.first().is_some_and(|buried| buried.id == peer.id);
    Ok(history_from.filter(|_| state == PeerState::Tombstone && is_its))
}

/// Whether a peer with this id was destroyed on this store, or one that came after it.
pub fn is_buried(engine: &dyn Engine, region_id: u64, peer_id: u64) -> Result<bool> {
    let Some(bytes) = engine.get(Cf::Raft, &keys::region_state(region_id))? else {
        return Ok(false);
    };
    let LocalState { state, region, .. } = LocalState::parse(&bytes)?;
    let buried = region.peers.first();
    Ok(state == PeerState::Tombstone && buried.is_some_and(|buried| buried.id >= peer_id))
}

/// Notes beside the tombstone of a region that a later peer of it was made: the log that is found after a restart is
/// the later one's, with the vote that it gave.
pub fn note_successor(batch: &mut WriteBatch, mut tombstone: Region, successor: &PeerId) {
    tombstone.peers.truncate(1);
    tombstone.peers.push(successor.clone());
    let state = local_state_to_bytes(PeerState::Tombstone, &tombstone);
    batch.put(Cf::Raft, keys::region_state(tombstone.id), state);
}

/// Whether [`note_successor`] was called.
pub fn has_successor(tombstone: &Region) -> bool {
    tombstone.peers.len() > 1
}

impl RaftLoop {
    /// A split made a peer that was removed before the split came here, where a newer one waits for a snapshot.
    pub(super) fn bury_unborn(&self, region: &Region, peer: &PeerId) -> Result<()> {
        let mut batch = WriteBatch::new();
        bury(&mut batch, &*self.engine.snapshot(), region, region.epoch, peer)?;
        if let Some(newer) = self.peers.get(&region.id) {
            let peers = vec![peer.clone()];
            let tombstone = Region { id: region.id, epoch: region.epoch, peers, ..Region::default() };
            note_successor(&mut batch, tombstone, &newer.view.peer);
        }
        Ok(self.engine.write(batch, true)?)
    }

    /// Begins the end of a peer that missed its removal, which happened at `epoch` or before.
    pub(super) fn destroy_stale(&mut self, region_id: u64, peer_id: u64, epoch: RegionEpoch) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        let known = peer.region.epoch.conf_ver;
        let is_removed = epoch.conf_ver > known || (peer.leaving.is_some() && epoch.conf_ver == known);
        if peer.view.peer.id == peer_id && is_removed {
            peer.begin_burial(&self.apply, epoch);
        }
    }

    /// A peer applied its own removal, at this index.
    pub(super) fn leave(&mut self, region_id: u64, index: u64) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        // One voter that is left needs the vote of this peer as long as it does not know that it is alone.
        if !peer.is_leader() && conf_state(&peer.region).voters.len() > 1 {
            let epoch = peer.region.epoch;
            return peer.begin_burial(&self.apply, epoch);
        }
        peer.leaving = Some((index, 0));
        peer.view.set_following(0);
        peer.node.ping();
        self.dirty.insert(region_id);
    }

    /// One tick: leaders that were removed go when enough others know.
    pub(super) fn go_on_leaving(&mut self) {
        for peer in self.peers.awake_mut() {
            let Some((index, ticks)) = peer.leaving else {
                continue;
            };
            peer.leaving = Some((index, ticks + 1));
            if ticks >= LEAVING_TICKS_MAX || peer.is_leader() && peer.others_know(index) {
                let epoch = peer.region.epoch;
                peer.begin_burial(&self.apply, epoch);
            }
        }
    }

    /// The peer is buried: drops its log and forgets it.
    pub(super) fn buried(&mut self, region_id: u64, peer_id: u64) {
        // Others may still commit what this peer proposed when it led.
        let not_found = || RegionError::RegionNotFound { region_id }.into();
        if self.forget(region_id, peer_id, || Error::Unknown, not_found) {
            self.metrics.peers_destroyed.add(1);
            self.env.hooks.record("raftstore::destroy::peer", || [region_id, peer_id]);
        }
    }

    /// Drops the log of a peer that is gone from the state engine, durably, and fails whoever waits for it: with
    /// `proposed` for entries in its log. False when the peer is not here.
    pub(super) fn forget(
        &mut self,
        region_id: u64,
        peer_id: u64,
        proposed: impl Fn() -> Error,
        other: impl Fn() -> Error,
    ) -> bool {
        if self.peers.get(&region_id).is_none_or(|peer| peer.view.peer.id != peer_id) {
            return false;
        }
        let mut batch = RaftLogBatch::new();
        batch.clean(region_id);
        if let Err(error) = self.raft_log.append(batch, true) {
            fail_stop("raft log of a destroyed peer", &error);
        }
        let Some(mut peer) = self.peers.remove(&region_id) else {
            return false;
        };
        if peer.published.0 != 0 {
            self.metrics.leaders.set(self.metrics.leaders.get().saturating_sub(1));
        }
        // Before the view tells of it: who waits for this peer must find it gone.
        self.regions.remove(region_id);
        peer.view.set_following(0);
        peer.pending.drain(..).for_each(|pending| pending.waiting.fail(&proposed));
        peer.fail_all(other);
        self.dirty.remove(&region_id);
        self.holding.remove(&region_id);
        self.metrics.regions.set(self.peers.len() as u64);
        true
    }

    /// Answers a peer that is no member any more; true when `arrived` is from one. A peer that is not known here may
    /// also be newer than what is known here, and then its epoch is too.
    pub(super) fn tell_removed(&self, arrived: &PeerMessage) -> bool {
        let Some(peer) = self.peers.get(&arrived.region_id).filter(|peer| peer.is_initialised()) else {
            return false;
        };
        let region = &peer.region;
        if region.peer(arrived.from.id).is_some() || arrived.epoch.conf_ver > region.epoch.conf_ver {
            return false;
        }
        let speaks_first = matches!(
            arrived.message.get_msg_type(),
            MessageType::MsgRequestVote
                | MessageType::MsgRequestPreVote
                | MessageType::MsgHeartbeat
                | MessageType::MsgAppend
        );
        if speaks_first || arrived.rest.is_some() {
            self.send_tombstone(arrived.region_id, &arrived.from);
        }
        true
    }

    /// Tells a peer that it is no member any more, as far as is known here.
    pub(super) fn send_tombstone(&self, region_id: u64, to: &PeerId) {
        let Some(peer) = self.peers.get(&region_id) else {
            return;
        };
        let from = peer.view.peer.clone();
        let mut message = raft::eraftpb::Message::default();
        (message.from, message.to) = (from.id, to.id);
        let (epoch, to) = (peer.region.epoch, to.clone());
        self.transport.send(PeerMessage {
            region_id,
            epoch,
            from,
            to,
            range: None,
            is_tombstone: true,
            merged_into: None,
            rest: None,
            message,
        });
    }

    /// One tick: a peer that heard of no leader for long asks PD whether it is still a member. The only member needs no
    /// leader but itself; one that was removed and leaves a single other one behind is not that.
    pub(super) fn suspect_removal(&mut self) {
        let is_alone = |peer: &Peer| matches!(&peer.region.peers[..], [only] if only.id == peer.view.peer.id);
        for peer in self.peers.awake_mut().filter(|peer| !is_alone(peer)) {
            if peer.hears_leader() {
                peer.leaderless_ticks = 0;
                continue;
            }
            peer.leaderless_ticks += 1;
            if peer.leaderless_ticks >= self.stale_ticks {
                peer.leaderless_ticks = 0;
                self.reports.ask_membership(peer.region_id(), peer.view.peer.id);
            }
        }
    }
}

impl Peer {
    pub(super) fn begin_burial(&mut self, apply: &Inbox<ApplyMessage>, epoch: RegionEpoch) {
        if self.doomed {
            return;
        }
        tracing::info!(region_id = self.region_id(), "peer is not a member any more");
        self.doomed = true;
        self.view.set_following(0);
        apply.push(ApplyMessage::Bury(self.view.clone(), epoch));
    }

    /// Whether most of the members know that the entry at `index` is committed.
    fn others_know(&self, index: u64) -> bool {
        let progress = self.node.raft.prs();
        let voters = conf_state(&self.region).voters;
        let knows = |id: &&u64| progress.get(**id).is_some_and(|progress| progress.committed_index >= index);
        voters.iter().filter(knows).count() * 2 > voters.len()
    }

    /// Whether there is a leader and it speaks; a learner goes on believing in one that is silent.
    fn hears_leader(&self) -> bool {
        let raft = &self.node.raft;
        raft.leader_id != 0 && (self.is_leader() || raft.election_elapsed <= 2 * raft.election_timeout())
    }
}

impl Applier {
    /// Buries a peer that is no member any more.
    pub(super) fn bury(&mut self, view: &RegionView, epoch: RegionEpoch) {
        self.write();
        view.removed.store(true, Ordering::SeqCst);
        let mut batch = WriteBatch::new();
        let done = bury(&mut batch, &*self.engine.snapshot(), &view.region(), epoch, &view.peer);
        if let Err(error) = done.and_then(|()| Ok(self.engine.write(batch, true)?)) {
            fail_stop("apply: end of a peer", &error);
        }
        self.raft.push(Message::Buried { region_id: view.region_id, peer_id: view.peer.id });
    }
}
