//! One region in every state that needs something done, from values.

use std::time::Duration;

use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};
use rutile_pd_client::{RegionHeartbeat, Store, StoreState};

use super::{Surroundings, check_region};
use crate::cluster::StoreView;
use crate::operator::{Operator, Step};
use crate::placement::Rules;
use crate::schedule_settings::ScheduleSettings;

fn store(id: u64, peers: u64, state: StoreState, silent_s: u64) -> StoreView {
    let store = Store { id, address: format!("s{id}"), state, ..Store::default() };
    StoreView::for_test(store, peers, Duration::from_secs(silent_s))
}

fn up(id: u64, peers: u64) -> StoreView {
    store(id, peers, StoreState::Up, 0)
}

fn voter(store_id: u64) -> Peer {
    Peer { id: store_id + 100, store_id, role: PeerRole::Voter }
}

fn learner(id: u64, store_id: u64) -> Peer {
    Peer { id, store_id, role: PeerRole::Learner }
}

/// The first peer leads.
fn told(peers: Vec<Peer>) -> RegionHeartbeat {
    let leader = peers.first().cloned();
    let region = Region { id: 2, epoch: RegionEpoch { conf_ver: 1, version: 1 }, peers, ..Region::default() };
    RegionHeartbeat { region, leader, term: 6, ..RegionHeartbeat::default() }
}

/// A new peer gets the id 9.
fn check(told: &RegionHeartbeat, stores: &[StoreView]) -> Option<Operator> {
    let settings = ScheduleSettings::default();
    check_with(told, stores, &settings, &Rules::from_settings(&settings), &[])
}

/// With stores that must not lead.
fn check_with(
    told: &RegionHeartbeat,
    stores: &[StoreView],
    settings: &ScheduleSettings,
    rules: &Rules,
    no_leaders: &[u64],
) -> Option<Operator> {
    let no_leaders = no_leaders.iter().copied().collect();
    let around = Surroundings { stores, settings, rules, no_leaders: &no_leaders };
    check_region(told, &around, &mut || Ok(9)).expect("answers")
}

fn steps(told: &RegionHeartbeat, stores: &[StoreView]) -> Option<Vec<Step>> {
    check(told, stores).map(|operator| operator.steps)
}

fn promoted(peer: Peer) -> Peer {
    Peer { role: PeerRole::Voter, ..peer }
}

#[test]
fn a_missing_voter_is_added_where_there_are_fewest_peers() {
    let stores = [up(1, 9), up(2, 5), up(3, 4), store(4, 0, StoreState::Up, 30)];
    let new = learner(9, 3);
    let added = vec![Step::AddLearner(new.clone()), Step::Promote(promoted(new))];
    assert_eq!(steps(&told(vec![voter(1)]), &stores), Some(added), "store 4 is silent");
    assert_eq!(steps(&told([1, 2, 3].map(voter).to_vec()), &stores), None, "all are there");
    assert_eq!(steps(&told(vec![voter(1)]), &stores[..1]), None, "a lone store");
}

#[test]
fn half_of_a_move_is_ended() {
    let stores = [1, 2, 3, 4].map(|id| up(id, 1));
    let mut half = told(vec![voter(1), voter(2), learner(7, 3)]);
    half.pending_peers = vec![learner(7, 3)];
    assert_eq!(steps(&half, &stores), None, "it still takes the data");
    half.pending_peers.clear();
    assert_eq!(steps(&half, &stores), Some(vec![Step::Promote(promoted(learner(7, 3)))]));
    let silent = [up(1, 1), up(2, 1), store(3, 1, StoreState::Up, 30)];
    assert_eq!(steps(&half, &silent), Some(vec![Step::Remove(learner(7, 3))]));
    let over = told(vec![voter(1), voter(2), voter(3), learner(7, 4)]);
    assert_eq!(steps(&over, &stores), Some(vec![Step::Remove(learner(7, 4))]));
    let mut joint = told(vec![voter(1), voter(2)]);
    joint.region.peers[1].role = PeerRole::IncomingVoter;
    assert_eq!(steps(&joint, &stores), Some(vec![Step::LeaveJoint]));
    // The leader would lose its vote, which its store refuses.
    let mut demoted = joint.clone();
    demoted.region.peers[0].role = PeerRole::DemotingVoter;
    demoted.leader = Some(demoted.region.peers[0].clone());
    let ended = steps(&demoted, &stores).expect("somebody else can lead");
    assert!(
        matches!(ended.as_slice(), [Step::TransferLeader(next), Step::LeaveJoint] if Some(next) != demoted.leader.as_ref())
    );
}

#[test]
fn stores_that_are_down_or_emptied_are_left() {
    let region = told([1, 2, 3].map(voter).to_vec());
    let new = learner(9, 4);
    let swap = |demote: Peer| Step::Swap { promote: promoted(new.clone()), demote };
    let down = [up(1, 1), up(2, 1), store(3, 1, StoreState::Up, 1_801), up(4, 0)];
    let replaced =
        vec![Step::AddLearner(new.clone()), swap(voter(3)), Step::LeaveJoint, Step::Remove(voter(3))];
    assert_eq!(steps(&region, &down), Some(replaced));
    assert_eq!(steps(&region, &down[..3]), None, "nobody could take it");
    let mut emptied = [store(1, 1, StoreState::Offline, 0), up(2, 1), up(3, 1), up(4, 0)];
    emptied[1].leaders = 5;
    let led = vec![
        Step::AddLearner(new.clone()),
        Step::TransferLeader(voter(3)),
        swap(voter(1)),
        Step::LeaveJoint,
        Step::Remove(voter(1)),
    ];
    assert_eq!(steps(&region, &emptied), Some(led), "store 3 leads less than store 2");
    let operator = check(&region, &emptied).expect("something to do");
    assert_eq!(
        (operator.name, operator.reason.as_str()),
        ("replace-offline-replica", "store 1 has to be left")
    );
}

#[test]
fn a_voter_too_many_goes_from_the_fullest_store() {
    let stores = [up(1, 9), up(2, 5), up(3, 7), up(4, 6)];
    let many = told([1, 2, 3, 4].map(voter).to_vec());
    assert_eq!(steps(&many, &stores), Some(vec![Step::Remove(voter(3))]), "not the leader on store 1");
    let offline = [up(1, 9), store(2, 5, StoreState::Offline, 0), up(3, 7), up(4, 6)];
    assert_eq!(steps(&many, &offline), Some(vec![Step::Remove(voter(2))]));
}

fn settings(labels: &[&str]) -> ScheduleSettings {
    let location_labels = labels.iter().map(|key| (*key).to_owned()).collect();
    ScheduleSettings { location_labels, ..ScheduleSettings::default() }
}

/// `zone` and `host` of a store.
fn at(id: u64, peers: u64, zone: &str, host: &str) -> StoreView {
    let mut view = up(id, peers);
    view.store.labels = vec![("zone".into(), zone.into()), ("host".into(), host.into())];
    view
}

fn target(operator: &Operator) -> Option<u64> {
    operator.steps.iter().find_map(|step| match step {
        Step::AddLearner(peer) => Some(peer.store_id),
        _ => None,
    })
}

#[test]
fn a_leader_is_never_handed_to_a_store_that_must_not_lead() {
    let settings = ScheduleSettings::default();
    let rules = Rules::from_settings(&settings);
    let region = told([1, 2, 3].map(voter).to_vec());
    let stores = [store(1, 1, StoreState::Offline, 0), up(2, 1), up(3, 9), up(4, 0)];
    let operator = check_with(&region, &stores, &settings, &rules, &[2]).expect("store 1 is emptied");
    assert_eq!(operator.steps[1], Step::TransferLeader(voter(3)));
    let operator = check_with(&region, &stores, &settings, &rules, &[2, 3]).expect("the new peer leads");
    assert!(operator.steps.contains(&Step::TransferLeader(promoted(learner(9, 4)))), "{operator:?}");
    assert_eq!(check_with(&region, &stores, &settings, &rules, &[2, 3, 4]), None, "nobody may lead");
}

#[test]
fn peers_are_kept_apart_by_location_labels() {
    let settings = settings(&["zone", "host"]);
    let rules = Rules::from_settings(&settings);
    let ask =
        |region: &RegionHeartbeat, stores: &[StoreView]| check_with(region, stores, &settings, &rules, &[]);
    let stores = [at(1, 9, "a", "h1"), at(2, 0, "a", "h2"), at(3, 5, "b", "h3"), at(4, 6, "c", "h4")];
    let added = ask(&told(vec![voter(1)]), &stores).expect("too few");
    assert_eq!(target(&added), Some(3), "another zone before an empty store");
    let moved = ask(&told([1, 2, 3].map(voter).to_vec()), &stores).expect("zone a has two");
    assert_eq!((moved.name, target(&moved)), ("move-to-better-location", Some(4)));
    assert!(moved.steps.contains(&Step::Remove(voter(2))), "the leader stays: {moved:?}");
    assert_eq!(ask(&told([1, 3, 4].map(voter).to_vec()), &stores), None, "it can not be better");
    let strict = ScheduleSettings { isolation_level: "zone".to_owned(), ..settings.clone() };
    let rules = Rules::from_settings(&strict);
    let two_zones = &stores[..3];
    let none = check_with(&told([1, 3].map(voter).to_vec()), two_zones, &strict, &rules, &[]);
    assert_eq!(none, None, "rather two peers than two in one zone");
}

#[test]
fn checks_that_are_switched_off_do_nothing() {
    let off = ScheduleSettings { enable_make_up_replica: false, ..ScheduleSettings::default() };
    let rules = Rules::from_settings(&off);
    let stores = [1, 2, 3].map(|id| up(id, 1));
    assert_eq!(check_with(&told(vec![voter(1)]), &stores, &off, &rules, &[]), None);
    let off = ScheduleSettings { enable_remove_extra_replica: false, max_replicas: 1, ..off };
    let rules = Rules::from_settings(&off);
    assert_eq!(check_with(&told([1, 2].map(voter).to_vec()), &stores, &off, &rules, &[]), None);
}
