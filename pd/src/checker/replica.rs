//! Adds, replaces and removes peers, in this order of what matters:
//!
//! 1. Half of a move that nobody carries out any more is ended: a joint configuration is left, a learner becomes a voter
//!    where one is missing, and goes otherwise.
//! 2. A missing voter is added.
//! 3. A peer on a store that is down, or being emptied, is replaced; only where another store can take it, so that
//!    nothing is taken away for nothing.
//! 4. A voter too many is removed.

use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::{RegionHeartbeat, StoreState};

use crate::cluster::{StoreView, Telling};
use crate::error::Result;
use crate::operator::{Kind, Operator, Step, add_peer, is_behind, is_joint, move_peer, remove_peer};
use crate::schedule_settings::ScheduleSettings;

/// What a checker looks at besides the region.
pub(crate) struct Surroundings<'a> {
    pub(crate) stores: &'a [StoreView],
    pub(crate) settings: &'a ScheduleSettings,
}

/// What to do with the region; `new_id` is asked for the id of a peer that is added.
pub(crate) fn check_replicas(
    told: &RegionHeartbeat,
    around: &Surroundings<'_>,
    new_id: &mut dyn FnMut() -> Result<u64>,
) -> Result<Option<Operator>> {
    let region = &told.region;
    let operator = |name, reason: String, steps| {
        Some(Operator { region_id: region.id, kind: Kind::Replica, name, reason, steps })
    };
    if region.peers.iter().any(|peer| is_joint(peer.role)) {
        let reason = "a change of members was begun".to_owned();
        return Ok(operator("leave-joint-state", reason, vec![Step::LeaveJoint]));
    }
    let voters = region.peers.iter().filter(|peer| peer.role == PeerRole::Voter).count() as u64;
    let wanted = around.settings.max_replicas;
    if let Some(learner) = region.peers.iter().find(|peer| peer.role == PeerRole::Learner) {
        let alive = around.is_alive(learner.store_id);
        if voters < wanted && alive {
            let voter = Peer { role: PeerRole::Voter, ..learner.clone() };
            let promote =
                || operator("promote-learner", "a voter is missing".to_owned(), vec![Step::Promote(voter)]);
            return Ok(if is_behind(told, learner.id) { None } else { promote() });
        }
        let why = if alive { "a learner is left over" } else { "the learner's store does not report" };
        return Ok(operator("remove-learner", why.to_owned(), vec![Step::Remove(learner.clone())]));
    }
    if voters < wanted {
        let Some(store_id) = around.place(told) else {
            return Ok(None);
        };
        let new = Peer { id: new_id()?, store_id, role: PeerRole::Learner };
        return Ok(operator("make-up-replica", format!("{voters} of {wanted} voters"), add_peer(new)));
    }
    if let Some((old, name)) = around.unfit(told) {
        if voters > wanted {
            let steps = remove_peer(told, old, around.successor(told, old));
            return Ok(steps.and_then(|steps| operator(name, format!("{voters} of {wanted} voters"), steps)));
        }
        let Some(store_id) = around.place(told) else {
            return Ok(None);
        };
        let new = Peer { id: new_id()?, store_id, role: PeerRole::Learner };
        let steps = move_peer(told, old, new, around.successor(told, old));
        return Ok(operator(name, format!("store {} has to be left", old.store_id), steps));
    }
    if voters > wanted {
        let fullest = region
            .peers
            .iter()
            .filter(|peer| told.leader.as_ref().is_none_or(|leader| leader.id != peer.id))
            .max_by_key(|peer| around.view(peer.store_id).map_or((0, 0), |view| (view.peers, view.store.id)));
        let steps = fullest.and_then(|old| remove_peer(told, old, None));
        return Ok(steps.and_then(|steps| {
            operator("remove-extra-replica", format!("{voters} of {wanted} voters"), steps)
        }));
    }
    Ok(None)
}

impl Surroundings<'_> {
    fn view(&self, store_id: u64) -> Option<&StoreView> {
        self.stores.iter().find(|view| view.store.id == store_id)
    }

    fn is_alive(&self, store_id: u64) -> bool {
        self.view(store_id).is_some_and(StoreView::is_alive)
    }

    /// The store with the fewest peers that has none of the region. A full disk is better than a missing replica, but
    /// only where there is no other.
    fn place(&self, told: &RegionHeartbeat) -> Option<u64> {
        let percent = self.settings.low_space_percent;
        let free = self
            .stores
            .iter()
            .filter(|view| view.is_alive() && told.region.peer_on_store(view.store.id).is_none());
        free.min_by_key(|view| (view.is_low_on_space(percent), view.peers, view.store.id))
            .map(|view| view.store.id)
    }

    /// A voter whose store is down or being emptied; one that is down matters more.
    fn unfit<'a>(&self, told: &'a RegionHeartbeat) -> Option<(&'a Peer, &'static str)> {
        let down = |peer: &&Peer| self.view(peer.store_id).is_none_or(|view| view.telling() == Telling::Gone);
        let offline = |peer: &&Peer| {
            self.view(peer.store_id).is_some_and(|view| view.store.state == StoreState::Offline)
        };
        let peers = &told.region.peers;
        peers
            .iter()
            .find(down)
            .map(|peer| (peer, "replace-down-replica"))
            .or_else(|| peers.iter().find(offline).map(|peer| (peer, "replace-offline-replica")))
    }

    /// Who leads best when `old` does not any more: a voter on the store with the fewest leaders.
    pub(crate) fn successor<'a>(&self, told: &'a RegionHeartbeat, old: &Peer) -> Option<&'a Peer> {
        let fit = told.region.peers.iter().filter(|peer| {
            peer.id != old.id
                && peer.role == PeerRole::Voter
                && self.is_alive(peer.store_id)
                && !is_behind(told, peer.id)
        });
        fit.min_by_key(|peer| {
            self.view(peer.store_id).map_or((u64::MAX, 0), |view| (view.leaders, view.store.id))
        })
    }
}

#[cfg(test)]
mod tests;
