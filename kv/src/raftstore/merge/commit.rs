//! The target: the proposal that takes the source over, and the wait for the source's peer on each store.
use std::sync::Arc;

use raft::GetEntriesContext;
use rutile_kv_env::fail_stop;
use rutile_kv_types::Region;

use super::apply::Merged;
use crate::error::{Error, RegionError};
use crate::raftstore::command::{Command, SourceEnd, encode_commit_merge, is_commit_merge};
use crate::raftstore::peer::{Peer, Waiting};
use crate::raftstore::propose::Waiters;
use crate::raftstore::state::MergeState;
use crate::raftstore::store::RaftLoop;

/// How far the peer of a source is.
#[derive(PartialEq, Eq)]
enum Source {
    /// All of it is with the apply loop.
    HandedOver,
    /// It was given what it lacked.
    CaughtUp,
    NotThere,
}

impl RaftLoop {
    /// One tick: merges that wait for something.
    pub(in crate::raftstore) fn go_on_with_merges(&mut self) {
        self.go_on_with_preparations();
        let merging: Vec<u64> =
            self.peers.awake().filter(|peer| peer.merge.state.is_some()).map(Peer::region_id).collect();
        merging.into_iter().for_each(|region_id| self.go_on_with_merge(region_id));
        self.bury_leftovers();
    }

    /// The source has stopped on this store.
    pub(in crate::raftstore) fn merge_prepared(
        &mut self,
        region_id: u64,
        region: Arc<Region>,
        state: Arc<MergeState>,
    ) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        peer.region = region.clone();
        peer.merge.state = Some(state);
        if peer.is_leader() {
            // The other peers hear now that it is committed, and not with the next heartbeat.
            peer.node.ping();
            self.dirty.insert(region_id);
            self.reports.members_changed(region);
        }
        self.go_on_with_merge(region_id);
    }

    /// The source goes on.
    pub(in crate::raftstore) fn merge_rolled_back(&mut self, region_id: u64, region: Arc<Region>) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        peer.region = region.clone();
        peer.merge.state = None;
        let leads = peer.is_leader();
        self.metrics.merges_rolled_back.add(1);
        self.go_on_alone(region_id);
        if leads {
            self.reports.members_changed(region);
        }
    }

    fn go_on_with_merge(&mut self, source_id: u64) {
        let source = self.peers.get(&source_id).filter(|peer| peer.is_sound());
        let Some(state) = source.and_then(|peer| peer.merge.state.clone()) else {
            return;
        };
        // Raft of a region at rest would not hear of it, and count a change of members as pending.
        if let Some(target) = self.peers.get_mut(&state.target.id) {
            target.tell_applied();
        }
        let Some(target) = self.peers.get(&state.target.id) else {
            match self.had_passed(state.target.id, state.target.epoch) {
                Ok(true) => self.ask_rollback(source_id, &state),
                Ok(false) => {}
                Err(error) => fail_stop("state of a region", &error),
            }
            return;
        };
        if !target.is_sound() {
            return;
        }
        if target.region.epoch == state.target.epoch {
            self.propose_commit(source_id, &state);
        } else if target.has_passed(state.target.epoch) {
            self.ask_rollback(source_id, &state);
        }
    }

    fn propose_commit(&mut self, source_id: u64, state: &MergeState) {
        let Some(source) = self.peers.get(&source_id) else {
            return;
        };
        let log = &source.node.raft.raft_log;
        let context = GetEntriesContext::empty(false);
        let Ok(entries) = log.slice(state.min_index, state.commit + 1, u64::MAX, context) else {
            return;
        };
        let (min_index, commit) = (state.min_index, state.commit);
        let end = SourceEnd { region: (*source.region).clone(), min_index, commit, entries };
        let Some(target) = self.peers.get_mut(&state.target.id).filter(|target| target.can_take_over())
        else {
            return;
        };
        let data = match encode_commit_merge(state.target.epoch, &end) {
            Ok(data) => data,
            Err(error) => fail_stop("end of a region that is merged", &error),
        };
        target.propose_group();
        target.propose_entry(data, Waiting::Writes(Waiters::new()));
        target.merge.commit_index = target.node.raft.raft_log.last_index();
        self.dirty.insert(state.target.id);
    }

    /// Hands on what waits for peers of sources that are there now; true when anything has moved.
    pub(in crate::raftstore) fn release_held(&mut self) -> bool {
        let holding: Vec<u64> = self.holding.iter().copied().collect();
        let mut moved = false;
        for region_id in holding {
            moved |= self.release(region_id);
        }
        moved
    }

    fn release(&mut self, region_id: u64) -> bool {
        let peer = self.peers.get(&region_id).filter(|peer| !peer.doomed);
        let Some((peer, first)) = peer.and_then(|peer| Some((peer, peer.merge.held.front()?))) else {
            self.holding.remove(&region_id);
            return false;
        };
        // Whether it will be refused has to be known: what it names may be gone for long then.
        if !peer.knows_its_region() {
            return false;
        }
        let (epoch, source) = match Command::decode(&first.data) {
            Ok(Command::CommitMerge { epoch, source }) => (epoch, source),
            Ok(_) => fail_stop("an entry is held that merges nothing", &region_id),
            Err(error) => fail_stop("end of a region that is merged", &error),
        };
        if epoch == peer.region.epoch {
            match self.source_of(&source) {
                Source::HandedOver => {}
                Source::CaughtUp => return true,
                Source::NotThere => return false,
            }
        }
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return false;
        };
        let held = &mut peer.merge.held;
        let next = held.iter().skip(1).position(|entry| is_commit_merge(&entry.data));
        let entries = held.drain(..next.map_or(held.len(), |next| next + 1)).collect();
        let task = peer.hand(entries);
        self.hand_to_apply(task.into_iter().collect());
        true
    }

    fn source_of(&mut self, end: &SourceEnd) -> Source {
        let skips = self.env.hooks.is_planted("raftstore::merge::source_not_caught_up");
        let source = self.peers.get_mut(&end.region.id).filter(|peer| peer.is_initialised());
        let Some(peer) = source.filter(|peer| peer.restoring.is_none() && !peer.doomed) else {
            return Source::NotThere;
        };
        if skips || peer.merge.held.is_empty() && peer.handed_index >= end.commit {
            return Source::HandedOver;
        }
        if peer.node.raft.raft_log.committed >= end.commit || !peer.catch_up(end) {
            return Source::NotThere;
        }
        self.dirty.insert(end.region.id);
        Source::CaughtUp
    }

    /// The target has taken the source over on this store.
    pub(in crate::raftstore) fn merged(&mut self, merged: Merged) {
        let Merged { source_id, source_peer, region } = merged;
        // What the source had not applied by then it never will.
        let error = || Error::from(RegionError::EpochNotMatch { current: vec![region.clone()] });
        self.forget(source_id, source_peer, error, error);
        self.metrics.merges.add(1);
        let Some(peer) = self.peers.get_mut(&region.id) else {
            return;
        };
        peer.region = region.clone();
        self.dirty.insert(region.id);
        if peer.is_leader() {
            let (view, term) = (peer.view.clone(), peer.node.raft.term);
            self.reports.merged(view, term, region);
        }
    }
}

impl Peer {
    /// Whether a CommitMerge may be proposed now.
    fn can_take_over(&self) -> bool {
        let raft = &self.node.raft;
        self.is_leader()
            && raft.commit_to_current_term()
            && raft.lead_transferee.is_none()
            && !raft.has_pending_conf()
            && self.unreported_changes.is_empty()
            && !self.is_stopping()
            && self.merge.commit_index <= self.view.applied().applied_index
    }

    /// Gives the peer of a source what its log lacks, as its leader would have done. Every peer has the log before
    /// `min_index`, and all of it up to `commit` is committed.
    fn catch_up(&mut self, end: &SourceEnd) -> bool {
        let committed = self.node.raft.raft_log.committed;
        let missing: Vec<_> = end.entries.iter().filter(|entry| entry.index > committed).cloned().collect();
        if let Some(last) = missing.last()
            && last.term > self.node.raft.term
        {
            self.node.raft.become_follower(last.term, 0);
        }
        let log = &mut self.node.raft.raft_log;
        match missing.first() {
            Some(first) => {
                let before = first.index - 1;
                let Ok(term) = log.term(before) else {
                    tracing::error!(region_id = end.region.id, before, "a source lacks entries");
                    return false;
                };
                log.maybe_append(before, term, end.commit, &missing).is_some()
            }
            None if log.last_index() >= end.commit => {
                log.commit_to(end.commit);
                true
            }
            None => false,
        }
    }
}
