//! Locking keys of a pessimistic transaction for one statement.
//!
//! ```text
//! pending keys ─→ group by region ─→ one request each ─→ locked │ blocked ─→ resolve: skip, fail, or go again
//!       ↑        (first the region of the primary alone)        │ region error ─→ repair, go again
//!       └───────────────────────────────────────────────────────┴ newer record ─→ newer for_update_ts, or the caller
//! ```
//! The store waits for a lock up to a second; then this side looks after the owner, removes what a dead one left,
//! and asks again until the caller's time is up. A statement gets all its locks or, on an error, none.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use rutile_kv_env::Monotonic;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use super::MemBuffer;
use super::locks::{Held, Locks};
use crate::backoff::Backoff;
use crate::error::{Error, Result};
use crate::region::{Group, Repair};
use crate::snapshot::Snapshot;

/// Longest wait of one request at the store.
const REQUEST_WAIT_MAX: Duration = Duration::from_secs(1);

/// What to do about a key that another transaction has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockWait {
    /// Wait, but no longer than this for all keys of the call; then [`Error::LockWaitTimeout`].
    Timeout(Duration),
    /// Fail at once with [`Error::LockNoWait`].
    NoWait,
    /// Leave it out: it is listed in [`LockedKeys::skipped`].
    SkipLocked,
}

#[derive(Clone, Debug)]
pub struct LockOptions {
    pub wait: LockWait,
    /// The timestamp at which the caller found out which keys to lock. A key that changed since is an
    /// [`Error::WriteConflict`]: take a newer one from [`super::Transaction::fresh_for_update_ts`], read again through
    /// [`super::Transaction::view_at`], and lock again. `None` when the keys are known without reading: each key is
    /// then locked as it is now.
    pub for_update_ts: Option<TimeStamp>,
    /// Answer the values of the locked keys.
    pub return_values: bool,
    /// Fail with [`Error::AlreadyExists`] when a key has a value.
    pub must_not_exist: bool,
}

impl Default for LockOptions {
    /// Waits for 50 seconds, as MySQL does.
    fn default() -> LockOptions {
        let wait = LockWait::Timeout(Duration::from_secs(50));
        LockOptions { wait, for_update_ts: None, return_values: false, must_not_exist: false }
    }
}

/// What a call locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockedKeys {
    /// The locked keys are unchanged up to here, and stay so.
    pub for_update_ts: TimeStamp,
    /// Values of those that exist, own writes included; empty unless asked for.
    pub values: HashMap<Bytes, Bytes>,
    /// Keys that others hold, in order.
    pub skipped: Vec<Bytes>,
}

/// A key to be locked.
#[derive(Clone)]
struct Pending {
    key: Bytes,
    must_not_exist: bool,
}

/// One call.
pub(super) struct Locking<'a> {
    locks: &'a mut Locks,
    own: &'a MemBuffer,
    options: &'a LockOptions,
    pending: Vec<Pending>,
    for_update_ts: TimeStamp,
    found: LockedKeys,
    started: Monotonic,
    /// Of failures in a row.
    backoff: Backoff,
}

fn failures(budget: Duration) -> Backoff {
    Backoff::new("lock keys", budget)
}

/// How one request ended.
enum Answer {
    Locked(Vec<Bytes>, kvrpcpb::PessimisticLockResponse),
    Failed(Repair),
    Blocked(Vec<kvrpcpb::LockInfo>),
    /// The key changed after `for_update_ts`.
    Changed(Error),
    Refused(Error),
}

impl<'a> Locking<'a> {
    pub(super) async fn run(
        locks: &'a mut Locks,
        own: &'a MemBuffer,
        keys: &[Bytes],
        options: &'a LockOptions,
    ) -> Result<LockedKeys> {
        locks.check_kept()?;
        let core = Arc::clone(&locks.core);
        let for_update_ts = match options.for_update_ts {
            Some(for_update_ts) => for_update_ts,
            None => core.pd.timestamp().await?,
        };
        let pending = pending(locks, own, keys, options)?;
        let new: Vec<Bytes> = pending
            .iter()
            .filter(|pending| locks.get(&pending.key).is_none())
            .map(|pending| pending.key.clone())
            .collect();
        let values =
            if options.return_values { held_values(locks, own, keys).await? } else { HashMap::new() };
        let mut locking = Locking {
            own,
            options,
            pending,
            for_update_ts,
            found: LockedKeys { values, ..LockedKeys::default() },
            started: core.env.clock.now(),
            backoff: failures(core.config.retry_budget),
            locks,
        };
        match locking.lock_all().await {
            Ok(()) => Ok(locking.finish(keys)),
            Err(error) => {
                let for_update_ts = locking.for_update_ts;
                locking.locks.release(new, for_update_ts).await;
                Err(error)
            }
        }
    }

    async fn lock_all(&mut self) -> Result<()> {
        let core = Arc::clone(&self.locks.core);
        while !self.pending.is_empty() {
            self.locks.check_kept()?;
            let asked = core.env.clock.now();
            let answers = self.round().await?;
            let (mut blocked, mut repairs, mut changed) = (Vec::new(), Vec::new(), None);
            for answer in answers {
                match answer {
                    Answer::Locked(keys, answer) => self.locked(keys, answer),
                    Answer::Failed(repair) => repairs.push(repair),
                    Answer::Blocked(locks) => blocked.extend(locks),
                    Answer::Changed(error) => changed = Some(error),
                    Answer::Refused(error) => return Err(error),
                }
            }
            if repairs.is_empty() && changed.is_none() {
                // Waiting for a lock is no failure, and its time is not that of failures.
                self.backoff = failures(core.config.retry_budget);
            }
            for repair in repairs {
                core.wait_for(&mut self.backoff, repair).await?;
            }
            if let Some(error) = changed {
                if self.options.for_update_ts.is_some() {
                    return Err(error);
                }
                self.backoff.retry_now(&core.env, &error).await?;
                self.for_update_ts = core.pd.timestamp().await?;
            }
            if !blocked.is_empty() {
                self.get_past(blocked, core.env.clock.now() - asked).await?;
            }
        }
        self.locks.check_kept()
    }

    /// Asks once for all pending keys; without a primary only for those of the first region, whose first key is it.
    async fn round(&mut self) -> Result<Vec<Answer>> {
        let core = Arc::clone(&self.locks.core);
        let keys: Vec<(usize, &[u8], usize)> = self
            .pending
            .iter()
            .enumerate()
            .map(|(item, pending)| (item, pending.key.as_ref(), pending.key.len()))
            .collect();
        let mut groups = core.group(keys, core.config.batch_bytes_max).await?;
        let primary = match self.locks.primary() {
            Some(primary) => primary.clone(),
            None => {
                groups.truncate(1);
                self.pending.first().map(|pending| pending.key.clone()).unwrap_or_default()
            }
        };
        let mut requests = Vec::with_capacity(groups.len());
        for group in groups {
            let request = self.request(&group, primary.clone());
            requests.push(self.ask(group, request));
        }
        let answers = futures::stream::iter(requests).buffer_unordered(core.config.concurrency);
        Ok(answers.collect().await)
    }

    fn request(&mut self, group: &Group, primary_lock: Bytes) -> kvrpcpb::PessimisticLockRequest {
        let mut mutations = Vec::with_capacity(group.items.len());
        for pending in group.items.iter().filter_map(|item| self.pending.get(*item)) {
            self.locks.asked(&pending.key);
            let assertion =
                if pending.must_not_exist { kvrpcpb::Assertion::NotExist } else { kvrpcpb::Assertion::None };
            mutations.push(kvrpcpb::Mutation {
                op: kvrpcpb::Op::PessimisticLock as i32,
                key: pending.key.clone(),
                value: Bytes::new(),
                assertion: assertion as i32,
            });
        }
        kvrpcpb::PessimisticLockRequest {
            context: group.region.context(),
            mutations,
            primary_lock,
            start_version: self.locks.start_ts.into_inner(),
            lock_ttl: self.locks.ttl_from_now_ms(),
            for_update_ts: self.for_update_ts.into_inner(),
            wait_timeout: self.wait_ms(),
            return_values: self.options.return_values,
            check_existence: true,
            ..kvrpcpb::PessimisticLockRequest::default()
        }
    }

    /// What the store may wait; negative for not at all.
    fn wait_ms(&self) -> i64 {
        let LockWait::Timeout(limit) = self.options.wait else {
            return -1;
        };
        let left = limit.saturating_sub(self.waited()).min(REQUEST_WAIT_MAX);
        if left < Duration::from_millis(1) { -1 } else { left.as_millis() as i64 }
    }

    fn waited(&self) -> Duration {
        self.locks.core.env.clock.now() - self.started
    }

    /// A future that borrows nothing of the call.
    fn ask(
        &self,
        group: Group,
        request: kvrpcpb::PessimisticLockRequest,
    ) -> impl Future<Output = Answer> + use<> {
        let (core, start_ts) = (Arc::clone(&self.locks.core), self.locks.start_ts);
        async move {
            let keys = request.mutations.iter().map(|mutation| mutation.key.clone()).collect();
            let answer = core.attempt(&group.region, group.region.service.kv_pessimistic_lock(request)).await;
            let mut answer = match answer {
                Ok(answer) => answer,
                Err(Repair::Fatal(error)) => return Answer::Refused(error),
                Err(repair) => return Answer::Failed(repair),
            };
            let mut locks = Vec::new();
            for mut error in std::mem::take(&mut answer.errors) {
                match error.locked.take() {
                    Some(lock) => locks.push(lock),
                    None => return refusal(error, start_ts),
                }
            }
            if locks.is_empty() { Answer::Locked(keys, answer) } else { Answer::Blocked(locks) }
        }
    }

    fn locked(&mut self, keys: Vec<Bytes>, answer: kvrpcpb::PessimisticLockResponse) {
        let primary = match self.locks.primary() {
            Some(primary) => primary.clone(),
            None => keys.first().cloned().unwrap_or_default(),
        };
        self.pending.retain(|pending| keys.binary_search(&pending.key).is_err());
        let mut values = answer.values.into_iter();
        let mut not_founds = answer.not_founds.into_iter();
        for key in keys {
            let exists = not_founds.next().is_some_and(|not_found| !not_found);
            if let Some(value) = values.next().filter(|_| exists) {
                self.found.values.insert(key.clone(), value);
            }
            self.locks.locked_at(key, exists, self.for_update_ts, &primary);
        }
    }

    /// Others hold keys: removes what dead ones left, then does what the caller wants about the living.
    async fn get_past(&mut self, blocked: Vec<kvrpcpb::LockInfo>, store_waited: Duration) -> Result<()> {
        let core = Arc::clone(&self.locks.core);
        let resolution = core.resolve_locks(blocked.clone(), TimeStamp::ZERO).await?;
        if resolution.alive.is_empty() {
            return Ok(());
        }
        let owners: Vec<u64> = resolution.alive.iter().map(|(lock, _)| lock.lock_version).collect();
        let Some((lock, left)) = resolution.shortest_lived() else {
            return Ok(());
        };
        let (key, lock_ts) = (lock.key, lock.lock_version.into());
        match self.options.wait {
            LockWait::NoWait => Err(Error::LockNoWait { key, lock_ts }),
            LockWait::SkipLocked => {
                for lock in blocked.into_iter().filter(|lock| owners.contains(&lock.lock_version)) {
                    self.pending.retain(|pending| pending.key != lock.key);
                    self.found.skipped.push(lock.key);
                }
                Ok(())
            }
            LockWait::Timeout(limit) => {
                let waited = self.waited();
                if waited >= limit {
                    return Err(Error::LockWaitTimeout { key, lock_ts, waited });
                }
                // A store that waited has done what a pause is for.
                if store_waited < REQUEST_WAIT_MAX / 2 {
                    let mut pause = Backoff::new("wait for a lock", limit);
                    let at_most = left.max(Duration::from_millis(1)).min(limit - waited);
                    pause.pause_at_most(&core.env, "locked", at_most).await?;
                }
                Ok(())
            }
        }
    }

    fn finish(mut self, keys: &[Bytes]) -> LockedKeys {
        self.found.for_update_ts = self.for_update_ts;
        self.found.skipped.sort_unstable();
        if self.options.return_values {
            for key in keys.iter().filter(|key| self.found.skipped.binary_search(key).is_err()) {
                match self.own.get(key) {
                    Some(Some(own)) => drop(self.found.values.insert(key.clone(), own)),
                    Some(None) => drop(self.found.values.remove(key)),
                    None => {}
                }
            }
        }
        self.found
    }
}

/// Sorted keys that need a request, which those that are held do not.
fn pending(locks: &Locks, own: &MemBuffer, keys: &[Bytes], options: &LockOptions) -> Result<Vec<Pending>> {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let mut pending = Vec::with_capacity(keys.len());
    for key in keys {
        let own_value = own.get(&key);
        let held = locks.get(&key);
        let exists = match (&own_value, held) {
            (Some(value), _) => Some(value.is_some()),
            (None, Some(Held::Locked { exists, .. })) => Some(exists),
            (None, _) => None,
        };
        if options.must_not_exist && exists == Some(true) {
            return Err(Error::AlreadyExists { key });
        }
        if matches!(held, Some(Held::Locked { .. })) {
            continue;
        }
        pending.push(Pending { key, must_not_exist: options.must_not_exist && exists.is_none() });
    }
    Ok(pending)
}

/// Values of the keys that are held already, as they were when they were locked. Asking for the lock again could take a
/// new one where the old one was lost, and then nobody would find out that somebody else wrote in between.
async fn held_values(locks: &Locks, own: &MemBuffer, keys: &[Bytes]) -> Result<HashMap<Bytes, Bytes>> {
    let mut held: BTreeMap<TimeStamp, Vec<Bytes>> = BTreeMap::new();
    for key in keys.iter().filter(|key| own.get(key).is_none()) {
        if let Some(Held::Locked { at, .. }) = locks.get(key) {
            held.entry(at).or_default().push(key.clone());
        }
    }
    let mut values = HashMap::new();
    for (at, keys) in held {
        values.extend(Snapshot::new(Arc::clone(&locks.core), at).batch_get(&keys).await?);
    }
    Ok(values)
}

fn refusal(error: kvrpcpb::KeyError, start_ts: TimeStamp) -> Answer {
    match Error::from_key_error(error, start_ts) {
        error @ Error::WriteConflict { .. } => Answer::Changed(error),
        // The store says "abort" when the transaction was rolled back on the key.
        Error::Aborted(cause) => Answer::Refused(Error::RolledBack { start_ts, cause }),
        error => Answer::Refused(error),
    }
}
