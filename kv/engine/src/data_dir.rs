//! The data directory: whose it is, which format it has, and that only one process uses it.
//!
//! `RUTILE_FORMAT` is a text of three lines with a checksum over the first two. It is written last when a directory is
//! created, so that a half-made directory is never taken for a finished one. Formats newer than this release, damaged
//! format files and directories with other people's files in them are refused.

use std::io;
use std::path::{Path, PathBuf};

use rutile_kv_env::{Disk, FileLock};

use crate::{Error, Result};

/// The layout this release writes. A change of any durable format raises it, and brings code that reads the former.
pub const DATA_FORMAT_VERSION: u64 = 1;

const FORMAT_FILE: &str = "RUTILE_FORMAT";
const LOCK_FILE: &str = "LOCK";
const MAGIC: &str = "rutile-data-format";

/// An open data directory; no other process can open it while this lives.
pub struct DataDir {
    path: PathBuf,
    format: u64,
    _lock: FileLock,
}

impl DataDir {
    /// Opens the directory, creating it when it is missing or empty.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<DataDir> {
        disk.create_dir_all(path)?;
        let lock = disk.lock_file(&path.join(LOCK_FILE)).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => Error::InUse { path: path.to_owned() },
            _ => Error::Io(error),
        })?;
        let file = path.join(FORMAT_FILE);
        let format = if disk.exists(&file) {
            let format = parse(&file, &disk.read(&file)?)?;
            if format > DATA_FORMAT_VERSION {
                let (found, supported) = (format, DATA_FORMAT_VERSION);
                return Err(Error::NewerFormat { path: file, found, supported });
            }
            format
        } else {
            create(disk, path, &file)?;
            DATA_FORMAT_VERSION
        };
        Ok(DataDir { path: path.to_owned(), format, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version found, at most [`DATA_FORMAT_VERSION`].
    pub fn format(&self) -> u64 {
        self.format
    }

    /// Where the state engine of a store lives.
    pub fn state_engine(&self) -> PathBuf {
        self.path.join("state")
    }

    /// Where the raft log of a store lives.
    pub fn raft_log(&self) -> PathBuf {
        self.path.join("raft-log")
    }

    /// Where the placement driver keeps its own raft group.
    pub fn placement_driver(&self) -> PathBuf {
        self.path.join("pd")
    }
}

fn create(disk: &dyn Disk, path: &Path, file: &Path) -> Result<()> {
    // A crash between the steps below leaves nothing but the lock and a temporary file.
    let ours = [path.join(LOCK_FILE), path.join(format!("{FORMAT_FILE}.tmp"))];
    if disk.read_dir(path)?.iter().any(|entry| !ours.contains(entry)) {
        return Err(Error::NotADataDirectory { path: path.to_owned() });
    }
    Ok(disk.write_atomic(file, render(DATA_FORMAT_VERSION).as_bytes())?)
}

fn render(format: u64) -> String {
    let body = format!("{MAGIC} {format}\ncreated-by {}\n", env!("CARGO_PKG_VERSION"));
    let checksum = crc32fast::hash(body.as_bytes());
    format!("{body}crc32 {checksum:08x}\n")
}

fn parse(file: &Path, content: &[u8]) -> Result<u64> {
    let corrupt = |reason: &str| Error::Corruption(format!("{}: {reason}", file.display()));
    let text = std::str::from_utf8(content).map_err(|_| corrupt("not text"))?;
    let (body, checksum) = text.split_at(text.find("crc32 ").ok_or_else(|| corrupt("no checksum line"))?);
    if checksum != format!("crc32 {:08x}\n", crc32fast::hash(body.as_bytes())) {
        return Err(corrupt("checksum does not match"));
    }
    let version = body.lines().next().and_then(|line| line.strip_prefix(MAGIC)).map(str::trim);
    let version =
        version.and_then(|version| version.parse().ok()).ok_or_else(|| corrupt("no version line"))?;
    // Formats count from 1.
    if version == 0 { Err(corrupt("format 0 never existed")) } else { Ok(version) }
}

#[cfg(test)]
mod tests {
    use rutile_kv_env::Simulation;

    use super::*;

    fn path() -> &'static Path {
        Path::new("/data")
    }

    #[test]
    fn a_directory_is_created_once_and_opened_again() {
        let simulation = Simulation::new(1);
        let disk = simulation.disk();
        let opened = DataDir::open(disk, path()).expect("create");
        assert_eq!(opened.format(), DATA_FORMAT_VERSION);
        drop(opened);
        disk.crash(0);
        DataDir::open(disk, path()).expect("survives a crash right after creation");
    }

    #[test]
    fn a_second_process_is_refused_in_one_line() {
        let simulation = Simulation::new(1);
        let _first = DataDir::open(simulation.disk(), path()).expect("create");
        let error = DataDir::open(simulation.disk(), path()).err().expect("locked");
        assert_eq!(error.to_string(), "data directory /data is in use by another process");
    }

    #[test]
    fn every_damaged_bit_of_the_format_file_is_found_and_the_file_named() {
        let simulation = Simulation::new(1);
        let disk = simulation.disk();
        drop(DataDir::open(disk, path()).expect("create"));
        let file = path().join(FORMAT_FILE);
        let len = usize::try_from(disk.file_size(&file).expect("exists")).expect("small");
        for offset in 0..len {
            assert!(disk.flip_bit(&file, offset));
            let error = DataDir::open(disk, path()).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with("corrupt data: /data/RUTILE_FORMAT: "), "offset {offset}: {error}");
            assert!(disk.flip_bit(&file, offset));
        }
        DataDir::open(disk, path()).expect("whole again");
    }

    #[test]
    fn a_newer_format_and_foreign_files_are_refused() {
        let simulation = Simulation::new(1);
        let disk = simulation.disk();
        drop(DataDir::open(disk, path()).expect("create"));
        disk.write_atomic(&path().join(FORMAT_FILE), render(DATA_FORMAT_VERSION + 1).as_bytes())
            .expect("write");
        let error = DataDir::open(disk, path()).err().expect("refused");
        assert!(
            matches!(error, Error::NewerFormat { found, .. } if found == DATA_FORMAT_VERSION + 1),
            "{error}"
        );

        assert!(error.to_string().starts_with("/data/RUTILE_FORMAT says data format 2,"), "{error}");
        disk.write_atomic(&path().join(FORMAT_FILE), render(0).as_bytes()).expect("write");
        let error = DataDir::open(disk, path()).err().expect("refused").to_string();
        assert_eq!(error, "corrupt data: /data/RUTILE_FORMAT: format 0 never existed");

        let foreign = Path::new("/home");
        disk.create_dir_all(foreign).expect("memory");
        disk.write_atomic(&foreign.join("letter.txt"), b"dear").expect("write");
        let error = DataDir::open(disk, foreign).err().expect("refused");
        assert!(matches!(error, Error::NotADataDirectory { .. }), "{error}");
    }
}
