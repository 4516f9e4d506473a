//! Locks of other transactions: find out what became of the owner, and finish its work.
//!
//! The primary key decides a Percolator transaction. While the primary is locked and alive the reader waits, or reads
//! past it when the store could push the commit timestamp beyond the reader's; otherwise the lock in the way is
//! committed or rolled back like the primary. Only one caller at a time asks for the same transaction.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use crate::backoff::Backoff;
use crate::client::Core;
use crate::error::{Error, Result};

/// Decided transactions remembered.
const DECIDED_MAX: usize = 4_096;
/// Transactions up to this many keys are resolved key by key, larger ones for the whole region.
const LITE_KEYS_MAX: u64 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Committed(TimeStamp),
    RolledBack,
    /// `pushed`: it can no longer commit at or before the caller's timestamp.
    Alive {
        left: Duration,
        pushed: bool,
    },
}

/// What the caller does next.
#[derive(Debug, Default)]
pub(crate) struct Resolution {
    /// Owners that live: one of the locks of each, and how long it may live.
    pub(crate) alive: Vec<(kvrpcpb::LockInfo, Duration)>,
    /// Transactions whose locks a read at the caller's timestamp may ignore.
    pub(crate) ignorable: Vec<u64>,
    /// The oldest start of a transaction that lives.
    pub(crate) oldest_alive: Option<TimeStamp>,
}

impl Resolution {
    /// The living lock that may be the first to go.
    pub(crate) fn shortest_lived(self) -> Option<(kvrpcpb::LockInfo, Duration)> {
        self.alive.into_iter().min_by_key(|(_, left)| *left)
    }
}

pub(crate) struct LockResolver {
    decided: Mutex<Decided>,
    /// One lock for each transaction that is asked for now.
    asking: Mutex<HashMap<u64, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Default)]
struct Decided {
    fates: HashMap<u64, Fate>,
    order: VecDeque<u64>,
}

impl LockResolver {
    pub(crate) fn new() -> LockResolver {
        LockResolver { decided: Mutex::default(), asking: Mutex::default() }
    }

    fn decided(&self, start_ts: u64) -> Option<Fate> {
        self.decided.lock().fates.get(&start_ts).copied()
    }

    fn remember(&self, start_ts: u64, fate: Fate) {
        let mut decided = self.decided.lock();
        if decided.fates.insert(start_ts, fate).is_none() {
            decided.order.push_back(start_ts);
        }
        if decided.order.len() > DECIDED_MAX
            && let Some(oldest) = decided.order.pop_front()
        {
            decided.fates.remove(&oldest);
        }
    }
}

impl Core {
    /// Resolves locks met by a transaction that reads at `caller_start_ts`.
    pub(crate) async fn resolve_locks(
        &self,
        locks: Vec<kvrpcpb::LockInfo>,
        caller_start_ts: TimeStamp,
    ) -> Result<Resolution> {
        let mut by_owner: BTreeMap<u64, Vec<kvrpcpb::LockInfo>> = BTreeMap::new();
        for lock in locks {
            by_owner.entry(lock.lock_version).or_default().push(lock);
        }
        let mut resolution = Resolution::default();
        for (owner, locks) in by_owner {
            let Some(first) = locks.first() else { continue };
            let fate = self.fate_of(first, caller_start_ts).await?;
            if matches!(fate, Fate::Alive { .. }) {
                let oldest = resolution.oldest_alive.unwrap_or(TimeStamp::MAX);
                resolution.oldest_alive = Some(oldest.min(owner.into()));
            }
            match fate {
                Fate::Alive { pushed: true, .. } => resolution.ignorable.push(owner),
                Fate::Alive { left, pushed: false } => resolution.alive.push((first.clone(), left)),
                Fate::Committed(commit_ts) => self.finish_locks(locks, commit_ts).await?,
                Fate::RolledBack => self.finish_locks(locks, TimeStamp::ZERO).await?,
            }
        }
        Ok(resolution)
    }

    async fn fate_of(&self, lock: &kvrpcpb::LockInfo, caller_start_ts: TimeStamp) -> Result<Fate> {
        let owner = lock.lock_version;
        if let Some(fate) = self.resolver.decided(owner) {
            return Ok(fate);
        }
        let turn = Arc::clone(self.resolver.asking.lock().entry(owner).or_default());
        let guard = turn.lock().await;
        let fate = match self.resolver.decided(owner) {
            Some(fate) => Ok(fate),
            None => self.ask_primary(lock, caller_start_ts).await,
        };
        drop(guard);
        let mut asking = self.resolver.asking.lock();
        // Two: the map's and ours. Anyone else holds a third and will remove it.
        if Arc::strong_count(&turn) <= 2 {
            asking.remove(&owner);
        }
        fate
    }

    async fn ask_primary(&self, lock: &kvrpcpb::LockInfo, caller_start_ts: TimeStamp) -> Result<Fate> {
        let mut backoff = Backoff::new("check transaction status", self.config.retry_budget);
        let lock_ts = TimeStamp::new(lock.lock_version);
        let is_pessimistic = lock.lock_type() == kvrpcpb::Op::PessimisticLock;
        let mut rollback_if_not_exist = false;
        loop {
            let current_ts = if lock.lock_ttl == 0 { TimeStamp::MAX } else { self.pd.timestamp().await? };
            let left = lifetime_left(lock_ts, lock.lock_ttl, current_ts);
            let request = kvrpcpb::CheckTxnStatusRequest {
                context: None,
                primary_key: lock.primary_lock.clone(),
                lock_ts: lock.lock_version,
                caller_start_ts: caller_start_ts.into_inner(),
                current_ts: current_ts.into_inner(),
                rollback_if_not_exist,
                // Secondaries of an async commit are not asked; once its time is over it is decided by the primary.
                force_sync_commit: lock.use_async_commit && left.is_zero(),
                resolving_pessimistic_lock: is_pessimistic,
                verify_is_primary: true,
            };
            let answer = self
                .call(&mut backoff, &lock.primary_lock, |region| {
                    let service = Arc::clone(&region.service);
                    let request =
                        kvrpcpb::CheckTxnStatusRequest { context: region.context(), ..request.clone() };
                    async move { service.kv_check_txn_status(request).await }
                })
                .await?;
            if let Some(error) = answer.error {
                if error.txn_not_found.is_none() {
                    return Err(Error::from_key_error(*error, lock_ts));
                }
                if !left.is_zero() {
                    // Its prewrite of the primary may still be on the way.
                    return Ok(Fate::Alive { left, pushed: false });
                }
                if rollback_if_not_exist {
                    backoff.pause(&self.env, "the primary can not be decided").await?;
                }
                rollback_if_not_exist = true;
                continue;
            }
            let fate = fate_in(&answer, lock_ts, current_ts);
            // A pessimistic lock that was only removed, or never found, decides nothing: its owner may still commit.
            let is_open = matches!(
                answer.action(),
                kvrpcpb::Action::LockNotExistDoNothing | kvrpcpb::Action::TtlExpirePessimisticRollback
            );
            if !is_open && !matches!(fate, Fate::Alive { .. }) {
                self.resolver.remember(lock.lock_version, fate);
            }
            return Ok(fate);
        }
    }

    /// Commits (or, at zero, rolls back) the locks of one decided transaction.
    async fn finish_locks(&self, locks: Vec<kvrpcpb::LockInfo>, commit_ts: TimeStamp) -> Result<()> {
        let (pessimistic, prewritten): (Vec<_>, Vec<_>) =
            locks.into_iter().partition(|lock| lock.lock_type() == kvrpcpb::Op::PessimisticLock);
        if let Some(first) = pessimistic.first() {
            // Nothing was written under them, whatever became of the transaction.
            let owner = first.lock_version.into();
            let for_update_ts = pessimistic.iter().map(|lock| lock.lock_for_update_ts).max().unwrap_or(0);
            let keys = pessimistic.into_iter().map(|lock| lock.key).collect();
            self.release_locks(keys, owner, for_update_ts.into()).await?;
        }
        let mut backoff = Backoff::new("resolve lock", self.config.retry_budget);
        let (start_version, lite) =
            prewritten.first().map_or((0, true), |lock| (lock.lock_version, lock.txn_size <= LITE_KEYS_MAX));
        let mut keys: Vec<Bytes> = prewritten.into_iter().map(|lock| lock.key).collect();
        keys.sort_unstable();
        while !keys.is_empty() {
            let region = self.cache.locate(&keys[0]).await?;
            let inside = keys.iter().take_while(|key| region.range.contains(key)).count();
            let request = kvrpcpb::ResolveLockRequest {
                context: region.context(),
                start_version,
                commit_version: commit_ts.into_inner(),
                txn_infos: Vec::new(),
                keys: if lite { keys[..inside].to_vec() } else { Vec::new() },
            };
            match self.attempt(&region, region.service.kv_resolve_lock(request)).await {
                Ok(answer) => match answer.error {
                    None => drop(keys.drain(..inside)),
                    Some(error) => return Err(Error::from_key_error(*error, start_version.into())),
                },
                Err(repair) => self.wait_for(&mut backoff, repair).await?,
            }
        }
        Ok(())
    }

    /// Releases the pessimistic locks of a transaction on `keys` that were taken at or before `for_update_ts`.
    pub(crate) async fn release_locks(
        &self,
        mut keys: Vec<Bytes>,
        owner: TimeStamp,
        for_update_ts: TimeStamp,
    ) -> Result<()> {
        let mut backoff = Backoff::new("release locks", self.config.retry_budget);
        keys.sort_unstable();
        while !keys.is_empty() {
            let region = self.cache.locate(&keys[0]).await?;
            let inside = keys.iter().take_while(|key| region.range.contains(key)).count();
            let request = kvrpcpb::PessimisticRollbackRequest {
                context: region.context(),
                start_version: owner.into_inner(),
                for_update_ts: for_update_ts.into_inner(),
                keys: keys[..inside].to_vec(),
            };
            match self.attempt(&region, region.service.kv_pessimistic_rollback(request)).await {
                Ok(answer) => match answer.errors.into_iter().next() {
                    None => drop(keys.drain(..inside)),
                    Some(error) => return Err(Error::from_key_error(error, owner)),
                },
                Err(repair) => self.wait_for(&mut backoff, repair).await?,
            }
        }
        Ok(())
    }
}

fn fate_in(answer: &kvrpcpb::CheckTxnStatusResponse, lock_ts: TimeStamp, current_ts: TimeStamp) -> Fate {
    if answer.commit_version != 0 {
        return Fate::Committed(answer.commit_version.into());
    }
    if answer.lock_ttl != 0 {
        let left = lifetime_left(lock_ts, answer.lock_ttl, current_ts);
        return Fate::Alive { left, pushed: answer.action() == kvrpcpb::Action::MinCommitTsPushed };
    }
    Fate::RolledBack
}

fn lifetime_left(lock_ts: TimeStamp, ttl_ms: u64, now: TimeStamp) -> Duration {
    let end_ms = lock_ts.physical().saturating_add(ttl_ms);
    Duration::from_millis(end_ms.saturating_sub(now.physical()))
}
