//! One region in every state that needs something done, from values.

use std::time::Duration;

use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};
use rutile_pd_client::{RegionHeartbeat, Store, StoreState};

use super::{Surroundings, check_replicas};
use crate::cluster::StoreView;
use crate::operator::{Operator, Step};
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
    check_replicas(told, &Surroundings { stores, settings: &settings }, &mut || Ok(9)).expect("answers")
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
