//! The cluster as schedulers see it: what the stores will hold once the operators under way are done.

use std::collections::{BTreeMap, BTreeSet};

use rutile_kv_types::PeerRole;
use rutile_pd_client::RegionHeartbeat;

use crate::cluster::{StoreView, Told};
use crate::operator::{Influence, is_behind};
use crate::schedule_settings::ScheduleSettings;

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
    pub(super) places: BTreeMap<u64, Place<'a>>,
    pub(super) regions: &'a [Told],
    /// Regions that have an operator.
    pub(super) busy: BTreeSet<u64>,
    /// Stores that must not lead.
    pub(super) no_leaders: BTreeSet<u64>,
    pub(super) settings: &'a ScheduleSettings,
}

impl<'a> View<'a> {
    pub(crate) fn new(
        stores: &'a [StoreView],
        regions: &'a [Told],
        influence: &BTreeMap<u64, Influence>,
        busy: BTreeSet<u64>,
        settings: &'a ScheduleSettings,
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
        let mut places: BTreeMap<u64, Place<'a>> = stores.iter().map(place).collect();
        for told in regions {
            for peer in &told.region.peers {
                if let Some(place) = places.get_mut(&peer.store_id) {
                    place.bytes += weight(told);
                }
            }
        }
        View { places, regions, busy, no_leaders: BTreeSet::new(), settings }
    }

    /// Stores that must not lead from now on.
    pub(crate) fn ban_leaders(&mut self, stores: &[u64]) {
        self.no_leaders.extend(stores);
    }

    /// A region that nothing speaks against moving: no operator, all its peers well, as many as there should be.
    pub(super) fn is_movable(&self, told: &RegionHeartbeat) -> bool {
        let peers = &told.region.peers;
        !self.busy.contains(&told.region.id)
            && peers.len() as u64 >= self.settings.max_replicas.min(self.alive())
            && peers.iter().all(|peer| peer.role == PeerRole::Voter && !is_behind(told, peer.id))
    }

    fn alive(&self) -> u64 {
        self.places.values().filter(|place| place.view.is_alive()).count() as u64
    }
}

/// What a peer of the region counts.
pub(super) fn weight(told: &RegionHeartbeat) -> i64 {
    i64::try_from(told.approximate_size_bytes).unwrap_or(i64::MAX).max(REGION_BYTES_MIN)
}
