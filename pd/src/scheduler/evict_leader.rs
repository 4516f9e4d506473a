//! Moves every leader away from chosen stores, before they are stopped for instance.

use super::{View, Wish};
use crate::checker::Surroundings;
use crate::cluster::StoreView;
use crate::operator::{Kind, Operator, Step};

/// Operators of one round.
const BATCH: usize = 16;

pub(super) fn step(view: &mut View<'_>, stores: &[u64]) -> Wish {
    let mut wish = Wish { operators: Vec::new(), idle: "the stores lead nothing" };
    let others: Vec<StoreView> = view
        .places
        .values()
        .filter(|place| !view.no_leaders.contains(&place.view.store.id))
        .map(|place| place.view.clone())
        .collect();
    let around = Surroundings { stores: &others, settings: view.settings };
    for told in view.regions {
        let Some(leader) = told.leader.as_ref().filter(|leader| stores.contains(&leader.store_id)) else {
            continue;
        };
        let region_id = told.region.id;
        let free = !view.busy.contains(&region_id);
        let Some(successor) = around.successor(told, leader).filter(|_| free) else {
            wish.idle = "no other store can lead the regions that are left";
            continue;
        };
        view.busy.insert(region_id);
        wish.operators.push(Operator {
            region_id,
            kind: Kind::Leader,
            name: "evict-leader",
            reason: format!("store {} must not lead", leader.store_id),
            steps: vec![Step::TransferLeader(successor.clone())],
        });
        if wish.operators.len() == BATCH {
            break;
        }
    }
    wish
}
