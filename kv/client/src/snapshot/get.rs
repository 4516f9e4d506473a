//! The snapshot, and reading one key.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_env::Monotonic;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::{KeyRange, TimeStamp};

use super::{ScanOptions, Scanner};
use crate::backoff::Backoff;
use crate::client::Core;
use crate::error::{Error, Result};
use crate::region::CachedRegion;
use crate::replica_read::{FOLLOWER_AGE_MAX, ReplicaRead};
use crate::running::RunningGuard;
use crate::transaction::MemBuffer;

/// Owners of locks that reads may ignore; more are forgotten, which costs only another look at the primary.
const IGNORABLE_MAX: usize = 64;

/// Data as committed at one timestamp. Cheap to clone; clones share what they learn about locks.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) core: Arc<Core>,
    pub(super) ts: TimeStamp,
    /// When the timestamp was given out, or later.
    taken: Monotonic,
    replicas: ReplicaRead,
    shared: Arc<Shared>,
}

/// What clones of a snapshot have in common.
struct Shared {
    ignorable: Mutex<Vec<u64>>,
    /// Holds garbage collection back.
    _running: RunningGuard,
}

impl Snapshot {
    pub(crate) fn new(core: Arc<Core>, ts: TimeStamp) -> Snapshot {
        let shared = Shared { ignorable: Mutex::default(), _running: core.running.enter(ts) };
        let (taken, replicas) = (core.env.clock.now(), core.config.replica_read);
        Snapshot { core, ts, taken, replicas, shared: Arc::new(shared) }
    }

    /// The same data, read at these peers. Leaders stand in for followers that do not answer at once.
    pub fn read_from(mut self, replicas: ReplicaRead) -> Snapshot {
        self.replicas = replicas;
        self
    }

    /// Which peers it reads from now: followers only while it is young (see [`ReplicaRead`]).
    pub fn replicas(&self) -> ReplicaRead {
        if self.replicas == ReplicaRead::Leader || self.ts.is_max() {
            return ReplicaRead::Leader;
        }
        let age = self.core.env.clock.now().saturating_since(self.taken);
        if age < FOLLOWER_AGE_MAX { self.replicas } else { ReplicaRead::Leader }
    }

    pub fn timestamp(&self) -> TimeStamp {
        self.ts
    }

    /// Holds garbage collection back no more; clones still do, for as long as they read.
    pub(crate) fn stop_holding(&mut self) {
        let latest = self.core.running.enter(TimeStamp::MAX);
        self.shared = Arc::new(Shared { ignorable: Mutex::default(), _running: latest });
    }

    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let key = Bytes::copy_from_slice(key);
        if self.replicas() != ReplicaRead::Leader
            && let Some(answer) = self.get_of_follower(&key).await?
        {
            return Ok((!answer.not_found).then_some(answer.value));
        }
        let mut backoff = Backoff::new("get", self.core.config.retry_budget);
        loop {
            let answer = self
                .core
                .call(&mut backoff, &key, |region| {
                    let service = Arc::clone(&region.service);
                    let (context, version) = (self.context(region), self.ts.into_inner());
                    let request = kvrpcpb::GetRequest { context, key: key.clone(), version };
                    async move { service.kv_get(request).await }
                })
                .await?;
            match answer.error {
                None => return Ok((!answer.not_found).then_some(answer.value)),
                Some(error) => {
                    let lock = self.lock_in(*error)?;
                    self.get_past(vec![lock], &mut backoff).await?;
                }
            }
        }
    }

    async fn get_of_follower(&self, key: &Bytes) -> Result<Option<kvrpcpb::GetResponse>> {
        let region = self.core.cache.locate(key).await?;
        let (key, version) = (key.clone(), self.ts.into_inner());
        let answer = self.ask_follower(&region, |service, context| async move {
            service.kv_get(kvrpcpb::GetRequest { context, key, version }).await
        });
        Ok(answer.await.filter(|answer: &kvrpcpb::GetResponse| answer.error.is_none()))
    }

    pub fn scan(&self, range: KeyRange, options: ScanOptions) -> Scanner {
        Scanner::new(self.clone(), range, options, Vec::new())
    }

    /// A scan with a transaction's own writes laid over it; the transaction may have started elsewhere in time.
    pub fn scan_under(&self, own: &MemBuffer, range: KeyRange, options: ScanOptions) -> Scanner {
        let written = own.range(&range).collect();
        Scanner::new(self.clone(), range, options, written)
    }

    pub(crate) fn context(&self, region: &CachedRegion) -> Option<kvrpcpb::Context> {
        let mut context = region.context();
        if let Some(context) = &mut context {
            context.resolved_locks.clone_from(&self.shared.ignorable.lock());
        }
        context
    }

    /// The lock in a key error; other key errors end the read.
    pub(super) fn lock_in(&self, mut error: kvrpcpb::KeyError) -> Result<kvrpcpb::LockInfo> {
        error.locked.take().ok_or_else(|| Error::from_key_error(error, self.ts))
    }

    /// Resolves one lock met by a pushed-down plan.
    pub(crate) async fn get_past_lock(&self, lock: kvrpcpb::LockInfo, backoff: &mut Backoff) -> Result<()> {
        self.get_past(vec![lock], backoff).await
    }

    /// Resolves locks, or waits a while for those whose owners live.
    pub(super) async fn get_past(&self, locks: Vec<kvrpcpb::LockInfo>, backoff: &mut Backoff) -> Result<()> {
        let resolution = self.core.resolve_locks(locks, self.ts).await?;
        if !resolution.ignorable.is_empty() {
            let mut ignorable = self.shared.ignorable.lock();
            ignorable.extend(&resolution.ignorable);
            let excess = ignorable.len().saturating_sub(IGNORABLE_MAX);
            ignorable.drain(..excess);
        }
        let Some((lock, left)) = resolution.shortest_lived() else {
            return Ok(());
        };
        let waited = backoff.elapsed(&self.core.env);
        let cause = format!("locked by transaction {}", lock.lock_version);
        backoff.pause_at_most(&self.core.env, cause, left).await.map_err(|_| Error::KeyLocked {
            key: lock.key,
            lock_ts: lock.lock_version.into(),
            waited,
        })
    }
}
