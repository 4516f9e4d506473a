//! The transaction: reads through its own writes, commit, rollback.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_env::Monotonic;
use rutile_kv_types::{KeyRange, TimeStamp};

use super::{MemBuffer, Mutations, Savepoint};
use crate::client::Core;
use crate::committer;
use crate::error::{Error, Result};
use crate::snapshot::{ScanOptions, Scanner, Snapshot};

#[derive(Clone, Debug, Default)]
pub struct TransactionOptions {
    /// Locks keys while the transaction runs. Not supported yet: `begin` fails.
    pub pessimistic: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    Ended,
}

/// An optimistic transaction. Dropping it before commit forgets it; nothing was sent yet.
pub struct Transaction {
    core: Arc<Core>,
    snapshot: Snapshot,
    begun: Monotonic,
    membuffer: MemBuffer,
    state: State,
}

impl Transaction {
    pub(crate) fn new(core: Arc<Core>, start_ts: TimeStamp) -> Transaction {
        let snapshot = Snapshot::new(Arc::clone(&core), start_ts);
        let begun = core.env.clock.now();
        Transaction { core, snapshot, begun, membuffer: MemBuffer::default(), state: State::Active }
    }

    pub fn start_ts(&self) -> TimeStamp {
        self.snapshot.timestamp()
    }

    /// The data below the transaction's own writes.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.clone()
    }

    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        match self.membuffer.get(key) {
            Some(own) => Ok(own),
            None => self.snapshot.get(key).await,
        }
    }

    /// Values of those keys that exist.
    pub async fn batch_get(&self, keys: &[Bytes]) -> Result<HashMap<Bytes, Bytes>> {
        let below: Vec<Bytes> =
            keys.iter().filter(|key| self.membuffer.get(key).is_none()).cloned().collect();
        let mut found =
            if below.is_empty() { HashMap::new() } else { self.snapshot.batch_get(&below).await? };
        for key in keys {
            if let Some(Some(own)) = self.membuffer.get(key) {
                found.insert(key.clone(), own);
            }
        }
        Ok(found)
    }

    /// Pairs of a range as the transaction sees them now; later writes do not show.
    pub fn scan(&self, range: KeyRange, options: ScanOptions) -> Scanner {
        let own = self.membuffer.range(&range).map(|(key, value)| (key.clone(), value.cloned())).collect();
        Scanner::new(self.snapshot.clone(), range, options, own)
    }

    pub fn put(&mut self, key: Bytes, value: Bytes) {
        self.membuffer.put(key, value);
    }

    /// A put of a key that must not exist: commit fails with [`Error::AlreadyExists`] when it does.
    pub fn insert(&mut self, key: Bytes, value: Bytes) {
        self.membuffer.insert(key, value);
    }

    pub fn delete(&mut self, key: Bytes) {
        self.membuffer.delete(key);
    }

    /// Makes commit fail when another transaction commits on the key meanwhile; writes nothing.
    pub fn lock_only(&mut self, key: Bytes) {
        self.membuffer.lock(key);
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

    pub fn savepoint(&self) -> Savepoint {
        self.membuffer.savepoint()
    }

    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        self.membuffer.rollback_to(&savepoint);
    }

    /// Commits, and answers the commit timestamp; that of a transaction without writes is its start.
    ///
    /// An error means that nothing was committed, except [`Error::Undetermined`]. Not cancellation-safe: the outcome of
    /// a dropped commit is unknown.
    pub async fn commit(&mut self) -> Result<TimeStamp> {
        self.end()?;
        if self.membuffer.is_empty() {
            return Ok(self.start_ts());
        }
        let mutations = Mutations::from_membuffer(&self.membuffer, &self.core.config)?;
        committer::commit(&self.core, self.start_ts(), self.begun, mutations).await
    }

    /// Forgets the writes; no store has seen them.
    pub async fn rollback(&mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Active => Ok(()),
            State::Ended => Err(Error::TransactionEnded(self.start_ts())),
        }
    }
}
