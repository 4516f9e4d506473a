//! Errors of the transaction client.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_proto::{Payload, Status, kvrpcpb};
use rutile_kv_types::{ErrorClass, TimeStamp, format};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Another transaction committed on the key after this one started. Nothing was written.
    #[error(
        "write conflict of transaction {start_ts} with {conflict_start_ts}@{conflict_commit_ts} on {}",
        format::raw_key(key)
    )]
    WriteConflict {
        start_ts: TimeStamp,
        conflict_start_ts: TimeStamp,
        conflict_commit_ts: TimeStamp,
        key: Bytes,
    },
    /// An inserted key exists. Nothing was written.
    #[error("key {} already exists", format::raw_key(key))]
    AlreadyExists { key: Bytes },
    /// Another transaction held its lock for longer than the budget.
    #[error("key {} stays locked by transaction {lock_ts} after {waited:?}", format::raw_key(key))]
    KeyLocked { key: Bytes, lock_ts: TimeStamp, waited: Duration },
    /// The disk of a store is almost full. Nothing was written; deletes still are.
    #[error("{0}")]
    DiskFull(String),
    /// A pessimistic lock was not to be had within the time the caller gave. The statement locked nothing.
    #[error("key {} was not locked within {waited:?}: transaction {lock_ts} holds it", format::raw_key(key))]
    LockWaitTimeout { key: Bytes, lock_ts: TimeStamp, waited: Duration },
    /// A key is locked and the caller does not wait. The statement locked nothing.
    #[error("key {} is locked by transaction {lock_ts}", format::raw_key(key))]
    LockNoWait { key: Bytes, lock_ts: TimeStamp },
    /// `wait_chain` leads from the holder of the lock back to this transaction, whose own wait comes last. The
    /// statement locked nothing; earlier locks are held until the transaction ends, and the others wait for them.
    #[error("waiting for transaction {lock_ts} on {} would be a deadlock", format::raw_key(key))]
    Deadlock { lock_ts: TimeStamp, key: Bytes, wait_chain: Vec<WaitFor> },
    /// The transaction may or may not be committed; nobody can say before its locks are resolved.
    #[error("outcome of the commit of transaction {start_ts} is unknown: {cause}")]
    Undetermined { start_ts: TimeStamp, cause: String },
    /// The locks of the transaction outlived their time and were removed by others. Nothing was written.
    #[error("transaction {start_ts} was rolled back by others: {cause}")]
    RolledBack { start_ts: TimeStamp, cause: String },
    /// The caller gave up before anything was decided. Nothing was written.
    #[error("commit of transaction {start_ts} was interrupted")]
    Interrupted { start_ts: TimeStamp },
    /// The lease that the transaction began under has ended: it may no longer commit. Nothing was written.
    #[error("transaction {start_ts} may not commit after {limit}")]
    CommitLimit { start_ts: TimeStamp, limit: TimeStamp },
    #[error("transaction of {size} bytes is larger than {limit}")]
    TransactionTooLarge { size: usize, limit: usize },
    #[error("entry of {size} bytes is larger than {limit}")]
    EntryTooLarge { size: usize, limit: usize },
    /// The budget for retries is used up.
    #[error("{what} gave up after {attempts} attempts in {elapsed:?}: {cause}")]
    Backoff { what: &'static str, cause: String, attempts: u32, elapsed: Duration },
    /// A store refused for good.
    #[error("store refused: {0}")]
    Store(Status),
    /// A store ran the request and the transaction protocol says no.
    #[error("aborted: {0}")]
    Aborted(String),
    #[error(transparent)]
    Pd(#[from] rutile_pd_client::Error),
    /// A pushed-down plan failed; `payload` is the endpoint's own error when it runs in this process.
    #[error("coprocessor: {message}")]
    Endpoint { message: String, payload: Option<Payload> },
    /// An answer or a region boundary that the protocol does not allow.
    #[error("malformed {0}")]
    Malformed(&'static str),
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    #[error("transaction {0} has ended already")]
    TransactionEnded(TimeStamp),
    #[error("the client is closed")]
    Closed,
}

/// `waiter` waits until `holder` releases `key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitFor {
    pub waiter: TimeStamp,
    pub holder: TimeStamp,
    pub key: Bytes,
}

impl Error {
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::WriteConflict { .. }
            | Error::Deadlock { .. }
            | Error::RolledBack { .. }
            | Error::Backoff { .. } => ErrorClass::Retry,
            Error::KeyLocked { .. } => ErrorClass::ResolveLock,
            Error::AlreadyExists { .. }
            | Error::LockWaitTimeout { .. }
            | Error::LockNoWait { .. }
            | Error::Undetermined { .. }
            | Error::DiskFull(_)
            | Error::CommitLimit { .. }
            | Error::Interrupted { .. }
            | Error::TransactionTooLarge { .. }
            | Error::EntryTooLarge { .. }
            | Error::Endpoint { .. }
            | Error::Unsupported(_)
            | Error::TransactionEnded(_) => ErrorClass::User,
            Error::Pd(error) => error.class(),
            Error::Closed => ErrorClass::Closed,
            Error::Store(_) | Error::Aborted(_) | Error::Malformed(_) => ErrorClass::Bug,
        }
    }

    /// Of a key error that is neither a lock to resolve nor a matter of the committer.
    pub(crate) fn from_key_error(error: kvrpcpb::KeyError, start_ts: TimeStamp) -> Error {
        if let Some(conflict) = error.conflict {
            return Error::WriteConflict {
                start_ts,
                conflict_start_ts: conflict.conflict_ts.into(),
                conflict_commit_ts: conflict.conflict_commit_ts.into(),
                key: conflict.key,
            };
        }
        if let Some(exist) = error.already_exist {
            return Error::AlreadyExists { key: exist.key };
        }
        if let Some(deadlock) = error.deadlock {
            let edge = |edge: kvrpcpb::WaitForEntry| WaitFor {
                waiter: edge.txn.into(),
                holder: edge.wait_for_txn.into(),
                key: edge.key,
            };
            let wait_chain = deadlock.wait_chain.into_iter().map(edge).collect();
            return Error::Deadlock { lock_ts: deadlock.lock_ts.into(), key: deadlock.lock_key, wait_chain };
        }
        if error.txn_lock_not_found.is_some() || error.txn_not_found.is_some() {
            return Error::RolledBack { start_ts, cause: "its lock is gone".to_owned() };
        }
        if let Some(locked) = error.locked {
            let lock_ts = locked.lock_version.into();
            return Error::KeyLocked { key: locked.key, lock_ts, waited: Duration::ZERO };
        }
        let text = [error.abort, error.retryable].into_iter().find(|text| !text.is_empty());
        Error::Aborted(text.unwrap_or_else(|| "key error without a reason".to_owned()))
    }
}
