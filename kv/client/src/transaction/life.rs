//! The transaction: reads through its own writes, locks, commit, rollback.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt, pending};
use rutile_kv_env::Monotonic;
use rutile_kv_types::{KeyRange, TimeStamp};

use super::lock_keys::{LockOptions, LockedKeys, Locking};
use super::{Locks, MemBuffer, Mutations, Savepoint, View};
use crate::client::Core;
use crate::commit_limit::CommitLimit;
use crate::committer;
use crate::error::{Error, Result};
use crate::snapshot::{ScanOptions, Scanner, Snapshot};

#[derive(Clone, Debug, Default)]
pub struct TransactionOptions {
    /// Locks keys while the transaction runs; see [`Transaction::lock_keys`].
    pub pessimistic: bool,
    /// How long COMMIT waits for locks that living transactions hold; [`crate::ClientConfig::retry_budget`] if not
    /// given. Then it fails with [`Error::KeyLocked`].
    pub commit_lock_wait: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    Ended,
}

/// A transaction. Reads see the data at its start, except through [`Transaction::view_at`].
///
/// Nothing but pessimistic locks is sent before commit. Dropping the transaction forgets its writes and releases its
/// locks in the background.
pub struct Transaction {
    core: Arc<Core>,
    snapshot: Snapshot,
    begun: Monotonic,
    membuffer: MemBuffer,
    /// `None` in optimistic transactions.
    locks: Option<Locks>,
    commit_lock_wait: Duration,
    commit_limit: Option<Arc<CommitLimit>>,
    state: State,
}

impl Transaction {
    pub(crate) fn new(
        core: Arc<Core>,
        start_ts: TimeStamp,
        options: &TransactionOptions,
        commit_limit: Option<Arc<CommitLimit>>,
    ) -> Transaction {
        let snapshot = Snapshot::new(Arc::clone(&core), start_ts);
        let begun = core.env.clock.now();
        let locks = options.pessimistic.then(|| Locks::new(Arc::clone(&core), start_ts, begun));
        let commit_lock_wait = options.commit_lock_wait.unwrap_or(core.config.retry_budget);
        let (membuffer, state) = (MemBuffer::default(), State::Active);
        Transaction { core, snapshot, begun, membuffer, locks, commit_lock_wait, commit_limit, state }
    }

    pub fn start_ts(&self) -> TimeStamp {
        self.snapshot.timestamp()
    }

    pub fn is_pessimistic(&self) -> bool {
        self.locks.is_some()
    }

    /// The data below the transaction's own writes.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.clone()
    }

    /// The transaction's own writes over the data at its start: what plain reads see.
    pub fn view(&self) -> View<'_> {
        View { own: &self.membuffer, snapshot: self.snapshot.clone() }
    }

    /// The transaction's own writes over the data as committed at `for_update_ts`: what locking reads see.
    pub fn view_at(&self, for_update_ts: TimeStamp) -> View<'_> {
        View { own: &self.membuffer, snapshot: Snapshot::new(Arc::clone(&self.core), for_update_ts) }
    }

    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.view().get(key).await
    }

    /// Values of those keys that exist.
    pub async fn batch_get(&self, keys: &[Bytes]) -> Result<HashMap<Bytes, Bytes>> {
        self.view().batch_get(keys).await
    }

    /// Pairs of a range as the transaction sees them now; later writes do not show.
    pub fn scan(&self, range: KeyRange, options: ScanOptions) -> Scanner {
        self.view().scan(range, options)
    }

    /// A timestamp for a locking statement: newer than every commit that returned before.
    pub async fn fresh_for_update_ts(&self) -> Result<TimeStamp> {
        Ok(self.core.pd.timestamp().await?)
    }

    /// Locks keys until the transaction ends, so that no other transaction locks or changes them.
    ///
    /// Keys without a value are locked too. An error of a call leaves the locks of earlier ones in place. Not
    /// cancellation-safe: the keys of a dropped call may stay locked until the transaction ends.
    pub async fn lock_keys(&mut self, keys: &[Bytes], options: &LockOptions) -> Result<LockedKeys> {
        if self.state == State::Ended {
            return Err(Error::TransactionEnded(self.start_ts()));
        }
        let Some(locks) = &mut self.locks else {
            return Err(Error::Unsupported("locking keys in an optimistic transaction"));
        };
        Locking::run(locks, &self.membuffer, keys, options).await
    }

    /// Says that whoever writes `key` holds the lock of another key that this transaction has locked, as with the
    /// entries of a non-unique index and their row. Commit then does not look for changes since the start of the
    /// transaction on it, as it does for other keys that were written without a lock.
    pub fn guarded_by_lock(&mut self, key: Bytes) {
        if let Some(locks) = &mut self.locks {
            locks.guard(key);
        }
    }

    pub fn put(&mut self, key: Bytes, value: Bytes) {
        self.membuffer.put(&key, &value);
    }

    /// A put of a key that must not exist: commit fails with [`Error::AlreadyExists`] when it does.
    pub fn insert(&mut self, key: Bytes, value: Bytes) {
        self.membuffer.insert(&key, &value);
    }

    pub fn delete(&mut self, key: Bytes) {
        self.membuffer.delete(&key);
    }

    /// Makes commit fail when another transaction commits on the key meanwhile; writes nothing.
    pub fn lock_only(&mut self, key: Bytes) {
        self.membuffer.lock(&key);
    }

    pub fn membuffer(&self) -> &MemBuffer {
        &self.membuffer
    }

    pub fn is_empty(&self) -> bool {
        self.membuffer.is_empty()
    }

    pub fn len(&self) -> usize {
        self.membuffer.len()
    }

    pub fn size_bytes(&self) -> usize {
        self.membuffer.size_bytes()
    }

    /// What the writes and locks of the transaction take.
    pub fn memory_bytes(&self) -> usize {
        self.membuffer.memory_bytes() + self.locks.as_ref().map_or(0, Locks::memory_bytes)
    }

    pub fn savepoint(&self) -> Savepoint {
        self.membuffer.savepoint()
    }

    /// Forgets the writes since the savepoint. Locks stay, as in MySQL.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        self.membuffer.rollback_to(&savepoint);
    }

    /// Commits, and answers the commit timestamp; that of a transaction without writes is its start.
    ///
    /// Fails with [`Error::CommitLimit`] if the limit it began under lies behind by now.
    ///
    /// An error means that nothing was committed, except [`Error::Undetermined`]. Not cancellation-safe: the outcome of
    /// a dropped commit is unknown. Locks are released either way.
    pub async fn commit(&mut self) -> Result<TimeStamp> {
        self.commit_unless(pending().boxed()).await
    }

    /// The same, given up with [`Error::Interrupted`] once `cancelled` completes, as long as nothing is decided: requests
    /// under way are waited for, and after the commit of the primary was sent its answer is.
    pub async fn commit_unless(&mut self, cancelled: BoxFuture<'static, ()>) -> Result<TimeStamp> {
        self.end()?;
        let outcome = self.commit_writes(cancelled).await;
        self.snapshot.stop_holding();
        outcome
    }

    async fn commit_writes(&mut self, cancelled: BoxFuture<'static, ()>) -> Result<TimeStamp> {
        if self.membuffer.is_empty() {
            self.release_locks().await;
            return Ok(self.start_ts());
        }
        let mutations =
            match Mutations::from_membuffer(&self.membuffer, self.locks.as_ref(), &self.core.config) {
                Ok(mutations) => mutations,
                Err(error) => {
                    self.release_locks().await;
                    return Err(error);
                }
            };
        let terms = committer::Terms {
            start_ts: self.start_ts(),
            begun: self.begun,
            lock_wait: self.commit_lock_wait,
            limit: self.commit_limit.clone(),
            cancelled,
        };
        let outcome = committer::commit(&self.core, terms, mutations).await;
        if let Some(locks) = &mut self.locks {
            locks.handed_over();
        }
        outcome
    }

    /// Forgets the writes, which no store has seen, and releases the locks.
    pub async fn rollback(&mut self) -> Result<()> {
        self.end()?;
        self.release_locks().await;
        self.snapshot.stop_holding();
        Ok(())
    }

    async fn release_locks(&mut self) {
        if let Some(locks) = &mut self.locks {
            locks.release_all().await;
        }
    }

    fn end(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Active => Ok(()),
            State::Ended => Err(Error::TransactionEnded(self.start_ts())),
        }
    }
}
