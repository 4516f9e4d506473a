//! A replica without raft, for tests: one region on a plain engine, writes applied at once or when told.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use rutile_kv_engine::{Engine, IterOptions, MemoryEngine, WriteBatch};
use rutile_kv_types::{Cf, Peer, PeerRole, Region, RegionEpoch};

use crate::error::{RegionError, Result};
use crate::gc::{SafePoint, destroy_range};
use crate::pessimistic_locks::{Budget, MemoryLocks};
use crate::replica::{FollowerRead, LedRegion, Proposal, RegionContext, RegionSnapshot, Replica};
use crate::write_set::{Change, Changes};

/// The region of the replica.
pub const REGION_ID: u64 = 2;
/// Its leader's term.
const TERM: u64 = 6;

/// One region on a plain engine.
pub struct LocalReplica {
    pub engine: Arc<dyn Engine>,
    region: Arc<Region>,
    hold: AtomicBool,
    held: Mutex<Vec<Proposal>>,
    safe_point: SafePoint,
    pub memory_locks: Arc<MemoryLocks>,
    applied: AtomicU64,
}

impl LocalReplica {
    /// A region of encoded bounds in memory.
    pub fn new(start_key: Bytes, end_key: Bytes) -> Arc<Self> {
        LocalReplica::over(Arc::new(MemoryEngine::new()), start_key, end_key, false)
    }

    /// A region of encoded bounds on any engine, with pessimistic locks in memory or without.
    pub fn over(engine: Arc<dyn Engine>, start_key: Bytes, end_key: Bytes, in_memory: bool) -> Arc<Self> {
        let region = Region {
            id: REGION_ID,
            start_key,
            end_key,
            epoch: RegionEpoch { conf_ver: 1, version: 1 },
            peers: vec![Peer { id: 3, store_id: 1, role: PeerRole::Voter }],
        };
        let memory_locks = Arc::new(MemoryLocks::new(region.epoch.version));
        memory_locks.open(Arc::new(Budget::new(in_memory)), Vec::new());
        memory_locks.lead(TERM, true);
        Arc::new(LocalReplica {
            engine,
            memory_locks,
            region: Arc::new(region),
            hold: AtomicBool::new(false),
            held: Mutex::default(),
            safe_point: SafePoint::default(),
            applied: AtomicU64::new(5),
        })
    }

    /// A context that fits.
    pub fn context(&self) -> RegionContext {
        RegionContext { region_id: REGION_ID, epoch: self.region.epoch, store_id: 1, peer_id: 3, term: 0 }
    }

    /// The leader is another one and back again, without having handed over its locks.
    pub fn lose_memory(&self) {
        self.memory_locks.lead(0, false);
        self.memory_locks.lead(TERM, false);
    }

    /// Every pair, in order of family and key; locks in memory among those that are stored.
    pub fn dump(&self) -> Vec<(Cf, Bytes, Bytes)> {
        let snapshot = self.engine.snapshot();
        let mut pairs = Vec::new();
        for cf in Cf::ALL {
            let mut all = snapshot.iter(cf, IterOptions::default());
            let mut valid = all.seek_to_first().expect("readable");
            while valid {
                let copy = Bytes::copy_from_slice;
                pairs.push((cf, copy(all.key()), copy(all.value())));
                valid = all.next().expect("readable");
            }
        }
        for held in self.memory_locks.range(&[], &[], |_| true).all() {
            let stored = pairs.iter().any(|(cf, key, _)| *cf == Cf::Lock && *key == held.key.as_encoded());
            assert!(!stored || held.proposed, "{} is locked twice", held.key);
            pairs.push((Cf::Lock, held.key.as_encoded().to_vec().into(), held.lock.to_bytes().into()));
        }
        let order = |cf| Cf::ALL.iter().position(|other| *other == cf);
        pairs.sort_by(|(a, x, _), (b, y, _)| (order(*a), x).cmp(&(order(*b), y)));
        pairs
    }

    /// Keeps proposals from now on, as a disk that does not answer.
    pub fn hold(&self) {
        self.hold.store(true, Ordering::SeqCst);
    }

    /// How many proposals are kept.
    pub fn held(&self) -> usize {
        self.held.lock().len()
    }

    /// Applies what was kept.
    pub fn release(&self) {
        self.hold.store(false, Ordering::SeqCst);
        let held = std::mem::take(&mut *self.held.lock());
        held.into_iter().for_each(|proposal| self.apply(proposal));
    }

    fn apply(&self, proposal: Proposal) {
        let mut batch = WriteBatch::new();
        for change in Changes::decode(proposal.writes.as_bytes()) {
            match change.expect("encoded by a command") {
                Change::Put { cf, key, value } | Change::Replace { cf, key, value } => {
                    batch.put(cf, key, value)
                }
                Change::Delete { cf, key } => batch.delete(cf, key),
                Change::DeleteRange { cf, start, end } => batch.delete_range(cf, start, end),
                Change::Collect { safe_point } => self.safe_point.raise(safe_point),
            }
        }
        self.engine.write(batch, false).expect("a local engine");
        self.applied.fetch_add(1, Ordering::SeqCst);
        (proposal.done)(Ok(()));
    }
}

impl Replica for LocalReplica {
    fn snapshot(&self, context: &RegionContext) -> Result<Option<RegionSnapshot>> {
        if context.epoch.version != self.region.epoch.version {
            return Err(RegionError::EpochNotMatch { current: vec![self.region.clone()] }.into());
        }
        let (engine, region) = (self.engine.snapshot(), self.region.clone());
        let traffic = Arc::default();
        Ok(Some(RegionSnapshot { has_locks: true, engine, region, term: TERM, traffic }))
    }

    fn confirmed_snapshot(&self, context: &RegionContext) -> Result<RegionSnapshot> {
        Ok(self.snapshot(context)?.expect("a local replica always leads"))
    }

    fn read_barrier<'a>(&'a self, _: &'a RegionContext) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn follower_snapshot<'a>(
        &'a self,
        _: &'a RegionContext,
        _: FollowerRead,
    ) -> BoxFuture<'a, Result<Option<RegionSnapshot>>> {
        Box::pin(async { Ok(None) })
    }

    fn max_ts_synced<'a>(&'a self, _: &'a RegionContext, _: u64) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn propose(&self, proposal: Proposal) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if self.hold.load(Ordering::SeqCst) {
                self.held.lock().push(proposal);
            } else {
                self.apply(proposal);
            }
        })
    }

    fn merge_begun(&self, _: u64) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn memory_locks(&self, _: u64) -> Result<Arc<MemoryLocks>> {
        Ok(self.memory_locks.clone())
    }

    fn safe_point(&self) -> &SafePoint {
        &self.safe_point
    }

    fn destroy_range(&self, start: Vec<u8>, end: Vec<u8>) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { destroy_range(&*self.engine, &start, &end) })
    }

    fn led_regions(&self) -> Vec<LedRegion> {
        vec![LedRegion { context: self.context(), applied_index: self.applied.load(Ordering::SeqCst) }]
    }
}
