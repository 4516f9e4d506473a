//! Random histories: both engines must agree with each other at every step and in every snapshot.

use proptest::prelude::*;
use rutile_kv_engine::{Engine, EngineConfig, IterOptions, MemoryEngine, RocksEngine, Snapshot, WriteBatch};
use rutile_kv_types::Cf;

#[derive(Clone, Debug)]
enum Step {
    Put(usize, u8, u8),
    Delete(usize, u8),
    DeleteRange(usize, u8, u8),
    Snapshot,
    Drop,
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let family = 0usize..Cf::ALL.len();
    prop_oneof![
        6 => (family.clone(), 0u8..24, any::<u8>()).prop_map(|(cf, key, value)| Step::Put(cf, key, value)),
        3 => (family.clone(), 0u8..24).prop_map(|(cf, key)| Step::Delete(cf, key)),
        1 => (family, 0u8..24, 0u8..24).prop_map(|(cf, a, b)| Step::DeleteRange(cf, a, b)),
        2 => Just(Step::Snapshot),
        1 => Just(Step::Drop),
        1 => Just(Step::Flush),
    ]
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Long enough to have a timestamp, so that the prefix filters of the write CF take part.
fn key(id: u8) -> Vec<u8> {
    vec![b'k', id / 4, 0, 0, 0, 0, 0, 0, id]
}

fn pairs(snapshot: &dyn Snapshot, cf: Cf, options: IterOptions, forward: bool) -> Pairs {
    let mut iterator = snapshot.iter(cf, options);
    let mut found = Vec::new();
    let mut on_pair = if forward { iterator.seek_to_first() } else { iterator.seek_to_last() }.expect("seek");
    while on_pair {
        found.push((iterator.key().to_vec(), iterator.value().to_vec()));
        on_pair = if forward { iterator.next() } else { iterator.prev() }.expect("move");
    }
    found
}

fn assert_same(memory: &dyn Snapshot, rocks: &dyn Snapshot) -> Result<(), TestCaseError> {
    for cf in Cf::ALL {
        for bounds in [IterOptions::default(), IterOptions::range(key(5), key(17))] {
            let expected = pairs(memory, cf, bounds.clone(), true);
            prop_assert_eq!(&pairs(rocks, cf, bounds.clone(), true), &expected);
            let mut reversed = pairs(rocks, cf, bounds.clone(), false);
            prop_assert_eq!(&reversed, &pairs(memory, cf, bounds, false));
            reversed.reverse();
            prop_assert_eq!(reversed, expected);
        }
        for id in 0..24 {
            let (memory, rocks) = (memory.get(cf, &key(id)), rocks.get(cf, &key(id)));
            prop_assert_eq!(memory.expect("get"), rocks.expect("get"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_agree(steps in proptest::collection::vec(step(), 1..60)) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let rocks = RocksEngine::open(directory.path(), &EngineConfig::small()).expect("open");
        let memory = MemoryEngine::new();
        let mut snapshots = Vec::new();
        for step in steps {
            let mut batch = WriteBatch::new();
            match step {
                Step::Put(cf, id, value) => batch.put(Cf::ALL[cf], key(id), [value]),
                Step::Delete(cf, id) => batch.delete(Cf::ALL[cf], key(id)),
                Step::DeleteRange(cf, a, b) => batch.delete_range(Cf::ALL[cf], key(a), key(b)),
                Step::Snapshot => snapshots.push((memory.snapshot(), rocks.snapshot())),
                Step::Drop => drop(snapshots.pop()),
                Step::Flush => rocks.flush().expect("flush"),
            }
            memory.write(batch.clone(), false).expect("write");
            rocks.write(batch, false).expect("write");
        }
        snapshots.push((memory.snapshot(), rocks.snapshot()));
        for (memory, rocks) in &snapshots {
            assert_same(&**memory, &**rocks)?;
        }
    }

    /// After a crash the engine holds what a prefix of the history, at least up to the last sync, had written.
    #[test]
    fn a_crash_leaves_a_prefix(
        steps in proptest::collection::vec((step(), any::<bool>()), 1..40), kept in 0usize..10
    ) {
        let engine = MemoryEngine::new();
        let mut history = vec![engine.dump()];
        let mut synced = 0;
        for (step, sync) in steps {
            let mut batch = WriteBatch::new();
            match step {
                Step::Put(cf, id, value) => batch.put(Cf::ALL[cf], key(id), [value]),
                Step::Delete(cf, id) => batch.delete(Cf::ALL[cf], key(id)),
                Step::DeleteRange(cf, a, b) => batch.delete_range(Cf::ALL[cf], key(a), key(b)),
                Step::Snapshot | Step::Drop | Step::Flush => {}
            }
            engine.write(batch, sync).expect("write");
            history.push(engine.dump());
            if sync {
                synced = history.len() - 1;
            }
        }
        engine.crash(kept);
        let expected = (synced + kept).min(history.len() - 1);
        prop_assert_eq!(engine.dump(), history[expected].clone());
    }
}
