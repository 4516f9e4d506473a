//! Peers of regions that were merged while their store was away.
//!
//! Such a peer calls for votes, and stores where the region is a tombstone of a merge tell it. That its region is gone is
//! certain then, but not that its data is of no use: the target's peer here may still come to the merge in its log, and
//! take the data over. So it stays until the target's peer here has passed the merge, by a snapshot, or is a tombstone
//! itself. A snapshot that takes its range takes it along. One that was no member any more when its region was merged is
//! told only that it was removed.
use std::sync::atomic::Ordering;

use raft::eraftpb::{Message as RaftMessage, MessageType};
use rutile_kv_env::fail_stop;
use rutile_kv_types::{Cf, PeerRole, RegionEpoch};

use crate::error::{Error, RegionError, Result};
use crate::keys;
use crate::raftstore::create::greets;
use crate::raftstore::peer::Peer;
use crate::raftstore::state::{LocalState, PeerState};
use crate::raftstore::store::RaftLoop;
use crate::raftstore::transport::PeerMessage;

/// Merges that are followed from a leftover on; further ones are waited for.
const MERGES_IN_A_ROW_MAX: usize = 64;

impl RaftLoop {
    /// Answers a peer of a region that was merged on this store; true when something was said.
    pub(in crate::raftstore) fn tell_merged(&self, arrived: &PeerMessage) -> bool {
        let asks = greets(&arrived.message) || arrived.message.get_msg_type() == MessageType::MsgUnreachable;
        if !asks || arrived.is_tombstone || arrived.to.store_id != self.store_id {
            return false;
        }
        let state = match self.local_state(arrived.region_id) {
            Ok(state) => state,
            Err(error) => fail_stop("state of a region", &error),
        };
        let Some(LocalState { state: PeerState::Tombstone, region, merge: Some(merge), .. }) = state else {
            return false;
        };
        let mut message = RaftMessage::default();
        (message.from, message.to) = (arrived.to.id, arrived.from.id);
        // Both regions were on the same stores then: a peer elsewhere was removed before, and no target comes for its data.
        let was_member = merge.target.peer_on_store(arrived.from.store_id).is_some();
        self.transport.send(PeerMessage {
            region_id: region.id,
            epoch: region.epoch,
            from: arrived.to.clone(),
            to: arrived.from.clone(),
            range: None,
            is_tombstone: true,
            merged_into: was_member.then_some((merge.target.id, merge.target.epoch)),
            rest: None,
            message,
        });
        true
    }

    /// Another store says that the region of a peer here was merged.
    pub(in crate::raftstore) fn take_notice(
        &mut self,
        region_id: u64,
        peer_id: u64,
        target: (u64, RegionEpoch),
    ) {
        let peer = self.peers.get_mut(&region_id).filter(|peer| peer.view.peer.id == peer_id);
        if let Some(peer) = peer
            && peer.merge.merged_into.is_none()
        {
            tracing::info!(region_id, target = target.0, "region was merged elsewhere");
            peer.merge.merged_into = Some(target);
        }
    }

    /// PD does not know the region of a peer: the others may know what became of it.
    pub(in crate::raftstore) fn ask_around(&self, region_id: u64, peer_id: u64) {
        let Some(peer) = self.peers.get(&region_id).filter(|peer| peer.view.peer.id == peer_id) else {
            return;
        };
        // One that votes has asked already, by its calls for votes.
        if peer.region.peer(peer_id).is_none_or(|own| own.role != PeerRole::Learner) {
            return;
        }
        for other in peer.region.peers.iter().filter(|other| other.id != peer_id) {
            // Raft has no use for it, so a peer that goes on is not disturbed.
            let mut message = RaftMessage { from: peer_id, to: other.id, ..RaftMessage::default() };
            message.set_msg_type(MessageType::MsgUnreachable);
            self.transport.send(PeerMessage {
                region_id,
                epoch: peer.region.epoch,
                from: peer.view.peer.clone(),
                to: other.clone(),
                range: None,
                is_tombstone: false,
                merged_into: None,
                rest: None,
                message,
            });
        }
    }

    /// One tick: leftovers whose data nobody can need any more.
    pub(super) fn bury_leftovers(&mut self) {
        let told = self.peers.awake().filter(|peer| peer.is_sound() && peer.merge.held.is_empty());
        let told: Vec<(u64, u64, RegionEpoch)> = told
            .filter_map(|peer| peer.merge.merged_into.map(|(id, epoch)| (peer.region_id(), id, epoch)))
            .collect();
        for (region_id, target_id, epoch) in told {
            match self.has_passed_merge(target_id, epoch) {
                Ok(false) => {}
                Ok(true) => {
                    if let Some(peer) = self.peers.get_mut(&region_id) {
                        let epoch = peer.region.epoch;
                        peer.begin_burial(&self.apply, epoch);
                    }
                }
                Err(error) => fail_stop("state of a region", &error),
            }
        }
    }

    fn has_passed_merge(&self, target_id: u64, epoch: RegionEpoch) -> Result<bool> {
        if let Some(target) = self.peers.get(&target_id) {
            return Ok(target.is_sound() && target.region.epoch.version >= epoch.version);
        }
        // One that a split has yet to make would come to the merge in its log.
        let state = self.local_state(target_id)?;
        Ok(state.is_some_and(|state| state.state == PeerState::Tombstone))
    }

    pub(super) fn local_state(&self, region_id: u64) -> Result<Option<LocalState>> {
        let bytes = self.engine.get(Cf::Raft, &keys::region_state(region_id))?;
        bytes.map(|bytes| LocalState::parse(&bytes)).transpose()
    }

    /// Whether a leftover became a part of this region, maybe by way of others. A snapshot of another region may not have
    /// its range: the target's peer here may still need the data.
    pub(in crate::raftstore) fn went_into(&self, peer: &Peer, region_id: u64) -> bool {
        let mut next = peer.merge.merged_into;
        for _ in 0..MERGES_IN_A_ROW_MAX {
            match next {
                Some((target, _)) if target == region_id => return true,
                Some((target, _)) => {
                    next = self.peers.get(&target).and_then(|target| target.merge.merged_into);
                }
                None => return false,
            }
        }
        false
    }

    /// A snapshot is about to take the ranges of these leftovers.
    pub(in crate::raftstore) fn give_way(&mut self, regions: Vec<u64>) {
        for region_id in regions {
            if let Some(peer) = self.peers.get_mut(&region_id) {
                peer.doomed = true;
                peer.view.removed.store(true, Ordering::SeqCst);
                peer.view.set_following(0);
            }
        }
    }

    /// They are gone, durably.
    pub(in crate::raftstore) fn forget_leftovers(&mut self, peers: Vec<(u64, u64)>) {
        for (region_id, peer_id) in peers {
            let not_found = || RegionError::RegionNotFound { region_id }.into();
            // What it proposed in its time may have been committed by others.
            if self.forget(region_id, peer_id, || Error::Unknown, not_found) {
                self.metrics.peers_destroyed.add(1);
                self.env.hooks.record("raftstore::destroy::peer", || [region_id, peer_id]);
            }
        }
    }
}

impl Peer {
    /// Whether a snapshot may take the range of this peer: its region was merged, and nothing of it is under way here.
    pub(in crate::raftstore) fn gives_way(&self) -> bool {
        self.merge.merged_into.is_some()
            && self.is_sound()
            && self.merge.held.is_empty()
            && self.view.applied().applied_index >= self.handed_index
            && self.view.region().epoch == self.region.epoch
    }
}
