//! Moves some peer to some other store, again and again: for tests.

use rutile_kv_types::{Peer, PeerRole};

use super::{View, Wish};
use crate::cluster::Told;
use crate::error::Result;
use crate::operator::{Kind, Operator};

pub(super) fn step(view: &mut View<'_>, new_id: &mut dyn FnMut() -> Result<u64>) -> Result<Wish> {
    let nothing = || Wish { idle: "no peer could be moved".to_owned(), ..Wish::default() };
    let movable: Vec<&Told> = view.regions.iter().filter(|told| view.is_movable(told)).collect();
    let Some(told) = view.choose(&movable).copied() else {
        return Ok(nothing());
    };
    let free = view.places.iter().filter(|(id, place)| {
        place.view.is_alive()
            && told.region.peer_on_store(**id).is_none()
            && !place.view.is_low_on_space(view.around.settings.low_space_percent)
    });
    let free: Vec<u64> = free.map(|(id, _)| *id).collect();
    let moves: Vec<(&Peer, u64)> = told
        .region
        .peers
        .iter()
        .flat_map(|peer| free.iter().map(move |to| (peer, *to)))
        .filter(|(peer, to)| view.around.allows_move(told, peer, *to))
        .collect();
    let Some((old, to)) = view.choose(&moves).copied() else {
        return Ok(nothing());
    };
    let new = Peer { id: new_id()?, store_id: to, role: PeerRole::Learner };
    let Some(steps) = view.around.steps_to_move(told, old, new) else {
        return Ok(nothing());
    };
    view.move_peer(told, old.store_id, to);
    let (region_id, reason) = (told.region.id, "by chance".to_owned());
    let operator = Operator { region_id, kind: Kind::Region, name: "shuffle-region", reason, steps };
    Ok(Wish { operators: vec![operator], ..Wish::default() })
}
