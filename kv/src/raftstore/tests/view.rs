//! What a view of a region answers to readers: leases, terms, locks, merges.
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::Monotonic;
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};

use crate::error::RegionError;
use crate::raftstore::state::ApplyState;
use crate::raftstore::view::RegionView;
use crate::replica::RegionContext;

fn view() -> RegionView {
    let peer = Peer { id: 3, store_id: 1, role: PeerRole::Voter };
    let region = Region {
        id: 2,
        epoch: RegionEpoch { conf_ver: 1, version: 4 },
        peers: vec![peer.clone(), Peer { id: 9, store_id: 2, role: PeerRole::Voter }],
        ..Region::default()
    };
    RegionView::new(Arc::new(region), peer, ApplyState::INITIAL)
}

fn at(seconds: u64) -> Monotonic {
    Monotonic::from_origin(Duration::from_secs(seconds))
}

fn lead(view: &RegionView, term: u64) {
    view.set_leading(term, false);
    view.set_applied(ApplyState { applied_index: 6, applied_term: term });
}

#[test]
fn a_lease_counts_from_the_sending_of_the_message() {
    let view = view();
    lead(&view, 6);
    assert_eq!(view.check_read(6, || at(1)), Ok(false), "no quorum has answered yet");
    view.renew_lease(at(10), Duration::from_secs(2));
    assert_eq!(view.check_read(6, || at(11)), Ok(true));
    assert_eq!(view.check_read(6, || at(12)), Ok(false));
    view.renew_lease(at(9), Duration::from_secs(2));
    assert_eq!(view.check_read(6, || at(11)), Ok(true), "an older answer does not shorten it");
    view.suspend_lease();
    assert_eq!(view.check_read(6, || at(11)), Ok(false));
}

#[test]
fn use_is_noticed_once() {
    let view = view();
    assert!(!view.take_used());
    view.note_used();
    assert!(view.is_used() && view.take_used());
    assert!(!view.is_used() && !view.take_used());
}

#[test]
fn the_only_voter_needs_no_clock() {
    let view = view();
    lead(&view, 6);
    view.set_unbounded_lease();
    assert_eq!(view.check_read(6, || unreachable!("not asked")), Ok(true));
}

#[test]
fn a_new_leader_serves_after_an_entry_of_its_term() {
    let view = view();
    view.set_leading(7, false);
    view.set_unbounded_lease();
    assert!(matches!(view.check_read(7, || at(0)), Err(RegionError::ReadIndexNotReady { .. })));
    view.set_applied(ApplyState { applied_index: 9, applied_term: 7 });
    assert_eq!(view.check_read(7, || at(0)), Ok(true));
}

#[test]
fn a_snapshot_of_an_older_term_is_refused() {
    let view = view();
    lead(&view, 6);
    lead(&view, 8);
    view.set_unbounded_lease();
    assert!(matches!(view.check_read(6, || at(0)), Err(RegionError::NotLeader { .. })));
}

#[test]
fn a_new_leadership_starts_without_lease_and_sync() {
    let view = view();
    lead(&view, 6);
    view.set_unbounded_lease();
    view.set_max_ts_synced(6, 0);
    assert!(view.is_ready());
    view.set_following(9);
    let leader = Some(Peer { id: 9, store_id: 2, role: PeerRole::Voter });
    assert_eq!(view.check_leader(0), Err(RegionError::NotLeader { region_id: 2, leader }));
    lead(&view, 8);
    assert!(!view.is_max_ts_synced());
    assert_eq!(view.check_read(8, || at(0)), Ok(false));
}

#[test]
fn a_merge_makes_what_was_known_before_it_worthless() {
    let view = view();
    lead(&view, 6);
    view.set_unbounded_lease();
    view.set_locks(0);
    view.set_max_ts_synced(6, 0);
    view.begin_takeover(false);
    assert!(!view.is_max_ts_synced() && view.may_have_locks());
    view.set_max_ts_synced(6, 0);
    assert!(!view.is_max_ts_synced(), "that timestamp was asked for before the merge");
    view.set_max_ts_synced(6, 1);
    assert!(view.is_ready());
    view.set_merge_state(Some(Arc::default()));
    assert_eq!(
        view.check_read(6, || at(0)),
        Err(RegionError::ProposalInMergingMode { region_id: 2 }),
        "not even under a lease"
    );
    view.set_merge_state(None);
    assert_eq!(view.check_read(6, || at(0)), Ok(true));
}

#[test]
fn checks_follow_the_published_order_and_tolerance() {
    let view = view();
    let context = RegionContext {
        region_id: 2,
        epoch: RegionEpoch { conf_ver: 0, version: 4 },
        store_id: 7,
        peer_id: 8,
        term: 0,
    };
    assert_eq!(view.check_peer(&context), Err(RegionError::StoreNotMatch { requested: 7, actual: 1 }));
    let context = RegionContext { store_id: 1, ..context };
    assert_eq!(view.check_peer(&context), Err(RegionError::PeerMismatch { requested: 8, actual: 3 }));
    assert_eq!(view.check_peer(&RegionContext { peer_id: 3, ..context }), Ok(()));
    lead(&view, 9);
    assert_eq!(view.check_leader(8), Ok(9), "one term of tolerance");
    assert_eq!(view.check_leader(7), Err(RegionError::StaleCommand));
    assert!(view.check_epoch(context.epoch).is_ok(), "data commands compare the version only");
    for version in [3, 5] {
        let epoch = RegionEpoch { conf_ver: 1, version };
        assert!(matches!(view.check_epoch(epoch), Err(RegionError::EpochNotMatch { .. })), "{version}");
    }
}
