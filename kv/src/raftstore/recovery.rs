//! Start: peers of all regions that the state engine knows.
//!
//! The state engine says which regions exist and how far each is applied; the raft log says what else was
//! acknowledged. Committed entries behind the applied index come out of raft again as soon as there is a leader, and
//! are applied again. A split among them makes its regions anew and finds their logs already there.
use std::sync::Arc;

use rutile_kv_engine::{Engine, IterOptions, RaftLog};
use rutile_kv_types::{Cf, Region};

use super::peer::Peer;
use super::state::{ApplyState, region_from_bytes};
use crate::error::{Error, Result};
use crate::keys;

/// Opens the peers of this store, in order of region id.
pub fn open_peers(engine: &dyn Engine, raft_log: &Arc<dyn RaftLog>, store_id: u64) -> Result<Vec<Peer>> {
    let regions = load_regions(engine)?;
    check_disjoint(&regions)?;
    let mut peers = Vec::with_capacity(regions.len());
    for region in regions {
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
        peers.push(Peer::open(raft_log.clone(), Arc::new(region), peer_id, applied)?);
    }
    Ok(peers)
}

fn load_regions(engine: &dyn Engine) -> Result<Vec<Region>> {
    let (start, end) = keys::REGION_STATES;
    let mut states = engine.snapshot().iter(Cf::Raft, IterOptions::range(start, end));
    let mut regions = Vec::new();
    let mut valid = states.seek(start)?;
    while valid {
        regions.push(region_from_bytes(states.value())?);
        valid = states.next()?;
    }
    Ok(regions)
}

/// No two regions hold the same key: splits are applied atomically.
fn check_disjoint(regions: &[Region]) -> Result<()> {
    let mut sorted: Vec<&Region> = regions.iter().collect();
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
