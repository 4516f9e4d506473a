//! What is written to the raft log at once.

use raft::eraftpb::{Entry, HardState};

/// Changes of many regions, in order.
#[derive(Clone, Debug, Default)]
pub struct RaftLogBatch {
    ops: Vec<RaftLogOp>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RaftLogOp {
    /// Entries without gaps; what the log has at or after the first of them is dropped.
    Append {
        region_id: u64,
        entries: Vec<Entry>,
    },
    HardState {
        region_id: u64,
        state: HardState,
    },
    State {
        region_id: u64,
        key: Vec<u8>,
        value: Vec<u8>,
    },
    DeleteState {
        region_id: u64,
        key: Vec<u8>,
    },
    /// Drops everything of the region.
    Clean {
        region_id: u64,
    },
}

impl RaftLogBatch {
    pub fn new() -> RaftLogBatch {
        RaftLogBatch::default()
    }

    pub fn append(&mut self, region_id: u64, entries: Vec<Entry>) {
        if !entries.is_empty() {
            self.ops.push(RaftLogOp::Append { region_id, entries });
        }
    }

    pub fn put_hard_state(&mut self, region_id: u64, state: HardState) {
        self.ops.push(RaftLogOp::HardState { region_id, state });
    }

    pub fn put_state(&mut self, region_id: u64, key: &[u8], value: impl Into<Vec<u8>>) {
        self.ops.push(RaftLogOp::State { region_id, key: key.to_vec(), value: value.into() });
    }

    pub fn delete_state(&mut self, region_id: u64, key: &[u8]) {
        self.ops.push(RaftLogOp::DeleteState { region_id, key: key.to_vec() });
    }

    /// Drops entries, hard state and state of a region; changes after it in the batch start from nothing.
    pub fn clean(&mut self, region_id: u64) {
        self.ops.push(RaftLogOp::Clean { region_id });
    }

    /// Adds all changes of `other` after these.
    pub fn merge(&mut self, other: RaftLogBatch) {
        self.ops.extend(other.ops);
    }

    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    pub fn ops(&self) -> &[RaftLogOp] {
        &self.ops
    }

    pub(super) fn into_ops(self) -> Vec<RaftLogOp> {
        self.ops
    }
}
