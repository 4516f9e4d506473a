//! The one place that executes commands.
//!
//! ```text
//! caller                                   raft thread        apply thread
//! latch -> snapshot -> decide -> propose ------> append, fsync -----> apply -> unlatch
//!   ^                                                                    |
//!   +------------------------------- answer -----------------------------+
//! ```
//! Latches and in-memory locks travel with the proposal, so that a caller that goes away in the middle
//! releases nothing early. A command that changes nothing but pessimistic locks in memory proposes nothing. Reads run
//! on the caller's thread.
use std::sync::Arc;

use rutile_kv_env::{Env, Hooks};
use rutile_kv_types::{Key, Lock, Region, RegionEpoch, TimeStamp};
use tokio::sync::oneshot;

use super::command::{Command, Decision};
use super::latch::Latches;
use super::memory_lock::{self, ReadTarget};
use super::pessimistic_rollback::PessimisticRollback;
use super::resolve_lock::{RESOLVE_BATCH, ResolveLock, Verdict};
use super::scan_lock::ScanLock;
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::{Error, KeyError, LockedKey, RegionError, Result};
use crate::lock_manager::{LockChanges, LockManager};
use crate::metrics::Metrics;
use crate::mvcc::{ReadOptions, Reader};
use crate::pessimistic_locks::{At, Leaving, LockChange, MemoryLocks};
use crate::replica::{FollowerRead, Proposal, RegionContext, RegionSnapshot, Replica};
use crate::write_set::WriteSet;

/// Executes transaction commands against a replica.
pub struct Scheduler<R> {
    pub(super) env: Env,
    replica: Arc<R>,
    latches: Arc<Latches>,
    concurrency: Arc<ConcurrencyManager>,
    pub(super) lock_manager: LockManager,
    metrics: Arc<Metrics>,
}

/// What hears of the end of a proposal.
struct Told<H> {
    waiters: LockChanges,
    leaving: Option<Leaving>,
    /// Dropped last, front to back.
    held: H,
}

impl<R: Replica> Scheduler<R> {
    /// A scheduler of the regions behind `replica`.
    pub fn new(
        env: Env,
        replica: Arc<R>,
        concurrency: Arc<ConcurrencyManager>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let lock_manager = LockManager::new(env.clone());
        Scheduler { env, replica, latches: Arc::default(), concurrency, lock_manager, metrics }
    }

    /// Who waits for locks here.
    pub fn lock_manager(&self) -> &LockManager {
        &self.lock_manager
    }

    /// `max_ts` and the in-memory locks.
    #[cfg(test)]
    pub fn concurrency(&self) -> &Arc<ConcurrencyManager> {
        &self.concurrency
    }

    /// Where a simulation plants bugs.
    pub fn hooks(&self) -> &Hooks {
        &self.env.hooks
    }

    /// The replicated store below.
    pub fn replica(&self) -> &R {
        &self.replica
    }

    /// A leader's snapshot, without leaving the thread while the lease holds.
    pub async fn snapshot(&self, context: &RegionContext) -> Result<RegionSnapshot> {
        if let Some(snapshot) = self.replica.snapshot(context)? {
            return Ok(snapshot);
        }
        self.replica.read_barrier(context).await?;
        self.replica.confirmed_snapshot(context)
    }

    /// Runs one command to its end. Not cancellation-safe: the write may happen after the future is dropped.
    pub async fn run<C: Command>(&self, context: &RegionContext, command: C) -> Result<C::Outcome> {
        let latch = self.latches.acquire(command.keys().iter().map(Key::as_encoded)).await;
        // Before the snapshot, which has the locks that leave memory meanwhile.
        let memory = self.replica.memory_locks(context.region_id)?;
        let held = memory.find(command.keys().iter());
        let snapshot = self.snapshot(context).await?;
        held.check(snapshot.term)?;
        check_keys(&snapshot.region, command.keys())?;
        if command.needs_max_ts() {
            // Of the term of the snapshot, because the write is proposed in that term or not at all.
            self.replica.max_ts_synced(context, snapshot.term).await?;
        }
        let starts_at = command.starts_at();
        let Decision { mut writes, locks, outcome, handles } =
            command.decide(&mut Reader::new(snapshot.versions(), held), &self.concurrency)?;
        if writes.is_empty() && locks.is_empty() {
            // A repeated command whose first copy did all of it is told so, however late it comes.
            return Ok(outcome);
        }
        if let Some(start_ts) = starts_at {
            // After the snapshot that was decided on: what is collected later was there.
            self.replica.safe_point().check(start_ts)?;
        }
        let (epoch, term) = (snapshot.region.epoch, snapshot.term);
        drop(snapshot);
        let waiters = self.lock_manager.changes_of(&writes, &locks);
        let leaving = match locks.is_empty() {
            true => None,
            false => {
                Some(self.change_memory(&memory, At { term, version: epoch.version }, locks, &mut writes)?)
            }
        };
        if writes.is_empty() {
            self.lock_manager.apply(waiters, true);
            return Ok(outcome);
        }
        // Readers must find the records before the in-memory locks go, and the next command must find both
        // before it is let in.
        let latch = (!self.env.hooks.is_planted("txn::scheduler::early_unlatch")).then_some(latch);
        let held = (handles, latch);
        self.propose(context.region_id, epoch, term, writes, Told { waiters, leaving, held }).await?;
        Ok(outcome)
    }

    /// Changes pessimistic locks in memory. New ones that find no room there join `writes`.
    fn change_memory(
        &self,
        memory: &Arc<MemoryLocks>,
        at: At,
        locks: Vec<LockChange>,
        writes: &mut WriteSet,
    ) -> Result<Leaving> {
        let new = locks.iter().filter(|change| matches!(change, LockChange::Add(..))).count();
        let (refused, leaving) = memory.begin(at, locks, writes)?;
        self.metrics.memory_locks.add((new - refused) as u64);
        self.metrics.memory_locks_refused.add(refused as u64);
        Ok(leaving)
    }

    /// Replicates writes decided on a snapshot of that epoch and term. `held` is dropped, front to back, when they
    /// are applied or known not to be. Not cancellation-safe, like [`Scheduler::run`].
    pub async fn replicate(
        &self,
        region_id: u64,
        epoch: RegionEpoch,
        term: u64,
        writes: WriteSet,
        held: impl Send + 'static,
    ) -> Result<()> {
        let waiters = self.lock_manager.changes_of(&writes, &[]);
        self.propose(region_id, epoch, term, writes, Told { waiters, leaving: None, held }).await
    }

    async fn propose<H: Send + 'static>(
        &self,
        region_id: u64,
        epoch: RegionEpoch,
        term: u64,
        writes: WriteSet,
        told: Told<H>,
    ) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        let lock_manager = self.lock_manager.clone();
        let done = Box::new(move |result: Result<()>| {
            let Told { waiters, leaving, held } = told;
            if let Some(leaving) = leaving {
                leaving.finish(result.is_ok());
            }
            // Waiters hear of it in the order of the writes, which the latch keeps.
            lock_manager.apply(waiters, result.is_ok());
            drop(held);
            // The caller may have gone; the write stands all the same.
            let _ = sender.send(result);
        });
        self.replica.propose(Proposal { region_id, epoch, term, writes, done }).await;
        // A proposal dropped unanswered means that the store stopped with it in flight.
        receiver.await.unwrap_or(Err(Error::Unknown))
    }

    /// Resolves all locks of the given transactions in the region.
    pub async fn resolve_region(&self, context: &RegionContext, verdicts: &[Verdict]) -> Result<()> {
        let verdict_on = |lock: &Lock| verdicts.iter().find(|verdict| verdict.start_ts == lock.start_ts);
        self.sweep_region(context, &|lock| verdict_on(lock).is_some(), |locks| {
            let found = locks.into_iter().filter_map(|(key, lock)| Some((key, *verdict_on(&lock)?)));
            ResolveLock::of_scan(found.collect())
        })
        .await
    }

    /// Releases all pessimistic locks of a transaction in the region.
    pub async fn release_region(
        &self,
        context: &RegionContext,
        start_ts: TimeStamp,
        for_update_ts: TimeStamp,
    ) -> Result<()> {
        let is_wanted = |lock: &Lock| lock.start_ts == start_ts && lock.is_pessimistic();
        self.sweep_region(context, &is_wanted, |locks| {
            let keys = locks.into_iter().map(|(key, _)| key).collect();
            PessimisticRollback::new(keys, start_ts, for_update_ts)
        })
        .await
    }

    /// Runs a command for the wanted locks of a region, a batch at a time.
    async fn sweep_region<C: Command>(
        &self,
        context: &RegionContext,
        is_wanted: &(dyn Fn(&Lock) -> bool + Sync),
        command: impl Fn(Vec<(Key, Lock)>) -> C,
    ) -> Result<()> {
        let mut from = Vec::new();
        loop {
            let held = self.replica.memory_locks(context.region_id)?.range(&from, &[], is_wanted);
            let snapshot = self.snapshot(context).await?;
            held.check(snapshot.term)?;
            let region = snapshot.region.clone();
            let start = from.as_slice().max(&region.start_key);
            let reader = Reader::new(snapshot.versions(), held);
            let locks = reader.scan_locks(start, &region.end_key, RESOLVE_BATCH, is_wanted)?;
            drop(reader);
            let Some((last, _)) = locks.last() else {
                return Ok(());
            };
            from = last.as_encoded().to_vec();
            from.push(0);
            let is_last = locks.len() < RESOLVE_BATCH;
            drop(snapshot);
            self.run(context, command(locks)).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Lists old locks; `scan` is clipped to the region.
    pub async fn scan_locks(&self, context: &RegionContext, mut scan: ScanLock) -> Result<Vec<LockedKey>> {
        self.concurrency.raise_max_ts(scan.max_ts);
        self.concurrency.read_range(&scan.start, &scan.end, |key, lock, _| {
            if lock.start_ts > scan.max_ts {
                return Ok(());
            }
            let key = Key::from_encoded(key).to_raw()?;
            Err(Error::from(KeyError::Locked(LockedKey { key, lock: lock.clone() })))
        })?;
        let memory = self.replica.memory_locks(context.region_id)?;
        let held = memory.range(&scan.start, &scan.end, |lock| lock.start_ts <= scan.max_ts);
        let snapshot = self.snapshot(context).await?;
        held.check(snapshot.term)?;
        clip(&snapshot.region, &mut scan.start, &mut scan.end);
        scan.run(&Reader::new(snapshot.versions(), held))
    }

    /// A leader's snapshot that a read at `options.ts` may rely on: `max_ts` is raised and in-memory locks
    /// are passed before it is taken. This order is half of the proof in `concurrency_manager`. The GC safe point is
    /// checked before, to refuse early, and after, to be sure.
    pub async fn read_snapshot(
        &self,
        context: &RegionContext,
        target: ReadTarget<'_>,
        options: &ReadOptions,
    ) -> Result<RegionSnapshot> {
        let safe_point = self.replica.safe_point();
        safe_point.check(options.ts)?;
        // A read of the latest has no timestamp by which the leader could protect it.
        if options.replica_read && !options.ts.is_max() {
            let read = follower_read(target, options);
            if let Some(snapshot) = self.replica.follower_snapshot(context, read).await? {
                safe_point.check(options.ts)?;
                return Ok(snapshot);
            }
        }
        let hooks = &self.env.hooks;
        if hooks.is_planted("txn::scheduler::memory_locks_ignored") {
            self.concurrency.raise_max_ts(options.ts);
        } else if !hooks.is_planted("txn::scheduler::max_ts_not_raised") {
            memory_lock::pass(&self.env, &self.concurrency, target, options).await?;
        }
        let snapshot = self.snapshot(context).await?;
        // Again: what was collected while this read was on its way is missing in the snapshot.
        safe_point.check(options.ts)?;
        Ok(snapshot)
    }
}

/// What the leader is asked about a read elsewhere. Of several keys it is told the range.
fn follower_read(target: ReadTarget<'_>, options: &ReadOptions) -> FollowerRead {
    let behind = |key: &Key| [key.as_encoded(), &[0]].concat();
    let (start, end) = match target {
        ReadTarget::Key(key) => (key.as_encoded().to_vec(), behind(key)),
        ReadTarget::Keys(keys) => {
            let first = keys.iter().map(Key::as_encoded).min();
            (first.unwrap_or_default().to_vec(), keys.iter().max().map(behind).unwrap_or_default())
        }
        ReadTarget::Range { start, end } => (start.to_vec(), end.to_vec()),
    };
    FollowerRead { ts: options.ts, start, end }
}

/// All keys must lie in the region.
pub fn check_keys(region: &Arc<Region>, keys: &[Key]) -> Result<()> {
    match keys.iter().find(|key| !region.contains(key.as_encoded())) {
        None => Ok(()),
        Some(key) => {
            let key = key.as_encoded().to_vec();
            Err(RegionError::KeyNotInRegion { key, region: region.clone() }.into())
        }
    }
}

/// Narrows encoded bounds (empty end = no bound) to the region.
pub fn clip(region: &Region, start: &mut Vec<u8>, end: &mut Vec<u8>) {
    if start.as_slice() < &*region.start_key {
        *start = region.start_key.to_vec();
    }
    if !region.end_key.is_empty() && (end.is_empty() || end.as_slice() > &*region.end_key) {
        *end = region.end_key.to_vec();
    }
}
