//! Scatters regions that belong together, the parts of a table for instance: every store gets as many of their peers and
//! leaders as the others. Asked for region by region, by a person or a client; what was given to a store is remembered by
//! group.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::RegionHeartbeat;

use crate::checker::Surroundings;
use crate::error::Result;
use crate::operator::{Kind, Operator, is_behind, relocate};

/// Groups that are remembered; the one that was asked for longest ago is forgotten.
const GROUPS_MAX: usize = 256;

/// What the stores got, by group.
#[derive(Default)]
pub(crate) struct Scattered {
    groups: Mutex<Vec<(String, Counts)>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    peers: BTreeMap<u64, u64>,
    leaders: BTreeMap<u64, u64>,
}

impl Scattered {
    /// What to do with a region; nothing where it is well placed, or why it can not be scattered.
    pub(crate) fn scatter(
        &self,
        group: &str,
        told: &RegionHeartbeat,
        around: &Surroundings<'_>,
        new_id: &mut dyn FnMut() -> Result<u64>,
    ) -> Result<std::result::Result<Option<Operator>, String>> {
        let mut groups = self.groups.lock();
        let known = groups.iter().position(|(name, _)| name == group).map(|index| groups.remove(index));
        let (name, mut counts) = known.unwrap_or_else(|| (group.to_owned(), Counts::default()));
        if groups.len() == GROUPS_MAX {
            groups.remove(0);
        }
        let wanted = scatter(&mut counts, told, around, new_id);
        groups.push((name, counts));
        wanted
    }
}

fn count(counts: &BTreeMap<u64, u64>, store_id: u64) -> u64 {
    counts.get(&store_id).copied().unwrap_or(0)
}

/// Decides, and counts what the stores get.
pub(super) fn scatter(
    counts: &mut Counts,
    told: &RegionHeartbeat,
    around: &Surroundings<'_>,
    new_id: &mut dyn FnMut() -> Result<u64>,
) -> Result<std::result::Result<Option<Operator>, String>> {
    let region_id = told.region.id;
    let Some(leader) = &told.leader else {
        return Ok(Err(format!("the leader of region {region_id} is not known")));
    };
    let ill = |peer: &&Peer| !around.is_alive(peer.store_id) || is_behind(told, peer.id);
    if let Some(peer) = told.region.peers.iter().find(ill) {
        return Ok(Err(format!("the peer of region {region_id} on store {} is not well", peer.store_id)));
    }
    if !around.fit(told).is_satisfied() {
        return Ok(Err(format!("region {region_id} is not placed as its rules want it")));
    }
    // The region as it will be.
    let mut shape = told.clone();
    let mut moves = Vec::new();
    for old in told.region.peers.iter().filter(|peer| peer.role == PeerRole::Voter) {
        let fits = |store_id: u64| {
            store_id == old.store_id
                || around.is_alive(store_id)
                    && shape.region.peer_on_store(store_id).is_none()
                    && told.region.peer_on_store(store_id).is_none()
                    && around
                        .view(store_id)
                        .is_some_and(|view| !view.is_low_on_space(around.settings.low_space_percent))
                    && around.allows_move(&shape, old, store_id)
        };
        let stores = around.stores.iter().map(|view| view.store.id).filter(|store_id| fits(*store_id));
        let best = stores
            .min_by_key(|store_id| (count(&counts.peers, *store_id), *store_id != old.store_id, *store_id));
        let to = best.unwrap_or(old.store_id);
        *counts.peers.entry(to).or_default() += 1;
        if to != old.store_id {
            moves.push((old.clone(), Peer { id: new_id()?, store_id: to, role: PeerRole::Learner }));
            for peer in shape.region.peers.iter_mut().filter(|peer| peer.id == old.id) {
                peer.store_id = to;
            }
        }
    }
    let voters = shape.region.peers.iter().filter(|peer| peer.role == PeerRole::Voter);
    let may = voters.filter(|peer| around.allows_leader(&shape, peer));
    let best =
        may.min_by_key(|peer| (count(&counts.leaders, peer.store_id), peer.id != leader.id, peer.store_id));
    let leader_store = best.map_or(leader.store_id, |peer| peer.store_id);
    *counts.leaders.entry(leader_store).or_default() += 1;
    let steps = relocate(told, &moves, leader_store);
    if steps.is_empty() {
        return Ok(Ok(None));
    }
    let reason = format!("{} peers move, store {leader_store} leads", moves.len());
    Ok(Ok(Some(Operator { region_id, kind: Kind::Admin, name: "scatter-region", reason, steps })))
}
