//! Applying: the state becomes "applying" with the log emptied, then the range is filled, then the state is "normal".
use std::sync::Arc;
use std::sync::atomic::Ordering;

use raft::Ready;
use rutile_kv_engine::{Engine, IterOptions, RaftLogBatch, Snapshot, WriteBatch};
use rutile_kv_env::{Hooks, fail_stop, failpoint};
use rutile_kv_types::{Cf, Peer as PeerId, Region};

use super::chunk::{FAMILIES, pairs};
use super::receive::Reception;
use crate::error::{Error, RegionError, Result};
use crate::keys;
use crate::raftstore::apply::{Applier, ApplyMessage, count_locks};
use crate::raftstore::destroy::bury;
use crate::raftstore::inbox::Inbox;
use crate::raftstore::message::Message;
use crate::raftstore::peer::Peer;
use crate::raftstore::state::{
    ApplyState, PeerState, local_state_to_bytes, parse_snapshot_point, snapshot_point_to_bytes,
};
use crate::raftstore::store::RaftLoop;
use crate::raftstore::view::RegionView;

/// A range is filled in batches of about this much.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// A snapshot that fills a peer without clearing what was there.
const KEEPS_OLD_DATA: &str = "raftstore::snapshot::range_not_cleared";

/// A snapshot that raft took over and that is not applied yet.
pub struct Restoring {
    pub region: Arc<Region>,
    pub point: ApplyState,
    /// Peers of other regions that were merged and go with the old data.
    pub covers: Vec<(Arc<Region>, PeerId)>,
    pub _reception: Reception,
}

/// Work of the apply loop: fill the range of a peer from the side keys.
pub struct RestoreTask {
    pub view: Arc<RegionView>,
    pub region: Arc<Region>,
    pub point: ApplyState,
}

impl Peer {
    /// Raft took a snapshot over: makes that durable in the state engine and prepares the same for the log.
    pub(in crate::raftstore) fn begin_restore(
        &mut self,
        engine: &dyn Engine,
        hooks: &Hooks,
        ready: &Ready,
        log: &mut RaftLogBatch,
    ) {
        let Some(Restoring { region, point, covers, .. }) = &self.restoring else {
            fail_stop("snapshot without data", &self.region_id());
        };
        failpoint!("raftstore::snapshot::before_applying");
        hooks.record("raftstore::snapshot::applying", || [region.id, point.applied_index]);
        let point = *point;
        if let Err(error) = mark_applying(engine, &self.region, region, point, covers, hooks) {
            fail_stop("state of a region that is restored", &error);
        }
        failpoint!("raftstore::snapshot::after_applying");
        log.clean(self.region_id());
        // Not only what changed: the old state goes with the old log.
        let state = ready.hs().cloned().unwrap_or_else(|| self.node.raft.hard_state());
        log.put_hard_state(self.region_id(), state);
        self.node.mut_store().restored(point);
        self.fail_restored(point);
    }

    /// The peers of other regions that went with the old data, after that is durable.
    pub(in crate::raftstore) fn covered(&self) -> Vec<(u64, u64)> {
        let covers = self.restoring.as_ref().map_or(&[][..], |restoring| &restoring.covers);
        covers.iter().map(|(region, peer)| (region.id, peer.id)).collect()
    }

    /// Log and state are durable: raft counts the snapshot as applied, and the apply loop fills the range.
    pub(in crate::raftstore) fn hand_restore(&mut self, apply: &Inbox<ApplyMessage>) {
        let Some(Restoring { region, point, .. }) = &self.restoring else {
            return;
        };
        let (point, region) = (*point, region.clone());
        self.handed_index = point.applied_index;
        self.told_applied = point.applied_index;
        self.node.advance_apply_to(point.applied_index);
        apply.push(ApplyMessage::Restore(RestoreTask { view: self.view.clone(), region, point }));
    }

    /// Of what this peer proposed as a leader of old, nobody here can tell what became of it up to the snapshot.
    /// Behind it everything was overwritten.
    fn fail_restored(&mut self, point: ApplyState) {
        for pending in self.pending.drain(..) {
            let covered = pending.index <= point.applied_index;
            let error = || if covered { Error::Unknown } else { RegionError::StaleCommand.into() };
            pending.waiting.fail(error);
        }
    }
}

impl RaftLoop {
    /// The range of a region is filled.
    pub(in crate::raftstore) fn restored(&mut self, region_id: u64) {
        let Some(peer) = self.peers.get_mut(&region_id) else {
            return;
        };
        let Some(restoring) = peer.restoring.take() else {
            return;
        };
        let was_initialised = peer.is_initialised();
        peer.merge.state = None;
        peer.region = restoring.region;
        if !was_initialised {
            self.regions.insert(peer.view.clone());
        }
        self.metrics.snapshots_applied.add(1);
        self.dirty.insert(region_id);
    }
}

impl Applier {
    /// Fills the range of a peer.
    pub(in crate::raftstore) fn restore(&mut self, task: RestoreTask) {
        self.write();
        let RestoreTask { view, region, point } = task;
        let bytes = match fill(&*self.engine, &region, point, &self.hooks) {
            Ok(bytes) => bytes,
            Err(error) => fail_stop("apply: snapshot", &error),
        };
        self.hooks.record("raftstore::snapshot::applied", || [region.id, point.applied_index]);
        let locks = match count_locks(&*self.engine, &region) {
            Ok(locks) => locks,
            Err(error) => fail_stop("apply: count of locks", &error),
        };
        view.set_merge_state(None);
        view.set_history_from(region.epoch);
        // A peer that follows has no locks in memory.
        drop(view.set_region(region));
        view.set_locks(locks);
        view.measured_bytes.store(bytes, Ordering::Relaxed);
        view.written_bytes.store(0, Ordering::Relaxed);
        view.written_keys.store(0, Ordering::Relaxed);
        view.set_applied(point);
        self.raft.push(Message::Restored { region_id: view.region_id });
    }
}

/// Writes that a region is being restored, together with the end of what it was, durably.
pub(super) fn mark_applying(
    engine: &dyn Engine,
    old: &Region,
    new: &Region,
    point: ApplyState,
    covers: &[(Arc<Region>, PeerId)],
    hooks: &Hooks,
) -> Result<()> {
    let mut batch = WriteBatch::new();
    for (region, peer) in covers {
        bury(&mut batch, &*engine.snapshot(), region, region.epoch, peer)?;
    }
    if !hooks.is_planted(KEEPS_OLD_DATA) && !old.peers.is_empty() {
        clear_range(&mut batch, &*engine.snapshot(), old)?;
    }
    batch.put(Cf::Raft, keys::region_state(new.id), local_state_to_bytes(PeerState::Applying, new));
    batch.put(Cf::Raft, keys::snapshot_point(new.id), snapshot_point_to_bytes(point, new.epoch));
    let sync = !hooks.is_planted("raftstore::snapshot::applying_not_synced");
    Ok(engine.write(batch, sync)?)
}

/// Fills a range from the side keys and makes its region normal; answers the bytes written. Done again after a crash.
pub(super) fn fill(engine: &dyn Engine, region: &Region, point: ApplyState, hooks: &Hooks) -> Result<u64> {
    let snapshot = engine.snapshot();
    let (start, end) = keys::snapshot_chunks(region.id);
    let mut chunks = snapshot.iter(Cf::Raft, IterOptions::range(start, end).without_cache());
    let mut batch = WriteBatch::new();
    if !hooks.is_planted(KEEPS_OLD_DATA) {
        clear_range(&mut batch, &*snapshot, region)?;
    }
    let mut bytes = 0;
    let mut valid = chunks.seek(&start)?;
    while valid {
        for pair in pairs(chunks.value())? {
            let (cf, key, value) = pair?;
            batch.put(cf, key, value);
        }
        if batch.size_bytes() >= BATCH_BYTES_MAX || hooks.buggify("raftstore::snapshot::small_batches", 3) {
            bytes += batch.size_bytes() as u64;
            engine.write(std::mem::take(&mut batch), false)?;
            failpoint!("raftstore::snapshot::half_filled");
        }
        valid = chunks.next()?;
    }
    bytes += batch.size_bytes() as u64;
    batch.put(Cf::Raft, keys::region_state(region.id), local_state_to_bytes(PeerState::Normal, region));
    batch.put(Cf::Raft, keys::apply_state(region.id), point.to_bytes());
    batch.delete_range(Cf::Raft, start, end);
    engine.write(batch, true)?;
    Ok(bytes)
}

/// Finishes at a start what a crash interrupted.
pub fn resume(engine: &dyn Engine, region: &Region, hooks: &Hooks) -> Result<()> {
    let point = engine.get(Cf::Raft, &keys::snapshot_point(region.id))?;
    let point =
        point.ok_or_else(|| Error::corrupt("snapshot point", format!("region {} has none", region.id)))?;
    fill(engine, region, parse_snapshot_point(&point)?.0, hooks).map(drop)
}

/// Removes all data of a region. A range without end goes to the last key that is there.
pub fn clear_range(batch: &mut WriteBatch, snapshot: &dyn Snapshot, region: &Region) -> Result<()> {
    for cf in FAMILIES {
        if !region.end_key.is_empty() {
            batch.delete_range(cf, &region.start_key, &region.end_key);
            continue;
        }
        let mut last = snapshot.iter(cf, IterOptions::range(region.start_key.to_vec(), Vec::new()));
        if last.seek_to_last()? {
            let mut end = last.key().to_vec();
            end.push(0);
            batch.delete_range(cf, &region.start_key, end);
        }
    }
    Ok(())
}
