//! Lets chosen stores lead every region that they have a peer of.

use super::{View, Wish};
use crate::operator::{Kind, Operator, Step};

/// Operators of one round.
const BATCH: usize = 16;

pub(super) fn step(view: &mut View<'_>, stores: &[u64]) -> Wish {
    let mut wish = Wish { idle: "the stores lead all they can".to_owned(), ..Wish::default() };
    for told in view.regions {
        let led_by = told.leader.as_ref().map_or(0, |leader| leader.store_id);
        if stores.contains(&led_by) || wish.operators.len() == BATCH {
            continue;
        }
        let mut peers = stores.iter().filter_map(|store_id| told.region.peer_on_store(*store_id)).peekable();
        if peers.peek().is_none() {
            continue;
        }
        let free = !view.busy.contains(&told.region.id);
        let Some(peer) = peers.find(|peer| free && view.may_lead(told, peer)) else {
            "the stores can not lead the regions that are left".clone_into(&mut wish.idle);
            continue;
        };
        view.move_leader(told.region.id, led_by, peer.store_id);
        wish.operators.push(Operator {
            region_id: told.region.id,
            kind: Kind::Leader,
            name: "grant-leader",
            reason: format!("store {} shall lead", peer.store_id),
            steps: vec![Step::TransferLeader(peer.clone())],
        });
    }
    wish
}
