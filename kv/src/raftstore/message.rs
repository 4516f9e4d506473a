//! What the raft loop can be told.
use std::sync::Arc;

use rutile_kv_types::{Region, RegionEpoch};
use rutile_pd_client::Operator;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::command::SplitPlan;
use super::conf_change::AppliedChange;
use super::merge::Merged;
use super::snapshot::{Arrived, Taken};
use super::state::MergeState;
use super::transport::PeerMessage;
use crate::error::Result;
use crate::pessimistic_locks::MovedLock;
use crate::replica::{FollowerRead, Proposal};

/// Called once with the end of a request that answers regions.
pub type SplitDone = Box<dyn FnOnce(Result<Vec<Arc<Region>>>) + Send>;

/// Called once when a read may go on.
pub type BarrierDone = Box<dyn FnOnce(Result<()>) + Send>;

/// A message to the raft loop. Closed: every case is handled in `store`.
pub enum Message {
    /// A peer on another store says something.
    Raft(Box<PeerMessage>),
    /// Replicate a write; the permit counts it as in flight until it is answered.
    Propose(Proposal, OwnedSemaphorePermit),
    /// Replicate a split for which PD gave ids.
    Split(SplitProposal),
    /// Do the next step of an operator.
    Operate(Operator),
    /// Confirm leadership with a quorum and wait until what is committed now is applied.
    ReadBarrier { region_id: u64, done: BarrierDone },
    /// Ask the leader how far this peer must have applied for a read, and wait until it has.
    FollowerRead { region_id: u64, read: FollowerRead, done: oneshot::Sender<Result<u64>> },
    /// A split was applied; the new regions need peers. The last region is the one that was split.
    SplitApplied { regions: Vec<Piece> },
    /// A change of members was applied, or refused at its turn.
    ConfChanged { region_id: u64, change: AppliedChange },
    /// A peer missed its removal, which happened at this epoch or before.
    Removed { region_id: u64, peer_id: u64, epoch: RegionEpoch },
    /// The data of a destroyed peer is gone.
    Buried { region_id: u64, peer_id: u64 },
    /// The region has stopped, to be merged into another one.
    MergePrepared { region: Arc<Region>, state: Arc<MergeState> },
    /// The region is not merged after all.
    MergeRolledBack { region: Arc<Region> },
    /// A region has become a part of another one.
    Merged(Merged),
    /// PD does not know the region of a peer that hears of no leader.
    Forgotten { region_id: u64, peer_id: u64 },
    /// A snapshot was taken for a follower of the region, or could not be.
    SnapshotTaken { region_id: u64, taken: Option<Box<Taken>> },
    /// The stream of a snapshot to a peer has ended, well or not.
    SnapshotSent { region_id: u64, to: u64, arrived: bool },
    /// A whole snapshot of another store is here.
    SnapshotArrived(Box<Arrived>),
    /// The range of the region was filled from a snapshot.
    Restored { region_id: u64 },
    /// The state engine has flushed what these peers had applied up to the index.
    Flushed { applied: Vec<Flushed> },
    /// Hand the pessimistic locks in memory over, as before a transfer; answers whether these were the last. Or keep them.
    #[cfg(test)]
    HandOverLocks { region_id: u64, hands_over: bool, done: oneshot::Sender<bool> },
    /// A region was asked for whose peer here sleeps and does not lead.
    AskedFor { region_id: u64 },
    /// A store can not be reached.
    Unreachable { store_id: u64 },
    /// Hand the leaderships of these regions on, a number at a time; answers those that are on their way.
    HandOn { regions: Vec<u64>, round: u64, done: oneshot::Sender<Vec<u64>> },
    /// Answer when everything queued before is handled.
    Sync(oneshot::Sender<()>),
    /// Finish what is committed and end.
    Stop,
    /// End at once, as a killed process would.
    Halt,
}

impl Message {
    /// The region whose peer can not sleep on, now that it is told this.
    pub fn disturbs(&self) -> Option<u64> {
        match self {
            Message::Propose(proposal, _) => Some(proposal.region_id),
            Message::Split(split) => Some(split.region_id),
            Message::Operate(operator) => Some(operator.region_id),
            Message::SplitApplied { regions } => regions.last().map(|parent| parent.region.id),
            Message::MergePrepared { region, .. } | Message::MergeRolledBack { region } => Some(region.id),
            Message::Merged(merged) => Some(merged.region.id),
            Message::ReadBarrier { region_id, .. }
            | Message::FollowerRead { region_id, .. }
            | Message::ConfChanged { region_id, .. }
            | Message::SnapshotTaken { region_id, .. }
            | Message::SnapshotSent { region_id, .. }
            | Message::Restored { region_id } => Some(*region_id),
            Message::SnapshotArrived(arrived) => Some(arrived.head.region.id),
            _ => None,
        }
    }
}

/// A region that came out of a split.
pub struct Piece {
    pub region: Arc<Region>,
    /// False when its peer here was destroyed before it was made.
    pub is_made: bool,
    /// Number of its locks in the lock CF.
    pub locks: u64,
    /// Its pessimistic locks that the leader of the split region kept in memory.
    pub memory_locks: Vec<MovedLock>,
}

/// A split to propose.
pub struct SplitProposal {
    pub region_id: u64,
    pub epoch: RegionEpoch,
    pub plan: SplitPlan,
    pub done: SplitDone,
}

/// How far a peer was applied when a flush began.
pub struct Flushed {
    pub region_id: u64,
    /// Another peer of the region may have come in its place since.
    pub peer_id: u64,
    pub index: u64,
}
