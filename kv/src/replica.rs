//! What the transaction layer needs of the replicated store, and nothing else.
//!
//! `raftstore` implements it over raft; tests implement it over a plain engine, so that every command
//! can be tried without a raft group.
use std::sync::Arc;

use futures::future::BoxFuture;
use rutile_kv_engine::Snapshot;
use rutile_kv_types::{Region, RegionEpoch, TimeStamp};

use crate::error::Result;
use crate::gc::SafePoint;
use crate::mvcc::Versions;
use crate::pessimistic_locks::MemoryLocks;
use crate::traffic::Traffic;
use crate::write_set::WriteSet;

/// Which peer of which region a request is for, as its sender knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionContext {
    pub region_id: u64,
    pub epoch: RegionEpoch,
    pub store_id: u64,
    pub peer_id: u64,
    /// Term of the leader that the sender saw; 0 when it does not know.
    pub term: u64,
}

/// A read that a peer is asked for which does not lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowerRead {
    pub ts: TimeStamp,
    /// The encoded keys that are read lie from here
    pub start: Vec<u8>,
    /// to before here; empty for no bound.
    pub end: Vec<u8>,
}

/// What one peer of a region held at one moment, while it was the leader under a valid lease, or was told by the
/// leader how far it had to be.
pub struct RegionSnapshot {
    pub engine: Box<dyn Snapshot>,
    /// False when there is no lock that a read must heed, so that it need not look.
    pub has_locks: bool,
    pub region: Arc<Region>,
    /// Term of the leader. A write decided on this snapshot is proposed in this term or not at all. 0 at a follower.
    pub term: u64,
    /// Where it is counted what is read.
    pub traffic: Arc<Traffic>,
}

impl RegionSnapshot {
    /// What a read looks at.
    pub fn versions(&self) -> Versions<'_> {
        Versions { engine: &*self.engine, has_locks: self.has_locks }
    }
}

/// Called once, when the fate of a proposal is known.
pub type ProposalDone = Box<dyn FnOnce(Result<()>) + Send>;

/// A write decided on a snapshot.
pub struct Proposal {
    pub region_id: u64,
    pub epoch: RegionEpoch,
    pub term: u64,
    pub writes: WriteSet,
    pub done: ProposalDone,
}

/// A region led here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedRegion {
    pub context: RegionContext,
    /// How far it is applied; the same number means that nothing was written.
    pub applied_index: u64,
}

/// The replicated store.
pub trait Replica: Send + Sync + 'static {
    /// A snapshot at the leader, or `None` when only [`Replica::read_barrier`] can tell whether this is
    /// still the leader.
    fn snapshot(&self, context: &RegionContext) -> Result<Option<RegionSnapshot>>;

    /// Asks a quorum whether this is still the leader and waits until all that was committed is applied.
    fn read_barrier<'a>(&'a self, context: &'a RegionContext) -> BoxFuture<'a, Result<()>>;

    /// A snapshot at the leader after [`Replica::read_barrier`], which stands in for the lease.
    fn confirmed_snapshot(&self, context: &RegionContext) -> Result<RegionSnapshot>;

    /// A snapshot of a peer that does not lead, for a read that its leader has let pass; `None` where this peer leads.
    fn follower_snapshot<'a>(
        &'a self,
        context: &'a RegionContext,
        read: FollowerRead,
    ) -> BoxFuture<'a, Result<Option<RegionSnapshot>>>;

    /// Waits until `max_ts` is known to cover what leaders of the region before `term` answered reads at.
    fn max_ts_synced<'a>(&'a self, context: &'a RegionContext, term: u64) -> BoxFuture<'a, Result<()>>;

    /// Replicates a write; `done` is called after it is applied, or with the reason why it is not.
    fn propose<'a>(&'a self, proposal: Proposal) -> BoxFuture<'a, ()>;

    /// Waits until the region is on its way into another one, where its locks end from then on.
    fn merge_begun(&self, region_id: u64) -> BoxFuture<'_, ()>;

    /// The pessimistic locks of a region that its leader keeps in memory.
    fn memory_locks(&self, region_id: u64) -> Result<Arc<MemoryLocks>>;

    /// Versions below it may be missing in every snapshot.
    fn safe_point(&self) -> &SafePoint;

    /// Removes `[start, end)` of encoded keys from this store alone, durably, whatever regions and versions there are.
    fn destroy_range(&self, start: Vec<u8>, end: Vec<u8>) -> BoxFuture<'_, Result<()>>;

    /// The regions led here, in order of region id.
    fn led_regions(&self) -> Vec<LedRegion>;
}

/// Splits regions on request.
pub trait Splitter: Send + Sync {
    /// Splits at encoded keys; answers all resulting regions in key order.
    fn split(&self, context: RegionContext, keys: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Vec<Arc<Region>>>>;
}
