//! Moves every leader away from a store whose disk is slow, until it is not slow any more. Only from one store at a time:
//! where several are slow, leaders would be no better off elsewhere.

use super::{View, Wish, evict_leader};

/// A store tells how slow it is, from 1 to 100; it is slow from here on,
const SLOW: u64 = 80;
/// and well again down here.
const WELL: u64 = 1;

/// `slow` are the stores that are left already.
pub(super) fn step(view: &mut View<'_>, slow: &[u64]) -> Wish {
    let score = |store_id: &u64| {
        let stats = view.places.get(store_id).and_then(|place| place.view.stats.as_ref());
        // 0 is how a store says nothing.
        stats.map(|stats| stats.slow_score).filter(|score| *score > 0)
    };
    if let Some(store_id) = slow.first() {
        if score(store_id).is_some_and(|score| score <= WELL) {
            let idle = format!("store {store_id} is well again");
            return Wish { idle, slow: Some(Vec::new()), ..Wish::default() };
        }
        let mut wish = evict_leader::step(view, slow, "evict-slow-store", "is slow");
        if wish.operators.is_empty() {
            wish.idle = format!("store {store_id} is slow: {}", wish.idle);
        }
        return wish;
    }
    let alive = view.places.iter().filter(|(_, place)| place.view.is_alive());
    let found: Vec<u64> = alive.map(|(id, _)| *id).filter(|id| score(id) >= Some(SLOW)).collect();
    match found.as_slice() {
        [] => Wish { idle: "no store is slow".to_owned(), ..Wish::default() },
        [store_id] if view.alive() > 1 => {
            let idle = format!("store {store_id} is slow");
            Wish { idle, slow: Some(vec![*store_id]), ..Wish::default() }
        }
        [store_id] => Wish { idle: format!("store {store_id} is slow, and the only one"), ..Wish::default() },
        several => Wish { idle: format!("stores {several:?} are slow"), ..Wish::default() },
    }
}
