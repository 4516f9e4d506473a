//! The three entries of a merge, applied.
//!
//! They look at replicated state only. Whether the source's peer is on this store is none of it; the raft loop has seen to
//! that, so a source that is not there, or not at its end, ends the process.
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rutile_kv_env::fail_stop;
use rutile_kv_types::{Cf, Region, RegionEpoch};

use crate::error::{Error, Result};
use crate::keys;
use crate::raftstore::apply::{Applier, Finished, Outcome, RegionChange};
use crate::raftstore::command::SourceEnd;
use crate::raftstore::state::{LocalState, MergeState, PeerState, local_state_to_bytes};
use crate::raftstore::view::RegionView;

/// A region that is a part of another one now.
pub struct Merged {
    pub source_id: u64,
    pub source_peer: u64,
    /// The region that has it.
    pub region: Arc<Region>,
}

impl Applier {
    /// The region stops.
    pub(in crate::raftstore) fn apply_prepare_merge(
        &mut self,
        region: &mut Arc<Region>,
        epoch: RegionEpoch,
        state: MergeState,
        finished: &mut Finished,
    ) -> Result<Outcome> {
        if epoch != region.epoch || finished.merge.is_some() {
            return Ok(Outcome::EpochChanged(region.clone()));
        }
        let mut stopped = (**region).clone();
        stopped.epoch.version += 1;
        stopped.epoch.conf_ver += 1;
        let (stopped, state) = (Arc::new(stopped), Arc::new(state));
        let stored = LocalState {
            state: PeerState::Merging,
            region: (*stopped).clone(),
            merge: Some((*state).clone()),
            history_from: None,
        };
        self.put_state(region.id, stored.to_bytes());
        self.hooks.record("raftstore::merge::prepared", || [stopped.id, state.commit, state.target.id]);
        finished.merge = Some(state.clone());
        finished.region = Some(stopped.clone());
        finished.changes.push(RegionChange::MergePrepared(stopped.clone(), state));
        *region = stopped;
        Ok(Outcome::Done)
    }

    /// The region goes on.
    pub(in crate::raftstore) fn apply_rollback_merge(
        &mut self,
        region: &mut Arc<Region>,
        commit: u64,
        finished: &mut Finished,
    ) -> Outcome {
        if finished.merge.as_ref().is_none_or(|state| state.commit != commit) {
            return Outcome::EpochChanged(region.clone());
        }
        let mut on = (**region).clone();
        on.epoch.version += 1;
        let on = Arc::new(on);
        self.put_state(region.id, local_state_to_bytes(PeerState::Normal, &on));
        self.hooks.record("raftstore::merge::rolled_back", || [on.id, commit]);
        finished.merge = None;
        finished.region = Some(on.clone());
        finished.changes.push(RegionChange::MergeRolledBack(on.clone()));
        *region = on;
        Outcome::Done
    }

    /// The region takes over its neighbour. The batch holds nothing else.
    pub(in crate::raftstore) fn apply_commit_merge(
        &mut self,
        region: &mut Arc<Region>,
        epoch: RegionEpoch,
        end: &SourceEnd,
        finished: &mut Finished,
    ) -> Result<Outcome> {
        if epoch != region.epoch || finished.merge.is_some() {
            return Ok(Outcome::EpochChanged(region.clone()));
        }
        let source = self.source_at_its_end(end);
        let whole = Arc::new(join(region, &end.region)?);
        self.put_state(region.id, local_state_to_bytes(PeerState::Normal, &whole));
        let grave = LocalState {
            state: PeerState::Tombstone,
            region: Region {
                id: end.region.id,
                epoch: end.region.epoch,
                peers: vec![source.peer.clone()],
                ..Region::default()
            },
            merge: Some(MergeState { target: (*whole).clone(), ..MergeState::default() }),
            history_from: Some(source.history_from()),
        };
        self.put_state(end.region.id, grave.to_bytes());
        // Without an apply state, a start does not take the data for the tombstone's.
        self.batch.delete(Cf::Raft, keys::apply_state(end.region.id));
        self.batch.delete(Cf::Raft, keys::snapshot_point(end.region.id));
        self.hooks.record("raftstore::merge::merged", || {
            [end.region.id, end.commit, whole.id, whole.epoch.version]
        });
        source.removed.store(true, Ordering::SeqCst);
        let (source_id, source_peer) = (end.region.id, source.peer.id);
        finished.source = Some(source);
        finished.region = Some(whole.clone());
        let merged = Merged { source_id, source_peer, region: whole.clone() };
        finished.changes.push(RegionChange::Merged(merged));
        *region = whole;
        Ok(Outcome::Done)
    }

    fn put_state(&mut self, region_id: u64, state: Vec<u8>) {
        self.batch.put(Cf::Raft, keys::region_state(region_id), state);
    }

    fn source_at_its_end(&self, end: &SourceEnd) -> Arc<RegionView> {
        let source = match self.regions.get(end.region.id) {
            Ok(source) => source,
            Err(error) => fail_stop("apply: source of a merge", &error),
        };
        let is_at_end = source.applied().applied_index >= end.commit
            && source.merge_state().is_some_and(|state| state.commit == end.commit)
            && source.region().epoch == end.region.epoch;
        if !is_at_end && !self.hooks.is_planted("raftstore::merge::source_not_caught_up") {
            let error = format!("region {} at {:?}", end.region.id, source.applied());
            fail_stop("apply: source of a merge is not at its end", &error);
        }
        source
    }

    /// What others may know of the region before they see that it is larger.
    pub(in crate::raftstore) fn publish_takeover(&self, view: &RegionView, source: &RegionView) {
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        view.begin_takeover(self.hooks.is_planted("raftstore::merge::max_ts_kept"));
        let bytes = load(&source.measured_bytes) + load(&source.written_bytes);
        let keys = load(&source.measured_keys) + load(&source.written_keys);
        view.measured_bytes.fetch_add(bytes, Ordering::Relaxed);
        view.measured_keys.fetch_add(keys, Ordering::Relaxed);
    }
}

/// The region that has the ranges of both.
fn join(target: &Region, source: &Region) -> Result<Region> {
    let mut whole = target.clone();
    if !source.end_key.is_empty() && source.end_key == target.start_key {
        whole.start_key = source.start_key.clone();
    } else if !target.end_key.is_empty() && target.end_key == source.start_key {
        whole.end_key = source.end_key.clone();
    } else {
        let text = format!("regions {} and {} are no neighbours", source.id, target.id);
        return Err(Error::corrupt("raft entry", text));
    }
    whole.epoch.version = target.epoch.version.max(source.epoch.version) + 1;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(id: u64, start: &'static str, end: &'static str, version: u64) -> Region {
        let epoch = RegionEpoch { conf_ver: id, version };
        Region { id, start_key: start.into(), end_key: end.into(), epoch, ..Region::default() }
    }

    #[test]
    fn the_whole_is_newer_than_both() {
        let (left, right) = (region(1, "", "m", 7), region(2, "m", "", 4));
        let epoch = |conf_ver| RegionEpoch { conf_ver, version: 8 };
        let expected = Region { epoch: epoch(1), ..region(1, "", "", 0) };
        assert_eq!(join(&left, &right).expect("neighbours"), expected);
        let expected = Region { epoch: epoch(2), ..region(2, "", "", 0) };
        assert_eq!(join(&right, &left).expect("neighbours"), expected);
        assert!(join(&region(1, "", "k", 1), &right).is_err(), "a gap");
        assert!(join(&region(1, "", "", 1), &region(2, "", "", 1)).is_err(), "both have everything");
    }
}
