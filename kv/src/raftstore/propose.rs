//! Proposing writes: many write sets of one region become one raft entry.
//!
//! What arrives between two rounds of the raft thread is grouped per region, as long as it was decided in the same
//! epoch. An entry so grouped is applied or refused as a whole, so everyone in it gets the same verdict.
use std::sync::Arc;

use rutile_kv_types::RegionEpoch;
use smallvec::SmallVec;
use tokio::sync::OwnedSemaphorePermit;

use super::command::begin_write;
use super::peer::{Peer, Pending, Waiting};
use super::store::RaftLoop;
use crate::error::{Error, RegionError, Result};
use crate::replica::{Proposal, ProposalDone};

/// A group is closed when it would grow beyond this, so that one entry does not hold up the apply thread.
const GROUP_BYTES_MAX: usize = 1 << 20;

/// One write: whom to tell, and its share of the bytes in flight.
pub struct Waiter {
    pub done: ProposalDone,
    /// Given back when the waiter is dropped; none for what the store itself proposes.
    pub _in_flight: Option<OwnedSemaphorePermit>,
}

/// The writes of one entry.
pub type Waiters = SmallVec<[Waiter; 4]>;

/// Writes of one region and epoch that wait for the end of the round.
#[derive(Default)]
pub struct WriteGroup {
    epoch: RegionEpoch,
    /// Leader term in which all of it was decided.
    term: u64,
    data: Vec<u8>,
    waiters: Waiters,
}

impl WriteGroup {
    /// Whether `bytes` more, decided in `epoch` and `term`, may join.
    fn takes(&self, epoch: RegionEpoch, term: u64, bytes: usize) -> bool {
        let same = self.epoch == epoch && self.term == term;
        self.waiters.is_empty() || (same && self.data.len() + bytes <= GROUP_BYTES_MAX)
    }

    fn add(&mut self, epoch: RegionEpoch, term: u64, writes: &[u8], waiter: Waiter) {
        if self.waiters.is_empty() {
            self.epoch = epoch;
            self.term = term;
            self.data.reserve(writes.len() + 16);
            begin_write(epoch, &mut self.data);
        }
        self.data.extend_from_slice(writes);
        self.waiters.push(waiter);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Empties the group without proposing it.
    pub fn take_waiting(&mut self) -> Waiters {
        self.data.clear();
        std::mem::take(&mut self.waiters)
    }
}

impl Peer {
    /// Leadership, term and epoch as they are at the raft thread.
    fn admit(&self, proposal: &Proposal) -> Result<RegionEpoch, RegionError> {
        let term = self.view.check_leader(0)?;
        // The write was decided on a snapshot of this term; another leader may have written since.
        if term != proposal.term {
            return Err(RegionError::StaleCommand);
        }
        let epoch = self.view.check_epoch(proposal.epoch)?.epoch;
        if self.is_stopping() {
            return Err(RegionError::ProposalInMergingMode { region_id: self.region_id() });
        }
        Ok(epoch)
    }

    /// Proposes the group, if there is one.
    pub fn propose_group(&mut self) {
        if self.group.waiters.is_empty() {
            return;
        }
        debug_assert!(self.group.term > 0, "the first write of a group sets its term");
        // It was admitted as the view tells, which is a moment behind the raft node.
        if !self.is_leader() || self.node.raft.term != self.group.term {
            let view = Arc::clone(&self.view);
            return Waiting::Writes(self.group.take_waiting()).fail(move || view.not_leader().into());
        }
        let waiters = std::mem::take(&mut self.group.waiters);
        let data = std::mem::take(&mut self.group.data);
        self.propose_entry(data, Waiting::Writes(waiters));
    }

    /// Appends one entry to the log of the leader.
    pub fn propose_entry(&mut self, data: Vec<u8>, waiting: Waiting) {
        debug_assert!(self.is_leader(), "raft would pass it on to the leader");
        let term = self.node.raft.term;
        match self.node.propose(Vec::new(), data) {
            Ok(()) => {
                let index = self.node.raft.raft_log.last_index();
                self.fail_overwritten(index);
                debug_assert!(self.pending.back().is_none_or(|last| last.index < index), "indexes ascend");
                self.pending.push_back(Pending { index, term, waiting });
            }
            // Raft refuses while a leader transfer runs, or when this peer just lost its leadership.
            Err(error) => {
                tracing::debug!(region_id = self.region_id(), %error, "proposal dropped");
                let view = Arc::clone(&self.view);
                waiting.fail(move || view.not_leader().into());
            }
        }
    }
}

impl Peer {
    /// Entries that an earlier leadership of this peer proposed at `index` or behind are not in the log of the
    /// leader that it is now, so they were never committed.
    fn fail_overwritten(&mut self, index: u64) {
        while self.pending.back().is_some_and(|last| last.index >= index) {
            if let Some(overwritten) = self.pending.pop_back() {
                overwritten.waiting.fail(|| RegionError::StaleCommand.into());
            }
        }
    }
}

impl RaftLoop {
    /// Takes one write into the group of its region.
    pub(super) fn propose(&mut self, proposal: Proposal, in_flight: OwnedSemaphorePermit) {
        let Some(peer) = self.peers.get_mut(&proposal.region_id) else {
            let region_id = proposal.region_id;
            return (proposal.done)(Err(RegionError::RegionNotFound { region_id }.into()));
        };
        let epoch = match peer.admit(&proposal) {
            Ok(epoch) => epoch,
            Err(error) => return (proposal.done)(Err(Error::Region(error))),
        };
        let writes = proposal.writes.as_bytes();
        debug_assert!(!writes.is_empty(), "empty writes need no entry");
        if !peer.group.takes(epoch, proposal.term, writes.len()) {
            peer.propose_group();
        }
        peer.group.add(
            epoch,
            proposal.term,
            writes,
            Waiter { done: proposal.done, _in_flight: Some(in_flight) },
        );
        self.metrics.proposals.add(1);
        self.dirty.insert(proposal.region_id);
    }
}
