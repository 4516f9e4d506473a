//! One member as a pure machine: what it is told goes in, what is to be written, sent and served comes out.
//!
//! The caller takes a [`Round`] after every input, makes it durable and gives it back ([`Core::persisted`]); between the
//! two raft takes nothing else. A leader's own entry is durable before raft hears of it ([`Core::next_entry`]), so that a
//! disk that takes nothing more makes a write fail before it happened.

use std::collections::{BTreeMap, VecDeque};

use prost::Message as _;
use protobuf::Message as _;
use raft::eraftpb::{ConfChange, ConfChangeType, Entry, EntryType, HardState, Message, MessageType};
use raft::{Config, ProgressState, RawNode, Ready, SnapshotStatus, StateRole};
use rutile_kv_env::{Monotonic, Random, fail_stop};
use rutile_kv_proto::pdpb;
use slog::{Discard, Logger, o};

use super::lease::{ELECTION_TICKS, HEARTBEAT_TICKS, Lease, round};
use super::replica::Replica;
use crate::error::{Error, Result};
use crate::storage::{Batch, Image, Record, decode_batch, keys};

/// One append message carries up to this many bytes of entries.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;
/// Append messages on the way to one member.
const INFLIGHT_MESSAGES_MAX: usize = 256;
/// A snapshot that was not taken after so many ticks was lost.
const SNAPSHOT_TICKS_MAX: u64 = 100;
/// A learner that lacks no more than so many entries gets its vote.
const LEARNED_ENTRIES: u64 = 100;
/// How often the leader looks whether a member of higher priority should lead.
const PRIORITY_TICKS: u64 = 50;

/// Who leads, as this member knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    /// The term in which this member leads and has everything that was settled before; 0 when it does not.
    pub(super) reign: u64,
    pub(super) leader_id: u64,
    pub(super) lease: Lease,
}

/// What is to be made durable, and what may leave then.
pub(super) struct Round {
    /// May leave at once.
    pub(super) messages: Vec<Message>,
    /// May leave when the round is durable, with what [`Core::persisted`] adds.
    late: Vec<Message>,
    /// Durable already, by [`Core::next_entry`].
    is_written: bool,
    entries: Vec<Entry>,
    hard_state: Option<HardState>,
    /// What the member becomes by a snapshot.
    pub(super) restored: Option<Image>,
    ready: Ready,
}

impl Round {
    /// What the journal has to take. A snapshot takes the place of the journal instead.
    pub(super) fn records(&self) -> Vec<Record> {
        let state = self.hard_state.iter().cloned().map(Record::HardState);
        let entries = self.entries.iter().filter(|_| !self.is_written).cloned().map(Record::Entry);
        state.chain(entries).collect()
    }
}

pub(super) struct Core {
    node: RawNode<Replica>,
    lease: Lease,
    /// Term and role when the election timeout was last chosen, and the timeout.
    timeout_for: (u64, StateRole),
    timeout_ticks: usize,
    /// Ticks for which this member gives no vote: it may have promised one to a leader before it was restarted.
    silent_ticks: usize,
    ticks: u64,
    /// Index and term of an entry that is durable and that raft has not handed out yet.
    written: Option<(u64, u64)>,
    /// A term in which this member serves no more, because it handed leadership on.
    handed_on: u64,
    /// Members that wait for a snapshot, and for how many ticks.
    restoring: BTreeMap<u64, u64>,
    /// A change of members was applied, and that it is committed is not durable. A member that forgot it would be alone
    /// again after a crash and lead without those that came.
    owes_commit: bool,
}

impl Core {
    pub(super) fn new(image: Image, is_new: bool) -> Result<Core> {
        let (applied, hard_state) = (image.applied.0, image.hard_state.clone());
        let config = Config {
            id: image.member_id,
            election_tick: ELECTION_TICKS,
            heartbeat_tick: HEARTBEAT_TICKS,
            applied,
            max_size_per_msg: MESSAGE_BYTES_MAX,
            max_inflight_msgs: INFLIGHT_MESSAGES_MAX,
            check_quorum: true,
            pre_vote: true,
            ..Config::default()
        };
        let mut replica = Replica::new(image);
        replica.set_hard_state(caught_up(hard_state, replica.image()));
        let node = RawNode::new(&config, replica, &Logger::root(Discard, o!()))
            .map_err(|error| Error::Invalid(format!("the log of this member: {error}")))?;
        Ok(Core {
            node,
            lease: Lease::None,
            timeout_for: (u64::MAX, StateRole::Follower),
            timeout_ticks: 2 * ELECTION_TICKS,
            silent_ticks: if is_new { 0 } else { ELECTION_TICKS },
            ticks: 0,
            written: None,
            handed_on: 0,
            restoring: BTreeMap::new(),
            owes_commit: false,
        })
    }

    pub(super) fn id(&self) -> u64 {
        self.node.raft.id
    }

    pub(super) fn replica(&self) -> &Replica {
        self.node.store()
    }

    pub(super) fn forget_old_entries(&mut self) {
        self.node.mut_store().forget_old_entries();
    }

    fn is_leader(&self) -> bool {
        self.node.raft.state == StateRole::Leader
    }

    /// Whether no other member has a vote.
    pub(super) fn is_alone(&self) -> bool {
        self.node.raft.prs().is_singleton() && self.node.raft.promotable()
    }

    /// Whether it was never taken into a group.
    pub(super) fn is_joining(&self) -> bool {
        self.replica().applied().0 == 0
    }

    pub(super) fn role(&self) -> Role {
        let raft = &self.node.raft;
        let (_, applied_term) = self.replica().applied();
        let serves = self.is_leader() && applied_term == raft.term && self.handed_on != raft.term;
        let lease = if !serves {
            Lease::None
        } else if self.is_alone() {
            Lease::Always
        } else {
            match self.lease {
                Lease::Always => Lease::None,
                other => other,
            }
        };
        Role { reign: if serves { raft.term } else { 0 }, leader_id: raft.leader_id, lease }
    }

    /// Voters that the leader heard of lately.
    pub(super) fn healthy(&self) -> Vec<u64> {
        if !self.is_leader() {
            return Vec::new();
        }
        let own = self.id();
        let all = self.node.raft.prs().iter();
        all.filter(|(id, progress)| **id == own || progress.recent_active).map(|(id, _)| *id).collect()
    }

    /// A member that is alone needs nobody's vote.
    pub(super) fn campaign_alone(&mut self) -> Result<()> {
        if !self.is_alone() || self.is_leader() {
            return Ok(());
        }
        self.node.campaign().map_err(|error| Error::Invalid(format!("the log of this member: {error}")))
    }

    /// 100 ms have passed, or more.
    pub(super) fn tick(&mut self, now: Monotonic, random: &dyn Random) {
        self.ticks += 1;
        self.silent_ticks = self.silent_ticks.saturating_sub(1);
        if self.is_leader() && self.node.raft.prs().iter().count() == 1 {
            return;
        }
        self.node.tick();
        self.choose_election_timeout(random);
        if !self.is_leader() {
            return;
        }
        let raft = &self.node.raft;
        if self.handed_on == raft.term && raft.lead_transferee.is_none() {
            // It did not lead in time. An order to it may still be under way, so that this term is over for all.
            self.step_down();
            return;
        }
        if self.ticks.is_multiple_of(HEARTBEAT_TICKS as u64) && !self.is_alone() {
            self.node.read_index(round(now));
        }
        self.look_after_snapshots();
        self.promote_learner();
        if self.ticks.is_multiple_of(PRIORITY_TICKS) {
            self.give_way();
        }
    }

    /// Another member says something.
    pub(super) fn step(&mut self, message: Message, random: &dyn Random) {
        let asks =
            matches!(message.get_msg_type(), MessageType::MsgRequestVote | MessageType::MsgRequestPreVote);
        if asks && self.silent_ticks > 0 {
            return;
        }
        // Refused are answers of members that were removed meanwhile.
        drop(self.node.step(message));
        self.choose_election_timeout(random);
    }

    /// Raft chooses its election timeout by a generator of its own at each change of term or role; it is chosen again
    /// from `env`, so that a run is repeatable.
    fn choose_election_timeout(&mut self, random: &dyn Random) {
        let now = (self.node.raft.term, self.node.raft.state);
        if now != self.timeout_for {
            self.timeout_for = now;
            self.timeout_ticks = random.range(ELECTION_TICKS as u64..2 * ELECTION_TICKS as u64) as usize;
        }
        self.node.raft.set_randomized_election_timeout(self.timeout_ticks);
    }

    /// The entry that a write of the leader becomes, for the journal.
    pub(super) fn next_entry(&self, data: Vec<u8>) -> Entry {
        let raft = &self.node.raft;
        let (index, term) = (raft.raft_log.last_index() + 1, raft.term);
        Entry { index, term, data: data.into(), ..Entry::default() }
    }

    /// The entry of [`Core::next_entry`] is durable.
    pub(super) fn propose_written(&mut self, entry: Entry) -> Result<()> {
        if !self.is_leader() {
            return Err(Error::NotLeader);
        }
        let place = (entry.index, entry.term);
        self.node.propose(Vec::new(), entry.data.to_vec()).map_err(|_| Error::NotLeader)?;
        debug_assert_eq!(self.node.raft.raft_log.last_index(), place.0, "raft puts it where it was written");
        self.written = Some(place);
        Ok(())
    }

    /// Proposes a change of members; one at a time.
    pub(super) fn propose_change(
        &mut self,
        kind: ConfChangeType,
        member_id: u64,
        record: Option<&pdpb::Member>,
    ) -> Result<()> {
        if self.node.raft.has_pending_conf() {
            return Err(Error::Refused("a change of members is under way".to_owned()));
        }
        let mut change = ConfChange { node_id: member_id, ..ConfChange::default() };
        change.set_change_type(kind);
        change.context = record.map(|record| record.encode_to_vec()).unwrap_or_default().into();
        self.node.propose_conf_change(Vec::new(), change).map_err(|_| Error::NotLeader)
    }

    /// Serves no more and has `to` lead.
    pub(super) fn hand_on(&mut self, to: u64) {
        self.handed_on = self.node.raft.term;
        self.node.transfer_leader(to);
    }

    /// Leads no more; others, or this one, are elected.
    pub(super) fn step_down(&mut self) {
        let term = self.node.raft.term;
        self.handed_on = term;
        self.node.raft.become_follower(term, raft::INVALID_ID);
    }

    /// A voter that could lead now: heard of lately, and not far behind. The one of the highest priority.
    pub(super) fn successor(&self) -> Option<u64> {
        let roster = self.replica().roster();
        let priority = |id: &u64| roster.get(id).map_or(0, |member| member.leader_priority);
        let could = |id: &u64| {
            let progress = self.node.raft.prs().get(*id);
            progress.is_some_and(|p| p.recent_active && p.state == ProgressState::Replicate)
        };
        let others = self.voters().into_iter().filter(|id| *id != self.id());
        others.filter(could).max_by_key(|id| (priority(id), std::cmp::Reverse(*id)))
    }

    pub(super) fn voters(&self) -> Vec<u64> {
        self.node.raft.prs().conf().voters().ids().iter().collect()
    }

    fn look_after_snapshots(&mut self) {
        let mut lost = Vec::new();
        let progress = self.node.raft.prs();
        self.restoring.retain(|id, ticks| {
            *ticks += 1;
            let waits = progress.get(*id).is_some_and(|p| p.state == ProgressState::Snapshot);
            if waits && *ticks > SNAPSHOT_TICKS_MAX {
                lost.push(*id);
            }
            waits && *ticks <= SNAPSHOT_TICKS_MAX
        });
        lost.into_iter().for_each(|id| self.node.report_snapshot(id, SnapshotStatus::Failure));
    }

    fn promote_learner(&mut self) {
        if self.node.raft.has_pending_conf() || self.role().reign == 0 {
            return;
        }
        let last = self.replica().last_index();
        let progress = self.node.raft.prs();
        let learned = |id: &&u64| {
            // One that never answered counts as active at first.
            let learns = progress.get(**id).filter(|p| p.recent_active && p.matched > 0);
            learns.is_some_and(|p| p.matched + LEARNED_ENTRIES >= last)
        };
        let ready = progress.conf().learners().iter().find(learned).copied();
        if let Some(id) = ready {
            // Refused when a change came in between; it is tried again.
            drop(self.propose_change(ConfChangeType::AddNode, id, None));
        }
    }

    fn give_way(&mut self) {
        let roster = self.replica().roster();
        let priority = |id: u64| roster.get(&id).map_or(0, |member| member.leader_priority);
        let Some(better) = self.successor().filter(|id| priority(*id) > priority(self.id())) else {
            return;
        };
        if self.role().reign != 0 {
            self.hand_on(better);
        }
    }

    /// What is to be done by now.
    pub(super) fn ready(&mut self) -> Option<Round> {
        if !self.node.has_ready() && !self.owes_commit {
            return None;
        }
        let mut ready = self.node.ready();
        for state in ready.take_read_states() {
            self.lease.extend(&state.request_ctx);
        }
        let messages = ready.take_messages();
        self.note_snapshots(&messages);
        self.apply(ready.take_committed_entries());
        let restored = (!ready.snapshot().is_empty()).then(|| {
            let image = self.replica().restored(ready.snapshot());
            image.unwrap_or_else(|| fail_stop("a snapshot of the PD leader", &"it can not be decoded"))
        });
        let entries = ready.take_entries();
        let written = self.written.take();
        let is_written = match (entries.as_slice(), written) {
            ([only], Some(place)) => (only.index, only.term) == place,
            _ => false,
        };
        // A new commit index alone is not worth a write, but for a change of members; nobody hears of that before.
        let (hard_state, messages, late) = if std::mem::take(&mut self.owes_commit) {
            (Some(self.node.raft.hard_state()), Vec::new(), messages)
        } else {
            (ready.hs().filter(|_| ready.must_sync() && !is_written).cloned(), messages, Vec::new())
        };
        Some(Round { messages, late, is_written, entries, hard_state, restored, ready })
    }

    /// The round is durable. Answers what may leave now.
    pub(super) fn persisted(&mut self, round: Round, random: &dyn Random) -> Vec<Message> {
        let Round { entries, mut ready, restored, late: mut messages, .. } = round;
        let replica = self.node.mut_store();
        if let Some(image) = restored {
            replica.restore(image);
        }
        if let Some(state) = ready.hs() {
            replica.set_hard_state(state.clone());
        }
        entries.into_iter().for_each(|entry| replica.append(entry));
        messages.append(&mut ready.take_persisted_messages());
        let mut light = self.node.advance_append(ready);
        messages.append(&mut light.take_messages());
        self.apply(light.take_committed_entries());
        self.note_snapshots(&messages);
        self.choose_election_timeout(random);
        messages
    }

    fn note_snapshots(&mut self, messages: &[Message]) {
        for sent in messages.iter().filter(|sent| sent.get_msg_type() == MessageType::MsgSnapshot) {
            self.restoring.insert(sent.to, 0);
        }
    }

    fn apply(&mut self, entries: Vec<Entry>) {
        let Some(last) = entries.last().map(|entry| entry.index) else {
            return;
        };
        for entry in entries {
            let damaged = || -> ! {
                fail_stop("an entry of the PD log", &format!("{} can not be decoded", entry.index))
            };
            match entry.get_entry_type() {
                EntryType::EntryNormal => match decode_batch(&entry.data) {
                    Some(batch) => self.node.mut_store().apply(batch),
                    None => damaged(),
                },
                EntryType::EntryConfChange => match ConfChange::parse_from_bytes(&entry.data) {
                    Ok(change) => self.apply_change(&change),
                    Err(_) => damaged(),
                },
                EntryType::EntryConfChangeV2 => damaged(),
            }
            self.node.mut_store().applied_to(entry.index, entry.term);
        }
        self.node.advance_apply_to(last);
    }

    fn apply_change(&mut self, change: &ConfChange) {
        let conf = match self.node.apply_conf_change(change) {
            Ok(conf) => conf,
            Err(error) => fail_stop("a change of PD members", &error),
        };
        let mut batch = Batch::default();
        match change.get_change_type() {
            ConfChangeType::RemoveNode => batch.delete(keys::member(change.node_id)),
            ConfChangeType::AddNode | ConfChangeType::AddLearnerNode if !change.context.is_empty() => {
                batch.put(keys::member(change.node_id), change.context.to_vec());
            }
            ConfChangeType::AddNode | ConfChangeType::AddLearnerNode => {}
        }
        let replica = self.node.mut_store();
        replica.set_conf(conf);
        replica.apply(batch);
        self.owes_commit = true;
    }
}

/// The commit index is written with other things only, so that it may be behind; and so is the term when a crash came
/// between a snapshot and it.
fn caught_up(state: HardState, image: &Image) -> HardState {
    let (applied, applied_term) = image.applied;
    let commit = state.commit.max(applied).min(image.last_index());
    let last_term = image.entries.back().map_or(0, |entry| entry.term);
    let term = state.term.max(applied_term).max(last_term);
    // A vote counts in its own term only.
    let vote = if term == state.term { state.vote } else { 0 };
    HardState { term, vote, commit, ..HardState::default() }
}

/// Writes of this reign that other members have not all taken yet, by the index of their entries.
#[derive(Default)]
pub(super) struct Unsettled {
    writes: VecDeque<(u64, Batch)>,
}

impl Unsettled {
    pub(super) fn push(&mut self, index: u64, batch: Batch) {
        self.writes.push_back((index, batch));
    }

    pub(super) fn settle(&mut self, applied: u64) {
        while self.writes.front().is_some_and(|(index, _)| *index <= applied) {
            self.writes.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.writes.clear();
    }

    /// Changes that are not in the map yet, oldest first.
    pub(super) fn changes(&self) -> impl DoubleEndedIterator<Item = &(Vec<u8>, Option<Vec<u8>>)> {
        self.writes.iter().flat_map(|(_, batch)| batch.changes())
    }
}
