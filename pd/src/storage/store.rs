//! The map in memory with its journal.

use std::path::PathBuf;

use parking_lot::Mutex;
use rutile_kv_env::{AppendFile, Env, FileLock, fail_stop};

use super::Batch;
use super::journal::{self, Pairs};
use super::record::encode_frame;
use crate::error::{Error, Result};

/// A journal longer than this, and than the snapshot, is folded into a new snapshot.
const JOURNAL_BYTES_MAX: u64 = 4 << 20;

pub(crate) struct Storage {
    env: Env,
    dir: PathBuf,
    state: Mutex<State>,
    _lock: FileLock,
}

struct State {
    generation: u64,
    pairs: Pairs,
    pairs_bytes: u64,
    journal: Box<dyn AppendFile>,
    /// An append failed half way (disk full): the next write must start a new journal.
    journal_broken: bool,
}

impl Storage {
    /// Opens or creates the directory.
    pub(crate) fn open(env: &Env, dir: impl Into<PathBuf>) -> Result<Storage> {
        let dir = dir.into();
        let disk = env.disk.as_ref();
        disk.create_dir_all(&dir)?;
        let lock = disk.lock_file(&dir.join("LOCK")).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => Error::DirectoryInUse { path: dir.clone() },
            _ => Error::Io(error),
        })?;
        let (generation, pairs) = match journal::load(disk, &dir)? {
            None => (1, Pairs::new()),
            // A journal that may end in a torn record is never appended to.
            Some(found) => (found.generation + 1, found.pairs),
        };
        let journal = journal::start_generation(disk, &dir, generation, &pairs)?;
        let pairs_bytes = size_of_pairs(&pairs);
        let state = Mutex::new(State { generation, pairs, pairs_bytes, journal, journal_broken: false });
        Ok(Storage { env: env.clone(), dir, state, _lock: lock })
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.state.lock().pairs.get(key).cloned()
    }

    /// A number written by [`Batch::put_u64`].
    pub(crate) fn get_u64(&self, key: &[u8]) -> Result<Option<u64>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let bytes =
            value.as_slice().try_into().map_err(|_| self.corrupt_value("a number of another size"))?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }

    /// Values of all keys with `prefix`, in key order.
    pub(crate) fn values_with_prefix(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let state = self.state.lock();
        let from = state.pairs.range(prefix.to_vec()..);
        from.take_while(|(key, _)| key.starts_with(prefix)).map(|(_, value)| value.clone()).collect()
    }

    /// Makes the batch durable, then visible. Blocks for one sync; a failed sync ends the process.
    pub(crate) fn write(&self, batch: Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let frame = encode_frame(&batch);
        let mut state = self.state.lock();
        rutile_kv_env::failpoint!("pd::storage::before_append");
        if state.journal_broken {
            self.start_generation(&mut state)?;
        }
        if let Err(error) = state.journal.append(&frame) {
            state.journal_broken = true;
            return Err(error.into());
        }
        if let Err(error) = state.journal.sync() {
            fail_stop("sync of the PD journal", &error);
        }
        rutile_kv_env::failpoint!("pd::storage::after_sync");
        journal::apply(&mut state.pairs, batch);
        if state.journal.len() > JOURNAL_BYTES_MAX.max(state.pairs_bytes) {
            // The batch is durable already; a failure here must not tell the caller otherwise.
            if let Err(error) = self.start_generation(&mut state) {
                tracing::warn!(%error, "the PD journal could not be folded, it goes on growing");
            }
        }
        Ok(())
    }

    fn start_generation(&self, state: &mut State) -> Result<()> {
        let generation = state.generation + 1;
        state.journal =
            journal::start_generation(self.env.disk.as_ref(), &self.dir, generation, &state.pairs)?;
        state.generation = generation;
        state.pairs_bytes = size_of_pairs(&state.pairs);
        state.journal_broken = false;
        Ok(())
    }

    pub(crate) fn corrupt_value(&self, reason: &'static str) -> Error {
        Error::Corrupt { file: journal::snapshot_path(&self.dir), offset: 0, reason }
    }
}

fn size_of_pairs(pairs: &Pairs) -> u64 {
    pairs.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
}
