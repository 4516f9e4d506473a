//! Merges a small region into a neighbour.
//!
//! Both have to be well: every peer votes, follows and is on a store that reports, and there are as many as there should
//! be. A region that was split lately stays, and a PD that has not run for as long does not know, so it merges nothing.
//! Of two neighbours the smaller one takes the region; where its peers are on other stores, the region's peers are moved
//! there first.
//!
//! Regions of two tables, or of two key spaces, are only merged where that is allowed: of tables by a setting, of key
//! spaces never, because clients of one can not read the bounds of the other's.

use std::time::Duration;

use rutile_kv_types::{Key, Peer, PeerRole, Region};
use rutile_pd_client::RegionHeartbeat;

use super::Surroundings;
use crate::cluster::Told;
use crate::error::Result;
use crate::operator::{Kind, Operator, Step, is_behind, move_peer};

/// A target may be larger than what is merged into it, by this factor.
const TARGET_FACTOR: u64 = 4;
const MIB: u64 = 1 << 20;

/// A region with its neighbours, and what else speaks for and against a merge.
pub(crate) struct Neighbourhood<'a> {
    pub(crate) told: &'a Told,
    pub(crate) left: Option<&'a Told>,
    pub(crate) right: Option<&'a Told>,
    /// Whether a region has an operator or was split lately.
    pub(crate) rests: &'a dyn Fn(u64) -> bool,
    /// How long this PD has been looking.
    pub(crate) watched: Duration,
}

/// Operators for the source and for the target, which belong together.
#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) source: Operator,
    pub(crate) target: Operator,
}

/// What to merge the region into, if it is small.
pub(crate) fn check_merge(
    about: &Neighbourhood<'_>,
    around: &Surroundings<'_>,
    new_id: &mut dyn FnMut() -> Result<u64>,
) -> Result<Option<Merge>> {
    let settings = around.settings;
    let told = about.told;
    if settings.merge_schedule_limit == 0 || about.watched < settings.split_merge_interval {
        return Ok(None);
    }
    let (bytes_max, keys_max) =
        (settings.max_merge_region_size_mib.saturating_mul(MIB), settings.max_merge_region_keys);
    let is_small = told.approximate_size_bytes <= bytes_max && told.approximate_keys <= keys_max;
    if !is_small || !(about.rests)(told.region.id) || !around.is_well(told) {
        return Ok(None);
    }
    let fits = |target: &&Told| {
        let bytes = target.approximate_size_bytes.saturating_add(told.approximate_size_bytes);
        let keys = target.approximate_keys.saturating_add(told.approximate_keys);
        !around.rules_meet(&told.region, &target.region)
            && bytes <= bytes_max.saturating_mul(TARGET_FACTOR)
            && keys <= keys_max.saturating_mul(TARGET_FACTOR)
            && (about.rests)(target.region.id)
            && around.is_well(target)
            && may_be_one(&told.region, &target.region, settings.enable_cross_table_merge)
    };
    let left = if settings.enable_one_way_merge { None } else { about.left };
    let targets = left.into_iter().chain(about.right).filter(fits);
    let Some(target) = targets.min_by_key(|target| (target.approximate_size_bytes, target.region.id)) else {
        return Ok(None);
    };
    let reason = format!("{} bytes and {} keys", told.approximate_size_bytes, told.approximate_keys);
    let merge = merge_into(told, target, around, new_id)?;
    Ok(merge.map(|steps| steps.into_merge(Kind::Merge, "merge-small-region", reason)))
}

/// The steps of both sides.
pub(crate) struct MergeSteps {
    source_id: u64,
    target_id: u64,
    source: Vec<Step>,
    target: Vec<Step>,
}

impl MergeSteps {
    pub(crate) fn into_merge(self, kind: Kind, name: &'static str, reason: String) -> Merge {
        let operator = |region_id, steps| Operator { region_id, kind, name, reason: reason.clone(), steps };
        Merge { source: operator(self.source_id, self.source), target: operator(self.target_id, self.target) }
    }
}

/// How the source is merged: its peers move to the stores of the target's, then the leaders are told. None when they can
/// not be made to match.
pub(crate) fn merge_into(
    source: &RegionHeartbeat,
    target: &RegionHeartbeat,
    around: &Surroundings<'_>,
    new_id: &mut dyn FnMut() -> Result<u64>,
) -> Result<Option<MergeSteps>> {
    let Some(mut steps) = match_peers(source, &target.region, around, new_id)? else {
        return Ok(None);
    };
    steps.push(Step::Merge { target: target.region.clone(), version: source.region.epoch.version });
    let take_over = Step::TakeOver { source: source.region.clone() };
    Ok(Some(MergeSteps {
        source_id: source.region.id,
        target_id: target.region.id,
        source: steps,
        target: vec![take_over],
    }))
}

fn match_peers(
    source: &RegionHeartbeat,
    target: &Region,
    around: &Surroundings<'_>,
    new_id: &mut dyn FnMut() -> Result<u64>,
) -> Result<Option<Vec<Step>>> {
    let has_voters = |region: &Region| region.peers.iter().all(|peer| peer.role == PeerRole::Voter);
    if source.region.peers.len() != target.peers.len() || !has_voters(&source.region) || !has_voters(target) {
        return Ok(None);
    }
    let (mut now, mut steps) = (source.clone(), Vec::new());
    for place in &target.peers {
        if now.region.peer_on_store(place.store_id).is_some() {
            continue;
        }
        let extra = now.region.peers.iter().find(|peer| target.peer_on_store(peer.store_id).is_none());
        let Some(old) = extra.cloned() else {
            return Ok(None);
        };
        let new = Peer { id: new_id()?, store_id: place.store_id, role: PeerRole::Learner };
        let voter = Peer { role: PeerRole::Voter, ..new.clone() };
        let stays = |peer: &&Peer| target.peer_on_store(peer.store_id).is_some();
        let successor = around.successor(&now, &old).filter(stays).cloned();
        steps.extend(move_peer(&now, &old, new, successor.as_ref()));
        if now.leader.as_ref().is_some_and(|leader| leader.id == old.id) {
            now.leader = Some(successor.unwrap_or_else(|| voter.clone()));
        }
        now.region.peers.retain(|peer| peer.id != old.id);
        now.region.peers.push(voter);
    }
    Ok(Some(steps))
}

/// Whether the keys of both may be in one region.
fn may_be_one(one: &Region, other: &Region, across_tables: bool) -> bool {
    let raw = |region: &Region| match &region.start_key[..] {
        [] => Ok(Vec::new()),
        start => Key::from_encoded(start.to_vec()).to_raw(),
    };
    let starts = [one, other].map(raw);
    let [Ok(one), Ok(other)] = starts else {
        // Keys that are not encoded have no tables.
        return true;
    };
    keyspace(&one) == keyspace(&other) && (across_tables || table(&one) == table(&other))
}

/// Mode and id of the key space, of those that have one.
fn keyspace(key: &[u8]) -> &[u8] {
    match key.first() {
        Some(b'x' | b'r') => key.get(..4).unwrap_or(key),
        _ => &[],
    }
}

/// `t` and the table's id; empty for everything that belongs to no table.
fn table(key: &[u8]) -> &[u8] {
    let key = if keyspace(key).is_empty() { key } else { key.get(4..).unwrap_or_default() };
    match key.first() {
        Some(b't') => key.get(..9).unwrap_or(key),
        _ => &[],
    }
}

impl Surroundings<'_> {
    /// Whether one region of both would be split again, for rules that meet in it.
    fn rules_meet(&self, one: &Region, other: &Region) -> bool {
        let (left, right) = if one.end_key == other.start_key { (one, other) } else { (other, one) };
        !self.rules.boundaries(&left.start_key, &right.end_key).is_empty()
    }

    /// Every peer votes, follows and is on a store that reports, and there are as many as there should be.
    fn is_well(&self, told: &RegionHeartbeat) -> bool {
        let is_whole = self.fit(told).is_satisfied();
        let alive = self.stores.iter().filter(|view| view.is_alive()).count() as u64;
        let peers = &told.region.peers;
        told.term != 0
            && (is_whole || peers.len() as u64 == self.settings.max_replicas.min(alive))
            && peers.iter().all(|peer| {
                peer.role == PeerRole::Voter && !is_behind(told, peer.id) && self.is_alive(peer.store_id)
            })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use rutile_kv_types::RegionEpoch;
    use rutile_pd_client::Store;

    use super::*;
    use crate::cluster::StoreView;
    use crate::placement::Rules;
    use crate::schedule_settings::ScheduleSettings;

    fn region(id: u64, keys: [&str; 2], stores: &[u64], mib: u64) -> Told {
        let peers = stores.iter().map(|store_id| Peer {
            id: id * 10 + store_id,
            store_id: *store_id,
            role: PeerRole::Voter,
        });
        let encode = |key: &str| {
            if key.is_empty() { Vec::new() } else { Key::from_raw(key.as_bytes()).into_encoded() }
        };
        let region = Region {
            id,
            start_key: encode(keys[0]).into(),
            end_key: encode(keys[1]).into(),
            epoch: RegionEpoch { conf_ver: 1, version: id },
            peers: peers.collect(),
        };
        let leader = region.peers.first().cloned();
        let approximate_size_bytes = mib * MIB;
        Arc::new(RegionHeartbeat { region, leader, term: 6, approximate_size_bytes, ..Default::default() })
    }

    fn switched_on() -> ScheduleSettings {
        ScheduleSettings { merge_schedule_limit: 8, ..ScheduleSettings::default() }
    }

    fn stores() -> Vec<StoreView> {
        let store = |id| Store { id, ..Store::default() };
        (1..=4).map(|id| StoreView::for_test(store(id), 1, Duration::ZERO)).collect()
    }

    /// The target, and the operators, of the region in the middle.
    fn check(all: [&Told; 3], settings: &ScheduleSettings, rests: &dyn Fn(u64) -> bool) -> Option<Merge> {
        let stores = stores();
        let (rules, no_leaders) = (Rules::from_settings(settings), BTreeSet::new());
        let around = Surroundings { stores: &stores, settings, rules: &rules, no_leaders: &no_leaders };
        let [left, told, right] = all;
        let watched = Duration::from_secs(3_600);
        let about = Neighbourhood { told, left: Some(left), right: Some(right), rests, watched };
        let mut next = 100;
        let mut new_id = || {
            next += 1;
            Ok(next)
        };
        check_merge(&about, &around, &mut new_id).expect("no id is refused")
    }

    const TABLES: [[&str; 2]; 3] = [["", "t-------1"], ["t-------1", "t-------2"], ["t-------2", ""]];

    fn three(sizes_mib: [u64; 3]) -> [Told; 3] {
        [0, 1, 2].map(|n| region(n as u64 + 1, TABLES[n], &[1, 2, 3], sizes_mib[n]))
    }

    #[test]
    fn a_small_region_joins_its_smaller_neighbour() {
        let settings = switched_on();
        let target = |sizes, settings: &ScheduleSettings, rests: &dyn Fn(u64) -> bool| {
            let [left, told, right] = three(sizes);
            check([&left, &told, &right], settings, rests).map(|merge| merge.target.region_id)
        };
        let all = |_| true;
        assert_eq!(target([40, 1, 50], &settings, &all), Some(1));
        assert_eq!(target([50, 1, 40], &settings, &all), Some(3));
        assert_eq!(target([50, 55, 40], &settings, &all), None, "too large");
        assert_eq!(target([50, 1, 4_000], &settings, &all), Some(1));
        assert_eq!(target([4_000, 1, 4_000], &settings, &all), None, "both neighbours are too large");
        assert_eq!(target([1, 1, 40], &settings, &|id| id != 1), Some(3), "one has an operator");
        assert_eq!(target([1, 1, 1], &settings, &|id| id != 2), None, "it was split lately");
        let one_way = ScheduleSettings { enable_one_way_merge: true, ..settings.clone() };
        assert_eq!(target([1, 1, 40], &one_way, &all), Some(3));
        assert_eq!(
            target([1, 1, 1], &ScheduleSettings::default(), &all),
            None,
            "off until it is switched on"
        );
        let apart = ScheduleSettings { enable_cross_table_merge: false, ..settings };
        assert_eq!(target([1, 1, 1], &apart, &all), None, "each is a table of its own");
    }

    #[test]
    fn a_region_that_is_not_well_stays() {
        let settings = switched_on();
        let [left, told, right] = three([1, 1, 1]);
        let with = |change: &dyn Fn(&mut RegionHeartbeat)| {
            let mut changed = (*told).clone();
            change(&mut changed);
            check([&left, &Arc::new(changed), &right], &settings, &|_| true).is_some()
        };
        assert!(with(&|_| {}));
        assert!(!with(&|told| told.term = 0), "PD knows it from its disk only");
        assert!(!with(&|told| told.pending_peers = vec![told.region.peers[1].clone()]));
        assert!(!with(&|told| told.region.peers[2].role = PeerRole::Learner));
        assert!(!with(&|told| told.region.peers.truncate(2)), "a replica is missing");
        assert!(!with(&|told| told.region.peers[2].store_id = 9), "its store is not known");
    }

    #[test]
    fn peers_move_to_the_stores_of_the_target_first() {
        let settings = switched_on();
        let told = region(2, TABLES[1], &[4, 2, 3], 1);
        let (left, right) = (region(1, TABLES[0], &[1, 2, 3], 1), region(3, TABLES[2], &[1, 2, 3], 9));
        let merge = check([&left, &told, &right], &settings, &|_| true).expect("both are well");
        assert_eq!(merge.target.steps, [Step::TakeOver { source: told.region.clone() }]);
        let new = Peer { id: 101, store_id: 1, role: PeerRole::Learner };
        let voter = Peer { role: PeerRole::Voter, ..new.clone() };
        let (old, successor) = (told.region.peers[0].clone(), told.region.peers[1].clone());
        let expected = [
            Step::AddLearner(new),
            Step::TransferLeader(successor),
            Step::Swap { promote: voter, demote: old.clone() },
            Step::LeaveJoint,
            Step::Remove(old),
            Step::Merge { target: left.region.clone(), version: 2 },
        ];
        assert_eq!(merge.source.steps, expected);
    }

    #[test]
    fn key_spaces_stay_apart() {
        let of = |start: &str| region(1, [start, ""], &[1], 1).region.clone();
        assert!(may_be_one(&of("x\0\0\x01t-------1"), &of("x\0\0\x01t-------2"), true));
        assert!(!may_be_one(&of("x\0\0\x01t-------1"), &of("x\0\0\x01t-------2"), false));
        assert!(!may_be_one(&of("x\0\0\x01k"), &of("x\0\0\x02k"), true));
        assert!(!may_be_one(&of("r\0\0\x01k"), &of("x\0\0\x01k"), true));
        assert!(may_be_one(&of("m"), &of("t-------1_r1"), true), "metadata and a table");
        assert!(!may_be_one(&of("m"), &of("t-------1_r1"), false));
        assert!(may_be_one(&of("t-------1_i1"), &of("t-------1_r1"), false), "one table");
    }
}
