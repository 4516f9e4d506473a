//! Errors of the store: one enum, each variant answering what the caller should do about it.
//!
//! `service/to_wire.rs` alone maps them to `errorpb.Error` and `kvrpcpb.KeyError`; everything below
//! speaks these. A [`RegionError`] and a [`KeyError`] say that nothing was written. [`Error::Unknown`]
//! says that nobody can tell, and must reach the client as such.
use std::sync::Arc;

use rutile_kv_types::{ErrorClass, Lock, Peer, Region, TimeStamp};

use crate::lock_manager::WaitFor;

/// Result of this package.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request did not fit the region as it is now.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// The transaction met a condition on a key.
    #[error(transparent)]
    Key(Box<KeyError>),
    /// The local engine failed.
    #[error("engine: {0}")]
    Engine(#[from] rutile_kv_engine::Error),
    /// A stored key, lock or record does not decode.
    #[error(transparent)]
    Codec(#[from] rutile_kv_types::Error),
    /// Bytes on disk or in the log do not decode.
    #[error("corrupt {what}: {detail}")]
    Corrupt { what: &'static str, detail: String },
    /// The placement driver did not answer as needed.
    #[error("pd: {0}")]
    Pd(String),
    /// The request itself is malformed or asks for something that is not there.
    #[error("{0}")]
    Invalid(String),
    /// A write was accepted and the store stopped before its fate was known.
    #[error("the store stopped before the outcome was known")]
    Unknown,
    /// The store is stopping and took nothing on.
    #[error("the store is stopping")]
    Stopped,
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Error::Key(Box::new(error))
    }
}

impl Error {
    /// Bytes of `what` do not decode.
    pub fn corrupt(what: &'static str, detail: impl Into<String>) -> Self {
        Error::Corrupt { what, detail: detail.into() }
    }

    /// What the caller should do.
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::Region(RegionError::Busy { .. } | RegionError::ReadIndexNotReady { .. }) => {
                ErrorClass::Retry
            }
            Error::Region(RegionError::EntryTooLarge { .. } | RegionError::DiskFull { .. })
            | Error::Invalid(_) => ErrorClass::User,
            Error::Region(_) => ErrorClass::RefreshRegion,
            Error::Key(error) if matches!(**error, KeyError::Locked(_)) => ErrorClass::ResolveLock,
            Error::Key(_) => ErrorClass::User,
            Error::Pd(_) => ErrorClass::Retry,
            Error::Unknown | Error::Stopped => ErrorClass::Closed,
            Error::Engine(_) => ErrorClass::Io,
            Error::Codec(_) | Error::Corrupt { .. } => ErrorClass::Corruption,
        }
    }
}

/// Why a region refuses a request. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    #[error("request is for store {requested}, this is store {actual}")]
    StoreNotMatch { requested: u64, actual: u64 },
    #[error("region {region_id} is not on this store")]
    RegionNotFound { region_id: u64 },
    #[error("request is for peer {requested}, this is peer {actual}")]
    PeerMismatch { requested: u64, actual: u64 },
    #[error("peer is not the leader of region {region_id}")]
    NotLeader { region_id: u64, leader: Option<Peer> },
    #[error("leadership changed since the request read its snapshot")]
    StaleCommand,
    #[error("region epoch changed")]
    EpochNotMatch { current: Vec<Arc<Region>> },
    #[error("key is not in region {}", region.id)]
    KeyNotInRegion { key: Vec<u8>, region: Arc<Region> },
    #[error("region {region_id} cannot serve yet: {reason}")]
    ReadIndexNotReady { region_id: u64, reason: &'static str },
    #[error("region {region_id} is being merged into its neighbour")]
    ProposalInMergingMode { region_id: u64 },
    #[error("write of {size} bytes does not fit into one raft entry of region {region_id}")]
    EntryTooLarge { region_id: u64, size: u64 },
    #[error("disk is almost full, {available_bytes} bytes are left: only reads and deletes are served")]
    DiskFull { available_bytes: u64 },
    #[error("store is busy: {reason}")]
    Busy { reason: &'static str },
}

/// A lock together with the user key it is on.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedKey {
    pub key: Vec<u8>,
    pub lock: Lock,
}

/// Which check found a newer version (`kvrpcpb.WriteConflict.Reason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictReason {
    /// An optimistic prewrite met any record newer than its start.
    Optimistic,
    /// A pessimistic lock met a record newer than its `for_update_ts`: read again at a newer one.
    PessimisticRetry,
    /// The transaction itself was rolled back on this key.
    SelfRolledBack,
    /// A pessimistic transaction left the check of an unlocked key to prewrite, which met a newer record.
    LazyUniquenessCheck,
}

/// Why a prewrite that relies on a pessimistic lock is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockLoss {
    /// Another transaction holds the key.
    LockTsMismatch,
    /// The lock is gone, and somebody committed on the key since the transaction started.
    LockMissingAmendFail,
    /// A key that another lock was to protect has a record newer than `for_update_ts`.
    NonLockKeyConflict,
}

/// A condition on a key. User keys, not encoded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KeyError {
    #[error("key is locked by transaction {}", .0.lock.start_ts)]
    Locked(LockedKey),
    #[error("write conflict: transaction {} met a record committed at {}", start_ts, conflict_commit_ts)]
    WriteConflict {
        start_ts: TimeStamp,
        conflict_start_ts: TimeStamp,
        conflict_commit_ts: TimeStamp,
        key: Vec<u8>,
        primary: Vec<u8>,
        reason: ConflictReason,
    },
    #[error("key already exists")]
    AlreadyExists { key: Vec<u8> },
    #[error("commit timestamp {} is below min_commit_ts {}", commit_ts, min_commit_ts)]
    CommitTsExpired { start_ts: TimeStamp, commit_ts: TimeStamp, key: Vec<u8>, min_commit_ts: TimeStamp },
    #[error("transaction {} left neither lock nor record on its primary", start_ts)]
    TxnNotFound { start_ts: TimeStamp, primary: Vec<u8> },
    #[error("lock of transaction {} is gone", start_ts)]
    TxnLockNotFound { start_ts: TimeStamp, key: Vec<u8> },
    #[error("lock names another primary key")]
    PrimaryMismatch(LockedKey),
    #[error("transaction {} is already committed at {}", start_ts, commit_ts)]
    Committed { start_ts: TimeStamp, commit_ts: TimeStamp, key: Vec<u8> },
    #[error("commit timestamp {} is not above start timestamp {}", commit_ts, start_ts)]
    InvalidCommitTs { start_ts: TimeStamp, commit_ts: TimeStamp },
    #[error(
        "GC life time is shorter than transaction duration, transaction starts at {}, GC safe point is {}",
        ts,
        safe_point
    )]
    BelowSafePoint { ts: TimeStamp, safe_point: TimeStamp },
    #[error("key holds a lock of another kind of the same transaction {}", start_ts)]
    LockTypeNotMatch { start_ts: TimeStamp, key: Vec<u8> },
    #[error("pessimistic lock of transaction {} is lost: {:?}", start_ts, reason)]
    PessimisticLockNotFound { start_ts: TimeStamp, key: Vec<u8>, reason: LockLoss },
    #[error("transaction {} was rolled back before it locked the key", start_ts)]
    PessimisticLockRolledBack { start_ts: TimeStamp, key: Vec<u8> },
    #[error("locking only what exists needs the values")]
    LockIfExistsFailed { start_ts: TimeStamp, key: Vec<u8> },
    /// `circle` leads from the holder of the lock back to the waiter.
    #[error("waiting for transaction {} would be a deadlock", lock_ts)]
    Deadlock { lock_ts: TimeStamp, key: Vec<u8>, circle: Vec<WaitFor> },
}
