//! Start: peers of all regions that the state engine knows.
//!
//! The state engine says which regions exist and how far each is applied; the raft log says what else was
//! acknowledged. Committed entries behind the applied index come out of raft again as soon as there is a leader, and
//! are applied again. A split among them makes its regions anew and finds their logs already there. A snapshot whose
//! application was interrupted is applied first.
use std::sync::Arc;

use rutile_kv_engine::{Engine, IterOptions, RaftLog, RaftLogBatch, WriteBatch};
use rutile_kv_env::Hooks;
use rutile_kv_types::{Cf, Region, RegionEpoch};

use super::destroy::{bury, has_successor};
use super::peer::Peer;
use super::snapshot::resume;
use super::state::{ApplyState, LocalState, MergeState, PeerState, parse_snapshot_point};
use crate::error::{Error, Result};
use crate::keys;

/// Opens the peers of this store, in order of region id.
pub fn open_peers(
    engine: &dyn Engine,
    raft_log: &Arc<dyn RaftLog>,
    store_id: u64,
    hooks: &Hooks,
) -> Result<Vec<Peer>> {
    let regions = load_regions(engine, &**raft_log, hooks)?;
    drop_orphans(engine)?;
    check_disjoint(&regions)?;
    let mut peers = Vec::with_capacity(regions.len());
    for (region, merge) in regions {
        let Some(peer_id) = region.peer_on_store(store_id).cloned() else {
            return Err(Error::corrupt(
                "region state",
                format!("region {} has no peer on this store", region.id),
            ));
        };
        let applied = match engine.get(Cf::Raft, &keys::apply_state(region.id))? {
            Some(bytes) => ApplyState::parse(&bytes)?,
            None => {
                return Err(Error::corrupt("apply state", format!("region {} has none", region.id)));
            }
        };
        let origin = match engine.get(Cf::Raft, &keys::snapshot_point(region.id))? {
            // Without an epoch, nothing before this start is known.
            Some(bytes) => {
                parse_snapshot_point(&bytes).map(|(point, epoch)| (point, epoch.unwrap_or(region.epoch)))?
            }
            None => (ApplyState::INITIAL, RegionEpoch::default()),
        };
        let mut peer = Peer::open(raft_log.clone(), Arc::new(region), peer_id, applied, origin.0)?;
        peer.view.set_history_from(origin.1);
        peer.merge.state = merge.map(Arc::new);
        peer.view.set_merge_state(peer.merge.state.clone());
        peers.push(peer);
    }
    Ok(peers)
}

/// Received snapshots that raft did not take over.
fn drop_orphans(engine: &dyn Engine) -> Result<()> {
    let (start, end) = keys::SNAPSHOT_CHUNKS;
    let mut batch = WriteBatch::new();
    if engine.snapshot().iter(Cf::Raft, IterOptions::range(start, end)).seek(start)? {
        batch.delete_range(Cf::Raft, start, end);
        engine.write(batch, false)?;
    }
    Ok(())
}

/// Regions, with the merge of each that is under way.
fn load_regions(
    engine: &dyn Engine,
    raft_log: &dyn RaftLog,
    hooks: &Hooks,
) -> Result<Vec<(Region, Option<MergeState>)>> {
    let (start, end) = keys::REGION_STATES;
    let mut states = engine.snapshot().iter(Cf::Raft, IterOptions::range(start, end));
    let mut regions = Vec::new();
    let mut valid = states.seek(start)?;
    while valid {
        let LocalState { state, region, merge, .. } = LocalState::parse(states.value())?;
        match state {
            PeerState::Normal => regions.push((region, None)),
            PeerState::Merging => regions.push((region, merge)),
            PeerState::Applying => {
                resume(engine, &region, hooks)?;
                regions.push((region, None));
            }
            PeerState::Tombstone => finish_burial(engine, raft_log, &region)?,
        }
        valid = states.next()?;
    }
    Ok(regions)
}

/// The power may have failed between the removal of a peer and that of its data, which an apply state tells, or of its
/// log.
fn finish_burial(engine: &dyn Engine, raft_log: &dyn RaftLog, region: &Region) -> Result<()> {
    if let (Some(_), Some(peer)) =
        (engine.get(Cf::Raft, &keys::apply_state(region.id))?, region.peers.first())
    {
        let mut batch = WriteBatch::new();
        bury(&mut batch, &*engine.snapshot(), region, region.epoch, peer)?;
        engine.write(batch, true)?;
    }
    if has_successor(region) {
        return Ok(());
    }
    if raft_log.hard_state(region.id)?.is_some() || raft_log.first_index(region.id).is_some() {
        let mut batch = RaftLogBatch::new();
        batch.clean(region.id);
        raft_log.append(batch, true)?;
    }
    Ok(())
}

/// No two regions hold the same key: splits and merges are applied atomically.
fn check_disjoint(regions: &[(Region, Option<MergeState>)]) -> Result<()> {
    let mut sorted: Vec<&Region> = regions.iter().map(|(region, _)| region).collect();
    sorted.sort_unstable_by(|a, b| a.start_key.cmp(&b.start_key));
    for pair in sorted.windows(2) {
        if let [left, right] = pair
            && left.overlaps(right)
        {
            return Err(Error::corrupt(
                "region state",
                format!("regions {} and {} overlap", left.id, right.id),
            ));
        }
    }
    Ok(())
}
