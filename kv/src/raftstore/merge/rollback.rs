//! The source goes on alone, when the target can not take it any more.
//!
//! The proof may be on any store that has a peer of both; whoever has it tells the source's leader, by the proposal that
//! the leader is to make.
use raft::eraftpb::{Entry, Message as RaftMessage, MessageType};
use rutile_kv_types::RegionEpoch;

use crate::error::Result;
use crate::raftstore::command::{Command, encode_rollback_merge};
use crate::raftstore::peer::{Peer, Waiting};
use crate::raftstore::propose::Waiters;
use crate::raftstore::state::{LocalState, MergeState, PeerState};
use crate::raftstore::store::RaftLoop;
use crate::raftstore::transport::PeerMessage;

impl Peer {
    /// Whether the region went through `epoch` on this store, entry by entry, and is beyond it.
    pub(super) fn has_passed(&self, epoch: RegionEpoch) -> bool {
        went_through(epoch, self.view.history_from(), self.region.epoch)
    }
}

fn went_through(epoch: RegionEpoch, from: RegionEpoch, to: RegionEpoch) -> bool {
    epoch.covers(from) && to != epoch && to.covers(epoch)
}

impl RaftLoop {
    /// The same of a peer that is destroyed: its tombstone tells.
    pub(super) fn had_passed(&self, region_id: u64, epoch: RegionEpoch) -> Result<bool> {
        let Some(LocalState { state: PeerState::Tombstone, region, history_from: Some(from), .. }) =
            self.local_state(region_id)?
        else {
            return Ok(false);
        };
        Ok(went_through(epoch, from, region.epoch))
    }

    /// The target has passed the epoch in which it takes the source, without it.
    pub(super) fn ask_rollback(&mut self, source_id: u64, state: &MergeState) {
        let Some(peer) = self.peers.get(&source_id) else {
            return;
        };
        if peer.is_leader() {
            return self.propose_rollback(source_id, state.commit);
        }
        let from = peer.view.peer.clone();
        let Some(to) = peer.region.peer(peer.node.raft.leader_id).cloned() else {
            return;
        };
        let data = encode_rollback_merge(peer.region.epoch, state.commit);
        let mut message = RaftMessage { from: from.id, to: to.id, ..RaftMessage::default() };
        message.set_msg_type(MessageType::MsgPropose);
        message.entries = vec![Entry { data: data.into(), ..Entry::default() }].into();
        self.transport.send(PeerMessage {
            region_id: source_id,
            epoch: peer.region.epoch,
            from,
            to,
            range: None,
            is_tombstone: false,
            merged_into: None,
            rest: None,
            message,
        });
    }

    /// Another peer of the source has the proof.
    pub(in crate::raftstore) fn rollback_asked(&mut self, region_id: u64, message: &RaftMessage) {
        let asked = message.entries.first().and_then(|entry| match Command::decode(&entry.data) {
            Ok(Command::RollbackMerge { commit }) => Some(commit),
            _ => None,
        });
        match asked {
            Some(commit) => self.propose_rollback(region_id, commit),
            None => self.metrics.raft_messages_dropped.add(1),
        }
    }

    fn propose_rollback(&mut self, source_id: u64, commit: u64) {
        let Some(peer) = self.peers.get_mut(&source_id).filter(|peer| peer.is_leader() && !peer.doomed)
        else {
            return;
        };
        let is_meant = peer.merge.state.as_ref().is_some_and(|state| state.commit == commit);
        if !is_meant || peer.merge.rollback_index > peer.view.applied().applied_index {
            return;
        }
        let data = encode_rollback_merge(peer.region.epoch, commit);
        peer.propose_entry(data, Waiting::Writes(Waiters::new()));
        peer.merge.rollback_index = peer.node.raft.raft_log.last_index();
        tracing::info!(region_id = source_id, commit, "merge is rolled back");
        self.dirty.insert(source_id);
    }
}
