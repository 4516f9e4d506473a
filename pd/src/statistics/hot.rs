//! Hot regions by store.

use std::collections::BTreeMap;

use super::flow::{Access, Rate, RegionFlow};
use crate::cluster::Told;

/// A hot region at one of its stores.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HotPeer {
    pub(crate) region_id: u64,
    pub(crate) store_id: u64,
    pub(crate) leads: bool,
    pub(crate) rate: Rate,
    pub(crate) degree: u64,
    pub(crate) updated_ms: u64,
}

/// Traffic of a store, of all its regions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoreFlow {
    pub(crate) read: Rate,
    /// Every replica writes.
    pub(crate) written: Rate,
    /// Of regions led there.
    pub(crate) written_as_leader: Rate,
}

impl StoreFlow {
    pub(crate) fn of(&self, access: Access, leads: bool) -> Rate {
        match (access, leads) {
            (Access::Read, _) => self.read,
            (Access::Write, false) => self.written,
            (Access::Write, true) => self.written_as_leader,
        }
    }
}

/// What the stores read and write.
pub(crate) fn by_store(regions: &[Told], flows: &BTreeMap<u64, RegionFlow>) -> BTreeMap<u64, StoreFlow> {
    let mut stores: BTreeMap<u64, StoreFlow> = BTreeMap::new();
    for told in regions {
        let Some(flow) = flows.get(&told.region.id) else {
            continue;
        };
        for peer in &told.region.peers {
            let store = stores.entry(peer.store_id).or_default();
            store.written = store.written.plus(flow.rate(Access::Write));
            if told.leader.as_ref().is_some_and(|leader| leader.id == peer.id) {
                store.read = store.read.plus(flow.rate(Access::Read));
                store.written_as_leader = store.written_as_leader.plus(flow.rate(Access::Write));
            }
        }
    }
    stores
}

/// Regions that were hot in at least so many intervals, the hottest first; those that are written at each of their
/// stores, those that are read where they are led.
pub(crate) fn peers(
    regions: &[Told],
    flows: &BTreeMap<u64, RegionFlow>,
    access: Access,
    degree_min: u64,
) -> Vec<HotPeer> {
    let mut found = Vec::new();
    for told in regions {
        let Some(flow) = flows.get(&told.region.id).filter(|flow| flow.degree(access) >= degree_min) else {
            continue;
        };
        for peer in &told.region.peers {
            let leads = told.leader.as_ref().is_some_and(|leader| leader.id == peer.id);
            if leads || access == Access::Write {
                found.push(HotPeer {
                    region_id: told.region.id,
                    store_id: peer.store_id,
                    leads,
                    rate: flow.rate(access),
                    degree: flow.degree(access),
                    updated_ms: flow.updated_ms,
                });
            }
        }
    }
    found.sort_by_key(|peer| {
        (std::cmp::Reverse((peer.rate.bytes, peer.rate.keys)), peer.region_id, peer.store_id)
    });
    found
}
