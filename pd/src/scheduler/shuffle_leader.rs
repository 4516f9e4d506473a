//! Hands the leader of some region to some other replica, again and again: for tests.

use rutile_kv_types::Peer;

use super::{View, Wish};
use crate::operator::{Kind, Operator, Step};

pub(super) fn step(view: &mut View<'_>) -> Wish {
    let others: Vec<(u64, Peer)> = view
        .regions
        .iter()
        .filter(|told| view.is_movable(told))
        .flat_map(|told| {
            let led_by = told.leader.as_ref().map(|leader| leader.id);
            let others = told.region.peers.iter().filter(move |peer| led_by != Some(peer.id));
            let others = others.filter(|peer| view.may_lead(told, peer));
            others.map(|peer| (told.region.id, peer.clone())).collect::<Vec<_>>()
        })
        .collect();
    let Some((region_id, peer)) = view.choose(&others).cloned() else {
        return Wish { idle: "no region could be led elsewhere".to_owned(), ..Wish::default() };
    };
    view.busy.insert(region_id);
    let operator = Operator {
        region_id,
        kind: Kind::Leader,
        name: "shuffle-leader",
        reason: "by chance".to_owned(),
        steps: vec![Step::TransferLeader(peer)],
    };
    Wish { operators: vec![operator], ..Wish::default() }
}
