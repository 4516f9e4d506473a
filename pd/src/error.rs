//! Errors of the placement driver.

use std::path::PathBuf;

use rutile_kv_types::{ErrorClass, RegionEpoch};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("PD storage: {0}")]
    Io(#[from] std::io::Error),
    #[error("{file} is corrupt at byte {offset}: {reason}", file = file.display())]
    Corrupt { file: PathBuf, offset: usize, reason: &'static str },
    #[error("{file} has format version {found}, this program reads version {supported}", file = file.display())]
    FormatVersion { file: PathBuf, found: u32, supported: u32 },
    #[error("{path} is used by another process", path = path.display())]
    DirectoryInUse { path: PathBuf },
    #[error("the timestamp window could not be extended: {0}")]
    Window(String),
    #[error("{count} timestamps do not fit in one request, at most {max}")]
    TimestampCount { count: u32, max: u32 },
    #[error("request for cluster {requested} reached cluster {own}")]
    ClusterMismatch { requested: u64, own: u64 },
    #[error("the cluster is not bootstrapped")]
    NotBootstrapped,
    #[error("the cluster is bootstrapped already")]
    AlreadyBootstrapped,
    #[error("store {0} is not known")]
    StoreNotFound(u64),
    #[error("store {0} is a tombstone and never comes back")]
    StoreTombstone(u64),
    #[error("address {address} belongs to store {owner}")]
    DuplicateAddress { address: String, owner: u64 },
    #[error("region {0} is not known")]
    RegionNotFound(u64),
    #[error("region {region_id} with epoch {told:?} is older than the known {known:?}")]
    StaleRegion { region_id: u64, told: RegionEpoch, known: RegionEpoch },
    #[error("keyspace {0:?} does not exist")]
    KeyspaceNotFound(String),
    #[error("config item {name} not found; there are {known}")]
    UnknownSetting { name: String, known: String },
    #[error("scheduler {0} not found")]
    SchedulerNotFound(String),
    #[error("placement rule {0} not found")]
    RuleNotFound(String),
    #[error("region {0} has no operator")]
    OperatorNotFound(u64),
    #[error("there is no PD member {0}")]
    MemberNotFound(String),
    /// Another member leads, or none, or nobody knows; what was asked for may still come to be.
    #[error("not leader")]
    NotLeader,
    /// Something that is possible in general, but not now.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::Io(_) | Error::DirectoryInUse { .. } => ErrorClass::Io,
            Error::Corrupt { .. } | Error::FormatVersion { .. } => ErrorClass::Corruption,
            Error::Window(_) | Error::NotLeader => ErrorClass::Retry,
            Error::RegionNotFound(_) | Error::StaleRegion { .. } => ErrorClass::RefreshRegion,
            Error::TimestampCount { .. }
            | Error::ClusterMismatch { .. }
            | Error::NotBootstrapped
            | Error::AlreadyBootstrapped
            | Error::StoreNotFound(_)
            | Error::StoreTombstone(_)
            | Error::DuplicateAddress { .. }
            | Error::KeyspaceNotFound(_)
            | Error::UnknownSetting { .. }
            | Error::SchedulerNotFound(_)
            | Error::RuleNotFound(_)
            | Error::OperatorNotFound(_)
            | Error::MemberNotFound(_)
            | Error::Refused(_)
            | Error::Invalid(_) => ErrorClass::User,
        }
    }
}
