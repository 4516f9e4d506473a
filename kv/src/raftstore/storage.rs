//! What the raft crate sees of a region's log.
//!
//! The oldest entry kept in the log is hidden from raft: it only tells the term before the first visible entry,
//! which raft asks for. A log that was never truncated starts behind its origin, whose term is known: the
//! [`ApplyState::INITIAL`] of a region made by bootstrap or split, the point of the snapshot that filled the peer, or
//! zero for a peer that waits for one.
use std::cell::RefCell;
use std::sync::Arc;

use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};
use rutile_kv_engine::{RaftLog, RaftLogBatch};
use rutile_kv_types::{PeerRole, Region};

use super::snapshot::{Taken, TakenSlot};
use super::state::ApplyState;
use crate::error::{Error, Result};

/// One region's log. Invariant: `first_index <= last_index + 1`.
pub struct PeerStorage {
    region_id: u64,
    log: Arc<dyn RaftLog>,
    initial: RaftState,
    origin: ApplyState,
    first_index: u64,
    last_index: u64,
    last_term: u64,
    /// The snapshot that a follower needs. Raft asks for it through a shared reference.
    snapshot: RefCell<TakenSlot>,
}

impl PeerStorage {
    /// Opens the log of a region as a crash may have left it. `applied` and `origin` come from the state engine.
    pub fn open(
        log: Arc<dyn RaftLog>,
        region: &Region,
        applied: ApplyState,
        origin: ApplyState,
    ) -> Result<Self> {
        repair(&*log, region.id, origin)?;
        let hard_state = match log.hard_state(region.id)? {
            Some(state) => state,
            // A region that was just made by bootstrap or split: its first state is the same on every replica.
            None => {
                HardState { term: origin.applied_term, commit: origin.applied_index, ..HardState::default() }
            }
        };
        let mut storage = PeerStorage {
            region_id: region.id,
            first_index: origin.applied_index + 1,
            last_index: origin.applied_index,
            last_term: origin.applied_term,
            initial: RaftState::new(hard_state, conf_state(region)),
            origin,
            log,
            snapshot: RefCell::default(),
        };
        if let (Some(first), Some(last)) =
            (storage.log.first_index(region.id), storage.log.last_index(region.id))
        {
            storage.first_index =
                if first <= origin.applied_index + 1 { origin.applied_index + 1 } else { first + 1 };
            storage.last_index = last;
            storage.last_term = storage.log.term(region.id, last)?;
        }
        storage.reconcile(applied)?;
        Ok(storage)
    }

    /// The commit index is written lazily, so it may be behind what was applied. What was applied had been synced
    /// to the log before, so a log that ends earlier has lost acknowledged entries.
    fn reconcile(&mut self, applied: ApplyState) -> Result<()> {
        if applied.applied_index > self.last_index {
            return Err(Error::corrupt(
                "raft log",
                format!(
                    "region {} is applied up to {}, its log ends at {}",
                    self.region_id, applied.applied_index, self.last_index
                ),
            ));
        }
        let state = &mut self.initial.hard_state;
        state.commit = state.commit.max(applied.applied_index).min(self.last_index);
        state.term = state.term.max(applied.applied_term).max(self.last_term);
        Ok(())
    }

    /// Remembers entries that were appended to the log.
    pub fn appended(&mut self, last: &Entry) {
        debug_assert!(last.index >= self.first_index, "appends do not reach below the log");
        self.last_index = last.index;
        self.last_term = last.term;
    }

    /// Hides what log GC is about to remove: entries below `index`.
    pub fn truncate_to(&mut self, index: u64) {
        debug_assert!(index <= self.last_index, "the log keeps its newest entry");
        self.first_index = self.first_index.max(index + 1);
    }

    /// The log is dropped for a snapshot and begins behind it.
    pub fn restored(&mut self, point: ApplyState) {
        self.origin = point;
        self.first_index = point.applied_index + 1;
        self.last_index = point.applied_index;
        self.last_term = point.applied_term;
    }

    /// Whether a follower needs a snapshot that nobody was asked to take yet; true once for each.
    pub fn take_wish(&self) -> bool {
        self.snapshot.borrow_mut().take_wish()
    }

    /// A snapshot was taken for a follower, or there is no room for one.
    pub fn keep_snapshot(&self, taken: Option<Taken>) {
        self.snapshot.borrow_mut().keep(taken);
    }

    /// The snapshot that raft has put into a message.
    pub fn take_snapshot(&self) -> Option<Taken> {
        self.snapshot.borrow_mut().take()
    }

    /// Whether no snapshot for a follower is wished for, or kept.
    pub fn has_no_snapshot(&self) -> bool {
        matches!(*self.snapshot.borrow(), TakenSlot::Idle)
    }

    /// One tick: a snapshot that nobody came for is given up.
    pub fn tick(&self) {
        self.snapshot.borrow_mut().tick();
    }
}

/// A log that begins at or before the origin is older than the snapshot there: the power failed between the two
/// writes, and what the log holds is no part of what the state engine holds.
fn repair(log: &dyn RaftLog, region_id: u64, origin: ApplyState) -> Result<()> {
    let Some(first) = log.first_index(region_id) else {
        return Ok(());
    };
    if first > origin.applied_index {
        return Ok(());
    }
    let old = log.hard_state(region_id)?.unwrap_or_default();
    let mut batch = RaftLogBatch::new();
    batch.clean(region_id);
    let term = old.term.max(origin.applied_term);
    // A vote counts in its own term only.
    let vote = if term == old.term { old.vote } else { 0 };
    let commit = origin.applied_index;
    batch.put_hard_state(region_id, HardState { term, vote, commit, ..HardState::default() });
    Ok(log.append(batch, true)?)
}

/// Voters and learners of a region, in both configurations while it changes from one to the other.
pub fn conf_state(region: &Region) -> ConfState {
    let ids = |wanted: fn(PeerRole) -> bool| -> Vec<u64> {
        region.peers.iter().filter(|peer| wanted(peer.role)).map(|peer| peer.id).collect()
    };
    let mut state = ConfState::from((
        ids(|role| matches!(role, PeerRole::Voter | PeerRole::IncomingVoter)),
        ids(|role| role == PeerRole::Learner),
    ));
    if region.peers.iter().any(|peer| is_joint(peer.role)) {
        state.voters_outgoing = ids(|role| matches!(role, PeerRole::Voter | PeerRole::DemotingVoter));
        state.learners_next = ids(|role| role == PeerRole::DemotingVoter);
    }
    state
}

/// Roles that exist only while a configuration changes into another.
pub fn is_joint(role: PeerRole) -> bool {
    matches!(role, PeerRole::IncomingVoter | PeerRole::DemotingVoter)
}

impl Storage for PeerStorage {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(self.initial.clone())
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        if low < self.first_index {
            return Err(StorageError::Compacted.into());
        }
        if high > self.last_index + 1 {
            return Err(StorageError::Unavailable.into());
        }
        if low == high {
            return Ok(Vec::new());
        }
        let max_bytes = max_size.into().unwrap_or(u64::MAX);
        self.log.entries(self.region_id, low, high, max_bytes).map_err(to_raft)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.last_index {
            return Ok(self.last_term);
        }
        if index == self.origin.applied_index && self.first_index == index + 1 {
            return Ok(self.origin.applied_term);
        }
        if index + 1 < self.first_index {
            return Err(StorageError::Compacted.into());
        }
        if index > self.last_index {
            return Err(StorageError::Unavailable.into());
        }
        self.log.term(self.region_id, index).map_err(to_raft)
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.first_index)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last_index)
    }

    /// A snapshot is taken by the apply loop; until then raft asks again with every heartbeat.
    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<Snapshot> {
        let ready = self.snapshot.borrow_mut().hand_out(request_index, self.first_index, to);
        ready.ok_or_else(|| StorageError::SnapshotTemporarilyUnavailable.into())
    }
}

fn to_raft(error: rutile_kv_engine::Error) -> raft::Error {
    match error {
        rutile_kv_engine::Error::Compacted { .. } => StorageError::Compacted.into(),
        rutile_kv_engine::Error::Unavailable { .. } => StorageError::Unavailable.into(),
        other => StorageError::Other(Box::new(other)).into(),
    }
}
