//! Raft messages to and from other stores.
//!
//! A message names both peers and their stores, so that a carrier needs to know stores only. Carriers may lose,
//! delay, repeat and reorder: raft is made for that. What comes in waits in the raft loop's inbox, up to a limit;
//! more is dropped. Snapshots come as streams of their own ([`super::snapshot`]).
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use raft::eraftpb::{Message as RaftMessage, MessageType};
use rutile_kv_types::{Peer as PeerId, RegionEpoch};

use super::create::greets;
use super::hibernate::RestMessage;
use super::message::Message;
use super::peer::Peer;
use super::read::RaftReplica;
use super::snapshot::{SnapshotHead, SnapshotSource};
use super::store::RaftLoop;
use crate::error::{Error, Result};

/// Messages of other stores that wait for the raft loop.
const WAITING_MAX: usize = 8_192;

/// Addresses kept of peers that a region does not have.
const STRANGERS_MAX: usize = 8;

/// A raft message between two peers of a region.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerMessage {
    pub region_id: u64,
    /// The region as the sender knows it.
    pub epoch: RegionEpoch,
    pub from: PeerId,
    pub to: PeerId,
    /// Bounds of the region, in a message that may make a peer.
    pub range: Option<(Bytes, Bytes)>,
    /// The receiver is no member any more.
    pub is_tombstone: bool,
    /// In a tombstone message: the region was merged into this one, which is in this epoch or beyond.
    pub merged_into: Option<(u64, RegionEpoch)>,
    /// What the peer says of its rest; `message` says nothing then.
    pub rest: Option<RestMessage>,
    pub message: RaftMessage,
}

/// Where messages to other stores go. Never blocks; may lose what it carries.
pub trait Transport: Send + Sync {
    fn send(&self, message: PeerMessage);

    /// Brings a snapshot to the store of `head.message.to`; done when that store has all of it.
    fn send_snapshot(&self, head: SnapshotHead, source: SnapshotSource) -> BoxFuture<'static, Result<()>>;
}

/// No other store exists. A message to one is a bug that a test must see and a running store survives.
pub struct NoTransport;

impl Transport for NoTransport {
    fn send(&self, message: PeerMessage) {
        debug_assert!(false, "region {} has peers that can not be reached", message.region_id);
    }

    fn send_snapshot(&self, head: SnapshotHead, _: SnapshotSource) -> BoxFuture<'static, Result<()>> {
        let error = format!("store {} can not be reached", head.message.to.store_id);
        Box::pin(async { Err(Error::Invalid(error)) })
    }
}

/// Counts what waits for the raft loop.
#[derive(Default)]
pub struct Arrivals {
    waiting: AtomicUsize,
}

impl Arrivals {
    fn enter(&self) -> bool {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        if before >= WAITING_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        before < WAITING_MAX
    }

    pub fn leave(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RaftReplica {
    /// Takes a message of another store; drops it when too many wait already.
    pub fn receive(&self, message: PeerMessage) {
        if self.arrivals.enter() {
            self.inbox.push(Message::Raft(Box::new(message)));
        } else {
            self.metrics.raft_messages_dropped.add(1);
        }
    }
}

/// Kinds that a peer of another store may send. Proposals are never forwarded: whoever wants them is told who leads.
fn is_expected(kind: MessageType) -> bool {
    matches!(
        kind,
        MessageType::MsgAppend
            | MessageType::MsgAppendResponse
            | MessageType::MsgRequestVote
            | MessageType::MsgRequestVoteResponse
            | MessageType::MsgRequestPreVote
            | MessageType::MsgRequestPreVoteResponse
            | MessageType::MsgHeartbeat
            | MessageType::MsgHeartbeatResponse
            | MessageType::MsgTimeoutNow
            | MessageType::MsgReadIndex
            | MessageType::MsgReadIndexResp
    )
}

impl RaftLoop {
    /// Hands a message of another store to its peer. A region that is not here (yet) needs no answer: its peer will
    /// be made by the split that makes the region, or by the greeting of a leader, and is asked again, or asked now if
    /// it missed a call for votes.
    pub(super) fn receive(&mut self, arrived: PeerMessage) {
        self.arrivals.leave();
        let (region_id, to_id) = (arrived.region_id, arrived.to.id);
        match self.peers.get(&region_id).map(|peer| peer.view.peer.id) {
            None if self.tell_merged(&arrived) => return,
            None if !self.create_peer(&arrived) => return self.keep_early_vote(arrived),
            // There is a newer peer of the region here, so this one was removed.
            Some(own) if own < to_id => return self.destroy_stale(region_id, own, arrived.epoch),
            _ => {}
        }
        if arrived.is_tombstone {
            self.wake(region_id);
        }
        if let Some(target) = arrived.merged_into.filter(|_| arrived.is_tombstone) {
            return self.take_notice(region_id, to_id, target);
        }
        if arrived.is_tombstone {
            return self.destroy_stale(region_id, to_id, arrived.epoch);
        }
        if self.tell_removed(&arrived) {
            return self.metrics.raft_messages_dropped.add(1);
        }
        if let Some(told) = arrived.rest {
            return self.hear_of_rest(&arrived, told);
        }
        if arrived.message.get_msg_type() == MessageType::MsgPropose {
            return self.rollback_asked(region_id, &arrived.message);
        }
        self.step(arrived);
    }

    pub(super) fn step(&mut self, arrived: PeerMessage) {
        let PeerMessage { region_id, from, to, mut message, .. } = arrived;
        if message.get_msg_type() == MessageType::MsgReadIndex
            && !self.judge_question(region_id, &mut message)
        {
            return self.metrics.raft_messages_dropped.add(1);
        }
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        // Roles change; ids do not.
        let fits = to.id == peer.view.peer.id && message.to == to.id && message.from == from.id;
        let silent = peer.must_be_silent(message.get_msg_type())
            && !self.env.hooks.is_planted("raftstore::transport::vote_after_restart");
        let stale = peer.is_stale_rejection(&message);
        if !fits || silent || stale || peer.doomed || !is_expected(message.get_msg_type()) {
            return self.metrics.raft_messages_dropped.add(1);
        }
        if self.sleeps_through(region_id, &message) {
            return;
        }
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        peer.remember(&from);
        if let Err(error) = peer.node.step(message) {
            tracing::debug!(region_id, from = from.id, %error, "raft message refused");
        }
        peer.choose_election_timeout(&*self.env.random);
        self.dirty.insert(region_id);
    }

    /// Sends what a peer wants to tell others.
    pub(super) fn send(&self, region_id: u64, messages: Vec<RaftMessage>) {
        if messages.is_empty() {
            return;
        }
        let Some(peer) = self.peers.get(&region_id) else {
            return;
        };
        let region = &peer.region;
        self.metrics.raft_messages.add(messages.len() as u64);
        for message in messages {
            // A peer that is gone from the region has nothing to hear, unless it spoke first.
            let known = region.peer(message.to);
            let to = known.or_else(|| peer.strangers.iter().find(|stranger| stranger.id == message.to));
            if let Some(to) = to.cloned() {
                let from = peer.view.peer.clone();
                let range = greets(&message).then(|| (region.start_key.clone(), region.end_key.clone()));
                let epoch = region.epoch;
                let message = PeerMessage {
                    region_id,
                    epoch,
                    from,
                    to,
                    range,
                    is_tombstone: false,
                    merged_into: None,
                    rest: None,
                    message,
                };
                if message.message.get_msg_type() == MessageType::MsgSnapshot {
                    self.send_snapshot(message);
                } else {
                    self.transport.send(message);
                }
            }
        }
    }
}

impl Peer {
    /// Keeps where to answer a peer that the region as it is known here does not have.
    fn remember(&mut self, from: &PeerId) {
        if self.region.peer(from.id).is_none() && !self.strangers.contains(from) {
            if self.strangers.len() >= STRANGERS_MAX {
                self.strangers.remove(0);
            }
            self.strangers.push(from.clone());
        }
    }

    /// Whether a follower seems to refuse what it has acknowledged: a late answer to an old question. Raft would go
    /// back behind what is acknowledged, where the log may be compacted, and then wait for a snapshot for ever.
    fn is_stale_rejection(&self, message: &RaftMessage) -> bool {
        let rejected = message.get_msg_type() == MessageType::MsgAppendResponse && message.reject;
        let progress = self.node.raft.prs().get(message.from);
        rejected && progress.is_some_and(|progress| message.index <= progress.matched)
    }

    /// Whether a vote must not be given yet. Before its restart this peer may have answered a heartbeat, and the
    /// leader's lease counts on its keeping quiet for an election timeout; raft forgets that over a restart.
    fn must_be_silent(&self, kind: MessageType) -> bool {
        self.silent_ticks > 0 && matches!(kind, MessageType::MsgRequestVote | MessageType::MsgRequestPreVote)
    }
}
