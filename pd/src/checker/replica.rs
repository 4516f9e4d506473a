//! Adds peers: first a learner, which takes the data, then the same peer as a voter.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use rutile_kv_env::Monotonic;
use rutile_kv_types::{Peer, PeerRole, RegionEpoch};
use rutile_pd_client::{RegionHeartbeat, StoreState};

use crate::api::MAX_REPLICAS;
use crate::cluster::{StoreView, Telling};
use crate::error::Result;

/// A peer that was to be added and did not show up for so long is chosen anew.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the leader is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    AddLearner(Peer),
    Promote(Peer),
}

/// Remembers the peers it named, so that a repeated step is the same step.
#[derive(Default)]
pub(crate) struct ReplicaChecker {
    named: Mutex<BTreeMap<u64, Named>>,
}

struct Named {
    epoch: RegionEpoch,
    peer: Peer,
    at: Monotonic,
}

impl ReplicaChecker {
    /// The next step for the region. `stores` and `id` are asked only when something is missing.
    pub(crate) fn step(
        &self,
        told: &RegionHeartbeat,
        now: Monotonic,
        stores: impl FnOnce() -> Result<Vec<StoreView>>,
        id: impl FnOnce() -> Result<u64>,
    ) -> Result<Option<Step>> {
        let region = &told.region;
        if region.peers.len() as u64 >= MAX_REPLICAS
            && region.peers.iter().all(|peer| peer.role == PeerRole::Voter)
        {
            self.named.lock().remove(&region.id);
            return Ok(None);
        }
        if region.peers.iter().any(|peer| !matches!(peer.role, PeerRole::Voter | PeerRole::Learner)) {
            // The leader leaves a joint configuration by itself.
            return Ok(None);
        }
        if let Some(learner) = region.peers.iter().find(|peer| peer.role == PeerRole::Learner) {
            let behind = told.pending_peers.iter().chain(told.down_peers.iter().map(|(peer, _)| peer));
            let is_behind = behind.into_iter().any(|peer| peer.id == learner.id);
            let promoted = Peer { role: PeerRole::Voter, ..learner.clone() };
            return Ok((!is_behind).then_some(Step::Promote(promoted)));
        }
        let stores = stores()?;
        let alive = |store_id: u64| {
            let view = stores.iter().find(|view| view.store.id == store_id);
            view.is_some_and(|view| view.store.state == StoreState::Up && view.telling() == Telling::Lately)
        };
        let mut named = self.named.lock();
        if let Some(same) = named.get(&region.id).filter(|named| named.epoch == region.epoch)
            && now.saturating_since(same.at) < PATIENCE
            && alive(same.peer.store_id)
        {
            return Ok(Some(Step::AddLearner(same.peer.clone())));
        }
        let free = stores
            .iter()
            .filter(|view| alive(view.store.id) && region.peer_on_store(view.store.id).is_none());
        let Some(emptiest) = free.min_by_key(|view| (view.peers, view.store.id)) else {
            return Ok(None);
        };
        let peer = Peer { id: id()?, store_id: emptiest.store.id, role: PeerRole::Learner };
        named.insert(region.id, Named { epoch: region.epoch, peer: peer.clone(), at: now });
        Ok(Some(Step::AddLearner(peer)))
    }
}

#[cfg(test)]
mod tests {
    use rutile_kv_types::Region;
    use rutile_pd_client::Store;

    use super::*;

    fn store(id: u64, peers: u64, silent_s: u64) -> StoreView {
        let store = Store { id, address: format!("s{id}"), ..Store::default() };
        StoreView::for_test(store, peers, Duration::from_secs(silent_s))
    }

    fn peer(id: u64, store_id: u64, role: PeerRole) -> Peer {
        Peer { id, store_id, role }
    }

    fn told(version: u64, peers: Vec<Peer>) -> RegionHeartbeat {
        let epoch = RegionEpoch { conf_ver: version, version: 1 };
        RegionHeartbeat { region: Region { id: 2, epoch, peers, ..Region::default() }, ..Default::default() }
    }

    #[test]
    fn peers_are_added_where_there_are_fewest_and_become_voters() {
        let checker = ReplicaChecker::default();
        let stores = || Ok(vec![store(1, 9, 0), store(2, 5, 0), store(3, 4, 0), store(4, 0, 30)]);
        let now = |seconds| Monotonic::from_origin(Duration::from_secs(seconds));
        let step = |told: &RegionHeartbeat, seconds, id| {
            checker.step(told, now(seconds), stores, || Ok(id)).expect("answers")
        };
        let alone = told(1, vec![peer(10, 1, PeerRole::Voter)]);
        let added = Step::AddLearner(peer(20, 3, PeerRole::Learner));
        assert_eq!(step(&alone, 0, 20), Some(added.clone()), "store 4 is silent");
        assert_eq!(step(&alone, 59, 21), Some(added), "the same step comes again");
        assert_eq!(step(&alone, 60, 22), Some(Step::AddLearner(peer(22, 3, PeerRole::Learner))));
        let mut learning = told(2, vec![peer(10, 1, PeerRole::Voter), peer(22, 3, PeerRole::Learner)]);
        learning.pending_peers = vec![peer(22, 3, PeerRole::Learner)];
        assert_eq!(step(&learning, 61, 0), None, "it still takes the data");
        learning.pending_peers.clear();
        assert_eq!(step(&learning, 61, 0), Some(Step::Promote(peer(22, 3, PeerRole::Voter))));
        let two = told(3, vec![peer(10, 1, PeerRole::Voter), peer(22, 3, PeerRole::Voter)]);
        assert_eq!(step(&two, 62, 23), Some(Step::AddLearner(peer(23, 2, PeerRole::Learner))));
        let three = told(4, [1, 2, 3].map(|id| peer(id, id, PeerRole::Voter)).to_vec());
        assert_eq!(step(&three, 63, 0), None);
        let joint = told(4, vec![peer(1, 1, PeerRole::Voter), peer(2, 2, PeerRole::IncomingVoter)]);
        assert_eq!(step(&joint, 63, 0), None);
    }

    #[test]
    fn a_lone_store_is_left_alone() {
        let checker = ReplicaChecker::default();
        let alone = told(1, vec![peer(10, 1, PeerRole::Voter)]);
        let no_id = || -> Result<u64> { unreachable!("no peer is added") };
        let step =
            checker.step(&alone, Monotonic::from_origin(Duration::ZERO), || Ok(vec![store(1, 1, 0)]), no_id);
        assert_eq!(step.expect("answers"), None);
    }
}
