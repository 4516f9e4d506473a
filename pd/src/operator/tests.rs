//! Operators from heartbeat to heartbeat, from values.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Monotonic;
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};
use rutile_pd_client::RegionHeartbeat;

use super::{End, Influence, Kind, Operator, Operators, Step, add_peer, move_peer, remove_peer};
use crate::schedule_settings::ScheduleSettings;

fn at(seconds: u64) -> Monotonic {
    Monotonic::from_origin(Duration::from_secs(seconds))
}

fn peer(id: u64, role: PeerRole) -> Peer {
    Peer { id, store_id: id % 10, role }
}

fn voter(id: u64) -> Peer {
    peer(id, PeerRole::Voter)
}

/// The first peer leads.
fn told(conf_ver: u64, peers: Vec<Peer>) -> RegionHeartbeat {
    let region = Region { id: 2, epoch: RegionEpoch { conf_ver, version: 1 }, peers, ..Region::default() };
    let leader = region.peers.first().cloned();
    RegionHeartbeat { region, leader, term: 6, ..RegionHeartbeat::default() }
}

fn operator(kind: Kind, steps: Vec<Step>) -> Operator {
    Operator { region_id: 2, kind, name: "test", reason: String::new(), steps }
}

fn begin(told: &RegionHeartbeat, kind: Kind, steps: Vec<Step>) -> Operators {
    let operators = Operators::default();
    operators
        .add(operator(kind, steps), told, &ScheduleSettings::default(), &|_, _| 15, at(0), 0)
        .expect("taken");
    operators
}

#[test]
fn a_leader_that_moves_hands_over_first() {
    let new = peer(4, PeerRole::Learner);
    let region = told(1, vec![voter(1), voter(2), voter(3)]);
    let steps = move_peer(&region, &voter(1), new.clone(), Some(&voter(3)));
    let operators = begin(&region, Kind::Region, steps);
    assert_eq!(operators.advance(&region, at(1), 0), Some(Step::AddLearner(new.clone())));
    assert!(operators.due(at(1)).is_empty(), "just sent");
    assert_eq!(operators.due(at(4)), [2], "sent again");

    let mut learning = told(2, vec![voter(1), voter(2), voter(3), new.clone()]);
    learning.pending_peers = vec![new.clone()];
    assert_eq!(operators.advance(&learning, at(5), 0), None, "it takes the data");
    learning.pending_peers.clear();
    assert_eq!(operators.advance(&learning, at(6), 0), Some(Step::TransferLeader(voter(3))));
    learning.leader = Some(voter(3));
    let swap = Step::Swap { promote: voter(4), demote: voter(1) };
    assert_eq!(operators.advance(&learning, at(7), 0), Some(swap));
    let joint = vec![peer(1, PeerRole::DemotingVoter), voter(2), voter(3), peer(4, PeerRole::IncomingVoter)];
    let mut joint = told(4, joint);
    joint.leader = Some(voter(3));
    assert_eq!(operators.advance(&joint, at(8), 0), Some(Step::LeaveJoint));
    let left = peer(1, PeerRole::Learner);
    let mut swapped = told(6, vec![left, voter(2), voter(3), voter(4)]);
    swapped.leader = Some(voter(3));
    assert_eq!(operators.advance(&swapped, at(9), 0), Some(Step::Remove(voter(1))));
    assert_eq!(operators.advance(&told(7, vec![voter(2), voter(3), voter(4)]), at(10), 0), None);
    assert_eq!(operators.ended()[0].end, End::Success);
    assert!(operators.running().is_empty());
}

#[test]
fn the_only_voter_is_followed_by_its_successor() {
    let region = told(1, vec![voter(1)]);
    let new = peer(4, PeerRole::Learner);
    let steps = move_peer(&region, &voter(1), new.clone(), None);
    let expected = [
        Step::AddLearner(new),
        Step::Promote(voter(4)),
        Step::TransferLeader(voter(4)),
        Step::Remove(voter(1)),
    ];
    assert_eq!(steps, expected);
    assert_eq!(remove_peer(&region, &voter(1), None), None, "nobody else could lead");
}

#[test]
fn what_comes_between_ends_an_operator() {
    let region = told(1, vec![voter(1), voter(2)]);
    let add = || add_peer(peer(3, PeerRole::Learner));
    let ended = |operators: &Operators| operators.ended()[0].end.clone();

    let operators = begin(&region, Kind::Replica, add());
    let other = told(2, vec![voter(1), voter(2), peer(13, PeerRole::Learner)]);
    assert_eq!(operators.advance(&other, at(1), 0), None);
    assert!(matches!(ended(&operators), End::Cancelled(why) if why.contains("peer 13")));

    let operators = begin(&region, Kind::Replica, add());
    assert_eq!(operators.advance(&told(3, vec![voter(1), voter(2)]), at(1), 0), None);
    assert!(matches!(ended(&operators), End::Cancelled(why) if why.contains("otherwise")));

    let operators = begin(&region, Kind::Replica, add());
    operators.expire(|_| true, at(599), 0);
    assert_eq!(operators.running().len(), 1);
    operators.expire(|_| true, at(600), 0);
    assert_eq!(ended(&operators), End::Timeout);

    let operators = begin(&region, Kind::Replica, add());
    operators.expire(|store_id| store_id != 3, at(1), 0);
    assert!(matches!(ended(&operators), End::Cancelled(why) if why.contains("store 3")));

    let operators = begin(&region, Kind::Replica, add());
    assert!(operators.cancel(2, "by hand", 0) && !operators.cancel(2, "by hand", 0));
}

#[test]
fn one_operator_per_region_and_what_matters_more_wins() {
    let settings = ScheduleSettings::default();
    let region = told(1, vec![voter(1), voter(2)]);
    let operators = begin(&region, Kind::Leader, vec![Step::TransferLeader(voter(2))]);
    let add = |kind| {
        operators.add(operator(kind, vec![Step::Remove(voter(2))]), &region, &settings, &|_, _| 15, at(0), 0)
    };
    assert!(add(Kind::Leader).is_err());
    add(Kind::Admin).expect("replaces");
    assert_eq!(operators.ended()[0].end, End::Replaced);
    assert!(add(Kind::Replica).is_err(), "a person's wish stands");
}

#[test]
fn a_store_takes_so_many_peers_in_a_minute() {
    let settings = ScheduleSettings::default();
    let operators = Operators::default();
    let add = |region_id, seconds| {
        let mut region = told(1, vec![voter(1), voter(2)]);
        region.region.id = region_id;
        let operator = Operator { region_id, ..operator(Kind::Region, add_peer(peer(3, PeerRole::Learner))) };
        operators.add(operator, &region, &settings, &|_, _| 1, at(seconds), 0)
    };
    for region_id in 10..15 {
        add(region_id, 0).expect("a small one costs a fifth");
    }
    let refused = add(15, 0).expect_err("the minute is used up");
    assert!(refused.contains("store 3"), "{refused}");
    assert!(add(15, 11).is_err());
    add(15, 12).expect("a fifth of a minute later");
}

#[test]
fn what_is_to_come_counts() {
    let region = told(1, vec![voter(1), voter(2), voter(3)]);
    let new = peer(4, PeerRole::Learner);
    let operators = begin(&region, Kind::Region, move_peer(&region, &voter(1), new.clone(), Some(&voter(2))));
    let influence = operators.influence(|_| Some(region.clone().into()));
    assert_eq!(influence[&1], Influence { leaders: -1, peers: -1, bytes: 0 });
    assert_eq!(influence[&2], Influence { leaders: 1, ..Influence::default() });
    assert_eq!(influence[&4], Influence { peers: 1, ..Influence::default() });
    let mut learning = told(2, vec![voter(1), voter(2), voter(3), new]);
    learning.pending_peers = vec![peer(4, PeerRole::Learner)];
    let influence = operators.influence(|_| Some(learning.clone().into()));
    assert_eq!(influence.get(&4), None, "it is a peer like any other now");
}

/// A region of three voters with this range and epoch.
fn ranged(id: u64, range: [&'static str; 2], conf_ver: u64, version: u64) -> Arc<RegionHeartbeat> {
    let mut told = told(conf_ver, vec![voter(1), voter(2), voter(3)]);
    told.region.id = id;
    told.region.epoch.version = version;
    (told.region.start_key, told.region.end_key) = (range[0].into(), range[1].into());
    Arc::new(told)
}

/// Region 2 is to become a part of region 3.
fn merging() -> (Operators, Arc<RegionHeartbeat>, Arc<RegionHeartbeat>) {
    let (source, target) = (ranged(2, ["", "m"], 1, 4), ranged(3, ["m", ""], 1, 4));
    let merge = Step::Merge { target: target.region.clone(), version: 4 };
    let take_over = Step::TakeOver { source: source.region.clone() };
    let operators = Operators::default();
    let of = |region_id, step| Operator { region_id, ..operator(Kind::Merge, vec![step]) };
    let settings = ScheduleSettings { merge_schedule_limit: 1, ..ScheduleSettings::default() };
    for (told, operator) in [(&source, of(2, merge)), (&target, of(3, take_over))] {
        operators.add(operator, told, &settings, &|_, _| 15, at(0), 0).expect("both are free");
    }
    (operators, source, target)
}

#[test]
fn a_merge_ends_for_both_regions_together() {
    let (operators, source, target) = merging();
    let asked = operators.advance(&source, at(1), 0);
    assert_eq!(asked, Some(Step::Merge { target: target.region.clone(), version: 4 }));
    assert_eq!(operators.advance(&target, at(1), 0), None, "there is nothing to tell the target");
    // The source has stopped; it may be asked again.
    let stopped = ranged(2, ["", "m"], 2, 5);
    assert!(operators.advance(&stopped, at(2), 0).is_some());
    let known = |id: u64| [&stopped, &target].into_iter().find(|told| told.region.id == id).cloned();
    operators.check_merges(known, 0);
    assert_eq!(operators.running().len(), 2);
    assert_eq!(operators.advance(&ranged(3, ["", ""], 1, 6), at(3), 0), None);
    let ended: Vec<_> = operators.ended().into_iter().map(|ended| ended.end).collect();
    assert_eq!(ended, [End::Success, End::Success]);
}

#[test]
fn a_merge_that_can_not_be_made_ends_for_both_regions() {
    // The source goes on: two versions further.
    let (operators, _, target) = merging();
    let back = ranged(2, ["", "m"], 2, 6);
    assert_eq!(operators.advance(&back, at(2), 0), None);
    let known = |id: u64| [&back, &target].into_iter().find(|told| told.region.id == id).cloned();
    operators.check_merges(known, 0);
    assert!(operators.running().is_empty(), "the target is free again");
    // The target has changed.
    let (operators, source, _) = merging();
    let changed = ranged(3, ["m", ""], 2, 4);
    let known = |id: u64| [&source, &changed].into_iter().find(|told| told.region.id == id).cloned();
    operators.check_merges(known, 0);
    operators.check_merges(known, 0);
    assert!(operators.running().is_empty());
    // Nobody saw the target take over, but the source is gone.
    let (operators, ..) = merging();
    let whole = ranged(3, ["", ""], 1, 6);
    operators.check_merges(|id| (id == 3).then(|| whole.clone()), 0);
    assert_eq!(operators.regions().into_iter().collect::<Vec<_>>(), [3]);
    assert_eq!(operators.advance(&whole, at(4), 0), None);
    assert!(operators.ended().iter().all(|ended| ended.end == End::Success));
}
