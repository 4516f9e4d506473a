//! Files: whole-file reads, atomic replacement, appending with explicit sync, locks.

use std::io;
use std::path::{Path, PathBuf};

/// Every error names the path. Nothing is durable until a call that says so returned; and after a failed sync no one
/// knows what is on the disk, so the caller must not retry it ([`crate::fail_stop`]).
pub trait Disk: Send + Sync {
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// The whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Replaces the file so that a crash leaves the old or the new content, durably: temporary file, sync, rename,
    /// sync of the directory.
    fn write_atomic(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Opens for appending, creating the file (its directory entry is durable after the first sync).
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn AppendFile>>;

    /// Renames within one directory and syncs it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and everything below it.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Paths of the entries, sorted.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>>;

    fn exists(&self, path: &Path) -> bool;

    fn file_size(&self, path: &Path) -> io::Result<u64>;

    /// Takes an exclusive lock that ends with the process or the guard; [`io::ErrorKind::WouldBlock`] when it is held.
    fn lock_file(&self, path: &Path) -> io::Result<FileLock>;

    /// Bytes an unprivileged process can still write to the file system of `path`.
    fn available_space(&self, path: &Path) -> io::Result<u64>;

    /// Size of the file system of `path`.
    fn total_space(&self, path: &Path) -> io::Result<u64>;
}

/// A file that only grows.
pub trait AppendFile: Send {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended durable.
    fn sync(&mut self) -> io::Result<()>;

    /// Length in bytes, synced or not.
    fn len(&self) -> u64;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Held while it lives.
pub struct FileLock {
    _guard: Box<dyn Send + Sync>,
}

impl FileLock {
    pub(crate) fn new(guard: Box<dyn Send + Sync>) -> FileLock {
        FileLock { _guard: guard }
    }
}

/// Adds the operation and the path to an error, which the operating system leaves out.
pub(crate) fn with_path(error: io::Error, operation: &str, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("can not {operation} {}: {error}", path.display()))
}
