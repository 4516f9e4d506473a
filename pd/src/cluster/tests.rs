//! The tree always covers all keys; what was founded and told survives a crash; ids never repeat.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_env::Simulation;
use rutile_kv_types::{Peer, PeerRole, Region, RegionEpoch};
use rutile_pd_client::{RegionHeartbeat, Store, StoreState};

use super::region_tree::RegionTree;
use super::{Cluster, IdAllocator};
use crate::error::Error;
use crate::storage::Storage;

fn region(id: u64, start: &str, end: &str, version: u64) -> Region {
    Region {
        id,
        start_key: Bytes::copy_from_slice(start.as_bytes()),
        end_key: Bytes::copy_from_slice(end.as_bytes()),
        epoch: RegionEpoch { conf_ver: 1, version },
        peers: vec![Peer { id: id + 1_000, store_id: 1, role: PeerRole::Voter }],
    }
}

fn beat(region: Region) -> RegionHeartbeat {
    RegionHeartbeat { leader: region.peers.first().cloned(), region, ..RegionHeartbeat::default() }
}

/// What answers for each of the keys a to e: region id and version.
fn answers(tree: &RegionTree) -> Vec<(u64, u64)> {
    tree.check_invariants();
    let found = |key: &str| tree.find(key.as_bytes()).map(|told| (told.region.id, told.region.epoch.version));
    ["a", "b", "c", "d", "e"].iter().filter_map(|key| found(key)).collect()
}

#[test]
fn half_a_split_report_leaves_the_old_region_in_the_gap() {
    let mut tree = RegionTree::default();
    assert!(tree.put(beat(region(2, "", "", 1))).is_empty());
    tree.put(beat(region(2, "c", "", 2)));
    assert_eq!(answers(&tree), [(2, 1), (2, 1), (2, 2), (2, 2), (2, 2)]);
    tree.put(beat(region(3, "", "b", 2)));
    assert_eq!(answers(&tree), [(3, 2), (2, 1), (2, 2), (2, 2), (2, 2)]);
    tree.put(beat(region(4, "b", "c", 2)));
    assert_eq!(answers(&tree), [(3, 2), (4, 2), (2, 2), (2, 2), (2, 2)]);
    assert_eq!(tree.len(), 3);
}

#[test]
fn a_merge_removes_the_swallowed_region() {
    let mut tree = RegionTree::default();
    tree.put(beat(region(2, "c", "", 2)));
    tree.put(beat(region(3, "", "c", 2)));
    assert_eq!(tree.put(beat(region(2, "", "", 4))), [3]);
    assert_eq!(answers(&tree), [(2, 4); 5]);
    assert!(tree.by_id(3).is_none());
}

#[test]
fn older_news_is_refused() {
    let mut tree = RegionTree::default();
    tree.put(RegionHeartbeat { term: 7, ..beat(region(2, "", "", 3)) });
    for (old, why) in [
        (beat(region(2, "", "", 2)), "older version of itself"),
        (beat(region(9, "a", "b", 2)), "older version of a neighbour"),
        (RegionHeartbeat { term: 6, ..beat(region(2, "", "", 3)) }, "older term"),
    ] {
        assert!(matches!(tree.check(&old), Err(Error::StaleRegion { .. })), "{why}");
    }
    tree.check(&RegionHeartbeat { term: 7, ..beat(region(2, "", "", 3)) }).expect("the same again is fine");
}

#[test]
fn reports_in_any_order_end_in_the_same_tree() {
    let reports =
        [region(3, "", "b", 2), region(4, "b", "d", 3), region(5, "d", "e", 3), region(2, "e", "", 3)];
    let mut orders = vec![vec![0, 1, 2, 3], vec![3, 2, 1, 0], vec![1, 3, 0, 2], vec![2, 0, 3, 1]];
    for order in &mut orders {
        let mut tree = RegionTree::default();
        tree.put(beat(region(2, "", "", 1)));
        for index in order.iter() {
            tree.check(&beat(reports[*index].clone())).expect("is news");
            tree.put(beat(reports[*index].clone()));
            tree.check_invariants();
        }
        assert_eq!(answers(&tree), [(3, 2), (4, 3), (4, 3), (5, 3), (2, 3)]);
        let ids: Vec<u64> = tree.scan(b"", b"", usize::MAX).iter().map(|told| told.region.id).collect();
        assert_eq!(ids, [3, 4, 5, 2]);
        let ids: Vec<u64> = tree.scan(b"c", b"e", usize::MAX).iter().map(|told| told.region.id).collect();
        assert_eq!(ids, [4, 5]);
        assert_eq!(tree.scan(b"", b"", 2).len(), 2);
    }
}

fn open(simulation: &Simulation) -> (Cluster, IdAllocator) {
    let env = simulation.env();
    let storage = Arc::new(Storage::open(&env, PathBuf::from("/pd")).expect("opens"));
    let ids = IdAllocator::open(Arc::clone(&storage)).expect("opens");
    (Cluster::open(&env, storage).expect("opens"), ids)
}

fn store(id: u64, address: &str) -> Store {
    Store { id, address: address.to_owned(), ..Store::default() }
}

#[test]
fn a_cluster_is_founded_once_and_survives_a_crash() {
    let simulation = Simulation::new(1);
    let (cluster, ids) = open(&simulation);
    assert!(matches!(cluster.region(b"a"), Err(Error::NotBootstrapped)));
    cluster.bootstrap(store(1, "one"), region(2, "", "", 1)).expect("founds");
    assert!(matches!(
        cluster.bootstrap(store(1, "one"), region(2, "", "", 1)),
        Err(Error::AlreadyBootstrapped)
    ));
    let split = cluster.ask_batch_split(&ids, &region(2, "", "", 1), 2).expect("grants ids");
    assert_eq!(split.len(), 2);
    let mut new = region(split[0].region_id, "", "m", 2);
    new.peers[0].id = split[0].peer_ids[0];
    cluster.report_batch_split(vec![new.clone(), region(2, "m", "", 2)]).expect("takes the report");
    assert_eq!(
        cluster.region(b"a").expect("found").leader,
        new.peers.first().cloned(),
        "the parent's store leads"
    );
    drop((cluster, ids));
    simulation.disk().crash(3);
    let (cluster, ids) = open(&simulation);
    assert_eq!(cluster.region(b"a").expect("found").region, new);
    assert_eq!(cluster.region(b"m").expect("found").region.id, 2);
    let granted = ids.alloc(1).expect("grants").start;
    assert!(split.iter().all(|old| old.region_id < granted && old.peer_ids.iter().all(|id| *id < granted)));
}

#[test]
fn ids_never_repeat_over_crashes() {
    let simulation = Simulation::new(2);
    let mut seen = BTreeSet::new();
    for round in 0..5_u64 {
        let (_, ids) = open(&simulation);
        for count in [1, 700, 1, 2_500] {
            for id in ids.alloc(count).expect("grants") {
                assert!(seen.insert(id), "id {id} repeats");
            }
        }
        simulation.disk().crash(round as usize);
    }
}

#[test]
fn a_store_keeps_its_address_to_itself() {
    let simulation = Simulation::new(3);
    let (cluster, _) = open(&simulation);
    cluster.bootstrap(store(1, "one"), region(2, "", "", 1)).expect("founds");
    assert!(matches!(cluster.put_store(store(5, "one"), &[]), Err(Error::DuplicateAddress { owner: 1, .. })));
    cluster.put_store(store(5, "five"), &[]).expect("registers");
    cluster
        .put_store(Store { state: StoreState::Tombstone, ..store(5, "moved") }, &[])
        .expect("changes the address");
    let (found, _) = cluster.store(5).expect("found");
    assert_eq!(
        (found.address.as_str(), found.state),
        ("moved", StoreState::Up),
        "a store can not bury itself"
    );
}
