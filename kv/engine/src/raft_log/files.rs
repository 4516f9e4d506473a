//! The files of the raft log as raft-engine sees them: the operating system's, watched.
//!
//! Two things are added. The end of what was synced is remembered ([`Synced`]), and no file is cut below it: that
//! would silently drop what was acknowledged. And tests can make a write or a sync fail.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use raft_engine::env::{DefaultFileSystem, FileSystem, Handle, Permission, WriteExt};
use rutile_kv_env::failpoint;

use super::synced::Synced;
use crate::Error;

type OsHandle = <DefaultFileSystem as FileSystem>::Handle;
type OsWriter = <DefaultFileSystem as FileSystem>::Writer;

/// raft-engine's way to the disk.
pub(super) struct LogFiles {
    pub(super) synced: Arc<Synced>,
}

/// An open file.
pub(super) struct LogHandle {
    os: Arc<OsHandle>,
    path: PathBuf,
    /// End of what was written through this handle.
    written: AtomicU64,
    synced: Arc<Synced>,
}

/// Writes to a file in order.
pub(super) struct LogWriter {
    os: OsWriter,
    handle: Arc<LogHandle>,
    offset: u64,
}

impl LogFiles {
    fn handle(&self, path: &Path, os: OsHandle) -> LogHandle {
        let (path, synced) = (path.to_owned(), Arc::clone(&self.synced));
        LogHandle { os: Arc::new(os), path, written: AtomicU64::new(0), synced }
    }
}

impl FileSystem for LogFiles {
    type Handle = LogHandle;
    type Reader = <DefaultFileSystem as FileSystem>::Reader;
    type Writer = LogWriter;

    fn create<P: AsRef<Path>>(&self, path: P) -> io::Result<LogHandle> {
        Ok(self.handle(path.as_ref(), DefaultFileSystem.create(path.as_ref())?))
    }

    fn open<P: AsRef<Path>>(&self, path: P, permission: Permission) -> io::Result<LogHandle> {
        Ok(self.handle(path.as_ref(), DefaultFileSystem.open(path.as_ref(), permission)?))
    }

    fn delete<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        DefaultFileSystem.delete(path)
    }

    fn rename<P: AsRef<Path>>(&self, from: P, to: P) -> io::Result<()> {
        DefaultFileSystem.rename(from, to)
    }

    fn new_reader(&self, handle: Arc<LogHandle>) -> io::Result<Self::Reader> {
        DefaultFileSystem.new_reader(Arc::clone(&handle.os))
    }

    fn new_writer(&self, handle: Arc<LogHandle>) -> io::Result<LogWriter> {
        let os = DefaultFileSystem.new_writer(Arc::clone(&handle.os))?;
        Ok(LogWriter { os, handle, offset: 0 })
    }
}

impl LogHandle {
    fn check_cut(&self, offset: usize) -> io::Result<()> {
        let checked = self.synced.check_cut(&self.path, offset as u64);
        checked.map_err(|error| match error {
            Error::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
        })
    }
}

impl Handle for LogHandle {
    fn truncate(&self, offset: usize) -> io::Result<()> {
        self.check_cut(offset)?;
        self.os.truncate(offset)
    }

    fn file_size(&self) -> io::Result<usize> {
        self.os.file_size()
    }

    fn sync(&self) -> io::Result<()> {
        failpoint!("raft_log::files::sync", |text: String| Err(io::Error::other(text)));
        let end = self.written.load(Ordering::SeqCst);
        loop {
            match self.os.sync() {
                Ok(()) => return self.synced.record(&self.path, end),
                // Nothing was tried yet; every other failure may have lost what was to be synced.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        failpoint!("raft_log::files::write", |text: String| Err(io::Error::other(text)));
        let count = self.os.write(bytes)?;
        self.offset += count as u64;
        self.handle.written.fetch_max(self.offset, Ordering::SeqCst);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.os.flush()
    }
}

impl Seek for LogWriter {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.offset = self.os.seek(to)?;
        Ok(self.offset)
    }
}

impl WriteExt for LogWriter {
    fn truncate(&mut self, offset: usize) -> io::Result<()> {
        self.handle.check_cut(offset)?;
        self.os.truncate(offset)?;
        self.offset = offset as u64;
        self.handle.written.fetch_min(self.offset, Ordering::SeqCst);
        Ok(())
    }

    fn allocate(&mut self, offset: usize, size: usize) -> io::Result<()> {
        self.os.allocate(offset, size)
    }
}
