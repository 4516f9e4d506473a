//! How well the peers of a region satisfy the rules that apply to it.
//!
//! Each rule gets the peers that serve it best, the first rule first, in this order: as many as it asks for, few on stores
//! that are to be left, few of another role, far apart. Where several choices serve a rule equally well, the one that
//! serves the later rules best is taken, and among those the one that keeps the leader and leaves out the fullest store.

use std::cmp::Reverse;

use rutile_kv_types::Peer;
use rutile_pd_client::StoreState;

use super::constraint::isolation;
use super::rule::Rule;
use crate::cluster::{StoreView, Telling};

/// Peers beyond so many are not looked at; rules never ask for as many.
const PEERS_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RuleFit<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) peers: Vec<Peer>,
    /// Those of them that have another role than the rule wants.
    pub(crate) misplaced: Vec<Peer>,
    pub(crate) isolation: u64,
    /// Those on stores that are to be left.
    unwell: usize,
}

/// One rule's part of [`Fit::rank`].
type Rank = (usize, Reverse<usize>, Reverse<usize>, u64);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fit<'a> {
    pub(crate) rules: Vec<RuleFit<'a>>,
    /// Peers that no rule asks for.
    pub(crate) orphans: Vec<Peer>,
}

impl RuleFit<'_> {
    fn rank(&self) -> Rank {
        (self.peers.len(), Reverse(self.unwell), Reverse(self.misplaced.len()), self.isolation)
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.peers.len() == self.rule.count
    }
}

impl Fit<'_> {
    /// Greater is better.
    pub(crate) fn rank(&self) -> (Vec<Rank>, Reverse<usize>) {
        (self.rules.iter().map(RuleFit::rank).collect(), Reverse(self.orphans.len()))
    }

    /// All rules have what they ask for, and there is no peer besides.
    pub(crate) fn is_satisfied(&self) -> bool {
        self.orphans.is_empty()
            && self.rules.iter().all(|rule| rule.is_complete() && rule.misplaced.is_empty())
    }

    /// The rule that a peer serves.
    pub(crate) fn rule_of(&self, peer_id: u64) -> Option<&RuleFit<'_>> {
        self.rules.iter().find(|rule| rule.peers.iter().any(|peer| peer.id == peer_id))
    }
}

/// What is the same for all rules of a region.
struct Search<'a> {
    peers: &'a [Peer],
    leader: Option<u64>,
    stores: &'a [StoreView],
}

/// The best fit of these peers to the rules.
pub(crate) fn fit<'a>(
    peers: &[Peer],
    leader: Option<u64>,
    rules: &[&'a Rule],
    stores: &[StoreView],
) -> Fit<'a> {
    // The peers that are kept where nothing else decides come first.
    let mut sorted = peers.to_vec();
    let fullness = |peer: &Peer| store(stores, peer.store_id).map_or(u64::MAX, |view| view.peers);
    sorted.sort_by_key(|peer| (leader != Some(peer.id), fullness(peer), peer.id));
    let extra = sorted.split_off(sorted.len().min(PEERS_MAX));
    let search = Search { peers: &sorted, leader, stores };
    let (rules, left) = search.best(rules, (1 << sorted.len()) - 1);
    let mut orphans: Vec<Peer> = search.of(left).cloned().collect();
    orphans.extend(extra);
    Fit { rules, orphans }
}

fn store(stores: &[StoreView], store_id: u64) -> Option<&StoreView> {
    stores.iter().find(|view| view.store.id == store_id)
}

impl Search<'_> {
    /// Peers of a set, one bit each.
    fn of(&self, set: u32) -> impl Iterator<Item = &Peer> {
        self.peers.iter().enumerate().filter(move |(index, _)| set & (1 << index) != 0).map(|(_, peer)| peer)
    }

    /// The best choice for the rules among the peers that are free, and the peers that are left.
    fn best<'r>(&self, rules: &[&'r Rule], free: u32) -> (Vec<RuleFit<'r>>, u32) {
        let Some((rule, rest)) = rules.split_first() else {
            return (Vec::new(), free);
        };
        let mut candidates = 0_u32;
        for (index, peer) in self.peers.iter().enumerate() {
            let admitted =
                store(self.stores, peer.store_id).is_some_and(|view| rule.admits(&view.store.labels));
            if free & (1 << index) != 0 && admitted && rule.role.could_be(peer) {
                candidates |= 1 << index;
            }
        }
        let wanted = rule.count.min(candidates.count_ones() as usize);
        let mut best: Option<(Rank, Vec<(RuleFit<'r>, u32)>)> = None;
        for set in subsets(candidates, wanted) {
            let found = self.rule_fit(rule, set);
            let rank = found.rank();
            match &mut best {
                Some((known, equal)) if *known == rank => equal.push((found, set)),
                Some((known, _)) if *known > rank => {}
                _ => best = Some((rank, vec![(found, set)])),
            }
        }
        let mut chosen: Option<(Vec<RuleFit<'r>>, u32)> = None;
        for (found, set) in best.map(|(_, equal)| equal).unwrap_or_default() {
            let (mut fits, left) = self.best(rest, free & !set);
            fits.insert(0, found);
            let rank = |fits: &[RuleFit<'_>]| fits.iter().map(RuleFit::rank).collect::<Vec<_>>();
            if chosen.as_ref().is_none_or(|(known, _)| rank(&fits) > rank(known)) {
                chosen = Some((fits, left));
            }
            if rest.is_empty() {
                // The others are no better, and the first one is preferred.
                break;
            }
        }
        chosen.unwrap_or((Vec::new(), free))
    }

    fn rule_fit<'r>(&self, rule: &'r Rule, set: u32) -> RuleFit<'r> {
        let peers: Vec<Peer> = self.of(set).cloned().collect();
        let misplaced = peers.iter().filter(|peer| !rule.role.is(peer, self.leader)).cloned().collect();
        let views: Vec<Option<&StoreView>> =
            peers.iter().map(|peer| store(self.stores, peer.store_id)).collect();
        let unwell = views.iter().filter(|view| view.is_none_or(is_to_be_left)).count();
        let mut apart = 0_u64;
        let known: Vec<&StoreView> = views.into_iter().flatten().collect();
        for (index, one) in known.iter().enumerate() {
            for other in known.iter().skip(index + 1) {
                let far = isolation(&one.store.labels, &other.store.labels, &rule.location_labels);
                apart = apart.saturating_add(far);
            }
        }
        RuleFit { rule, peers, misplaced, isolation: apart, unwell }
    }
}

/// A store that is down or being emptied.
fn is_to_be_left(view: &StoreView) -> bool {
    view.store.state != StoreState::Up || view.telling() == Telling::Gone
}

/// Sets of so many of the bits, those of the lowest bits first.
fn subsets(of: u32, size: usize) -> Vec<u32> {
    let bits: Vec<u32> = (0..u32::BITS).map(|index| 1 << index).filter(|bit| of & bit != 0).collect();
    let mut found = vec![(0_u32, 0_usize)];
    for _ in 0..size {
        let longer = found.iter().flat_map(|(set, next)| {
            let rest = bits.iter().enumerate().skip(*next);
            rest.map(|(index, bit)| (set | bit, index + 1)).collect::<Vec<_>>()
        });
        found = longer.collect();
    }
    found.into_iter().map(|(set, _)| set).collect()
}
