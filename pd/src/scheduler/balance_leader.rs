//! Moves leaders from the store that leads most for its weight to those that lead least, until no move would leave the
//! source with less than the target.

use rutile_kv_types::Peer;

use super::{View, Wish};
use crate::cluster::Told;
use crate::operator::{Kind, Operator, Step};

/// Operators of one round.
const BATCH: usize = 4;

pub(super) fn step(view: &mut View<'_>) -> Wish {
    let mut wish = Wish::default();
    while wish.operators.len() < BATCH {
        let Some(operator) = next(view, &mut wish.idle) else {
            break;
        };
        wish.operators.push(operator);
    }
    wish
}

/// A store's leaders for its weight, with some more.
fn score(view: &View<'_>, store_id: u64, more: i64) -> i64 {
    view.places.get(&store_id).map_or(0, |place| place.view.leader_score(place.leaders + more))
}

fn next(view: &mut View<'_>, idle: &mut String) -> Option<Operator> {
    let alive = view.places.iter().filter(|(_, place)| place.view.is_alive());
    let mut by_score: Vec<(i64, u64)> = alive.map(|(id, _)| (score(view, *id, 0), *id)).collect();
    by_score.sort_unstable();
    "leaders are even".clone_into(idle);
    for (_, from) in by_score.iter().rev().filter(|(_, from)| !view.granted.contains(from)) {
        for (_, to) in by_score.iter().filter(|(_, to)| to != from) {
            if score(view, *from, -1) < score(view, *to, 1) {
                break;
            }
            if view.around.no_leaders.contains(to) || view.granted.contains(to) {
                continue;
            }
            "no region of the store that leads most could be led elsewhere".clone_into(idle);
            let Some((region_id, peer)) = find(view, *from, *to) else {
                continue;
            };
            let leaders = |store_id: &u64| view.places.get(store_id).map_or(0, |place| place.leaders);
            let reason = format!("store {from} leads {} regions, store {to} {}", leaders(from), leaders(to));
            view.move_leader(region_id, *from, *to);
            return Some(Operator {
                region_id,
                kind: Kind::Leader,
                name: "balance-leader",
                reason,
                steps: vec![Step::TransferLeader(peer)],
            });
        }
    }
    None
}

/// A region that one store leads and another could.
fn find(view: &View<'_>, from: u64, to: u64) -> Option<(u64, Peer)> {
    let led = |told: &&Told| told.leader.as_ref().is_some_and(|leader| leader.store_id == from);
    view.regions.iter().filter(led).find_map(|told| {
        let peer = told.region.peer_on_store(to)?;
        let fits = view.may_lead(told, peer) && view.is_movable(told);
        fits.then(|| (told.region.id, peer.clone()))
    })
}
