//! One replica of one region, owned by the raft loop.
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use raft::{Config, RawNode, StateRole};
use rutile_kv_engine::RaftLog;
use rutile_kv_env::{Monotonic, Random};
use rutile_kv_types::{Peer as PeerId, Region};
use slog::{Discard, Logger, o};

use super::conf_change::changes_in_log;
use super::follower_read::Question;
use super::hibernate::Rest;
use super::merge::PeerMerge;
use super::message::{BarrierDone, SplitDone};
use super::propose::{Waiters, WriteGroup};
use super::snapshot::Restoring;
use super::state::{ApplyState, INITIAL_INDEX};
use super::storage::PeerStorage;
use super::transfer_leader::Transfer;
use super::view::RegionView;
use crate::error::{Error, Result};

/// Ticks of 100 ms. Elections take 10 to 20 of them; the lease (700 ms) is shorter than the earliest election
/// also when both clocks are 10 % off.
const ELECTION_TICKS: usize = 10;
const HEARTBEAT_TICKS: usize = 2;
/// One append message carries up to this many bytes of entries.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;
/// Append messages on the way to one follower.
const INFLIGHT_MESSAGES_MAX: usize = 256;
/// Committed entries handed to apply by one ready.
const COMMITTED_BYTES_MAX: u64 = 16 << 20;

/// Who waits for one proposed entry.
pub enum Waiting {
    /// The writes grouped in it.
    Writes(Waiters),
    /// A split.
    Split(SplitDone),
}

impl Waiting {
    /// Tells everybody that the entry did not happen.
    pub fn fail(self, error: impl Fn() -> Error) {
        match self {
            Waiting::Writes(all) => all.into_iter().for_each(|waiter| (waiter.done)(Err(error()))),
            Waiting::Split(done) => done(Err(error())),
        }
    }
}

/// A proposed entry and who waits for it.
pub struct Pending {
    pub index: u64,
    pub term: u64,
    pub waiting: Waiting,
}

/// A read waiting for a quorum, then for the applied index.
pub struct Barrier {
    /// Number of the read index round; 0 once the quorum answered.
    pub round: u64,
    pub index: u64,
    pub done: BarrierDone,
}

/// One replica.
pub struct Peer {
    pub view: Arc<RegionView>,
    /// The region as the raft loop was told of it by the apply loop; the view may be a moment ahead.
    pub region: Arc<Region>,
    pub node: RawNode<PeerStorage>,
    /// Writes taken in this round, to become one entry.
    pub group: WriteGroup,
    /// Proposed entries in index order, until they are committed.
    pub pending: VecDeque<Pending>,
    pub barriers: Vec<Barrier>,
    /// Reads here while another peer leads.
    pub questions: Vec<Question>,
    /// Term and role when the election timeout was last chosen.
    timeout_for: (u64, StateRole),
    /// The election timeout that was chosen.
    timeout_ticks: usize,
    /// Leader term (0 when following) and leader as the view has them.
    pub published: (u64, u64),
    /// Index of a split that was proposed here; no lease until it is applied.
    pub split_index: u64,
    /// Regions that the last split made, if this peer led when it applied it.
    pub split_off: Vec<u64>,
    /// Term in which this peer takes no lease, because it tried to hand leadership on.
    pub leaseless_term: u64,
    /// Leadership is being handed on.
    pub transfer: Option<Transfer>,
    /// Made in this life of the store, by bootstrap or a split.
    pub is_new: bool,
    /// Ticks for which this peer gives no vote.
    pub silent_ticks: usize,
    /// Applied index that raft was told.
    pub told_applied: u64,
    /// The last entry that was handed to the apply loop.
    pub handed_index: u64,
    /// Changes of members that the apply loop has not answered yet, by index.
    pub unreported_changes: VecDeque<u64>,
    /// Entries above the commit index that change members.
    pub changes_in_log: Vec<u64>,
    /// Applied its own removal while it led, at this index, and stays for so many ticks until others know.
    pub leaving: Option<(u64, u64)>,
    /// Being destroyed: takes part in nothing.
    pub doomed: bool,
    /// Ticks without a leader.
    pub leaderless_ticks: u64,
    /// By peer, when it was last seen to be alive; kept by the leader of several.
    pub alive: BTreeMap<u64, Monotonic>,
    /// Peers that spoke to this one and are not in the region as it is known here.
    pub strangers: Vec<PeerId>,
    /// A snapshot that raft took over and that is not applied yet.
    pub restoring: Option<Restoring>,
    pub merge: PeerMerge,
    pub rest: Rest,
}

impl Peer {
    /// A peer as its log and the state engine left it.
    pub fn open(
        log: Arc<dyn RaftLog>,
        region: Arc<Region>,
        peer: PeerId,
        applied: ApplyState,
        origin: ApplyState,
    ) -> Result<Self> {
        let config = Config {
            id: peer.id,
            election_tick: ELECTION_TICKS,
            heartbeat_tick: HEARTBEAT_TICKS,
            applied: applied.applied_index,
            max_size_per_msg: MESSAGE_BYTES_MAX,
            max_inflight_msgs: INFLIGHT_MESSAGES_MAX,
            check_quorum: true,
            pre_vote: true,
            skip_bcast_commit: true,
            max_committed_size_per_ready: COMMITTED_BYTES_MAX,
            ..Config::default()
        };
        let is_new = log.hard_state(region.id)?.is_none();
        let storage = PeerStorage::open(log, &region, applied, origin)?;
        let node = RawNode::new(&config, storage, &Logger::root(Discard, o!()))
            .map_err(|error| Error::corrupt("raft state", error.to_string()))?;
        let changes_in_log = changes_in_log(&node)?;
        Ok(Peer {
            view: Arc::new(RegionView::new(region.clone(), peer, applied)),
            region,
            node,
            group: WriteGroup::default(),
            pending: VecDeque::new(),
            barriers: Vec::new(),
            questions: Vec::new(),
            timeout_for: (u64::MAX, StateRole::Follower),
            timeout_ticks: 2 * ELECTION_TICKS,
            published: (0, 0),
            split_index: 0,
            split_off: Vec::new(),
            leaseless_term: 0,
            transfer: None,
            is_new,
            silent_ticks: if is_new { 0 } else { ELECTION_TICKS },
            told_applied: applied.applied_index,
            handed_index: applied.applied_index,
            restoring: None,
            merge: PeerMerge::default(),
            rest: Rest::default(),
            strangers: Vec::new(),
            unreported_changes: VecDeque::new(),
            changes_in_log,
            leaving: None,
            doomed: false,
            leaderless_ticks: 0,
            alive: BTreeMap::new(),
        })
    }

    /// Id of the region.
    pub fn region_id(&self) -> u64 {
        self.view.region_id
    }

    /// Whether the peer has the data of its region; one that was just added waits for a snapshot.
    pub fn is_initialised(&self) -> bool {
        !self.region.peers.is_empty()
    }

    /// Whether no other peer has a say.
    pub fn is_only_voter(&self) -> bool {
        self.node.raft.prs().is_singleton() && self.node.raft.promotable()
    }

    /// Whether this peer leads.
    pub fn is_leader(&self) -> bool {
        self.node.raft.state == StateRole::Leader
    }

    /// Whether nobody led the region before this peer in `term`, which it was just elected in: whoever answered
    /// anything had its first entry committed, and that would be in the log.
    pub fn is_first_leader(&self, term: u64) -> bool {
        self.node.raft.raft_log.term(INITIAL_INDEX + 1).is_ok_and(|first| first == term)
    }

    /// Starts an election at once.
    pub fn campaign(&mut self) -> Result<()> {
        self.node.campaign().map_err(|error| Error::corrupt("raft state", error.to_string()))
    }

    /// Raft chooses its election timeout by a generator of its own at each change of term or role; it is chosen
    /// again from `env`, so that a run is repeatable.
    pub fn choose_election_timeout(&mut self, random: &dyn Random) {
        let now = (self.node.raft.term, self.node.raft.state);
        if now != self.timeout_for {
            self.timeout_for = now;
            self.timeout_ticks = random.range(ELECTION_TICKS as u64..2 * ELECTION_TICKS as u64) as usize;
        }
        // Set each time: a role may have come and gone since, and each change makes raft choose for itself.
        self.node.raft.set_randomized_election_timeout(self.timeout_ticks);
    }

    /// One tick. The only peer has nobody to send heartbeats to and nobody to run against.
    pub fn tick(&mut self, random: &dyn Random) -> bool {
        // One that was removed while it led has others to tell.
        if self.doomed || self.is_only_voter() && self.region.peers.len() == 1 && self.is_leader() {
            return false;
        }
        self.silent_ticks = self.silent_ticks.saturating_sub(1);
        self.node.store().tick();
        let changed = self.node.tick();
        self.choose_election_timeout(random);
        changed
    }

    /// Tells raft how far the region is applied.
    pub fn tell_applied(&mut self) {
        let applied = self.view.applied().applied_index;
        // Not past a change of members that raft does not know yet.
        let applied = self.unreported_changes.front().map_or(applied, |index| applied.min(index - 1));
        if applied > self.told_applied {
            debug_assert!(applied <= self.node.raft.raft_log.committed, "only committed entries are applied");
            self.told_applied = applied;
            self.node.advance_apply_to(applied);
        }
    }

    /// Fails everything that waits, because the peer will not finish it.
    pub fn fail_all(&mut self, error: impl Fn() -> Error) {
        for pending in self.pending.drain(..) {
            pending.waiting.fail(&error);
        }
        for waiter in self.group.take_waiting() {
            (waiter.done)(Err(error()));
        }
        for barrier in self.barriers.drain(..) {
            (barrier.done)(Err(error()));
        }
    }
}
