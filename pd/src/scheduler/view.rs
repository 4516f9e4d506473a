//! The cluster as schedulers see it: what the stores will hold once the operators under way are done.

use std::collections::{BTreeMap, BTreeSet};

use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::RegionHeartbeat;

use crate::checker::Surroundings;
use crate::cluster::{StoreView, Told};
use crate::operator::{Influence, is_behind, is_joint};
use crate::statistics::{Access, RegionFlow};

/// Regions without data count as one of this size, for a move of them costs something too.
const REGION_BYTES_MIN: i64 = 1 << 20;

/// A store with what is on its way to it.
pub(crate) struct Place<'a> {
    pub(super) view: &'a StoreView,
    pub(super) leaders: i64,
    /// Bytes of its peers, each at least [`REGION_BYTES_MIN`].
    pub(super) bytes: i64,
}

pub(crate) struct View<'a> {
    pub(super) around: &'a Surroundings<'a>,
    pub(super) places: BTreeMap<u64, Place<'a>>,
    pub(super) regions: &'a [Told],
    /// Regions that have an operator.
    pub(super) busy: BTreeSet<u64>,
    /// Stores whose number of leaders is somebody's wish, and not to be evened out.
    pub(super) granted: BTreeSet<u64>,
    pub(super) flows: BTreeMap<u64, RegionFlow>,
    /// The rates tell what the last move of a hot region did.
    pub(super) is_settled: bool,
    /// For those who choose at random.
    seed: u64,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        around: &'a Surroundings<'a>,
        regions: &'a [Told],
        influence: &BTreeMap<u64, Influence>,
        busy: BTreeSet<u64>,
    ) -> View<'a> {
        let place = |view: &'a StoreView| {
            let coming = influence.get(&view.store.id).copied().unwrap_or_default();
            let place = Place {
                view,
                leaders: i64::try_from(view.leaders).unwrap_or(i64::MAX) + coming.leaders,
                bytes: coming.bytes.max(coming.peers * REGION_BYTES_MIN),
            };
            (view.store.id, place)
        };
        let mut places: BTreeMap<u64, Place<'a>> = around.stores.iter().map(place).collect();
        for told in regions {
            for peer in &told.region.peers {
                if let Some(place) = places.get_mut(&peer.store_id) {
                    place.bytes += weight(told);
                }
            }
        }
        View {
            around,
            places,
            regions,
            busy,
            granted: BTreeSet::new(),
            flows: BTreeMap::new(),
            is_settled: false,
            seed: 0,
        }
    }

    /// A region that nothing speaks against moving: no operator, all its peers well, as its rules want them. A cluster
    /// with too few stores for the rules is evened out all the same.
    pub(super) fn is_movable(&self, told: &RegionHeartbeat) -> bool {
        let peers = &told.region.peers;
        if self.busy.contains(&told.region.id)
            || peers.iter().any(|peer| is_joint(peer.role) || is_behind(told, peer.id))
        {
            return false;
        }
        let fit = self.around.fit(told);
        let placed = fit.rules.iter().all(|rule| {
            rule.misplaced.is_empty() && (rule.is_complete() || peers.len() as u64 >= self.alive())
        });
        fit.orphans.is_empty() && placed
    }

    /// What is read and written, and whether that shows the last move of a hot region.
    pub(crate) fn with_flows(mut self, flows: BTreeMap<u64, RegionFlow>, is_settled: bool) -> View<'a> {
        (self.flows, self.is_settled) = (flows, is_settled);
        self
    }

    pub(crate) fn with_seed(mut self, seed: u64) -> View<'a> {
        self.seed = seed;
        self
    }

    /// One of them by chance; the next call chooses anew.
    pub(super) fn choose<'c, T>(&mut self, from: &'c [T]) -> Option<&'c T> {
        // Knuth's multiplier for linear congruential generators; the upper bits are the good ones.
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let index = (self.seed >> 33).checked_rem(from.len() as u64)?;
        from.get(usize::try_from(index).ok()?)
    }

    /// A region that was hot in enough intervals: evening out leaves it to the scheduler of hot regions.
    pub(super) fn is_hot(&self, region_id: u64) -> bool {
        let degree = self.around.settings.hot_region_cache_hits_threshold;
        let hot =
            |flow: &RegionFlow| flow.degree(Access::Read) >= degree || flow.degree(Access::Write) >= degree;
        self.flows.get(&region_id).is_some_and(hot)
    }

    /// These stores keep their leaders.
    pub(crate) fn grant(&mut self, stores: &[u64]) {
        self.granted.extend(stores);
    }

    /// Whether a peer could take over: it votes, is well, and the rules agree.
    pub(super) fn may_lead(&self, told: &RegionHeartbeat, peer: &Peer) -> bool {
        peer.role == PeerRole::Voter
            && !is_behind(told, peer.id)
            && self.around.is_alive(peer.store_id)
            && self.around.allows_leader(told, peer)
    }

    pub(super) fn alive(&self) -> u64 {
        self.places.values().filter(|place| place.view.is_alive()).count() as u64
    }

    /// The leader moves to the store: what is told from now on counts it there.
    pub(super) fn move_leader(&mut self, region_id: u64, from: u64, to: u64) {
        self.busy.insert(region_id);
        for (store_id, change) in [(from, -1), (to, 1)] {
            if let Some(place) = self.places.get_mut(&store_id) {
                place.leaders += change;
            }
        }
    }

    /// A peer moves.
    pub(super) fn move_peer(&mut self, told: &RegionHeartbeat, from: u64, to: u64) {
        self.busy.insert(told.region.id);
        for (store_id, change) in [(from, -weight(told)), (to, weight(told))] {
            if let Some(place) = self.places.get_mut(&store_id) {
                place.bytes += change;
            }
        }
    }
}

/// What a peer of the region counts.
pub(super) fn weight(told: &RegionHeartbeat) -> i64 {
    i64::try_from(told.approximate_size_bytes).unwrap_or(i64::MAX).max(REGION_BYTES_MIN)
}
