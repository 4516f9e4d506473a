//! Peers that a message makes: somebody added a peer on this store.
//!
//! The first heartbeat of a leader to a peer that has nothing makes one, and so does a call for votes: a region that a
//! split has just made may need the vote of a store that left the parent before it applied the split. The new peer has
//! no data and no place in the range of keys until a snapshot fills it, and nobody but the raft loop knows of it. Its
//! term and vote are kept, so that it keeps its word over a restart, when another message makes it again.
//!
//! No peer is made where one was destroyed that is not older, nor for a range that another peer of the store holds: that
//! one will be split, and the split makes the peer; unless its region was merged, and it only waits for this one.
use std::sync::Arc;

use raft::eraftpb::{Message as RaftMessage, MessageType};
use rutile_kv_engine::WriteBatch;
use rutile_kv_env::fail_stop;
use rutile_kv_types::{Cf, Region};

use super::destroy::note_successor;
use super::peer::Peer;
use super::state::{ApplyState, LocalState, PeerState};
use super::store::RaftLoop;
use super::transport::PeerMessage;
use crate::error::Result;
use crate::keys;

/// Whether a message may be the first one that its receiver gets.
pub(super) fn greets(message: &RaftMessage) -> bool {
    match message.get_msg_type() {
        MessageType::MsgHeartbeat => message.commit == 0,
        MessageType::MsgRequestPreVote | MessageType::MsgRequestVote => true,
        _ => false,
    }
}

impl RaftLoop {
    /// Makes a peer for the one who is spoken to, if this is how a new one is greeted. True when there is one now.
    pub(super) fn create_peer(&mut self, arrived: &PeerMessage) -> bool {
        if !greets(&arrived.message) || arrived.is_tombstone || arrived.to.store_id != self.store_id {
            return false;
        }
        match self.may_create(arrived) {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => fail_stop("state of a region", &error),
        }
        let region_id = arrived.region_id;
        let region = Region { id: region_id, epoch: arrived.epoch, ..Region::default() };
        let none = ApplyState::NONE;
        match Peer::open(self.raft_log.clone(), Arc::new(region), arrived.to.clone(), none, none) {
            Ok(mut peer) => {
                peer.view.memory_locks.open(self.lock_budget.clone(), Vec::new());
                peer.choose_election_timeout(&*self.env.random);
                self.env.hooks.record("raftstore::create::peer", || [region_id, arrived.to.id]);
                self.peers.insert(region_id, peer);
                self.metrics.regions.set(self.peers.len() as u64);
                true
            }
            Err(error) => fail_stop("a peer that waits for a snapshot", &error),
        }
    }

    fn may_create(&self, arrived: &PeerMessage) -> Result<bool> {
        let Some((start_key, end_key)) = arrived.range.clone() else {
            return Ok(false);
        };
        // Peers of regions that were merged will give way to the snapshot.
        let region = Region { id: arrived.region_id, start_key, end_key, ..Region::default() };
        if self.given_way(&region).is_none() {
            return Ok(false);
        }
        let Some(bytes) = self.engine.get(Cf::Raft, &keys::region_state(arrived.region_id))? else {
            return Ok(true);
        };
        let LocalState { state, region, .. } = LocalState::parse(&bytes)?;
        let buried = region.peers.first().map_or(0, |peer| peer.id);
        // Any other state: a split has just made the region, and its peer comes with the next message.
        if state != PeerState::Tombstone || buried >= arrived.to.id {
            return Ok(false);
        }
        // No split can make the region meanwhile, because no peer here has its range.
        let mut batch = WriteBatch::new();
        note_successor(&mut batch, region, &arrived.to);
        self.engine.write(batch, true)?;
        Ok(true)
    }

    /// Whether the peer that is here was added after the one with this id was removed.
    pub(super) fn outlives(&self, region_id: u64, peer_id: u64) -> bool {
        self.peers.get(&region_id).is_some_and(|peer| peer.view.peer.id > peer_id)
    }
}
