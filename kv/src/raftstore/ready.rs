//! One round: what all regions have ready, with one append and one fsync.
//!
//! A leader's messages may leave before its own append is synced (raft thesis 10.2.1); votes and
//! acknowledgements of a follower may not, and raft keeps them apart as persisted messages. While members change, what
//! a leader sends waits too, for its commit index to be durable. Committed entries go to
//! the apply loop; those that this append commits follow after the sync.
use std::time::Duration;

use raft::Ready;
use raft::eraftpb::{Entry, Message};
use rutile_kv_engine::RaftLogBatch;
use rutile_kv_env::{Monotonic, fail_stop, failpoint};

use super::apply::{ApplyMessage, ApplyTask};
use super::inbox::Room;
use super::peer::{Peer, Pending};
use super::store::RaftLoop;
use crate::error::RegionError;

/// What one round gathers.
#[derive(Default)]
struct Round {
    log: RaftLogBatch,
    must_sync: bool,
    /// With messages that must not leave before the append.
    readies: Vec<(u64, Ready, Vec<Message>)>,
    tasks: Vec<ApplyTask>,
    entries: u64,
    bytes: u64,
}

impl RaftLoop {
    /// Runs rounds until no region has anything ready, or the apply loop has too much to do.
    pub(super) fn run_rounds(&mut self) {
        self.run_all();
        // What a target waits for may have come with these rounds, and may make others ready.
        while self.release_held() {
            self.run_all();
        }
    }

    fn run_all(&mut self) {
        while !self.dirty.is_empty() && !self.apply.is_full() {
            let mut round = Round::default();
            let dirty = std::mem::take(&mut self.dirty);
            for region_id in dirty {
                self.collect(region_id, &mut round);
            }
            if round.readies.is_empty() {
                return;
            }
            self.append(&mut round);
            for (region_id, ready, held) in std::mem::take(&mut round.readies) {
                self.send(region_id, held);
                self.finish(region_id, ready, &mut round);
            }
            self.hand_to_apply(round.tasks);
        }
    }

    fn collect(&mut self, region_id: u64, round: &mut Round) {
        self.wake_disturbed(region_id);
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        if peer.doomed {
            return;
        }
        peer.propose_group();
        peer.tell_applied();
        if !peer.node.has_ready() {
            return;
        }
        let mut ready = peer.node.ready();
        let messages = ready.take_messages();
        let wished = peer.node.store().take_wish();
        if !ready.snapshot().is_empty() {
            peer.begin_restore(&*self.engine, &self.env.hooks, &ready, &mut round.log);
        }
        if let Some(last) = ready.entries().last() {
            peer.node.mut_store().appended(last);
            let entries = ready.take_entries();
            peer.note_changes_in_log(&entries);
            round.entries += entries.len() as u64;
            round.bytes += entries.iter().map(|entry| entry.data.len() as u64).sum::<u64>();
            round.log.append(region_id, entries);
        }
        let forgets_votes = self.env.hooks.is_planted("raftstore::ready::vote_not_persisted");
        if let Some(state) = ready.hs().filter(|_| !forgets_votes) {
            round.log.put_hard_state(region_id, state.clone());
        }
        // Who hears that its removal is committed is gone; a leader that forgets that it is would wait for his vote for
        // ever.
        let holds = ready.hs().is_some() && peer.is_leader() && peer.node.raft.has_pending_conf();
        let learns = ready.hs().is_some_and(|state| peer.commits_change_of_members(state.commit));
        round.must_sync |= ready.must_sync() || holds || learns;
        peer.take_committed(ready.take_committed_entries(), &mut round.tasks);
        if !peer.merge.held.is_empty() {
            self.holding.insert(region_id);
        }
        for state in ready.take_read_states() {
            peer.quorum_answered(&state.request_ctx, state.index, self.lease);
        }
        self.publish_role(region_id);
        if wished {
            self.grant_wish(region_id);
        }
        let held = if holds {
            messages
        } else {
            self.send(region_id, messages);
            Vec::new()
        };
        if self.env.hooks.is_planted("raftstore::ready::send_before_append") {
            self.send(region_id, ready.take_persisted_messages());
        }
        round.readies.push((region_id, ready, held));
    }

    fn append(&mut self, round: &mut Round) {
        if round.log.is_empty() {
            return;
        }
        failpoint!("raftstore::ready::before_append");
        let log = std::mem::take(&mut round.log);
        let sync = round.must_sync && !self.env.hooks.is_planted("raftstore::ready::ack_before_sync");
        let began = self.env.clock.now();
        if let Err(error) = self.raft_log.append(log, sync) {
            fail_stop("raft log append", &error);
        }
        failpoint!("raftstore::ready::after_append");
        self.metrics.raft_append_time.observe(self.env.clock.now().saturating_since(began));
        self.metrics.raft_appends.add(1);
        self.metrics.raft_entries.add(round.entries);
        self.metrics.raft_bytes.add(round.bytes);
        self.note_appended(round.bytes);
    }

    fn finish(&mut self, region_id: u64, mut ready: Ready, round: &mut Round) {
        self.send(region_id, ready.take_persisted_messages());
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        let restores = !ready.snapshot().is_empty();
        let mut light = peer.node.advance_append(ready);
        if light.commit_index().is_some() && peer.is_leader() && peer.node.raft.has_pending_conf() {
            let mut log = RaftLogBatch::new();
            log.put_hard_state(region_id, peer.node.raft.hard_state());
            if let Err(error) = self.raft_log.append(log, true) {
                fail_stop("raft log append", &error);
            }
        }
        let covered = if restores { peer.covered() } else { Vec::new() };
        if restores {
            peer.hand_restore(&self.apply);
        }
        let messages = light.take_messages();
        peer.take_committed(light.take_committed_entries(), &mut round.tasks);
        peer.choose_election_timeout(&*self.env.random);
        if peer.node.has_ready() {
            self.dirty.insert(region_id);
        }
        if !peer.merge.held.is_empty() {
            self.holding.insert(region_id);
        }
        self.send(region_id, messages);
        self.forget_leftovers(covered);
    }

    pub(super) fn hand_to_apply(&mut self, tasks: Vec<ApplyTask>) {
        if tasks.is_empty() {
            return;
        }
        self.apply.push(ApplyMessage::Round(tasks));
    }

    /// Tells the view who leads, when that changed.
    fn publish_role(&mut self, region_id: u64) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        if peer.leaving.is_some() {
            return;
        }
        let (term, leader) = (peer.node.raft.term, peer.node.raft.leader_id);
        let role = (if peer.is_leader() { term } else { 0 }, leader);
        let (before, _) = std::mem::replace(&mut peer.published, role);
        if (before, leader) == role && peer.view.leader_peer() == leader {
            return;
        }
        if role.0 == 0 {
            peer.view.set_following(leader);
            peer.finish_barriers();
            if before != 0 {
                self.metrics.leaders.set(self.metrics.leaders.get().saturating_sub(1));
            }
            return;
        }
        // What an earlier leadership proposed is applied before this one serves, or was overwritten.
        peer.split_index = 0;
        peer.forget_merges();
        peer.view.set_leading(term, peer.is_first_leader(term));
        if peer.is_only_voter() {
            peer.view.set_unbounded_lease();
        }
        if before == 0 {
            self.metrics.leaders.add(1);
        }
        self.env.hooks.record("raftstore::ready::leads", || [region_id, term, peer.view.peer.id]);
        tracing::debug!(region_id, term, "became leader");
        self.reports.became_leader(peer.view.clone(), term);
    }
}

impl Peer {
    /// Sends committed entries on, together with whoever waits for them.
    fn take_committed(&mut self, entries: Vec<Entry>, tasks: &mut Vec<ApplyTask>) {
        let entries = self.hold_back(entries);
        tasks.extend(self.hand(entries));
    }

    /// Committed entries for the apply loop, together with whoever waits for them.
    pub(super) fn hand(&mut self, entries: Vec<Entry>) -> Option<ApplyTask> {
        let last = entries.last()?;
        let (last_index, last_term) = (last.index, last.term);
        self.handed_index = last_index;
        self.note_changes(&entries);
        let count = self.pending.partition_point(|pending| pending.index <= last_index);
        let pending: Vec<Pending> = self.pending.drain(..count).collect();
        // Terms do not fall in a log: behind an entry of a later term nothing of an earlier one is ever committed. It
        // may be long until another entry comes, and whoever waits holds latches.
        while self.pending.front().is_some_and(|pending| pending.term < last_term) {
            if let Some(lost) = self.pending.pop_front() {
                lost.waiting.fail(|| RegionError::StaleCommand.into());
            }
        }
        Some(ApplyTask { view: self.view.clone(), entries, pending })
    }

    /// A quorum confirmed this leader after the round named in `context` was sent.
    fn quorum_answered(&mut self, context: &[u8], index: u64, lease: Duration) {
        let Ok(sent) = context.try_into().map(u64::from_be_bytes) else {
            return self.leader_answered(context, index);
        };
        if !self.is_leader() {
            return;
        }
        if self.is_only_voter() && !self.is_stopping() {
            self.view.set_unbounded_lease();
        } else if self.may_hold_lease() {
            self.view.renew_lease(Monotonic::from_origin(Duration::from_nanos(sent)), lease);
        }
        for barrier in &mut self.barriers {
            if barrier.round != 0 && barrier.round <= sent {
                barrier.round = 0;
                barrier.index = index;
            }
        }
        self.finish_barriers();
    }
}
