//! Moves every leader away from chosen stores, before they are stopped for instance.

use super::{View, Wish};
use crate::operator::{Kind, Operator, Step};

/// Operators of one round.
const BATCH: usize = 16;

/// `name` and `why` are those of the operators.
pub(super) fn step(view: &mut View<'_>, stores: &[u64], name: &'static str, why: &str) -> Wish {
    let mut wish = Wish { idle: "the stores lead nothing".to_owned(), ..Wish::default() };
    for told in view.regions {
        let Some(leader) = told.leader.as_ref().filter(|leader| stores.contains(&leader.store_id)) else {
            continue;
        };
        let region_id = told.region.id;
        let free = !view.busy.contains(&region_id);
        let Some(successor) = view.around.successor(told, leader).filter(|_| free) else {
            "no other store can lead the regions that are left".clone_into(&mut wish.idle);
            continue;
        };
        view.move_leader(region_id, leader.store_id, successor.store_id);
        wish.operators.push(Operator {
            region_id,
            kind: Kind::Leader,
            name,
            reason: format!("store {} {why}", leader.store_id),
            steps: vec![Step::TransferLeader(successor.clone())],
        });
        if wish.operators.len() == BATCH {
            break;
        }
    }
    wish
}
