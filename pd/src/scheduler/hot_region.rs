//! Spreads hot regions: moves one from the store with the most traffic to one with little, where that leaves the source
//! with no less than the target. A region that makes up all the traffic of a store stays: elsewhere it would be the same.
//!
//! First the leader moves to another replica, which is cheap; for what is written, and where no replica is idle, a peer
//! moves. One at a time: only the next rates show what a move did.

use std::collections::BTreeMap;

use rutile_kv_types::{Peer, PeerRole};

use super::{View, Wish};
use crate::cluster::Told;
use crate::error::Result;
use crate::operator::{Kind, Operator, Step, move_peer};
use crate::statistics::hot::{self, HotPeer, StoreFlow};
use crate::statistics::{Access, Rate};

/// What the traffic is measured by.
#[derive(Clone, Copy)]
enum Measure {
    Bytes,
    Keys,
}

impl Measure {
    fn of(self, rate: Rate) -> u64 {
        match self {
            Measure::Bytes => rate.bytes,
            Measure::Keys => rate.keys,
        }
    }
}

/// One way to look at the traffic.
struct Look<'a> {
    access: Access,
    measure: Measure,
    hot: &'a [HotPeer],
    loads: &'a BTreeMap<u64, StoreFlow>,
}

pub(super) fn step(view: &mut View<'_>, new_id: &mut dyn FnMut() -> Result<u64>) -> Result<Wish> {
    let mut wish = Wish::default();
    if !view.is_settled {
        "the last move has to show first".clone_into(&mut wish.idle);
        return Ok(wish);
    }
    "no region is hot".clone_into(&mut wish.idle);
    let loads = hot::by_store(view.regions, &view.flows);
    let degree = view.around.settings.hot_region_cache_hits_threshold;
    for access in [Access::Read, Access::Write] {
        let hot = hot::peers(view.regions, &view.flows, access, degree);
        if hot.is_empty() {
            continue;
        }
        "hot regions are as even as they can be".clone_into(&mut wish.idle);
        for measure in [Measure::Bytes, Measure::Keys] {
            let look = Look { access, measure, hot: &hot, loads: &loads };
            let operator = match look.leader(view) {
                Some(operator) => Some(operator),
                None => look.peer(view, new_id)?,
            };
            if let Some(operator) = operator {
                view.busy.insert(operator.region_id);
                wish.operators.push(operator);
                return Ok(wish);
            }
        }
    }
    Ok(wish)
}

impl Look<'_> {
    /// Stores that are up, those with the least traffic first.
    fn by_load(&self, view: &View<'_>, leads: bool) -> Vec<(u64, u64)> {
        let load = |store_id: &u64| {
            let flow = self.loads.get(store_id).copied().unwrap_or_default();
            self.measure.of(flow.of(self.access, leads))
        };
        let alive = view.places.iter().filter(|(_, place)| place.view.is_alive());
        let mut by_load: Vec<(u64, u64)> = alive.map(|(id, _)| (load(id), *id)).collect();
        by_load.sort_unstable();
        by_load
    }

    /// Hot regions of a store, and what of its traffic each is.
    fn regions<'v>(
        &self,
        view: &View<'v>,
        store_id: u64,
        leads: bool,
    ) -> impl Iterator<Item = (&'v Told, u64)> {
        let mine = move |peer: &&HotPeer| peer.store_id == store_id && (peer.leads || !leads);
        let regions = view.regions;
        self.hot.iter().filter(mine).filter_map(move |peer| {
            let told = regions.iter().find(|told| told.region.id == peer.region_id)?;
            Some((told, self.measure.of(peer.rate)))
        })
    }

    fn leader(&self, view: &View<'_>) -> Option<Operator> {
        let by_load = self.by_load(view, true);
        let (most, from) = *by_load.last()?;
        for (told, rate) in self.regions(view, from, true) {
            for (least, to) in by_load.iter().filter(|(_, to)| *to != from) {
                let Some(peer) = told.region.peer_on_store(*to) else {
                    continue;
                };
                let even = rate > 0 && most.saturating_sub(rate) >= least.saturating_add(rate);
                if even && view.may_lead(told, peer) && view.is_movable(told) {
                    let steps = vec![Step::TransferLeader(peer.clone())];
                    return Some(self.operator(told, from, *to, steps));
                }
            }
        }
        None
    }

    fn peer(&self, view: &View<'_>, new_id: &mut dyn FnMut() -> Result<u64>) -> Result<Option<Operator>> {
        let leads = self.access == Access::Read;
        let by_load = self.by_load(view, leads);
        let Some((most, from)) = by_load.last().copied() else {
            return Ok(None);
        };
        for (told, rate) in self.regions(view, from, leads) {
            let Some(old) = told.region.peer_on_store(from).filter(|peer| peer.role == PeerRole::Voter)
            else {
                continue;
            };
            for (least, to) in by_load.iter().filter(|(_, to)| *to != from) {
                let even = rate > 0 && most.saturating_sub(rate) >= least.saturating_add(rate);
                let roomy = view
                    .places
                    .get(to)
                    .is_some_and(|place| !place.view.is_low_on_space(view.around.settings.low_space_percent));
                let free = told.region.peer_on_store(*to).is_none() && view.is_movable(told);
                if !even || !roomy || !free || !view.around.allows_move(told, old, *to) {
                    continue;
                }
                let new = Peer { id: new_id()?, store_id: *to, role: PeerRole::Learner };
                // What is read moves with the leader.
                let steps = match leads {
                    true if view.around.no_leaders.contains(to) => None,
                    true => Some(move_peer(told, old, new, None)),
                    false => view.around.steps_to_move(told, old, new),
                };
                if let Some(steps) = steps {
                    return Ok(Some(self.operator(told, from, *to, steps)));
                }
            }
        }
        Ok(None)
    }

    fn operator(&self, told: &Told, from: u64, to: u64, steps: Vec<Step>) -> Operator {
        let (name, what) = match self.access {
            Access::Read => ("move-hot-read", "reads"),
            Access::Write => ("move-hot-write", "writes"),
        };
        let reason = format!("store {from} {what} more than store {to}");
        Operator { region_id: told.region.id, kind: Kind::Hot, name, reason, steps }
    }
}
