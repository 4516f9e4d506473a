//! What can go wrong on the local disk.

use std::io;
use std::path::PathBuf;

use rutile_kv_types::ErrorClass;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text names the path.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Stored bytes fail their checksum or make no sense; the text names the file.
    #[error("corrupt data: {0}")]
    Corruption(String),
    /// Another process has the directory.
    #[error("data directory {} is in use by another process", path.display())]
    InUse { path: PathBuf },
    /// A newer release wrote the directory.
    #[error("{} says data format {found}, this release reads up to {supported}: use a newer release", path.display())]
    NewerFormat { path: PathBuf, found: u64, supported: u64 },
    /// Files are there, but not ours.
    #[error("directory {} is not empty and has no RUTILE_FORMAT file: not a data directory of Rutile", path.display())]
    NotADataDirectory { path: PathBuf },
    /// The state engine refused an operation for a reason other than the two above.
    #[error("state engine: {0}")]
    Engine(String),
    /// The raft log refused an operation.
    #[error("raft log: {0}")]
    RaftLog(String),
    /// Entries below `first` are gone.
    #[error("raft log of region {region_id} starts at {first}, entry {index} is compacted")]
    Compacted { region_id: u64, index: u64, first: u64 },
    /// Entries that were never written.
    #[error("raft log of region {region_id} ends at {last}, entry {index} does not exist")]
    Unavailable { region_id: u64, index: u64, last: u64 },
    /// An append that would leave a hole, or change what is compacted; the log is not touched.
    #[error("raft log of region {region_id} has entries {first}..={last}, can not append at {index}")]
    NotContiguous { region_id: u64, index: u64, first: u64, last: u64 },
    /// The engine has no such operation.
    #[error("{engine} engine does not support {operation}")]
    Unsupported { engine: &'static str, operation: &'static str },
}

impl Error {
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::Io(_) | Error::Engine(_) | Error::RaftLog(_) => ErrorClass::Io,
            Error::Corruption(_) => ErrorClass::Corruption,
            Error::InUse { .. } | Error::NewerFormat { .. } | Error::NotADataDirectory { .. } => {
                ErrorClass::User
            }
            Error::Compacted { .. } | Error::Unavailable { .. } => ErrorClass::Retry,
            Error::NotContiguous { .. } | Error::Unsupported { .. } => ErrorClass::Bug,
        }
    }
}
