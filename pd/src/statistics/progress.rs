//! How far stores are that come or go: what share of their regions has moved, and how long the rest will take.
//!
//! A store that goes is done when it holds nothing; one that came when it holds its share, within a twentieth. The speed is
//! that of the last ten minutes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::Monotonic;
use rutile_pd_client::StoreState;

use crate::cluster::StoreView;

/// How often stores are looked at, and how long that is remembered.
const EVERY: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(600);
/// Below so many regions a share is too few to speak of.
const SHARE_MIN: u64 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Move {
    Adding,
    Removing,
}

impl Move {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Move::Adding => "adding",
            Move::Removing => "removing",
        }
    }
}

/// Where a store is on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    pub(crate) what: Move,
    /// From 0 to 1.
    pub(crate) done: f64,
    pub(crate) regions_per_second: f64,
    /// None while nothing moves.
    pub(crate) left_seconds: Option<f64>,
}

/// Of all stores. Memory of the leader: one that is new begins to count anew.
#[derive(Default)]
pub(crate) struct Moves(Mutex<State>);

#[derive(Default)]
struct State {
    looked: Option<Monotonic>,
    by_store: BTreeMap<u64, Track>,
}

struct Track {
    what: Move,
    /// Regions when it began, and those that it is to hold.
    from: u64,
    target: u64,
    /// Counts, oldest first.
    counts: VecDeque<(Monotonic, u64)>,
}

impl Moves {
    /// Looks at the stores as they are, once a second.
    pub(crate) fn note(&self, now: Monotonic, stores: &[StoreView]) {
        let mut state = self.0.lock();
        if state.looked.is_some_and(|looked| now.saturating_since(looked) < EVERY) {
            return;
        }
        state.looked = Some(now);
        let by_store = &mut state.by_store;
        by_store.retain(|id, _| stores.iter().any(|view| view.store.id == *id));
        for view in stores {
            let Some((what, target)) = aim(view, stores) else {
                by_store.remove(&view.store.id);
                continue;
            };
            let new = || Track { what, from: view.peers, target, counts: VecDeque::new() };
            let track = by_store.entry(view.store.id).or_insert_with(new);
            if track.what != what {
                *track = new();
            }
            track.target = target;
            track.counts.push_back((now, view.peers));
            while track.counts.front().is_some_and(|(at, _)| now.saturating_since(*at) > WINDOW) {
                track.counts.pop_front();
            }
        }
    }

    pub(crate) fn of(&self, store_id: u64) -> Option<Progress> {
        self.0.lock().by_store.get(&store_id).and_then(Track::progress)
    }

    /// Every store that comes or goes.
    pub(crate) fn all(&self) -> Vec<(u64, Progress)> {
        let state = self.0.lock();
        let known = state.by_store.iter().filter_map(|(id, track)| Some((*id, track.progress()?)));
        known.collect()
    }
}

/// Where a store is to get, if it is not there.
fn aim(view: &StoreView, stores: &[StoreView]) -> Option<(Move, u64)> {
    match view.store.state {
        StoreState::Offline => return Some((Move::Removing, 0)),
        StoreState::Tombstone => return None,
        StoreState::Up => {}
    }
    let up = || stores.iter().filter(|other| other.store.state == StoreState::Up);
    let (peers, weights) = up()
        .fold((0, 0), |(peers, weights), other| (peers + other.peers, weights + other.traits.region_weight));
    let share = (peers * view.traits.region_weight).checked_div(weights)?;
    let nearly = share - share / 20;
    (view.is_alive() && share >= SHARE_MIN && view.peers < nearly).then_some((Move::Adding, share))
}

impl Track {
    fn progress(&self) -> Option<Progress> {
        let ((first_at, first), (last_at, last)) = (*self.counts.front()?, *self.counts.back()?);
        let way = self.target.abs_diff(self.from).max(1);
        let left = self.target.abs_diff(last);
        let seconds = last_at.saturating_since(first_at).as_secs_f64();
        let moved = match self.what {
            Move::Adding => last.saturating_sub(first),
            Move::Removing => first.saturating_sub(last),
        };
        let regions_per_second = if seconds > 0.0 { moved as f64 / seconds } else { 0.0 };
        Some(Progress {
            what: self.what,
            done: 1.0 - (left as f64 / way as f64).min(1.0),
            regions_per_second,
            left_seconds: (regions_per_second > 0.0).then(|| left as f64 / regions_per_second),
        })
    }
}

#[cfg(test)]
mod tests {
    use rutile_pd_client::Store;

    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_secs(seconds))
    }

    fn store(id: u64, state: StoreState, peers: u64) -> StoreView {
        StoreView::for_test(Store { id, state, ..Store::default() }, peers, Duration::ZERO)
    }

    #[test]
    fn a_store_that_comes_gets_its_share() {
        let moves = Moves::default();
        let with = |peers| {
            [
                store(1, StoreState::Up, 90 - peers / 2),
                store(2, StoreState::Up, 90 - peers / 2),
                store(3, StoreState::Up, peers),
            ]
        };
        moves.note(at(0), &with(0));
        assert_eq!(moves.of(3).and_then(|progress| progress.left_seconds), None, "nothing has moved yet");
        assert_eq!(moves.of(1), None);
        moves.note(at(10), &with(20));
        let progress = moves.of(3).expect("it comes");
        assert_eq!((progress.what, progress.regions_per_second), (Move::Adding, 2.0));
        assert!((progress.done - 20.0 / 60.0).abs() < 1e-9, "{progress:?}");
        assert_eq!(progress.left_seconds, Some(20.0));
        moves.note(at(40), &with(58));
        assert_eq!(moves.all(), [], "within a twentieth");
    }

    #[test]
    fn a_store_that_goes_ends_with_nothing() {
        let moves = Moves::default();
        let with = |peers| [store(1, StoreState::Up, 40), store(2, StoreState::Offline, peers)];
        moves.note(at(0), &with(40));
        moves.note(at(20), &with(30));
        moves.note(at(20), &with(10));
        let progress = moves.of(2).expect("it goes");
        assert_eq!((progress.what, progress.done, progress.left_seconds), (Move::Removing, 0.25, Some(60.0)));
        // Kept after all: its share is what it holds.
        moves.note(at(30), &[store(1, StoreState::Up, 40), store(2, StoreState::Up, 39)]);
        assert_eq!(moves.of(2), None);
        moves.note(at(40), &[store(1, StoreState::Up, 40)]);
        assert_eq!(moves.all(), []);
    }
}
