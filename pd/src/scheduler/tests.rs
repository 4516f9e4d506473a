//! What schedulers want of a cluster, from values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::{Monotonic, Simulation};
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};
use rutile_pd_client::{RegionHeartbeat, Store, StoreState, StoreStats};

use super::{Scattered, Scheduler, Schedulers, State, View, Wish};
use crate::checker::Surroundings;
use crate::cluster::{StoreView, Told};
use crate::operator::{Influence, Kind, Operator, Step};
use crate::placement::Rules;
use crate::schedule_settings::ScheduleSettings;
use crate::statistics::Flows;
use crate::storage::Storage;

fn voter(region_id: u64, store_id: u64) -> Peer {
    Peer { id: region_id * 10 + store_id, store_id, role: PeerRole::Voter }
}

/// A region on these stores, the first of which leads.
fn region(id: u64, stores: &[u64], mib: u64) -> Told {
    let peers: Vec<Peer> = stores.iter().map(|store_id| voter(id, *store_id)).collect();
    let leader = peers.first().cloned();
    let region = Region { id, epoch: RegionEpoch { conf_ver: 1, version: 1 }, peers, ..Region::default() };
    Arc::new(RegionHeartbeat {
        region,
        leader,
        term: 6,
        approximate_size_bytes: mib << 20,
        ..RegionHeartbeat::default()
    })
}

/// Stores 1 to `count`, with what they hold by the regions.
fn stores(count: u64, regions: &[Told]) -> Vec<StoreView> {
    let view = |id: u64| {
        let store = Store { id, ..Store::default() };
        let peers = regions.iter().filter(|told| told.region.peer_on_store(id).is_some()).count() as u64;
        let mut view = StoreView::for_test(store, peers, Duration::ZERO);
        let leads = |told: &&Told| told.leader.as_ref().is_some_and(|leader| leader.store_id == id);
        view.leaders = regions.iter().filter(leads).count() as u64;
        view
    };
    (1..=count).map(view).collect()
}

fn ask(scheduler: &Scheduler, stores: &[StoreView], regions: &[Told]) -> Wish {
    let settings = ScheduleSettings::default();
    let evicted = scheduler.evicted().iter().copied().collect();
    ask_with(scheduler, stores, regions, &settings, &evicted, &BTreeMap::new(), &[])
}

fn ask_with(
    scheduler: &Scheduler,
    stores: &[StoreView],
    regions: &[Told],
    settings: &ScheduleSettings,
    no_leaders: &BTreeSet<u64>,
    influence: &BTreeMap<u64, Influence>,
    busy: &[u64],
) -> Wish {
    let rules = Rules::from_settings(settings);
    let around = Surroundings { stores, settings, rules: &rules, no_leaders };
    let mut view = View::new(&around, regions, influence, busy.iter().copied().collect());
    view.grant(scheduler.granted());
    scheduler.step(&mut view, &mut || Ok(99)).expect("answers")
}

/// Carries all wishes out until there are none; how many there were.
fn settle(scheduler: &Scheduler, count: u64, regions: &mut [Told]) -> usize {
    let mut done = 0;
    loop {
        let wish = ask(scheduler, &stores(count, regions), regions);
        if wish.operators.is_empty() {
            return done;
        }
        done += wish.operators.len();
        assert!(done < 1_000, "it never ends");
        for operator in wish.operators {
            carry_out(&operator, regions);
        }
    }
}

fn carry_out(operator: &Operator, regions: &mut [Told]) {
    let told = regions.iter_mut().find(|told| told.region.id == operator.region_id).expect("known");
    let told = Arc::make_mut(told);
    for step in &operator.steps {
        match step {
            Step::TransferLeader(peer) => told.leader = Some(peer.clone()),
            Step::AddLearner(peer) => told.region.peers.push(voter(told.region.id, peer.store_id)),
            Step::Remove(peer) => told.region.peers.retain(|other| other.store_id != peer.store_id),
            Step::Promote(_)
            | Step::Swap { .. }
            | Step::LeaveJoint
            | Step::Split { .. }
            | Step::Merge { .. }
            | Step::TakeOver { .. } => {}
        }
    }
}

fn leaders(regions: &[Told], count: u64) -> Vec<u64> {
    stores(count, regions).iter().map(|view| view.leaders).collect()
}

fn peers(regions: &[Told], count: u64) -> Vec<u64> {
    stores(count, regions).iter().map(|view| view.peers).collect()
}

#[test]
fn leaders_become_even_and_stay() {
    let mut regions: Vec<Told> = (1..=10).map(|id| region(id, &[1, 2, 3], 1)).collect();
    let done = settle(&Scheduler::BalanceLeader, 3, &mut regions);
    assert_eq!((leaders(&regions, 3), done), (vec![4, 3, 3], 6));
    let wish = ask(&Scheduler::BalanceLeader, &stores(3, &regions), &regions);
    assert_eq!(wish.idle, "leaders are even");
}

#[test]
fn a_new_store_gets_its_share() {
    let mut regions: Vec<Told> = (1..=12).map(|id| region(id, &[1, 2, 3], 1)).collect();
    let done = settle(&Scheduler::BalanceRegion, 4, &mut regions);
    assert_eq!((peers(&regions, 4), done), (vec![9, 9, 9, 9], 9));
    settle(&Scheduler::BalanceLeader, 4, &mut regions);
    assert_eq!(leaders(&regions, 4), [3, 3, 3, 3]);
    assert!(regions.iter().all(|told| told.region.peers.len() == 3), "replicas stay complete");
}

#[test]
fn size_counts_and_so_does_the_disk() {
    // A region as large as all others together moves nowhere: the target would be fuller than the source was.
    let mut regions = vec![region(1, &[1, 2, 3], 100)];
    assert_eq!(settle(&Scheduler::BalanceRegion, 4, &mut regions), 0);
    let mut regions: Vec<Told> = (1..=12).map(|id| region(id, &[1, 2, 3], 10)).collect();
    regions.push(region(13, &[1, 2, 3], 1));
    assert!(settle(&Scheduler::BalanceRegion, 4, &mut regions) > 0);

    let regions: Vec<Told> = (1..=6).map(|id| region(id, &[1, 2, 3], 10)).collect();
    let mut views = stores(4, &regions);
    let disk = |id: u64, capacity: u64, available: u64| {
        let (capacity_bytes, available_bytes) = (capacity << 30, available << 30);
        Some(StoreStats { store_id: id, capacity_bytes, available_bytes, ..StoreStats::default() })
    };
    for (view, capacity) in views.iter_mut().zip([100, 100, 100, 100]) {
        view.stats = disk(view.store.id, capacity, 50);
    }
    assert!(!ask(&Scheduler::BalanceRegion, &views, &regions).operators.is_empty());
    views[3].stats = disk(4, 100, 19);
    assert!(ask(&Scheduler::BalanceRegion, &views, &regions).operators.is_empty(), "store 4 is low on space");
    views[3].stats = disk(4, 10, 5);
    assert!(
        ask(&Scheduler::BalanceRegion, &views, &regions).operators.len() <= 1,
        "a small disk gets little"
    );
}

#[test]
fn regions_that_are_not_well_stay() {
    let mut sick = region(1, &[1, 2, 3], 1);
    Arc::make_mut(&mut sick).pending_peers = vec![voter(1, 2)];
    let regions = [sick, region(2, &[1, 2, 3], 1)];
    let wish = ask(&Scheduler::BalanceRegion, &stores(4, &regions), &regions);
    assert!(wish.operators.iter().all(|operator| operator.region_id == 2));
    let mut silent = stores(4, &regions);
    silent[3] = StoreView::for_test(Store { id: 4, ..Store::default() }, 0, Duration::from_secs(30));
    assert!(ask(&Scheduler::BalanceRegion, &silent, &regions).operators.is_empty());
    let mut offline = stores(4, &regions);
    offline[3].store.state = StoreState::Offline;
    assert!(ask(&Scheduler::BalanceRegion, &offline, &regions).operators.is_empty());
}

#[test]
fn what_is_under_way_is_not_wanted_again() {
    let regions: Vec<Told> = (1..=4).map(|id| region(id, &[1, 2], 1)).collect();
    let views = stores(2, &regions);
    let settings = ScheduleSettings { max_replicas: 2, ..ScheduleSettings::default() };
    let coming = |leaders| Influence { leaders, ..Influence::default() };
    let influence = BTreeMap::from([(1, coming(-2)), (2, coming(2))]);
    let none = BTreeSet::new();
    let wish = ask_with(&Scheduler::BalanceLeader, &views, &regions, &settings, &none, &influence, &[1, 2]);
    assert!(wish.operators.is_empty(), "{wish:?}");
}

#[test]
fn evicted_stores_lead_nothing_and_get_nothing() {
    let mut regions: Vec<Told> = (1..=6).map(|id| region(id, &[1, 2, 3], 1)).collect();
    settle(&Scheduler::EvictLeader(vec![1]), 3, &mut regions);
    assert_eq!(leaders(&regions, 3)[0], 0);
    let views = stores(3, &regions);
    let settings = ScheduleSettings::default();
    let evicted = BTreeSet::from([1]);
    let nothing = BTreeMap::new();
    let wish = ask_with(&Scheduler::BalanceLeader, &views, &regions, &settings, &evicted, &nothing, &[]);
    let to_banned =
        |operator: &Operator| matches!(&operator.steps[0], Step::TransferLeader(peer) if peer.store_id == 1);
    assert!(!wish.operators.iter().any(to_banned));
    let lone = [region(1, &[1], 1)];
    let wish = ask(&Scheduler::EvictLeader(vec![1]), &stores(1, &lone), &lone);
    assert!(wish.operators.is_empty() && wish.idle.contains("no other store"), "{}", wish.idle);
}

#[test]
fn the_list_of_schedulers_is_kept_and_pauses_end() {
    let env = Simulation::new(1).env();
    let open = || Schedulers::open(Arc::new(Storage::open(&env, "/pd").expect("opens"))).expect("reads");
    let now = |seconds| Monotonic::from_origin(Duration::from_secs(seconds));
    let names = |schedulers: &Schedulers| -> Vec<&'static str> {
        schedulers.all(now(0)).iter().map(|kept| kept.scheduler.name()).collect()
    };
    let schedulers = open();
    let default = [
        "balance-leader-scheduler",
        "balance-region-scheduler",
        "balance-hot-region-scheduler",
        "evict-slow-store-scheduler",
    ];
    assert_eq!(names(&schedulers), default);
    schedulers.add("evict-leader-scheduler", Some(4)).expect("starts");
    schedulers.add("evict-leader-scheduler", Some(7)).expect("another store");
    for (name, store_id) in [
        ("evict-leader-scheduler", Some(4)),
        ("evict-leader-scheduler", None),
        ("balance-leader-scheduler", None),
        ("balance-leader-scheduler", Some(4)),
        ("hot-region-scheduler", None),
        ("grant-leader", Some(7)),
        ("evict-slow-store", Some(7)),
        ("nosuch", None),
    ] {
        assert!(schedulers.add(name, store_id).is_err(), "{name} {store_id:?}");
    }
    schedulers.remove("balance-region-scheduler").expect("runs");
    schedulers.remove("evict-leader-scheduler-4").expect("evicts");
    assert!(schedulers.remove("evict-leader-scheduler-4").is_err());
    schedulers.pause("all", Duration::from_secs(10), now(0)).expect("pauses");
    assert!(schedulers.all(now(9)).iter().all(|kept| kept.last == State::Paused));
    assert!(schedulers.all(now(10)).iter().all(|kept| kept.last != State::Paused));
    assert!(schedulers.pause("nosuch", Duration::ZERO, now(0)).is_err());
    drop(schedulers);
    let again = open();
    let kept = [
        "balance-leader-scheduler",
        "balance-hot-region-scheduler",
        "evict-slow-store-scheduler",
        "evict-leader-scheduler",
    ];
    assert_eq!(names(&again), kept);
    assert_eq!(again.all(now(0))[3].scheduler, Scheduler::EvictLeader(vec![7]));
    again.remove("evict-leader-scheduler").expect("runs");
}

#[test]
fn weights_say_how_much_is_even() {
    let mut regions: Vec<Told> = (1..=12).map(|id| region(id, &[1, 2, 3], 1)).collect();
    let weigh = |regions: &[Told]| {
        let mut views = stores(3, regions);
        views[2].traits.leader_weight = 2_000;
        views
    };
    loop {
        let wish = ask(&Scheduler::BalanceLeader, &weigh(&regions), &regions);
        if wish.operators.is_empty() {
            break;
        }
        wish.operators.iter().for_each(|operator| carry_out(operator, &mut regions));
    }
    assert_eq!(leaders(&regions, 3), [3, 3, 6]);
    let regions: Vec<Told> = (1..=12).map(|id| region(id, &[1, 2, 3], 10)).collect();
    let mut views = stores(4, &regions);
    views[3].traits.region_weight = 0;
    assert!(ask(&Scheduler::BalanceRegion, &views, &regions).operators.is_empty(), "store 4 counts as full");
}

#[test]
fn a_move_keeps_peers_apart() {
    let regions: Vec<Told> = (1..=12).map(|id| region(id, &[1, 2, 3], 10)).collect();
    let mut views = stores(4, &regions);
    for (view, zone) in views.iter_mut().zip(["a", "b", "c", "c"]) {
        view.store.labels = vec![("zone".to_owned(), zone.to_owned())];
    }
    let settings =
        ScheduleSettings { location_labels: vec!["zone".to_owned()], ..ScheduleSettings::default() };
    let none = BTreeSet::new();
    let wish = ask_with(&Scheduler::BalanceRegion, &views, &regions, &settings, &none, &BTreeMap::new(), &[]);
    let left =
        |operator: &Operator| matches!(operator.steps.last(), Some(Step::Remove(peer)) if peer.store_id == 3);
    assert!(!wish.operators.is_empty() && wish.operators.iter().all(left), "{wish:?}");
}

/// Asks with traffic that the leaders told three times: bytes read and written in a second, by region.
fn ask_hot(stores: &[StoreView], regions: &[Told], traffic: &[(u64, u64, u64)]) -> Wish {
    let flows = Flows::default();
    for second in [0, 10, 20, 30] {
        for (region_id, read, written) in traffic {
            let told = regions.iter().find(|told| told.region.id == *region_id).expect("known");
            let mut beat = RegionHeartbeat::clone(told);
            (beat.bytes_read, beat.bytes_written) = (read * 10, written * 10);
            flows.told(&beat, Monotonic::from_origin(Duration::from_secs(second)), 0);
        }
    }
    let settings = ScheduleSettings::default();
    let (rules, none) = (Rules::from_settings(&settings), BTreeSet::new());
    let around = Surroundings { stores, settings: &settings, rules: &rules, no_leaders: &none };
    let mut view =
        View::new(&around, regions, &BTreeMap::new(), BTreeSet::new()).with_flows(flows.all(), true);
    Scheduler::HotRegion.step(&mut view, &mut || Ok(99)).expect("answers")
}

#[test]
fn hot_regions_are_led_by_different_stores() {
    const MIB: u64 = 1 << 20;
    let regions: Vec<Told> = (1..=3).map(|id| region(id, &[1, 2, 3], 1)).collect();
    let views = stores(3, &regions);
    let wish = ask_hot(&views, &regions, &[(1, MIB, 0), (2, MIB, 0)]);
    let operator = &wish.operators[0];
    assert_eq!((operator.name, operator.region_id, operator.kind), ("move-hot-read", 1, Kind::Hot));
    assert!(
        matches!(&operator.steps[..], [Step::TransferLeader(peer)] if peer.store_id == 2),
        "{operator:?}"
    );
    let one = ask_hot(&views, &regions, &[(1, MIB, 0)]);
    assert!(one.operators.is_empty() && one.idle.contains("as even as they can be"), "{one:?}");
    assert_eq!(ask_hot(&views, &regions, &[(1, 100, 0)]).idle, "no region is hot");
}

#[test]
fn what_is_written_much_moves_to_an_idle_store() {
    const MIB: u64 = 1 << 20;
    let regions = [region(1, &[1, 2, 3], 1), region(2, &[2, 1, 3], 1), region(3, &[3, 1, 2], 1)];
    let views = stores(4, &regions);
    let wish = ask_hot(&views, &regions, &[(1, 0, MIB), (2, 0, MIB), (3, 0, MIB)]);
    let operator = &wish.operators[0];
    assert_eq!(operator.name, "move-hot-write");
    assert!(matches!(&operator.steps[0], Step::AddLearner(peer) if peer.store_id == 4), "{operator:?}");
}

#[test]
fn a_granted_store_leads_all_it_can_and_keeps_it() {
    let mut regions: Vec<Told> = (1..=6).map(|id| region(id, &[1, 2, 3], 1)).collect();
    let grant = Scheduler::GrantLeader(vec![2]);
    settle(&grant, 3, &mut regions);
    assert_eq!(leaders(&regions, 3), [0, 6, 0]);
    let views = stores(3, &regions);
    let (settings, none) = (ScheduleSettings::default(), BTreeSet::new());
    let rules = Rules::from_settings(&settings);
    let around = Surroundings { stores: &views, settings: &settings, rules: &rules, no_leaders: &none };
    let mut view = View::new(&around, &regions, &BTreeMap::new(), BTreeSet::new());
    view.grant(&[2]);
    let wish = Scheduler::BalanceLeader.step(&mut view, &mut || Ok(99)).expect("answers");
    assert!(wish.operators.is_empty(), "{wish:?}");
}

#[test]
fn a_slow_store_is_left_and_comes_back() {
    let regions: Vec<Told> = (1..=3).map(|id| region(id, &[1, 2, 3], 1)).collect();
    let views = |scores: [u64; 3]| {
        let mut views = stores(3, &regions);
        for (view, slow_score) in views.iter_mut().zip(scores) {
            view.stats = Some(StoreStats { slow_score, ..StoreStats::default() });
        }
        views
    };
    let none = Scheduler::EvictSlowStore(Vec::new());
    let ask = |scheduler: &Scheduler, scores| ask(scheduler, &views(scores), &regions);
    assert_eq!(ask(&none, [1, 1, 79]).slow, None);
    assert_eq!(ask(&none, [80, 1, 1]).slow, Some(vec![1]));
    let several = ask(&none, [80, 1, 100]);
    assert!(several.slow.is_none() && several.idle.contains("[1, 3]"), "{several:?}");
    let evicting = Scheduler::EvictSlowStore(vec![1]);
    let wish = ask(&evicting, [50, 1, 1]);
    assert_eq!((wish.operators.len(), wish.slow), (3, None), "leaders leave");
    assert_eq!(ask(&evicting, [1, 1, 1]).slow, Some(Vec::new()), "it is well again");
}

#[test]
fn shuffling_keeps_regions_whole() {
    let mut regions: Vec<Told> = (1..=4).map(|id| region(id, &[1, 2, 3], 1)).collect();
    let settings = ScheduleSettings::default();
    let (rules, none) = (Rules::from_settings(&settings), BTreeSet::new());
    let before = regions.clone();
    for seed in 0..40 {
        let views = stores(4, &regions);
        let around = Surroundings { stores: &views, settings: &settings, rules: &rules, no_leaders: &none };
        let scheduler = if seed % 2 == 0 { Scheduler::ShuffleLeader } else { Scheduler::ShuffleRegion };
        let mut view = View::new(&around, &regions, &BTreeMap::new(), BTreeSet::new()).with_seed(seed);
        let wish = scheduler.step(&mut view, &mut || Ok(99)).expect("answers");
        wish.operators.iter().for_each(|operator| carry_out(operator, &mut regions));
    }
    assert_ne!(regions, before);
    assert!(regions.iter().all(|told| told.region.peers.len() == 3));
}

#[test]
fn scattered_regions_are_even_in_peers_and_leaders() {
    let mut regions: Vec<Told> = (1..=8).map(|id| region(id, &[1, 2, 3], 1)).collect();
    let settings = ScheduleSettings::default();
    let (rules, none) = (Rules::from_settings(&settings), BTreeSet::new());
    let scattered = Scattered::default();
    for id in 1..=8 {
        let views = stores(4, &regions);
        let around = Surroundings { stores: &views, settings: &settings, rules: &rules, no_leaders: &none };
        let told = regions.iter().find(|told| told.region.id == id).expect("known").clone();
        let mut next = 990;
        let mut new_id = || {
            next += 1;
            Ok(next)
        };
        let wanted = scattered.scatter("t", &told, &around, &mut new_id).expect("answers").expect("can be");
        wanted.iter().for_each(|operator| carry_out(operator, &mut regions));
    }
    assert_eq!((peers(&regions, 4), leaders(&regions, 4)), (vec![6, 6, 6, 6], vec![2, 2, 2, 2]));
    let views = stores(3, &regions);
    let around = Surroundings { stores: &views, settings: &settings, rules: &rules, no_leaders: &none };
    let ill = scattered.scatter("t", &regions[0], &around, &mut || Ok(1)).expect("answers");
    assert!(ill.is_err() || regions[0].region.peer_on_store(4).is_none());
}
