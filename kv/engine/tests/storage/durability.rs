//! Reopening, crashing, checkpoints and damaged files.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::support::put;
use rutile_kv_engine::{
    DataDir, Engine, EngineConfig, EngineRaftLog, Entry, Error, IterOptions, MemoryEngine, RaftLog,
    RaftLogBatch, RaftLogConfig, RocksEngine, WriteBatch,
};
use rutile_kv_env::{Env, Simulation};
use rutile_kv_types::{Cf, ErrorClass};

/// What is on disk now, as a process that is killed at this moment leaves it.
fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("create");
    for entry in fs::read_dir(from).expect("list") {
        let path = entry.expect("list").path();
        let target = to.join(path.file_name().expect("entries have names"));
        if path.is_dir() {
            copy_directory(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copy");
        }
    }
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).expect("list").map(|entry| entry.expect("list").path());
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ext| ext == extension)).collect();
    found.sort();
    found
}

fn flip_byte(path: &Path, offset: u64) {
    let mut file = OpenOptions::new().read(true).write(true).open(path).expect("open");
    let mut byte = [0];
    file.seek(SeekFrom::Start(offset)).expect("seek");
    file.read_exact(&mut byte).expect("read");
    file.seek(SeekFrom::Start(offset)).expect("seek");
    file.write_all(&[byte[0] ^ 0x40]).expect("write");
}

fn fill(engine: &dyn Engine, keys: u32) {
    let mut batch = WriteBatch::new();
    for key in 0..keys {
        for cf in Cf::ALL {
            batch.put(cf, format!("key-{key:08}"), format!("value of {key} in {cf}"));
        }
    }
    engine.write(batch, false).expect("write");
}

#[test]
fn a_closed_database_is_whole_when_opened_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for round in 0u8..3 {
        let engine = RocksEngine::open(directory.path(), &EngineConfig::small()).expect("open");
        for former in 0..round {
            assert!(engine.get(Cf::Lock, &[former]).expect("get").is_some());
        }
        put(&engine, Cf::Lock, &[round], b"x");
    }
}

/// A killed process loses nothing: what was written is in the operating system's hands.
#[test]
fn a_killed_process_loses_no_write() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let engine = RocksEngine::open(&directory.path().join("live"), &EngineConfig::small()).expect("open");
    fill(&engine, 100);
    engine.flush().expect("flush");
    put(&engine, Cf::Write, b"after flush", b"x");
    copy_directory(&directory.path().join("live"), &directory.path().join("killed"));
    let killed = RocksEngine::open(&directory.path().join("killed"), &EngineConfig::small()).expect("open");
    assert!(killed.get(Cf::Write, b"after flush").expect("get").is_some());
    assert!(killed.get(Cf::Raft, b"key-00000099").expect("get").is_some());
}

/// The end of the write-ahead log is cut at every place: batches over families are there as a whole or not at all,
/// and never a later one without an earlier one.
#[test]
fn a_torn_write_ahead_log_leaves_a_prefix_of_whole_batches() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let live = directory.path().join("live");
    let engine = RocksEngine::open(&live, &EngineConfig::small()).expect("open");
    for number in 0u8..8 {
        let mut batch = WriteBatch::new();
        batch.put(Cf::Default, [number], b"data");
        batch.put(Cf::Raft, "applied", [number]);
        engine.write(batch, false).expect("write");
    }
    let log = files(&live, "log").pop().expect("a write-ahead log");
    let len = fs::metadata(&log).expect("stat").len();
    let mut seen = std::collections::BTreeSet::new();
    for cut in (0..len).step_by(29) {
        let torn = directory.path().join(format!("torn-{cut}"));
        copy_directory(&live, &torn);
        let file =
            OpenOptions::new().write(true).open(torn.join(log.file_name().expect("a name"))).expect("open");
        file.set_len(cut).expect("truncate");
        let engine = RocksEngine::open(&torn, &EngineConfig::small()).expect("a torn tail is no corruption");
        let applied = engine.get(Cf::Raft, b"applied").expect("get").map_or(0, |value| value[0] + 1);
        for number in 0u8..8 {
            assert_eq!(
                engine.get(Cf::Default, &[number]).expect("get").is_some(),
                number < applied,
                "cut at {cut}"
            );
        }
        seen.insert(applied);
    }
    assert!(seen.len() > 4, "the cuts must meet different batches: {seen:?}");
}

#[test]
fn a_damaged_table_file_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let engine = RocksEngine::open(directory.path(), &EngineConfig::small()).expect("open");
    fill(&engine, 2000);
    engine.flush().expect("flush");
    drop(engine);
    let tables = files(directory.path(), "sst");
    assert_eq!(tables.len(), Cf::ALL.len());
    for table in &tables {
        flip_byte(table, 100);
    }
    let engine = RocksEngine::open(directory.path(), &EngineConfig::small()).expect("metadata is whole");
    for cf in Cf::ALL {
        let error = engine.get(cf, b"key-00000001").expect_err("a damaged block must not be read");
        assert_eq!(error.class(), ErrorClass::Corruption);
        assert!(tables.iter().any(|table| error.to_string().contains(&*table.to_string_lossy())), "{error}");
        let mut iterator = engine.snapshot().iter(cf, IterOptions::default());
        let error = iterator.seek_to_first().expect_err("a scan must not skip a damaged block");
        assert!(error.to_string().contains(".sst"), "{error}");
        assert!(!iterator.valid());
    }
}

#[test]
fn a_damaged_or_missing_manifest_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    drop(RocksEngine::open(directory.path(), &EngineConfig::small()).expect("open"));
    let path = directory.path();
    let current = fs::read_to_string(path.join("CURRENT")).expect("read");
    let manifest = path.join(current.trim());
    flip_byte(&manifest, 20);
    let error = RocksEngine::open(path, &EngineConfig::small()).err().expect("refused").to_string();
    assert!(error.contains(&*path.to_string_lossy()), "{error}");
    Env::real().disk.rename(&manifest, &path.join("elsewhere")).expect("rename");
    let error = RocksEngine::open(path, &EngineConfig::small()).err().expect("refused").to_string();
    assert!(error.contains("MANIFEST"), "{error}");
}

#[test]
fn a_checkpoint_opens_as_a_database_and_stands_still() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let engine = RocksEngine::open(&directory.path().join("live"), &EngineConfig::small()).expect("open");
    fill(&engine, 100);
    engine.checkpoint(&directory.path().join("copy")).expect("checkpoint");
    put(&engine, Cf::Default, b"later", b"x");
    let copy = RocksEngine::open(&directory.path().join("copy"), &EngineConfig::small()).expect("open");
    assert!(copy.get(Cf::Write, b"key-00000042").expect("get").is_some());
    assert_eq!(copy.get(Cf::Default, b"later").expect("get"), None);
    let error = engine.checkpoint(&directory.path().join("copy")).expect_err("it exists");
    assert!(error.to_string().contains("copy") || error.to_string().contains("live"), "{error}");
}

#[test]
fn a_memory_checkpoint_goes_through_the_simulated_disk() {
    let simulation = Simulation::new(1);
    let disk = simulation.env().disk;
    let engine = MemoryEngine::with_disk(disk.clone());
    fill(&engine, 10);
    engine.checkpoint(Path::new("/copy")).expect("checkpoint");
    let copy = MemoryEngine::open_checkpoint(disk.clone(), Path::new("/copy")).expect("open");
    assert_eq!(copy.dump(), engine.dump());
    let file = Path::new("/copy/memory-checkpoint");
    assert!(simulation.disk().flip_bit(file, 30));
    let error = MemoryEngine::open_checkpoint(disk, Path::new("/copy")).err().expect("damaged");
    assert!(error.to_string().contains("/copy/memory-checkpoint"), "{error}");
    let error = MemoryEngine::new().checkpoint(Path::new("/copy")).expect_err("no disk");
    assert!(matches!(error, Error::Unsupported { .. }));
}

#[test]
fn a_second_process_is_refused_on_a_real_disk() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("data");
    let disk = Env::real().disk;
    let opened = DataDir::open(&*disk, &path).expect("create");
    assert!(matches!(DataDir::open(&*disk, &path), Err(Error::InUse { .. })));
    let engine = RocksEngine::open(&opened.state_engine(), &EngineConfig::small()).expect("open");
    let second = RocksEngine::open(&opened.state_engine(), &EngineConfig::small()).map(drop);
    let error = second.expect_err("refused").to_string();
    assert!(error.contains("/data/state/LOCK"), "{error}");
    let log = EngineRaftLog::open(&opened.raft_log(), &RaftLogConfig::small()).expect("open");
    let second = EngineRaftLog::open(&opened.raft_log(), &RaftLogConfig::small()).map(drop);
    let error = second.expect_err("refused").to_string();
    assert!(error.contains("/data/raft-log"), "{error}");
    drop((engine, log));
    drop(opened);
    flip_byte(&path.join("RUTILE_FORMAT"), 3);
    let error = DataDir::open(&*disk, &path).err().expect("refused").to_string();
    assert!(error.contains("RUTILE_FORMAT"), "{error}");
}

fn append(log: &dyn RaftLog, index: u64) {
    append_and(log, index, true);
}

fn append_and(log: &dyn RaftLog, index: u64, sync: bool) {
    let mut batch = RaftLogBatch::new();
    let entry = Entry { index, term: 1, data: vec![index as u8; 100].into(), ..Entry::default() };
    batch.append(1, vec![entry]);
    log.append(batch, sync).expect("append");
}

/// The raft log is cut in its last record, which was not synced: the records before it are whole.
#[test]
fn a_torn_raft_log_keeps_the_records_before() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let live = directory.path().join("live");
    let log = EngineRaftLog::open(&live, &RaftLogConfig::small()).expect("open");
    for index in 1..10 {
        append(&log, index);
    }
    append_and(&log, 10, false);
    let torn = directory.path().join("torn");
    copy_directory(&live, &torn);
    let file = files(&torn, "raftlog").pop().expect("a log file");
    let content = Env::real().disk.read(&file).expect("read");
    // Files are allocated ahead: the last record ends where the zeros begin.
    let end = content.iter().rposition(|byte| *byte != 0).expect("records");
    File::options().write(true).open(&file).and_then(|file| file.set_len(end as u64 - 30)).expect("truncate");
    let log = EngineRaftLog::open(&torn, &RaftLogConfig::small()).expect("a torn tail is no corruption");
    assert_eq!(log.last_index(1), Some(9));
    assert_eq!(log.entries(1, 1, 10, u64::MAX).expect("entries").len(), 9);
    append(&log, 10);
    assert_eq!(log.last_index(1), Some(10));
}

/// A damaged record in the middle of older files is never read as if it were good.
#[test]
fn a_damaged_raft_log_never_answers_wrong_entries() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let live = directory.path().join("live");
    let log = EngineRaftLog::open(&live, &RaftLogConfig::small()).expect("open");
    for index in 1..2000 {
        append(&log, index);
    }
    drop(log);
    let older = files(&live, "raftlog").remove(0);
    let len = fs::metadata(&older).expect("stat").len();
    let mut found = 0;
    for offset in (64..len.min(60_000)).step_by(9_973) {
        let damaged = directory.path().join(format!("damaged-{offset}"));
        copy_directory(&live, &damaged);
        flip_byte(&damaged.join(older.file_name().expect("a name")), offset);
        match EngineRaftLog::open(&damaged, &RaftLogConfig::small()) {
            Err(error) => {
                assert!(error.to_string().contains("damaged-"), "{error}");
                found += 1;
            }
            Ok(log) => match log.entries(1, 1, 2000, u64::MAX) {
                Err(error) => {
                    assert_eq!(error.class(), ErrorClass::Corruption, "{error}");
                    assert!(error.to_string().contains("damaged-"), "{error}");
                    found += 1;
                }
                Ok(entries) => {
                    let right = entries.iter().all(|entry| entry.data == vec![entry.index as u8; 100]);
                    assert!(right && entries.len() == 1999, "offset {offset}");
                }
            },
        }
    }
    assert!(found > 0, "damage must be met");
}

fn remove(path: &Path) {
    Env::real().disk.remove_file(path).expect("remove");
}

/// Opens a log and reads all of it.
fn read_whole(path: &Path) -> Result<usize, Error> {
    let log = EngineRaftLog::open(path, &RaftLogConfig::small())?;
    log.entries(1, 1, 21, u64::MAX).map(|entries| entries.len())
}

/// raft-engine cuts the newest file at the first damage. What was synced may not go that way, wherever the damage is.
#[test]
fn damage_to_synced_records_of_the_newest_file_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let live = directory.path().join("live");
    let log = EngineRaftLog::open(&live, &RaftLogConfig::small()).expect("open");
    for index in 1..=20 {
        append(&log, index);
    }
    let newest = files(&live, "raftlog").pop().expect("a log file");
    let name = newest.file_name().expect("a name").to_owned();
    let content = Env::real().disk.read(&newest).expect("read");
    let end = content.iter().rposition(|byte| *byte != 0).expect("records") as u64;
    let mut copies = 0;
    let mut refused = |what: &str, damage: &dyn Fn(&Path)| {
        copies += 1;
        let copy = directory.path().join(format!("copy-{copies}"));
        copy_directory(&live, &copy);
        damage(&copy);
        // Nothing is repaired away by the first attempt.
        for _ in 0..2 {
            let error = read_whole(&copy).expect_err(what);
            assert_eq!(error.class(), ErrorClass::Corruption, "{what}: {error}");
            assert!(error.to_string().contains(&format!("copy-{copies}")), "{what}: {error}");
        }
    };
    for offset in (3..end).step_by(97).chain([end, end - 1, end - 40]) {
        refused(&format!("byte {offset}"), &|copy| flip_byte(&copy.join(&name), offset));
    }
    for cut in [0, 1, end / 2, end] {
        refused(&format!("cut at {cut}"), &|copy| {
            let file = OpenOptions::new().write(true).open(copy.join(&name)).expect("open");
            file.set_len(cut).expect("truncate");
        });
    }
    refused("zeros", &|copy| {
        let mut file = OpenOptions::new().write(true).open(copy.join(&name)).expect("open");
        file.seek(SeekFrom::Start(end - 200)).expect("seek");
        file.write_all(&[0; 200]).expect("write");
    });
    refused("missing", &|copy| remove(&copy.join(&name)));
    drop(log);
    assert_eq!(read_whole(&live).expect("opens"), 20);
    remove(&live.join("SYNCED"));
    assert_eq!(read_whole(&live).expect("a log that was never marked"), 20);
    // What the mark is for: without it the last record is gone and nobody is told.
    remove(&live.join("SYNCED"));
    flip_byte(&newest, end - 1);
    let log = EngineRaftLog::open(&live, &RaftLogConfig::small()).expect("takes it for a torn tail");
    assert_eq!(log.last_index(1), Some(19));
}

/// Rotation, purge and recycling move the mark along.
#[test]
fn a_log_that_was_purged_many_times_opens() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = RaftLogConfig { purge_threshold_bytes: 128 * 1024, ..RaftLogConfig::small() };
    for round in 0..4_u64 {
        let log = EngineRaftLog::open(directory.path(), &config).expect("open");
        if round == 0 {
            log.put_state(7, b"local", b"kept").expect("put");
        }
        let first = log.last_index(1).unwrap_or(0) + 1;
        for index in first..first + 1_500 {
            append_and(&log, index, index % 50 == 0);
            if index % 500 == 0 {
                log.sync().expect("sync");
                log.compact_to(1, index).expect("compact");
                log.purge().expect("purge");
            }
        }
        log.sync().expect("sync");
        drop(log);
    }
    let log = EngineRaftLog::open(directory.path(), &config).expect("open");
    assert_eq!(log.last_index(1), Some(6_000));
    assert_eq!(log.get_state(7, b"local").expect("read").as_deref(), Some(&b"kept"[..]));
}

/// What is deleted gives its space back although nothing else is written.
#[test]
fn deleted_rows_give_their_space_back() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let engine = RocksEngine::open(directory.path(), &EngineConfig::small()).expect("open");
    let key = |n: u32| [format!("row-{n:08}").as_bytes(), &[0; 8]].concat();
    let write_all = |change: &dyn Fn(&mut WriteBatch, u32)| {
        let mut batch = WriteBatch::new();
        (0..20_000).for_each(|n| change(&mut batch, n));
        engine.write(batch, false).expect("write");
        engine.flush().expect("flush");
    };
    let random = Env::simulated(1).random;
    let noise: Vec<u8> = (0..200).map(|_| random.range(0..256) as u8).collect();
    write_all(&|batch, n| {
        // Incompressible: every row starts elsewhere in the noise.
        let mut value = noise.clone();
        value.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(n as u8 | 1).wrapping_add((n >> 8) as u8));
        batch.put(Cf::Write, key(n), value);
    });
    let full = engine.metrics().table_files_bytes;
    write_all(&|batch, n| batch.delete(Cf::Write, key(n)));
    for _ in 0..5_000_000 {
        if engine.metrics().table_files_bytes < full / 10 {
            return;
        }
        std::thread::yield_now();
    }
    panic!("{full} bytes became {}", engine.metrics().table_files_bytes);
}
