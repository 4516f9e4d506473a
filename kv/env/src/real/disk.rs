//! The file system, with the syncs that make names and contents durable.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::disk::with_path;
use crate::{AppendFile, Disk, FileLock};

pub(super) struct RealDisk;

/// Rights of a new file: data, keys and logs are nobody else's to read.
const OWNER_ONLY: u32 = 0o600;

/// Directories must be synced for new names to survive a power loss (fsync(2), "does not necessarily ensure that the
/// entry in the directory containing the file has also reached disk").
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    sync_dir(parent)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    let synced = File::open(path).and_then(|dir| dir.sync_all());
    synced.map_err(|error| with_path(error, "sync directory", path))
}

/// The name of the half-written file; in the same directory, because a rename is atomic only there.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

#[expect(clippy::disallowed_methods, reason = "this is the disk that everybody else asks")]
impl Disk for RealDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut missing: Vec<&Path> = path.ancestors().take_while(|dir| !dir.exists()).collect();
        fs::create_dir_all(path).map_err(|error| with_path(error, "create directory", path))?;
        missing.retain(|dir| !dir.as_os_str().is_empty());
        missing.iter().rev().try_for_each(|dir| sync_parent(dir))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path).map_err(|error| with_path(error, "read", path))
    }

    fn write_atomic(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let temporary = temporary(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(OWNER_ONLY);
        let written = options.open(&temporary).and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        });
        written.map_err(|error| with_path(error, "write", &temporary))?;
        self.rename(&temporary, path)
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let opened = OpenOptions::new().append(true).create(true).mode(OWNER_ONLY).open(path);
        let file = opened.map_err(|error| with_path(error, "open", path))?;
        let len = file.metadata().map_err(|error| with_path(error, "stat", path))?.len();
        Ok(Box::new(RealAppendFile { file, path: path.to_owned(), len, entry_durable: false }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to).map_err(|error| with_path(error, "rename to", to))?;
        sync_parent(to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path).map_err(|error| with_path(error, "remove", path))
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path).map_err(|error| with_path(error, "remove directory", path))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let listed = fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
        let mut paths: Vec<PathBuf> = listed.map_err(|error| with_path(error, "list", path))?;
        paths.sort();
        Ok(paths)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn file_size(&self, path: &Path) -> io::Result<u64> {
        fs::metadata(path).map(|metadata| metadata.len()).map_err(|error| with_path(error, "stat", path))
    }

    fn lock_file(&self, path: &Path) -> io::Result<FileLock> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(OWNER_ONLY);
        let opened = options.open(path);
        let file = opened.map_err(|error| with_path(error, "open", path))?;
        match file.try_lock() {
            Ok(()) => Ok(FileLock::new(Box::new(file))),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                format!("{} is locked by another process", path.display()),
            )),
            Err(TryLockError::Error(error)) => Err(with_path(error, "lock", path)),
        }
    }

    fn available_space(&self, path: &Path) -> io::Result<u64> {
        fs4::available_space(path).map_err(|error| with_path(error, "ask for free space of", path))
    }

    fn total_space(&self, path: &Path) -> io::Result<u64> {
        fs4::total_space(path).map_err(|error| with_path(error, "ask for the size of", path))
    }
}

struct RealAppendFile {
    file: File,
    path: PathBuf,
    len: u64,
    entry_durable: bool,
}

impl AppendFile for RealAppendFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).map_err(|error| with_path(error, "append to", &self.path))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data().map_err(|error| with_path(error, "sync", &self.path))?;
        if !self.entry_durable {
            sync_parent(&self.path)?;
            self.entry_durable = true;
        }
        Ok(())
    }

    fn len(&self) -> u64 {
        self.len
    }
}
