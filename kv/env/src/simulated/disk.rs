//! A file system in memory that remembers what was synced, and forgets the rest in a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::with_path;
use crate::{AppendFile, Disk, FileLock};

/// Space of a new disk.
const CAPACITY_BYTES: u64 = 1 << 40;

/// Clones share the files.
#[derive(Clone)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

struct State {
    files: BTreeMap<PathBuf, FileState>,
    directories: BTreeSet<PathBuf>,
    /// Shared with the guards, which must be able to die after the disk.
    locked: Arc<Mutex<BTreeSet<PathBuf>>>,
    capacity_bytes: u64,
    sync_failures: usize,
}

#[derive(Clone, Default)]
struct FileState {
    content: Vec<u8>,
    /// Bytes that survive a crash; `None` while not even the name does.
    durable_len: Option<usize>,
}

impl Default for SimulatedDisk {
    fn default() -> SimulatedDisk {
        let state = State {
            files: BTreeMap::new(),
            directories: BTreeSet::new(),
            locked: Arc::default(),
            capacity_bytes: CAPACITY_BYTES,
            sync_failures: 0,
        };
        SimulatedDisk { state: Arc::new(Mutex::new(state)) }
    }
}

impl SimulatedDisk {
    /// Power loss: files keep what was synced; of the rest, `torn_bytes` may have reached the platter.
    pub fn crash(&self, torn_bytes: usize) {
        let mut state = self.state.lock();
        state.locked.lock().clear();
        state.files.retain(|_, file| match file.durable_len {
            Some(durable) => {
                let kept = file.content.len().min(durable + torn_bytes);
                file.content.truncate(kept);
                file.durable_len = Some(kept);
                true
            }
            None => false,
        });
    }

    pub fn set_capacity(&self, bytes: u64) {
        self.state.lock().capacity_bytes = bytes;
    }

    /// The next `count` syncs fail.
    pub fn fail_syncs(&self, count: usize) {
        self.state.lock().sync_failures = count;
    }

    /// Flips one bit of a stored byte, as bad media would; false when there is no such byte.
    pub fn flip_bit(&self, path: &Path, offset: usize) -> bool {
        let mut state = self.state.lock();
        let byte = state.files.get_mut(path).and_then(|file| file.content.get_mut(offset));
        byte.map(|byte| *byte ^= 1).is_some()
    }
}

impl State {
    fn used_bytes(&self) -> u64 {
        self.files.values().map(|file| file.content.len() as u64).sum()
    }

    fn reserve(&self, more: usize, path: &Path) -> io::Result<()> {
        if self.used_bytes() + more as u64 > self.capacity_bytes {
            return Err(with_path(io::ErrorKind::StorageFull.into(), "write", path));
        }
        Ok(())
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        if self.sync_failures > 0 {
            self.sync_failures -= 1;
            return Err(with_path(io::Error::other("injected failure"), "sync", path));
        }
        Ok(())
    }
}

fn not_found(operation: &str, path: &Path) -> io::Error {
    with_path(io::ErrorKind::NotFound.into(), operation, path)
}

impl Disk for SimulatedDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.directories.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.state.lock();
        state.files.get(path).map(|file| file.content.clone()).ok_or_else(|| not_found("read", path))
    }

    fn write_atomic(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        state.reserve(content.len(), path)?;
        state.sync(path)?;
        let file = FileState { content: content.to_vec(), durable_len: Some(content.len()) };
        state.files.insert(path.to_owned(), file);
        Ok(())
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let mut state = self.state.lock();
        let len = state.files.entry(path.to_owned()).or_default().content.len() as u64;
        Ok(Box::new(SimulatedAppendFile { disk: self.clone(), path: path.to_owned(), len }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.sync(to)?;
        let file = state.files.remove(from).ok_or_else(|| not_found("rename", from))?;
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.files.remove(path).map(|_| ()).ok_or_else(|| not_found("remove", path))
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        if !state.directories.contains(path) {
            return Err(not_found("remove directory", path));
        }
        state.files.retain(|file, _| !file.starts_with(path));
        state.directories.retain(|directory| !directory.starts_with(path));
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.state.lock();
        if !state.directories.contains(path) {
            return Err(not_found("list", path));
        }
        let entries = state.files.keys().chain(&state.directories);
        let children: BTreeSet<PathBuf> =
            entries.filter(|entry| entry.parent() == Some(path)).cloned().collect();
        Ok(children.into_iter().collect())
    }

    fn exists(&self, path: &Path) -> bool {
        let state = self.state.lock();
        state.files.contains_key(path) || state.directories.contains(path)
    }

    fn file_size(&self, path: &Path) -> io::Result<u64> {
        let state = self.state.lock();
        state.files.get(path).map(|file| file.content.len() as u64).ok_or_else(|| not_found("stat", path))
    }

    fn lock_file(&self, path: &Path) -> io::Result<FileLock> {
        let mut state = self.state.lock();
        let locked = state.locked.clone();
        if !locked.lock().insert(path.to_owned()) {
            let text = format!("{} is locked by another process", path.display());
            return Err(io::Error::new(io::ErrorKind::WouldBlock, text));
        }
        state.files.entry(path.to_owned()).or_default();
        Ok(FileLock::new(Box::new(SimulatedLock { path: path.to_owned(), locked })))
    }

    fn available_space(&self, _path: &Path) -> io::Result<u64> {
        let state = self.state.lock();
        Ok(state.capacity_bytes.saturating_sub(state.used_bytes()))
    }

    fn total_space(&self, _path: &Path) -> io::Result<u64> {
        Ok(self.state.lock().capacity_bytes)
    }
}

struct SimulatedLock {
    path: PathBuf,
    locked: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.locked.lock().remove(&self.path);
    }
}

struct SimulatedAppendFile {
    disk: SimulatedDisk,
    path: PathBuf,
    len: u64,
}

impl AppendFile for SimulatedAppendFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        state.reserve(bytes.len(), &self.path)?;
        let file = state.files.get_mut(&self.path).ok_or_else(|| not_found("append to", &self.path))?;
        file.content.extend_from_slice(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        state.sync(&self.path)?;
        let file = state.files.get_mut(&self.path).ok_or_else(|| not_found("sync", &self.path))?;
        file.durable_len = Some(file.content.len());
        Ok(())
    }

    fn len(&self) -> u64 {
        self.len
    }
}
