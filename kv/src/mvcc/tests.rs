//! All readers against a plain model: random histories of many versions, short and long values, deletes and
//! records that change nothing.
use std::collections::BTreeMap;

use bytes::Bytes;
use rutile_kv_engine::{Engine, EngineConfig, MemoryEngine, RocksEngine, WriteBatch};
use rutile_kv_env::{Random, Simulation};
use rutile_kv_types::{Cf, Key, Lock, LockType, TimeStamp, Write, WriteType, is_short_value};

use super::{BackwardScanner, ForwardScanner, PointGetter, ReadOptions, Versions};

const KEYS: u64 = 12;
const LAST_TS: u64 = 200;

/// Values by key and commit timestamp; `None` is a delete.
#[derive(Default)]
struct Model {
    versions: BTreeMap<Vec<u8>, BTreeMap<u64, Option<Bytes>>>,
}

impl Model {
    fn at(&self, ts: u64) -> BTreeMap<Vec<u8>, Bytes> {
        let newest = |versions: &BTreeMap<u64, Option<Bytes>>| versions.range(..=ts).next_back()?.1.clone();
        self.versions.iter().filter_map(|(key, versions)| Some((key.clone(), newest(versions)?))).collect()
    }
}

fn history(random: &dyn Random, engine: &dyn Engine) -> Model {
    let mut model = Model::default();
    for ts in (2..=LAST_TS).step_by(2) {
        // The product makes some keys hot, so that long histories are jumped over.
        let key = format!("k{:02}", random.range(0..KEYS) * random.range(0..KEYS) / KEYS).into_bytes();
        let (start_ts, commit_ts) = (TimeStamp::new(ts - 1), TimeStamp::new(ts));
        let encoded = Key::from_raw(&key);
        let mut batch = WriteBatch::new();
        let versions = model.versions.entry(key).or_default();
        let write = match random.range(0..6) {
            0 => Write::new_rollback(commit_ts, random.one_in(2)),
            1 => Write::new(WriteType::Lock, start_ts, None),
            2 => {
                versions.insert(ts, None);
                Write::new(WriteType::Delete, start_ts, None)
            }
            _ => {
                let length = if random.one_in(3) { 300 } else { random.range(0..20) as usize };
                let value = Bytes::from(vec![ts as u8; length]);
                versions.insert(ts, Some(value.clone()));
                if is_short_value(&value) {
                    Write::new(WriteType::Put, start_ts, Some(value))
                } else {
                    batch.put(Cf::Default, encoded.clone().append_ts(start_ts), &value);
                    Write::new(WriteType::Put, start_ts, None)
                }
            }
        };
        batch.put(Cf::Write, encoded.append_ts(commit_ts), write.to_bytes());
        engine.write(batch, false).expect("a local engine");
    }
    model
}

/// Locks in the way of nobody: above every read, or of a kind that changes nothing.
fn add_harmless_locks(random: &dyn Random, engine: &dyn Engine) {
    for n in 0..KEYS + 3 {
        if random.one_in(2) {
            continue;
        }
        let kind = if random.one_in(2) { LockType::Put } else { LockType::Lock };
        let start_ts = if kind == LockType::Put { LAST_TS + 10 } else { 1 };
        let lock = Lock::new(kind, Bytes::from_static(b"p"), start_ts.into(), 10);
        let mut batch = WriteBatch::new();
        batch.put(Cf::Lock, Key::from_raw(format!("k{n:02}").as_bytes()), lock.to_bytes());
        engine.write(batch, false).expect("a local engine");
    }
}

fn bound(random: &dyn Random) -> Vec<u8> {
    if random.one_in(4) {
        return Vec::new();
    }
    Key::from_raw(format!("k{:02}", random.range(0..KEYS + 1)).as_bytes()).into_encoded()
}

fn forward(versions: Versions<'_>, options: &ReadOptions, low: &[u8], high: &[u8]) -> Vec<(Vec<u8>, Bytes)> {
    let mut scanner = ForwardScanner::new(versions, options, low, high, false).expect("opens");
    let mut pairs = Vec::new();
    while scanner.next().expect("no lock is in the way") {
        pairs.push((scanner.key().to_vec(), Bytes::copy_from_slice(scanner.value())));
    }
    pairs
}

fn backward(versions: Versions<'_>, options: &ReadOptions, low: &[u8], high: &[u8]) -> Vec<(Vec<u8>, Bytes)> {
    let mut scanner = BackwardScanner::new(versions, options, low, high, false).expect("opens");
    let mut pairs = Vec::new();
    while scanner.next().expect("no lock is in the way") {
        pairs.push((scanner.key().to_vec(), scanner.value().clone()));
    }
    pairs.reverse();
    pairs
}

#[test]
fn readers_agree_with_the_model() {
    for seed in 0..60 {
        let env = Simulation::new(seed).env();
        let random = &*env.random;
        let directory = tempfile::tempdir().expect("a directory");
        // Every tenth history on RocksDB, partly in table files, where bloom filters answer for absent keys.
        let engine: Box<dyn Engine> = if seed % 10 == 0 {
            Box::new(RocksEngine::open(directory.path(), &EngineConfig::small()).expect("opens"))
        } else {
            Box::new(MemoryEngine::new())
        };
        let model = history(random, &*engine);
        engine.flush().expect("flushes");
        add_harmless_locks(random, &*engine);
        let snapshot = engine.snapshot();
        // The locks are harmless, so not to look at them gives the same answers.
        let versions = Versions { engine: &*snapshot, has_locks: seed % 2 == 0 };
        for _ in 0..20 {
            let ts = random.range(1..LAST_TS + 5);
            let options = ReadOptions::at(ts.into());
            let (low, high) = (bound(random), bound(random));
            let inside = |key: &[u8]| {
                let key = Key::from_raw(key).into_encoded();
                low <= key && (high.is_empty() || key < high)
            };
            let all = model.at(ts);
            let expected: Vec<_> =
                all.iter().filter(|(key, _)| inside(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
            if high.is_empty() || low < high {
                assert_eq!(forward(versions, &options, &low, &high), expected, "seed {seed} ts {ts}");
                assert_eq!(backward(versions, &options, &low, &high), expected, "seed {seed} ts {ts}");
            }
            let mut getter = PointGetter::new(versions, &options);
            for n in 0..KEYS + 1 {
                let key = format!("k{n:02}").into_bytes();
                let value = getter.get(&Key::from_raw(&key)).expect("no lock is in the way");
                assert_eq!(value.as_ref(), all.get(&key), "seed {seed} ts {ts} key {n}");
            }
        }
    }
}

#[test]
fn one_scanner_serves_many_ranges() {
    let env = Simulation::new(7).env();
    let engine = MemoryEngine::new();
    let model = history(&*env.random, &engine);
    let snapshot = engine.snapshot();
    let versions = Versions { engine: &*snapshot, has_locks: true };
    let options = ReadOptions::at(LAST_TS.into());
    let encoded = |text: &str| Key::from_raw(text.as_bytes()).into_encoded();
    let mut scanner =
        ForwardScanner::new(versions, &options, &encoded("k00"), &encoded("k09"), false).expect("opens");
    for (low, high) in [("k01", "k03"), ("k03", "k03\0"), ("k05", "k09")] {
        scanner.enter(&encoded(low), &encoded(high)).expect("moves");
        let mut found = Vec::new();
        while scanner.next().expect("no lock") {
            found.push(scanner.key().to_vec());
        }
        let all = model.at(LAST_TS);
        let expected: Vec<_> = all
            .keys()
            .filter(|key| (low.as_bytes()..high.as_bytes()).contains(&key.as_slice()))
            .cloned()
            .collect();
        assert_eq!(found, expected, "{low}..{high}");
    }
}
