//! A store as operators see it: how long it has been silent, and what it holds by the region tree.

use std::collections::BTreeMap;
use std::time::Duration;

use rutile_kv_types::PeerRole;
use rutile_pd_client::{Store, StoreState, StoreStats};

use super::{Cluster, StoreTraits, WEIGHT_ONE};
use crate::error::Result;

/// A store reports every ten seconds; one that missed two is disconnected.
const SILENT_AFTER: Duration = Duration::from_secs(20);

/// Whether a store reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    Lately,
    Silent,
    Gone,
}

/// Every state that operators see.
pub(crate) const STORE_STATES: [&str; 5] = ["Up", "Disconnected", "Down", "Offline", "Tombstone"];

#[derive(Clone, Debug)]
pub(crate) struct StoreView {
    pub(crate) store: Store,
    pub(crate) stats: Option<StoreStats>,
    /// Unix milliseconds; none since PD started.
    pub(crate) last_heartbeat_ms: Option<u64>,
    silent_for: Option<Duration>,
    /// The same, counted from the start of PD where nothing was heard.
    pub(crate) silence: Duration,
    /// Silence after which its peers are replaced.
    down_after: Duration,
    /// From the first heartbeat since PD started to the last one.
    pub(crate) known_for: Option<Duration>,
    pub(crate) leaders: u64,
    pub(crate) peers: u64,
    pub(crate) learners: u64,
    /// Peers that wait for their data.
    pub(crate) pending: u64,
    pub(crate) leader_bytes: u64,
    pub(crate) peer_bytes: u64,
    pub(crate) traits: StoreTraits,
}

impl StoreView {
    /// A store that holds so many peers and was silent for so long.
    #[cfg(test)]
    pub(crate) fn for_test(store: Store, peers: u64, silent: Duration) -> StoreView {
        StoreView {
            store,
            stats: None,
            last_heartbeat_ms: None,
            silent_for: Some(silent),
            silence: silent,
            down_after: Duration::from_secs(1_800),
            known_for: None,
            leaders: 0,
            peers,
            learners: 0,
            pending: 0,
            leader_bytes: 0,
            peer_bytes: 0,
            traits: StoreTraits::default(),
        }
    }

    /// Up, and heard of lately.
    pub(crate) fn is_alive(&self) -> bool {
        self.store.state == StoreState::Up && self.telling() == Telling::Lately
    }

    /// Heard of lately, whatever its state.
    pub(crate) fn telling_lately(&self) -> bool {
        self.telling() == Telling::Lately
    }

    /// Whether more than this part of its disk is used; a disk that was not told is not known to be full.
    pub(crate) fn is_low_on_space(&self, percent: u64) -> bool {
        let Some(stats) = self.stats.as_ref().filter(|stats| stats.capacity_bytes > 0) else {
            return false;
        };
        let used_bytes = stats.capacity_bytes.saturating_sub(stats.available_bytes);
        u128::from(used_bytes) * 100 > u128::from(stats.capacity_bytes) * u128::from(percent)
    }

    /// One of [`STORE_STATES`].
    pub(crate) fn state_name(&self) -> &'static str {
        match (self.store.state, self.telling()) {
            (StoreState::Tombstone, _) => "Tombstone",
            (StoreState::Offline, _) => "Offline",
            (StoreState::Up, Telling::Lately) => "Up",
            (StoreState::Up, Telling::Silent) => "Disconnected",
            (StoreState::Up, Telling::Gone) => "Down",
        }
    }

    /// Leaders for its weight, in thousandths.
    pub(crate) fn leader_score(&self, leaders: i64) -> i64 {
        weighted(leaders, self.traits.leader_weight)
    }

    /// What it holds for its weight.
    pub(crate) fn region_score(&self, bytes: i64) -> i64 {
        weighted(bytes, self.traits.region_weight) / WEIGHT_ONE as i64
    }

    pub(crate) fn telling(&self) -> Telling {
        match self.silent_for {
            Some(silent) if silent <= SILENT_AFTER => Telling::Lately,
            _ if self.silence > self.down_after => Telling::Gone,
            _ => Telling::Silent,
        }
    }
}

/// A store of weight 0 is as full as one can be.
fn weighted(amount: i64, weight: u64) -> i64 {
    let one = i128::from(WEIGHT_ONE);
    let scaled = i128::from(amount) * one * one / i128::from(weight.max(1));
    i64::try_from(scaled).unwrap_or(i64::MAX)
}

impl Cluster {
    /// All stores, tombstones included, by id.
    pub(crate) fn store_views(&self, down_after: Duration) -> Result<Vec<StoreView>> {
        let regions = self.scan_regions(&[], &[], usize::MAX)?;
        let now = self.env.clock.now();
        let view = |(store, stats, told, traits): super::stores::Heard| {
            let view = StoreView {
                stats,
                last_heartbeat_ms: told.map(|told| told.unix_ms),
                silent_for: told.map(|told| now.saturating_since(told.at)),
                silence: now.saturating_since(told.map_or(self.opened, |told| told.at)),
                down_after,
                known_for: told.map(|told| told.at.saturating_since(told.first)),
                leaders: 0,
                peers: 0,
                learners: 0,
                pending: 0,
                leader_bytes: 0,
                peer_bytes: 0,
                traits,
                store,
            };
            (view.store.id, view)
        };
        let mut views: BTreeMap<u64, StoreView> = self.heard().into_iter().map(view).collect();
        for told in regions {
            let bytes = told.approximate_size_bytes;
            for peer in &told.region.peers {
                let Some(view) = views.get_mut(&peer.store_id) else {
                    continue;
                };
                let leads = told.leader.as_ref().is_some_and(|leader| leader.id == peer.id);
                view.peers += 1;
                view.peer_bytes += bytes;
                view.learners += u64::from(peer.role == PeerRole::Learner);
                view.pending += u64::from(told.pending_peers.iter().any(|other| other.id == peer.id));
                view.leaders += u64::from(leads);
                view.leader_bytes += if leads { bytes } else { 0 };
            }
        }
        Ok(views.into_values().collect())
    }
}
