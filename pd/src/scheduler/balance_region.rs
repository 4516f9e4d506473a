//! Moves peers from the store that is fullest to the one that is emptiest.
//!
//! A store's score is the data it holds, divided by its weight and by its share of the stores' disks where all have told
//! their size. A
//! region moves only where the source still has no less than the target afterwards, so that nothing moves to and fro;
//! in the end stores differ by less than two regions. Peers that do not lead move first: a leader would have to hand
//! over in the middle.

use rutile_kv_types::{Peer, PeerRole};

use super::view::{Place, weight};
use super::{View, Wish};
use crate::cluster::Told;
use crate::error::Result;
use crate::operator::{Kind, Operator};

/// Operators of one round.
const BATCH: usize = 4;

pub(super) fn step(view: &mut View<'_>, new_id: &mut dyn FnMut() -> Result<u64>) -> Result<Wish> {
    let mut wish = Wish::default();
    while wish.operators.len() < BATCH {
        let Some(operator) = next(view, new_id, &mut wish.idle)? else {
            break;
        };
        wish.operators.push(operator);
    }
    Ok(wish)
}

fn next(
    view: &mut View<'_>,
    new_id: &mut dyn FnMut() -> Result<u64>,
    idle: &mut String,
) -> Result<Option<Operator>> {
    let shares = Shares::of(view);
    let mut by_score: Vec<(i64, u64)> = view
        .places
        .iter()
        .filter(|(_, place)| place.view.is_alive())
        .map(|(id, place)| (shares.score(place, place.bytes), *id))
        .collect();
    by_score.sort_unstable();
    "regions are even".clone_into(idle);
    for (_, from) in by_score.iter().rev() {
        let roomy = |id: u64| {
            let place = view.places.get(&id);
            place.is_some_and(|place| !place.view.is_low_on_space(view.around.settings.low_space_percent))
        };
        for (_, to) in by_score.iter().filter(|(_, to)| to != from && roomy(*to)) {
            let Some((told, old)) = find(view, &shares, *from, *to) else {
                continue;
            };
            return start(view, told, old, *to, new_id);
        }
    }
    if by_score.first().zip(by_score.last()).is_some_and(|(least, most)| most.0 - least.0 > 2 << 20) {
        "no region of the fullest store could be moved".clone_into(idle);
    }
    Ok(None)
}

/// A region of the source whose move leaves the source no emptier than the target, and its rules served as well.
fn find<'a>(view: &View<'a>, shares: &Shares, from: u64, to: u64) -> Option<(&'a Told, Peer)> {
    let (source, target) = (view.places.get(&from)?, view.places.get(&to)?);
    if target.view.pending >= view.around.settings.max_pending_peer_count {
        return None;
    }
    let fits = |told: &&'a Told| {
        let bytes = weight(told);
        shares.score(source, source.bytes - bytes) >= shares.score(target, target.bytes + bytes)
            && told.region.peer_on_store(from).is_some()
            && told.region.peer_on_store(to).is_none()
    };
    let leads = |told: &Told| told.leader.as_ref().is_some_and(|leader| leader.store_id == from);
    let mut candidates: Vec<&'a Told> = view.regions.iter().filter(fits).collect();
    candidates.sort_by_key(|told| (leads(told), told.region.id));
    candidates.into_iter().find_map(|told| {
        let peer = told.region.peer_on_store(from)?;
        let movable =
            !view.is_hot(told.region.id) && view.is_movable(told) && view.around.allows_move(told, peer, to);
        movable.then(|| (told, peer.clone()))
    })
}

fn start(
    view: &mut View<'_>,
    told: &Told,
    old: Peer,
    to: u64,
    new_id: &mut dyn FnMut() -> Result<u64>,
) -> Result<Option<Operator>> {
    let from = old.store_id;
    let new = Peer { id: new_id()?, store_id: to, role: PeerRole::Learner };
    let Some(steps) = view.around.steps_to_move(told, &old, new) else {
        return Ok(None);
    };
    view.move_peer(told, from, to);
    let reason = format!("store {from} holds more than store {to}");
    let region_id = told.region.id;
    Ok(Some(Operator { region_id, kind: Kind::Region, name: "balance-region", reason, steps }))
}

/// What the stores' disks are worth.
struct Shares {
    /// By store; none when some disk is not known.
    capacities: Option<std::collections::BTreeMap<u64, u64>>,
    mean: u64,
}

impl Shares {
    fn of(view: &View<'_>) -> Shares {
        let alive = view.places.iter().filter(|(_, place)| place.view.is_alive());
        let capacities: Option<std::collections::BTreeMap<u64, u64>> = alive
            .map(|(id, place)| {
                let capacity = place.view.stats.as_ref().map(|stats| stats.capacity_bytes);
                capacity.filter(|capacity| *capacity > 0).map(|capacity| (*id, capacity))
            })
            .collect();
        let mean = capacities.as_ref().map_or(1, |all| {
            let sum: u128 = all.values().map(|capacity| u128::from(*capacity)).sum();
            u64::try_from(sum / (all.len().max(1) as u128)).unwrap_or(u64::MAX)
        });
        Shares { capacities, mean }
    }

    fn score(&self, place: &Place<'_>, bytes: i64) -> i64 {
        let bytes = place.view.region_score(bytes);
        let capacity = self.capacities.as_ref().and_then(|all| all.get(&place.view.store.id));
        let Some(capacity) = capacity else {
            return bytes;
        };
        let scaled = i128::from(bytes) * i128::from(self.mean) / i128::from(*capacity);
        i64::try_from(scaled).unwrap_or(i64::MAX)
    }
}
