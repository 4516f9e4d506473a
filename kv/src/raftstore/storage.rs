//! What the raft crate sees of a region's log.
//!
//! The oldest entry kept in the log is hidden from raft: it only tells the term before the first visible entry,
//! which raft asks for. A log that was never truncated starts behind [`INITIAL_INDEX`], whose term is known.
use std::sync::Arc;

use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};
use rutile_kv_engine::RaftLog;
use rutile_kv_types::{PeerRole, Region};

use super::state::{ApplyState, INITIAL_INDEX, INITIAL_TERM};
use crate::error::{Error, Result};

/// One region's log. Invariant: `first_index <= last_index + 1`.
pub struct PeerStorage {
    region_id: u64,
    log: Arc<dyn RaftLog>,
    initial: RaftState,
    first_index: u64,
    last_index: u64,
    last_term: u64,
}

impl PeerStorage {
    /// Opens the log of a region as a crash may have left it. `applied` comes from the state engine.
    pub fn open(log: Arc<dyn RaftLog>, region: &Region, applied: ApplyState) -> Result<Self> {
        let hard_state = match log.hard_state(region.id)? {
            Some(state) => state,
            // A region that was just made by bootstrap or split: its first state is the same on every replica.
            None => HardState { term: INITIAL_TERM, commit: INITIAL_INDEX, ..HardState::default() },
        };
        let mut storage = PeerStorage {
            region_id: region.id,
            first_index: INITIAL_INDEX + 1,
            last_index: INITIAL_INDEX,
            last_term: INITIAL_TERM,
            initial: RaftState::new(hard_state, conf_state(region)),
            log,
        };
        if let (Some(first), Some(last)) =
            (storage.log.first_index(region.id), storage.log.last_index(region.id))
        {
            storage.first_index = if first <= INITIAL_INDEX + 1 { INITIAL_INDEX + 1 } else { first + 1 };
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
}

/// Voters and learners of a region.
pub fn conf_state(region: &Region) -> ConfState {
    let ids = |wanted: fn(PeerRole) -> bool| -> Vec<u64> {
        region.peers.iter().filter(|peer| wanted(peer.role)).map(|peer| peer.id).collect()
    };
    let voters = ids(|role| matches!(role, PeerRole::Voter | PeerRole::IncomingVoter));
    let learners = ids(|role| role == PeerRole::Learner);
    ConfState::from((voters, learners))
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
        if index == INITIAL_INDEX && self.first_index == INITIAL_INDEX + 1 {
            return Ok(INITIAL_TERM);
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

    fn snapshot(&self, _: u64, _: u64) -> raft::Result<Snapshot> {
        // Nobody can need one: no follower exists yet that could fall behind.
        Err(StorageError::SnapshotTemporarilyUnavailable.into())
    }
}

fn to_raft(error: rutile_kv_engine::Error) -> raft::Error {
    match error {
        rutile_kv_engine::Error::Compacted { .. } => StorageError::Compacted.into(),
        rutile_kv_engine::Error::Unavailable { .. } => StorageError::Unavailable.into(),
        other => StorageError::Other(Box::new(other)).into(),
    }
}
