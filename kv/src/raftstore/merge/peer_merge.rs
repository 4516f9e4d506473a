//! What a peer knows of merges.
use std::collections::VecDeque;
use std::sync::Arc;

use raft::eraftpb::{Entry, EntryType};
use rutile_kv_types::{Region, RegionEpoch};

use crate::raftstore::command::{is_admin, is_commit_merge};
use crate::raftstore::peer::Peer;
use crate::raftstore::state::MergeState;

/// What a peer knows of merges, as source and as target.
#[derive(Default)]
pub struct PeerMerge {
    /// The leader waits with PrepareMerge for writes that end locks in memory.
    pub(super) preparing: Option<Preparing>,
    /// Index of a PrepareMerge that was proposed here.
    pub(super) prepare_index: u64,
    /// The region that it names.
    pub(super) target_id: u64,
    /// A planted bug: the leader reads on.
    pub(super) keeps_lease: bool,
    /// The merge under way, as the raft loop was told by the apply loop.
    pub state: Option<Arc<MergeState>>,
    /// Index of a RollbackMerge that was proposed here.
    pub(super) rollback_index: u64,
    /// Index of a CommitMerge that was proposed here.
    pub(super) commit_index: u64,
    /// Committed entries that wait for the peer of a source; the first is a CommitMerge.
    pub held: VecDeque<Entry>,
    /// The last entry handed to the apply loop that may change the region.
    change_index: u64,
    /// Where the region went, when this peer missed that.
    pub(super) merged_into: Option<(u64, RegionEpoch)>,
}

impl PeerMerge {
    /// Whether no merge is under way or has to be followed up, in a region that is applied up to `applied`.
    pub fn is_quiet(&self, applied: u64) -> bool {
        self.preparing.is_none()
            && self.prepare_index == 0
            && self.state.is_none()
            && self.rollback_index <= applied
            && self.commit_index <= applied
            && self.held.is_empty()
            && self.merged_into.is_none()
    }
}

/// A merge that is about to be proposed.
pub(super) struct Preparing {
    pub(super) epoch: RegionEpoch,
    pub(super) target: Region,
    pub(super) waited_ticks: usize,
}

impl Peer {
    /// Whether the region takes no proposals and has no lease, because it is on its way into another one, or will be.
    pub fn is_stopping(&self) -> bool {
        self.view.is_merging() || self.merge.prepare_index > self.view.applied().applied_index
    }

    /// Whether a merge that was proposed here, and gives the region another epoch, is not applied yet.
    pub fn is_taking_over(&self) -> bool {
        self.merge.commit_index > self.view.applied().applied_index
    }

    /// Whether the region is to become a part of this one, as its leader here knows.
    pub(super) fn goes_into(&self, region_id: u64) -> bool {
        let prepared = self.merge.preparing.as_ref().map_or(0, |preparing| preparing.target.id);
        let proposed = if self.is_stopping() { self.merge.target_id } else { 0 };
        let begun = self.merge.state.as_ref().map_or(0, |state| state.target.id);
        [prepared, proposed, begun].contains(&region_id)
    }

    /// Whether the leader gives up its lease, because the region may soon be a part of another one.
    pub fn gives_lease_up(&self) -> bool {
        self.is_stopping() && !self.merge.keeps_lease
    }

    /// Whether a merge is being prepared or under way.
    pub fn is_being_merged(&self) -> bool {
        self.merge.preparing.is_some() || self.is_stopping()
    }

    /// A new leadership: what an earlier one proposed is applied before this one serves, or was overwritten.
    pub fn forget_merges(&mut self) {
        self.merge.preparing = None;
        (self.merge.prepare_index, self.merge.rollback_index, self.merge.commit_index) = (0, 0, 0);
    }

    /// Keeps back what has to wait for the peer of a source, and all behind it.
    pub fn hold_back(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        if !self.merge.held.is_empty() {
            self.merge.held.extend(entries);
            return Vec::new();
        }
        if let Some(at) = entries.iter().position(|entry| is_commit_merge(&entry.data)) {
            self.merge.held.extend(entries.split_off(at));
        }
        entries
    }

    /// Remembers an entry that is handed to the apply loop, if it may change the region.
    #[inline]
    pub fn note_admin(&mut self, entry: &Entry) {
        if entry.get_entry_type() != EntryType::EntryNormal || is_admin(&entry.data) {
            self.merge.change_index = entry.index;
        }
    }

    /// Whether the raft loop knows the region as all entries that were handed to the apply loop leave it.
    pub(super) fn knows_its_region(&self) -> bool {
        self.restoring.is_none()
            && self.view.applied().applied_index >= self.merge.change_index
            && self.view.region().epoch == self.region.epoch
    }

    /// Whether a merge can be counted on this peer: it has data and goes on.
    pub(in crate::raftstore) fn is_sound(&self) -> bool {
        self.is_initialised() && self.restoring.is_none() && self.leaving.is_none() && !self.doomed
    }
}
