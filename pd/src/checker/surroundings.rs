//! What checkers and schedulers look at besides the region: stores, settings, rules, and who must not lead.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::RegionHeartbeat;

use crate::cluster::{StoreView, Telling};
use crate::operator::{Step, leads};
use crate::operator::{is_behind, move_peer};
use crate::placement::{Fit, Rule, Rules, fit, isolation, shares_place};
use crate::schedule_settings::ScheduleSettings;

pub(crate) struct Surroundings<'a> {
    pub(crate) stores: &'a [StoreView],
    pub(crate) settings: &'a ScheduleSettings,
    pub(crate) rules: &'a Rules,
    /// Stores that must not lead.
    pub(crate) no_leaders: &'a BTreeSet<u64>,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn view(&self, store_id: u64) -> Option<&'a StoreView> {
        self.stores.iter().find(|view| view.store.id == store_id)
    }

    pub(crate) fn is_alive(&self, store_id: u64) -> bool {
        self.view(store_id).is_some_and(StoreView::is_alive)
    }

    pub(super) fn is_gone(&self, store_id: u64) -> bool {
        self.view(store_id).is_none_or(|view| view.telling() == Telling::Gone)
    }

    /// How the region satisfies its rules.
    pub(crate) fn fit(&self, told: &RegionHeartbeat) -> Fit<'a> {
        self.fit_of(told, &told.region.peers, told.leader.as_ref().map(|leader| leader.id))
    }

    fn fit_of(&self, told: &RegionHeartbeat, peers: &[Peer], leader: Option<u64>) -> Fit<'a> {
        fit(peers, leader, &self.rules.at(&told.region.start_key), self.stores)
    }

    /// Whether the rules are served no worse with the peer on another store.
    pub(crate) fn allows_move(&self, told: &RegionHeartbeat, old: &Peer, store_id: u64) -> bool {
        let moved = |peer: &Peer| match peer.id == old.id {
            true => Peer { store_id, ..peer.clone() },
            false => peer.clone(),
        };
        let before = self.fit(told);
        let peers: Vec<Peer> = told.region.peers.iter().map(moved).collect();
        let after = self.fit_of(told, &peers, told.leader.as_ref().map(|leader| leader.id));
        if after.rank() < before.rank() {
            return false;
        }
        // What the rule keeps apart stays apart.
        after.rule_of(old.id).is_none_or(|rule| {
            let others = rule.peers.iter().filter(|peer| peer.id != old.id);
            self.is_isolated(store_id, rule.rule, others)
        })
    }

    /// Whether the rules are served no worse with another leader, which may be one at all.
    pub(crate) fn allows_leader(&self, told: &RegionHeartbeat, peer: &Peer) -> bool {
        !self.no_leaders.contains(&peer.store_id)
            && self.fit_of(told, &told.region.peers, Some(peer.id)).rank() >= self.fit(told).rank()
    }

    /// The best store for one more peer of a rule: up, with the labels, not in a place that the rule keeps for one peer,
    /// far from the `others`, with few peers. A full disk is better than a missing peer, but only where there is no other.
    pub(super) fn place(&self, told: &RegionHeartbeat, rule: &Rule, others: &[&Peer]) -> Option<u64> {
        let percent = self.settings.low_space_percent;
        let free = self.stores.iter().filter(|view| {
            view.is_alive()
                && told.region.peer_on_store(view.store.id).is_none()
                && rule.admits(&view.store.labels)
                && view.pending < self.settings.max_pending_peer_count
                && self.is_isolated(view.store.id, rule, others.iter().copied())
        });
        let best = free.max_by_key(|view| {
            let peers = i64::try_from(view.peers).unwrap_or(i64::MAX);
            (
                !view.is_low_on_space(percent),
                self.isolation(view.store.id, rule, others),
                Reverse(view.region_score(peers.saturating_mul(1_000))),
                Reverse(view.store.id),
            )
        });
        best.map(|view| view.store.id)
    }

    /// How far a store is from those of some peers, as the rule counts it.
    pub(super) fn isolation(&self, store_id: u64, rule: &Rule, others: &[&Peer]) -> u64 {
        let labels = |store_id: u64| self.view(store_id).map_or(&[][..], |view| view.store.labels.as_slice());
        let mine = labels(store_id);
        let far = others.iter().map(|peer| isolation(mine, labels(peer.store_id), &rule.location_labels));
        far.fold(0, u64::saturating_add)
    }

    /// Whether a store shares no place of the isolation level with any of the peers.
    fn is_isolated<'p>(
        &self,
        store_id: u64,
        rule: &Rule,
        mut others: impl Iterator<Item = &'p Peer>,
    ) -> bool {
        let labels = |store_id: u64| self.view(store_id).map_or(&[][..], |view| view.store.labels.as_slice());
        let (mine, level) = (labels(store_id), &rule.isolation_level);
        level.is_empty()
            || !others.any(|peer| shares_place(mine, labels(peer.store_id), &rule.location_labels, level))
    }

    /// Who leads best when `old` does not any more: a voter where the rules want the leader, on the store with the fewest
    /// leaders for its weight. Never on a store that must not lead.
    pub(crate) fn successor<'p>(&self, told: &'p RegionHeartbeat, old: &Peer) -> Option<&'p Peer> {
        let fit = told.region.peers.iter().filter(|peer| {
            peer.id != old.id
                && peer.role == PeerRole::Voter
                && self.is_alive(peer.store_id)
                && !self.no_leaders.contains(&peer.store_id)
                && !is_behind(told, peer.id)
        });
        fit.min_by_key(|peer| {
            let score = self
                .view(peer.store_id)
                .map_or(i64::MAX, |view| view.leader_score(i64::try_from(view.leaders).unwrap_or(i64::MAX)));
            (!self.allows_leader(told, peer), score, peer.store_id)
        })
    }

    /// The steps that put a new peer in the place of `old`; none when only a store that must not lead could lead then.
    pub(crate) fn steps_to_move(&self, told: &RegionHeartbeat, old: &Peer, new: Peer) -> Option<Vec<Step>> {
        let successor = self.successor(told, old);
        if leads(told, old) && successor.is_none() && self.no_leaders.contains(&new.store_id) {
            return None;
        }
        if old.role == PeerRole::Learner {
            return Some(vec![Step::AddLearner(new), Step::Remove(old.clone())]);
        }
        Some(move_peer(told, old, new, successor))
    }
}
