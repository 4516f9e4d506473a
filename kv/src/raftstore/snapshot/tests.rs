//! A region goes from one engine to another by chunks; a power failure at any step is made good at the next start.
use std::sync::Arc;

use rutile_kv_engine::{Engine, EngineConfig, MemoryEngine, RocksEngine, WriteBatch};
use rutile_kv_env::Hooks;
use rutile_kv_types::{Cf, Peer, PeerRole, Region, RegionEpoch};

use super::apply::{fill, mark_applying};
use super::chunk::Cutter;
use super::{drop_chunks, resume};
use crate::keys;
use crate::raftstore::state::{ApplyState, LocalState, PeerState};

const POINT: ApplyState = ApplyState { applied_index: 90, applied_term: 7 };

fn region(start: &'static str, end: &'static str, version: u64) -> Region {
    Region {
        id: 2,
        start_key: start.into(),
        end_key: end.into(),
        epoch: RegionEpoch { conf_ver: 1, version },
        peers: vec![Peer { id: 3, store_id: 1, role: PeerRole::Voter }],
    }
}

fn put(engine: &dyn Engine, cf: Cf, pairs: &[(&str, &str)]) {
    let mut batch = WriteBatch::new();
    pairs.iter().for_each(|(key, value)| batch.put(cf, key, value));
    engine.write(batch, true).expect("writes");
}

fn value(engine: &dyn Engine, cf: Cf, key: &str) -> Option<String> {
    let found = engine.get(cf, key.as_bytes()).expect("readable");
    found.map(|value| String::from_utf8_lossy(&value).into_owned())
}

/// What a receiver has when all chunks of the sender's region came.
fn receive(engine: &dyn Engine, sender: &dyn Engine, region: &Region) {
    let (snapshot, mut cutter, mut batch) = (sender.snapshot(), Cutter::new(20), WriteBatch::new());
    let chunks = std::iter::from_fn(|| cutter.next(&*snapshot, region).expect("readable"));
    let chunks: Vec<_> = chunks.collect();
    // The last one only tells that it is the last.
    for (number, chunk) in chunks[..chunks.len() - 1].iter().enumerate() {
        batch.put(Cf::Raft, keys::snapshot_chunk(region.id, number as u32), chunk);
    }
    engine.write(batch, false).expect("writes");
}

fn sender() -> MemoryEngine {
    let engine = MemoryEngine::new();
    put(&engine, Cf::Write, &[("a", "left"), ("m", "new"), ("n", "new"), ("z", "new")]);
    put(&engine, Cf::Default, &[("n", "long")]);
    engine
}

/// A peer that had the whole range before a split that it missed, and a neighbour's key in the raft family.
fn prepare(engine: &dyn Engine) -> (Region, Region) {
    put(engine, Cf::Write, &[("a", "old"), ("m", "old"), ("p", "gone since")]);
    put(engine, Cf::Lock, &[("m", "gone since")]);
    (region("", "", 1), region("g", "", 2))
}

fn check_filled(engine: &dyn Engine, region: &Region) {
    for (cf, key, expected) in [
        (Cf::Write, "a", None),
        (Cf::Write, "m", Some("new")),
        (Cf::Write, "n", Some("new")),
        (Cf::Write, "p", None),
        (Cf::Write, "z", Some("new")),
        (Cf::Lock, "m", None),
        (Cf::Default, "n", Some("long")),
    ] {
        assert_eq!(value(engine, cf, key).as_deref(), expected, "{cf} {key}");
    }
    let state = engine.get(Cf::Raft, &keys::region_state(2)).expect("readable").expect("there");
    let expected =
        LocalState { state: PeerState::Normal, region: region.clone(), merge: None, history_from: None };
    assert_eq!(LocalState::parse(&state).expect("parses"), expected);
    let applied = engine.get(Cf::Raft, &keys::apply_state(2)).expect("readable").expect("there");
    assert_eq!(ApplyState::parse(&applied).expect("parses"), POINT);
    assert_eq!(engine.get(Cf::Raft, &keys::snapshot_chunk(2, 0)).expect("readable"), None, "chunks are gone");
}

#[test]
fn a_snapshot_replaces_what_the_peer_had() {
    let dir = tempfile::tempdir().expect("a directory");
    let rocks = RocksEngine::open(dir.path(), &EngineConfig::small()).expect("opens");
    let engines: [Arc<dyn Engine>; 2] = [Arc::new(MemoryEngine::new()), Arc::new(rocks)];
    for engine in engines {
        let (old, new) = prepare(&*engine);
        receive(&*engine, &sender(), &new);
        mark_applying(&*engine, &old, &new, POINT, &[], &Hooks::default()).expect("writes");
        fill(&*engine, &new, POINT, &Hooks::default()).expect("fills");
        check_filled(&*engine, &new);
    }
}

#[test]
fn what_a_power_failure_interrupts_is_finished_at_the_next_start() {
    let engine = MemoryEngine::new();
    let (old, new) = prepare(&engine);
    receive(&engine, &sender(), &new);
    mark_applying(&engine, &old, &new, POINT, &[], &Hooks::default()).expect("writes");
    engine.crash(0);
    let state = engine.get(Cf::Raft, &keys::region_state(2)).expect("readable").expect("there");
    assert_eq!(
        LocalState::parse(&state).expect("parses").state,
        PeerState::Applying,
        "survives with its chunks"
    );
    // Half of the range was filled before the next failure.
    put(&engine, Cf::Write, &[("m", "new"), ("q", "half")]);
    resume(&engine, &new, &Hooks::default()).expect("resumes");
    check_filled(&engine, &new);
    assert_eq!(value(&engine, Cf::Write, "q"), None);
    engine.crash(0);
    check_filled(&engine, &new);
}

#[test]
fn a_snapshot_that_is_not_taken_over_leaves_nothing() {
    let engine = MemoryEngine::new();
    let (_, new) = prepare(&engine);
    receive(&engine, &sender(), &new);
    drop_chunks(&engine, new.id).expect("writes");
    assert_eq!(engine.get(Cf::Raft, &keys::snapshot_chunk(2, 0)).expect("readable"), None);
    assert_eq!(value(&engine, Cf::Write, "a").as_deref(), Some("old"));
}
