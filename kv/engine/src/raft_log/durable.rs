//! The raft log on disk, kept by raft-engine.
//!
//! One log serves all regions: a batch is one record, concurrent batches share one write and one fdatasync. Values of
//! a region live beside its entries under one-byte prefixes.
//!
//! raft-engine panics when a sync fails, with its other writers still waiting; the process is stopped then, because
//! nobody may believe the log any more ([`rutile_kv_env::fail_stop`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use raft::eraftpb::{Entry, HardState};
use raft_engine::{Command, Config, LogBatch, MessageExt, ReadableSize};
use rutile_kv_env::fail_stop;

use super::cache::EntryCache;
use super::files::LogFiles;
use super::memory::{check_contiguous, check_range};
use super::synced::{Queue, Synced};
use super::tail::cut_damaged;
use super::terms::Terms;
use super::{RaftLog, RaftLogBatch, RaftLogOp};
use crate::{Error, RaftLogConfig, RaftLogMetrics, Result};

/// Key of the hard state among a region's values.
const HARD_STATE_KEY: &[u8] = b"h";
/// Prefix of the keys of [`RaftLogOp::State`].
const STATE_PREFIX: u8 = b's';
/// Region ids start at 1; what is written to make a sync happen goes here.
const SYNC_REGION_ID: u64 = 0;
const SYNC_KEY: &[u8] = b"y";

/// Tells raft-engine what an entry is.
struct Entries;

impl MessageExt for Entries {
    type Entry = Entry;

    fn index(entry: &Entry) -> u64 {
        entry.index
    }
}

pub struct EngineRaftLog {
    engine: raft_engine::Engine<LogFiles>,
    path: PathBuf,
    recent: Mutex<Recent>,
}

/// What readers ask for most, kept in memory.
struct Recent {
    cache: EntryCache,
    terms: BTreeMap<u64, Terms>,
}

impl EngineRaftLog {
    /// Opens or creates a log in `path`. A record that a crash cut off at the very end is dropped; damage in what was
    /// synced is an error that names the file, and nothing is changed then.
    pub fn open(path: &Path, config: &RaftLogConfig) -> Result<EngineRaftLog> {
        let dir = path.to_str().ok_or_else(|| Error::RaftLog(format!("{} is not UTF-8", path.display())))?;
        let config_of_engine = Config {
            dir: dir.to_owned(),
            target_file_size: ReadableSize(config.file_bytes),
            purge_threshold: ReadableSize(config.purge_threshold_bytes),
            batch_compression_threshold: ReadableSize(config.compression_threshold_bytes),
            recovery_threads: 2,
            ..Config::default()
        };
        std::fs::create_dir_all(path)?;
        let synced = Arc::new(Synced::open(path)?);
        synced.check_files(path)?;
        cut_damaged(path, synced.mark(Queue::Append))?;
        let files = Arc::new(LogFiles { synced });
        let engine = raft_engine::Engine::open_with_file_system(config_of_engine, files)
            .map_err(|error| from_engine(path, error))?;
        sync_names(path)?;
        let recent = Recent { cache: EntryCache::new(config.cache_bytes), terms: BTreeMap::new() };
        Ok(EngineRaftLog { engine, path: path.to_owned(), recent: Mutex::new(recent) })
    }

    fn bounds(&self, region_id: u64) -> Option<(u64, u64)> {
        Some((self.engine.first_index(region_id)?, self.engine.last_index(region_id)?))
    }

    fn write(&self, mut batch: LogBatch, sync: bool) -> Result<()> {
        let written = catch_unwind(AssertUnwindSafe(|| self.engine.write(&mut batch, sync)));
        match written {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.error(error)),
            Err(_) => fail_stop("raft log write or sync failed", &self.path.display()),
        }
    }

    fn error(&self, error: raft_engine::Error) -> Error {
        from_engine(&self.path, error)
    }

    fn read(&self, region_id: u64, low: u64, high: u64, max_bytes: u64) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let max_bytes = usize::try_from(max_bytes).ok();
        let fetched = self.engine.fetch_entries_to::<Entries>(region_id, low, high, max_bytes, &mut entries);
        match fetched {
            Ok(_) => Ok(entries),
            // The log was compacted or overwritten since its bounds were looked at.
            Err(raft_engine::Error::EntryCompacted | raft_engine::Error::EntryNotFound) => {
                check_range(region_id, low, high, self.bounds(region_id))?;
                Err(Error::RaftLog(format!("entries {low}..{high} of region {region_id} changed while read")))
            }
            Err(error) => Err(self.error(error)),
        }
    }
}

impl Recent {
    fn apply(&mut self, ops: Vec<RaftLogOp>) {
        for op in ops {
            match op {
                RaftLogOp::Append { region_id, entries } => {
                    let terms = self.terms.entry(region_id).or_default();
                    for entry in &entries {
                        terms.append(entry.index, entry.term);
                    }
                    self.cache.append(region_id, entries);
                }
                RaftLogOp::Clean { region_id } => {
                    self.terms.remove(&region_id);
                    self.cache.clean(region_id);
                }
                RaftLogOp::HardState { .. } | RaftLogOp::State { .. } | RaftLogOp::DeleteState { .. } => {}
            }
        }
    }
}

fn encode(batch: &RaftLogBatch) -> raft_engine::Result<LogBatch> {
    let mut out = LogBatch::default();
    for op in batch.ops() {
        match op {
            RaftLogOp::Append { region_id, entries } => out.add_entries::<Entries>(*region_id, entries)?,
            RaftLogOp::HardState { region_id, state } => {
                out.put_message(*region_id, HARD_STATE_KEY.to_vec(), state)?;
            }
            RaftLogOp::State { region_id, key, value } => {
                out.put(*region_id, state_key(key), value.clone())?
            }
            RaftLogOp::DeleteState { region_id, key } => out.delete(*region_id, state_key(key)),
            RaftLogOp::Clean { region_id } => out.add_command(*region_id, Command::Clean),
        }
    }
    Ok(out)
}

fn state_key(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 1);
    out.push(STATE_PREFIX);
    out.extend_from_slice(key);
    out
}

/// raft-engine syncs the directory when it changes to the next file, but not for its first one.
fn sync_names(path: &Path) -> Result<()> {
    for directory in path.ancestors().take(2).filter(|directory| !directory.as_os_str().is_empty()) {
        File::open(directory).and_then(|directory| directory.sync_all())?;
    }
    Ok(())
}

fn from_engine(path: &Path, error: raft_engine::Error) -> Error {
    let text = format!("{}: {error}", path.display());
    match error {
        raft_engine::Error::Corruption(_)
        | raft_engine::Error::Codec(_)
        | raft_engine::Error::Protobuf(_) => Error::Corruption(text),
        // Only `LogFiles` says so, and names the file.
        raft_engine::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Error::Corruption(error.to_string())
        }
        raft_engine::Error::Io(error) => {
            Error::Io(std::io::Error::new(error.kind(), format!("raft log {}: {error}", path.display())))
        }
        _ => Error::RaftLog(text),
    }
}

impl RaftLog for EngineRaftLog {
    fn append(&self, batch: RaftLogBatch, sync: bool) -> Result<()> {
        if batch.is_empty() {
            return if sync { self.sync() } else { Ok(()) };
        }
        check_contiguous(&batch, |region_id| self.bounds(region_id))?;
        let encoded = encode(&batch).map_err(|error| self.error(error))?;
        self.write(encoded, sync)?;
        self.recent.lock().apply(batch.into_ops());
        Ok(())
    }

    fn entries(&self, region_id: u64, low: u64, high: u64, max_bytes: u64) -> Result<Vec<Entry>> {
        if low >= high {
            return Ok(Vec::new());
        }
        check_range(region_id, low, high, self.bounds(region_id))?;
        if let Some(entries) = self.recent.lock().cache.get(region_id, low, high, max_bytes) {
            return Ok(entries);
        }
        self.read(region_id, low, high, max_bytes)
    }

    fn first_index(&self, region_id: u64) -> Option<u64> {
        self.engine.first_index(region_id)
    }

    fn last_index(&self, region_id: u64) -> Option<u64> {
        self.engine.last_index(region_id)
    }

    fn term(&self, region_id: u64, index: u64) -> Result<u64> {
        check_range(region_id, index, index + 1, self.bounds(region_id))?;
        if let Some(term) = self.recent.lock().terms.get(&region_id).and_then(|terms| terms.get(index)) {
            return Ok(term);
        }
        let entries = self.read(region_id, index, index + 1, u64::MAX)?;
        let entry = entries.first().ok_or(Error::Unavailable { region_id, index, last: 0 })?;
        Ok(entry.term)
    }

    fn hard_state(&self, region_id: u64) -> Result<Option<HardState>> {
        self.engine.get_message(region_id, HARD_STATE_KEY).map_err(|error| self.error(error))
    }

    fn compact_to(&self, region_id: u64, index: u64) -> Result<()> {
        if self.first_index(region_id).is_none_or(|first| first >= index) {
            return Ok(());
        }
        let mut batch = LogBatch::default();
        batch.add_command(region_id, Command::Compact { index });
        self.write(batch, false)?;
        let mut recent = self.recent.lock();
        recent.cache.compact_to(region_id, index);
        if let Some(terms) = recent.terms.get_mut(&region_id) {
            terms.compact_to(index);
        }
        Ok(())
    }

    fn region_ids(&self) -> Vec<u64> {
        let mut ids = self.engine.raft_groups();
        ids.retain(|id| *id != SYNC_REGION_ID);
        ids.sort_unstable();
        ids
    }

    fn get_state(&self, region_id: u64, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.engine.get(region_id, &state_key(key)))
    }

    fn sync(&self) -> Result<()> {
        // `raft_engine::Engine::sync` writes an empty batch, which returns before it syncs anything.
        let mut batch = LogBatch::default();
        batch.put(SYNC_REGION_ID, SYNC_KEY.to_vec(), Vec::new()).map_err(|error| self.error(error))?;
        self.write(batch, true)
    }

    fn purge(&self) -> Result<Vec<u64>> {
        let mut regions = self.engine.purge_expired_files().map_err(|error| self.error(error))?;
        regions.retain(|id| *id != SYNC_REGION_ID);
        Ok(regions)
    }

    fn metrics(&self) -> RaftLogMetrics {
        RaftLogMetrics {
            disk_bytes: self.engine.get_used_size() as u64,
            cache_bytes: self.recent.lock().cache.bytes(),
            regions: self.region_ids().len() as u64,
        }
    }
}
