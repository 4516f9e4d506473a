//! What was written is there after a crash; what is damaged is found.

use std::path::{Path, PathBuf};

use rutile_kv_env::Simulation;

use super::record::{Frame, decode_batch, encode_frame, frame_at};
use super::{Batch, Storage, keys};
use crate::error::Error;

fn batch(pairs: &[(&str, &str)]) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in pairs {
        batch.put(*key, *value);
    }
    batch
}

fn dir() -> PathBuf {
    PathBuf::from("/pd")
}

#[test]
fn written_batches_survive_a_crash() {
    let simulation = Simulation::new(1);
    let env = simulation.env();
    for round in 0..40_u64 {
        let storage = Storage::open(&env, dir()).expect("opens");
        assert_eq!(storage.get_u64(b"round").expect("a number"), round.checked_sub(1));
        let mut change = batch(&[("a", "1"), ("b", "2")]);
        change.put_u64("round", round);
        change.delete("a");
        storage.write(change).expect("writes");
        drop(storage);
        simulation.disk().crash(round as usize);
    }
    let storage = Storage::open(&env, dir()).expect("opens");
    assert_eq!(storage.get(b"a"), None);
    assert_eq!(storage.get(b"b").as_deref(), Some(b"2".as_slice()));
}

#[test]
fn a_long_journal_is_folded_and_nothing_is_lost() {
    let simulation = Simulation::new(1);
    let env = simulation.env();
    let storage = Storage::open(&env, dir()).expect("opens");
    let value = vec![7_u8; 1 << 20];
    for n in 0..12_u64 {
        let mut change = Batch::default();
        change.put(keys::region(n % 3), value.as_slice());
        change.put_u64("last", n);
        storage.write(change).expect("writes");
    }
    drop(storage);
    simulation.disk().crash(5);
    let journals = env.disk.read_dir(&dir()).expect("lists");
    let journals = journals.iter().filter(|path| path.to_string_lossy().contains("journal")).count();
    assert_eq!(journals, 1);
    let storage = Storage::open(&env, dir()).expect("opens");
    assert_eq!(storage.get_u64(b"last").expect("a number"), Some(11));
    assert_eq!(storage.values_with_prefix(keys::REGION_PREFIX).len(), 3);
}

#[test]
fn a_second_process_is_refused() {
    let env = Simulation::new(1).env();
    let first = Storage::open(&env, dir()).expect("opens");
    assert!(matches!(Storage::open(&env, dir()).map(drop), Err(Error::DirectoryInUse { .. })));
    drop(first);
    Storage::open(&env, dir()).expect("opens");
}

#[test]
fn a_frame_cut_anywhere_is_torn_and_a_flipped_bit_before_the_end_is_corrupt() {
    let first = encode_frame(&batch(&[("key", "value")]));
    let mut file = first.clone();
    file.extend_from_slice(&encode_frame(&batch(&[("other", "")])));
    for cut in 1..first.len() {
        assert!(matches!(frame_at(&first[..cut], 0), Frame::Torn), "cut at {cut}");
    }
    for bit in 8 * 4..first.len() * 8 {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(frame_at(&damaged, 0), Frame::Corrupt(_)), "bit {bit}");
    }
    let Frame::Whole { payload, end } = frame_at(&file, 0) else {
        panic!("the undamaged frame is whole");
    };
    assert_eq!(end, first.len());
    assert_eq!(decode_batch(payload), Some(batch(&[("key", "value")])));
}

#[test]
fn damage_in_the_snapshot_is_named() {
    let simulation = Simulation::new(1);
    let env = simulation.env();
    let storage = Storage::open(&env, dir()).expect("opens");
    storage.write(batch(&[("a", "1")])).expect("writes");
    drop(storage);
    drop(Storage::open(&env, dir()).expect("opens"));
    let path = Path::new("/pd/pd.snapshot");
    let last = env.disk.read(path).expect("reads").len() - 1;
    assert!(simulation.disk().flip_bit(path, last));
    let error = Storage::open(&env, dir()).map(drop).expect_err("must not open");
    assert!(error.to_string().contains("/pd/pd.snapshot"), "{error}");
}

#[test]
fn a_directory_of_the_first_format_goes_on() {
    let simulation = Simulation::new(1);
    let env = simulation.env();
    for (name, content) in [
        ("pd.snapshot", &include_bytes!("testdata/format-1/pd.snapshot")[..]),
        ("pd.journal.2", &include_bytes!("testdata/format-1/pd.journal.2")[..]),
    ] {
        env.disk.create_dir_all(&dir()).expect("creates");
        env.disk.write_atomic(&dir().join(name), content).expect("writes");
    }
    for _ in 0..2 {
        let storage = Storage::open(&env, dir()).expect("opens");
        let number = |key: &[u8]| storage.get_u64(key).expect("a number");
        assert_eq!(number(keys::CLUSTER_ID), Some(4_242));
        assert_eq!((number(keys::TSO_WINDOW), number(keys::ID_END)), (Some(2_000_000), Some(7_001)));
        assert_eq!((storage.get(b"b"), storage.get(b"gone")), (Some(b"2".to_vec()), None));
        assert_eq!(storage.group().member_id(), 1, "who was alone keeps the id that clients know");
        drop(storage);
        simulation.disk().crash(0);
    }
}
