//! Doing what the machine decides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::{BoxFuture, Either, FutureExt, pending, select};
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use rutile_kv_env::Monotonic;
use rutile_kv_proto::{errorpb, kvrpcpb};
use rutile_kv_types::TimeStamp;

use super::machine::{Action, Event, Executed, Machine, Mode, Plan, TaskId, Verdict};
use crate::backoff::pause_of;
use crate::client::Core;
use crate::commit_limit::CommitLimit;
use crate::config::ClientConfig;
use crate::error::{Error, Result};
use crate::region::{CachedRegion, Repair};
use crate::transaction::Mutations;

/// Lifetime of locks of a large transaction, as in TiKV's clients.
const LOCK_TTL_MAX_MS: u64 = 20_000;
const LOCK_TTL_SMALL_BYTES: usize = 16 << 10;
const LOCK_TTL_MS_PER_SQRT_MIB: f64 = 6_000.0;
/// Largest transaction that is committed asynchronously, as in TiKV's clients.
const ASYNC_COMMIT_KEYS_MAX: usize = 256;
const ASYNC_COMMIT_KEY_BYTES_MAX: usize = 4 << 10;
/// A lost answer is asked for at once this often before pauses begin.
const IMMEDIATE_ATTEMPTS: u32 = 2;

/// What the transaction brings along besides its writes.
pub(crate) struct Terms {
    pub(crate) start_ts: TimeStamp,
    pub(crate) begun: Monotonic,
    /// How long locks of living transactions are waited for.
    pub(crate) lock_wait: Duration,
    /// It commits at no timestamp above.
    pub(crate) limit: Option<Arc<CommitLimit>>,
    /// Completes when the caller wants to give up.
    pub(crate) cancelled: BoxFuture<'static, ()>,
}

/// What all requests of one commit share.
pub(super) struct Shared {
    pub(super) core: Arc<Core>,
    pub(super) start_ts: TimeStamp,
    pub(super) mutations: Mutations,
    started: Monotonic,
    begun: Monotonic,
    primary: usize,
    /// Of an async commit: all keys but the primary that leave a lock.
    secondaries: Vec<Bytes>,
    lock_ttl_ms: u64,
    /// Smallest commit timestamp: newer than everything that returned before this commit was called.
    min_commit_ts: TimeStamp,
    /// How long locks of living transactions are waited for.
    lock_wait: Duration,
    limit: Option<Arc<CommitLimit>>,
    locks: Mutex<BTreeMap<TaskId, Vec<kvrpcpb::LockInfo>>>,
}

/// Commits `mutations`; see [`crate::Transaction::commit`].
pub(crate) async fn commit(core: &Arc<Core>, terms: Terms, mutations: Mutations) -> Result<TimeStamp> {
    let Terms { start_ts, begun, lock_wait, limit, cancelled } = terms;
    let config = &core.config;
    let one_pc = config.one_pc && mutations.bytes() <= config.batch_bytes_max;
    let primary = mutations.primary();
    let is_pessimistic = !mutations.for_update_ts().is_zero();
    let secondaries = async_secondaries(config, &mutations);
    let mut machine = Machine::new(Plan {
        start_ts,
        count: mutations.len(),
        primary,
        one_pc,
        async_commit: secondaries.is_some(),
        is_pessimistic,
        concurrency: config.concurrency,
    });
    // Commit order follows real time across stores: without it 1PC takes the store's newest read plus one.
    let min_commit_ts = core.pd.timestamp().await?;
    let shared = Arc::new(Shared {
        core: Arc::clone(core),
        start_ts,
        lock_ttl_ms: lock_ttl_ms(config, mutations.bytes()),
        primary: primary.unwrap_or(0),
        secondaries: secondaries.unwrap_or_default(),
        mutations,
        started: core.env.clock.now(),
        begun,
        min_commit_ts,
        lock_wait,
        limit,
        locks: Mutex::default(),
    });
    match run(&shared, &mut machine, cancelled).await {
        Verdict::Committed(commit_ts) => Ok(commit_ts),
        Verdict::NotCommitted(error) => Err(error),
        Verdict::Undetermined(cause) => Err(Error::Undetermined { start_ts, cause }),
    }
}

/// Runs actions and feeds events until the verdict.
async fn run(shared: &Arc<Shared>, machine: &mut Machine, mut cancelled: BoxFuture<'static, ()>) -> Verdict {
    let mut running: FuturesUnordered<BoxFuture<'static, Event>> = FuturesUnordered::new();
    let mut actions = machine.step(Event::Begin);
    let mut heartbeat: Option<BoxFuture<'static, ()>> = None;
    loop {
        let mut verdict = None;
        let mut lengthy = false;
        for action in actions.drain(..) {
            match action {
                Action::Finish(found) => verdict = Some(found),
                Action::CommitSecondaries { indexes, commit_ts } => {
                    super::cleanup::commit_secondaries(shared, indexes, commit_ts).await;
                }
                Action::RollBack => super::cleanup::roll_back(shared).await,
                other => {
                    lengthy |=
                        !matches!(other, Action::Group { .. } | Action::Prewrite { mode: Mode::OnePc, .. });
                    running.push(Arc::clone(shared).perform(other).boxed());
                }
            }
        }
        if let Some(verdict) = verdict {
            return verdict;
        }
        // A transaction of one request needs no heartbeat; whatever takes longer does.
        if heartbeat.is_none() && lengthy {
            heartbeat = Some(shared.heartbeat_pause());
        }
        let event = match next(&mut running, heartbeat.as_mut(), &mut cancelled).await {
            Next::Event(event) => event,
            Next::Beat => {
                running.push(Arc::clone(shared).beat().boxed());
                heartbeat = Some(shared.heartbeat_pause());
                Some(Event::Nothing)
            }
            Next::Cancelled => {
                cancelled = pending().boxed();
                Some(Event::Cancelled)
            }
        };
        let Some(event) = event else {
            return Verdict::Undetermined("the committer stalled".to_owned());
        };
        actions = machine.step(event);
    }
}

enum Next {
    Event(Option<Event>),
    Beat,
    Cancelled,
}

async fn next(
    running: &mut FuturesUnordered<BoxFuture<'static, Event>>,
    heartbeat: Option<&mut BoxFuture<'static, ()>>,
    cancelled: &mut BoxFuture<'static, ()>,
) -> Next {
    let heartbeat = heartbeat.map_or_else(|| Either::Right(pending()), Either::Left);
    match select(running.next(), select(heartbeat, cancelled)).await {
        Either::Left((event, _)) => Next::Event(event),
        Either::Right((Either::Left(_), _)) => Next::Beat,
        Either::Right((Either::Right(_), _)) => Next::Cancelled,
    }
}

impl Shared {
    pub(super) fn primary_key(&self) -> Bytes {
        self.mutations.key(self.primary)
    }

    fn elapsed(&self) -> Duration {
        self.core.env.clock.now() - self.started
    }

    fn heartbeat_pause(&self) -> BoxFuture<'static, ()> {
        self.core.env.clock.sleep(Duration::from_millis(self.lock_ttl_ms / 2))
    }

    /// Locks live from the start of the transaction, so the time since then is added.
    fn ttl_from_now_ms(&self) -> u64 {
        self.lock_ttl_ms + (self.core.env.clock.now() - self.begun).as_millis() as u64
    }

    async fn perform(self: Arc<Self>, action: Action) -> Event {
        match action {
            Action::Group { task, indexes } => self.group(task, &indexes).await,
            Action::Prewrite { task, indexes, mode, retry } => {
                self.prewrite(task, indexes, mode, retry).await
            }
            Action::GetCommitTs => self.commit_ts().await,
            Action::Commit { task, indexes, commit_ts } => self.commit(task, indexes, commit_ts).await,
            Action::Pause { task, attempts, cause } => self.pause(task, attempts, cause).await,
            Action::ResolveLocks { task, attempts } => self.resolve(task, attempts).await,
            Action::CommitSecondaries { .. } | Action::RollBack | Action::Finish(_) => Event::Nothing,
        }
    }

    /// The limit is looked at after the timestamp is taken: it may have moved on until now.
    async fn commit_ts(&self) -> Event {
        let commit_ts = match self.core.pd.timestamp().await {
            Ok(commit_ts) => commit_ts,
            Err(error) => return Event::CommitTsFailed(error.into()),
        };
        match self.limit.as_ref().map(|limit| limit.end()) {
            Some(limit) if commit_ts > limit => {
                Event::CommitTsFailed(Error::CommitLimit { start_ts: self.start_ts, limit })
            }
            _ => Event::CommitTs(commit_ts),
        }
    }

    async fn group(&self, task: TaskId, indexes: &[usize]) -> Event {
        let items = self.mutations.items(indexes);
        let config = &self.core.config;
        let one_pc = config.one_pc && self.mutations.bytes() <= config.batch_bytes_max;
        let bytes_max = if one_pc { config.batch_bytes_max } else { config.prewrite_bytes_max };
        match self.core.group(items, bytes_max).await {
            Ok(groups) => {
                Event::Grouped { task, batches: groups.into_iter().map(|group| group.items).collect() }
            }
            Err(Error::Store(status)) => {
                Event::RegionFailed { task, executed: Executed::No, cause: status.to_string() }
            }
            Err(error) => Event::Refused { task, error, final_word: false },
        }
    }

    /// The region of a batch, or the event of a batch that no longer lies in one.
    async fn region_of(
        &self,
        task: TaskId,
        indexes: &[usize],
    ) -> std::result::Result<Arc<CachedRegion>, Event> {
        let failed = |cause: String| Event::RegionFailed { task, executed: Executed::No, cause };
        let (Some(first), Some(last)) = (indexes.first(), indexes.last()) else {
            return Err(failed("an empty batch".to_owned()));
        };
        let located = self.core.cache.locate(&self.mutations.key(*first)).await;
        let region = located.map_err(|error| failed(error.to_string()))?;
        if region.range.contains(&self.mutations.key(*last)) {
            Ok(region)
        } else {
            Err(failed("the region was split".to_owned()))
        }
    }

    async fn prewrite(&self, task: TaskId, indexes: Vec<usize>, mode: Mode, retry: bool) -> Event {
        rutile_kv_env::failpoint!("client::commit::before_prewrite");
        let region = match self.region_of(task, &indexes).await {
            Ok(region) => region,
            Err(event) => return event,
        };
        let mut context = region.context().unwrap_or_default();
        context.is_retry_request = retry;
        let mut request = kvrpcpb::PrewriteRequest {
            context: Some(context),
            mutations: self.mutations.select(&indexes),
            primary_lock: self.primary_key(),
            start_version: self.start_ts.into_inner(),
            lock_ttl: self.ttl_from_now_ms(),
            txn_size: self.mutations.len() as u64,
            for_update_ts: self.mutations.for_update_ts().into_inner(),
            pessimistic_actions: self.mutations.select_actions(&indexes),
            min_commit_ts: self.min_commit_ts.into_inner(),
            try_one_pc: mode == Mode::OnePc,
            use_async_commit: mode == Mode::Async,
            // Beyond it the store leaves plain locks, and the commit timestamp is asked for as in two phases.
            max_commit_ts: self.limit.as_ref().map_or(0, |limit| limit.end().into_inner()),
            ..kvrpcpb::PrewriteRequest::default()
        };
        if mode == Mode::Async && indexes.contains(&self.primary) {
            // Only the primary lists them.
            request.secondaries.clone_from(&self.secondaries);
        }
        let mut answer = match region.service.kv_prewrite(request).await {
            Ok(answer) => answer,
            Err(status) => {
                return self.failed(task, self.core.cache.repair_status(&region, &status), Executed::Unknown);
            }
        };
        if let Some(error) = answer.region_error.take() {
            return self.failed(task, self.core.cache.repair(&region, &error), executed(&error));
        }
        if answer.errors.is_empty() {
            let (one_pc_commit_ts, min_commit_ts) = match mode {
                // Plain locks have none: the transaction was committed there by an earlier request of one phase,
                // whose answer was lost and whose region was split since, or by others.
                Mode::TwoPc if answer.min_commit_ts != 0 => (answer.min_commit_ts.into(), TimeStamp::ZERO),
                _ => (answer.one_pc_commit_ts.into(), answer.min_commit_ts.into()),
            };
            return Event::Prewritten { task, one_pc_commit_ts, min_commit_ts };
        }
        let mut locks = Vec::new();
        for mut error in answer.errors {
            match error.locked.take() {
                Some(lock) => locks.push(lock),
                None => {
                    let error = self.refusal(Error::from_key_error(error, self.start_ts));
                    return Event::Refused { task, error, final_word: true };
                }
            }
        }
        self.locks.lock().insert(task, locks);
        Event::Locked { task }
    }

    async fn commit(&self, task: TaskId, indexes: Vec<usize>, commit_ts: TimeStamp) -> Event {
        rutile_kv_env::failpoint!("client::commit::before_primary");
        let region = match self.region_of(task, &indexes).await {
            Ok(region) => region,
            Err(event) => return event,
        };
        let request = kvrpcpb::CommitRequest {
            context: region.context(),
            start_version: self.start_ts.into_inner(),
            keys: self.mutations.locking_keys(&indexes),
            commit_version: commit_ts.into_inner(),
        };
        let mut answer = match region.service.kv_commit(request).await {
            Ok(answer) => answer,
            Err(status) => {
                return self.failed(task, self.core.cache.repair_status(&region, &status), Executed::Unknown);
            }
        };
        if let Some(error) = answer.region_error.take() {
            return self.failed(task, self.core.cache.repair(&region, &error), executed(&error));
        }
        match answer.error {
            None => Event::Committed,
            Some(error) if error.commit_ts_expired.is_some() => Event::CommitTsExpired,
            Some(error) => {
                let error = Error::from_key_error(*error, self.start_ts);
                Event::Refused { task, error, final_word: true }
            }
        }
    }

    /// "Abort" says of a pessimistic prewrite that a lock it relies on was lost.
    fn refusal(&self, error: Error) -> Error {
        match error {
            Error::Aborted(cause) if !self.mutations.for_update_ts().is_zero() => {
                Error::RolledBack { start_ts: self.start_ts, cause }
            }
            error => error,
        }
    }

    fn failed(&self, task: TaskId, repair: Repair, executed: Executed) -> Event {
        match repair {
            Repair::Now(cause) | Repair::Later(cause) => {
                let forgets = self.core.env.hooks.is_planted("client::committer::lost_answer_is_refusal");
                let executed = if forgets { Executed::No } else { executed };
                Event::RegionFailed { task, executed, cause }
            }
            // The store says that it did not run the request.
            Repair::Fatal(error) => Event::Refused { task, error, final_word: false },
        }
    }

    async fn pause(&self, task: TaskId, attempts: u32, cause: String) -> Event {
        let elapsed = self.elapsed();
        if elapsed > self.core.config.commit_budget {
            let error = Error::Backoff { what: "commit", cause, attempts, elapsed };
            return Event::Refused { task, error, final_word: false };
        }
        if attempts > IMMEDIATE_ATTEMPTS {
            self.core.env.clock.sleep(pause_of(&self.core.env, attempts - IMMEDIATE_ATTEMPTS)).await;
        }
        Event::Resumed { task }
    }

    async fn resolve(&self, task: TaskId, attempts: u32) -> Event {
        let refused = |error| Event::Refused { task, error, final_word: false };
        let locks = self.locks.lock().remove(&task).unwrap_or_default();
        let resolution = match self.core.resolve_locks(locks, TimeStamp::ZERO).await {
            Ok(resolution) => resolution,
            Err(error) => return refused(error),
        };
        let Some((lock, left)) = resolution.shortest_lived() else {
            return Event::Resumed { task };
        };
        let waited = self.elapsed();
        if waited > self.lock_wait {
            return refused(Error::KeyLocked { key: lock.key, lock_ts: lock.lock_version.into(), waited });
        }
        self.core
            .env
            .clock
            .sleep(pause_of(&self.core.env, attempts).min(left.max(Duration::from_millis(1))))
            .await;
        Event::Resumed { task }
    }

    /// Keeps the primary lock alive. A failure is no news: the commit itself will find out.
    async fn beat(self: Arc<Self>) -> Event {
        let budget = Duration::from_millis(self.lock_ttl_ms / 2);
        let primary = self.primary_key();
        let beat = self.core.beat(&primary, self.start_ts, self.ttl_from_now_ms(), budget);
        if let Err(error) = beat.await {
            let start_ts = self.start_ts.into_inner();
            tracing::warn!(start_ts, %error, "heartbeat of a committing transaction failed");
        }
        Event::Nothing
    }
}

/// `stale_command` says that leadership changed after the proposal, which may have been applied all the same.
fn executed(error: &errorpb::Error) -> Executed {
    if error.stale_command.is_some() { Executed::Unknown } else { Executed::No }
}

/// The secondaries of a transaction that is small enough for an async commit: whoever finds it without its owner has
/// to ask all of them, and the primary lock lists them.
fn async_secondaries(config: &ClientConfig, mutations: &Mutations) -> Option<Vec<Bytes>> {
    if !config.async_commit || mutations.len() > ASYNC_COMMIT_KEYS_MAX {
        return None;
    }
    let primary = mutations.primary()?;
    let others: Vec<usize> = (0..mutations.len()).filter(|index| *index != primary).collect();
    let secondaries = mutations.locking_keys(&others);
    let bytes: usize = secondaries.iter().map(Bytes::len).sum();
    (bytes <= ASYNC_COMMIT_KEY_BYTES_MAX).then_some(secondaries)
}

fn lock_ttl_ms(config: &ClientConfig, bytes: usize) -> u64 {
    let least_ms = config.lock_ttl.as_millis() as u64;
    if bytes <= LOCK_TTL_SMALL_BYTES {
        return least_ms;
    }
    let mib = bytes as f64 / f64::from(1 << 20);
    ((LOCK_TTL_MS_PER_SQRT_MIB * mib.sqrt()) as u64).min(LOCK_TTL_MAX_MS).max(least_ms)
}
