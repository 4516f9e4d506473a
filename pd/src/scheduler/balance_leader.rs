//! Moves leaders from the store that leads most to those that lead least, until no store leads two more than another.

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

fn next(view: &mut View<'_>, idle: &mut &'static str) -> Option<Operator> {
    let alive = |id: &u64| view.places.get(id).is_some_and(|place| place.view.is_alive());
    let mut by_leaders: Vec<(i64, u64)> =
        view.places.iter().filter(|(id, _)| alive(id)).map(|(id, place)| (place.leaders, *id)).collect();
    by_leaders.sort_unstable();
    *idle = "leaders are even";
    for (most, from) in by_leaders.iter().rev() {
        let targets = by_leaders.iter().filter(|(_, to)| to != from && !view.no_leaders.contains(to));
        for (least, to) in targets.take_while(|(least, _)| most - least >= 2) {
            *idle = "no region of the store that leads most could be led elsewhere";
            let Some((region_id, peer)) = find(view, *from, *to) else {
                continue;
            };
            view.busy.insert(region_id);
            for (store_id, change) in [(*from, -1), (*to, 1)] {
                if let Some(place) = view.places.get_mut(&store_id) {
                    place.leaders += change;
                }
            }
            return Some(Operator {
                region_id,
                kind: Kind::Leader,
                name: "balance-leader",
                reason: format!("store {from} leads {most} regions, store {to} {least}"),
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
        view.is_movable(told).then(|| (told.region.id, peer.clone()))
    })
}
