//! The owner of garbage collection: decides how far it may go, and clears the way.
//!
//! ```text
//! target = min(now - life time, oldest timestamp read at in this process)
//!   -> PD: min with what services hold      (clients of other processes announce theirs there)
//!   -> resolve every lock at or below it    (one whose owner lives moves the target below itself)
//!   -> publish it at PD, from where stores learn it
//! ```
//! Nothing is removed before the last step, so a round that fails in the middle is simply the next one's work.

use std::time::Duration;

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use crate::backoff::Backoff;
use crate::client::{Client, Core};
use crate::error::{Error, Result};

/// What the owner calls itself at PD.
const OWNER: &str = "gc_worker";
/// A reader older than this holds garbage collection no longer; its reads fail.
const HOLD_MAX: Duration = Duration::from_secs(24 * 3600);
/// Locks one request lists.
const SCAN_LOCKS: u32 = 256;

impl Client {
    /// One round of the owner; answers the safe point in force. Versions that were replaced less than `life_time` ago
    /// stay. One owner at a time is enough; two do no harm.
    pub async fn advance_gc_safe_point(&self, life_time: Duration) -> Result<TimeStamp> {
        let core = &self.core;
        let target = core.gc_target(life_time).await?;
        let binding = core.pd.update_service_gc_safe_point(OWNER, target, Duration::MAX).await?;
        let target = target.min(binding.safe_point);
        let current = core.pd.gc_safe_point().await?;
        if target <= current {
            return Ok(current);
        }
        let target = match core.resolve_locks_up_to(target, |_| true).await? {
            Some(alive) => alive.prev().min(target),
            None => target,
        };
        if target <= current {
            return Ok(current);
        }
        Ok(core.pd.update_gc_safe_point(target).await?)
    }

    /// Announces at PD what this process reads, so that an owner of garbage collection in another process leaves it. To
    /// be repeated within `ttl`, under the same name.
    pub async fn hold_gc_safe_point(&self, service: &str, ttl: Duration) -> Result<()> {
        let target = self.core.gc_target(Duration::ZERO).await?;
        self.core.pd.update_service_gc_safe_point(service, target, ttl).await?;
        Ok(())
    }

    /// The process reads nothing any more.
    pub async fn release_gc_safe_point(&self, service: &str) -> Result<()> {
        self.core.pd.update_service_gc_safe_point(service, TimeStamp::ZERO, Duration::ZERO).await?;
        Ok(())
    }

    /// Rounds of the owner until the client is closed. For a task of its own.
    pub async fn run_gc(&self, life_time: Duration, interval: Duration) {
        while !self.core.background.is_closed() {
            if let Err(error) = self.advance_gc_safe_point(life_time).await {
                tracing::warn!(%error, "the GC safe point does not move");
            }
            self.core.env.clock.sleep(interval).await;
        }
    }
}

impl Core {
    async fn gc_target(&self, life_time: Duration) -> Result<TimeStamp> {
        let now = self.pd.timestamp().await?;
        let before = |age: Duration| {
            let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            match now.physical().checked_sub(age_ms) {
                Some(physical_ms) if age_ms > 0 => TimeStamp::compose(physical_ms, 0),
                Some(_) => now,
                None => TimeStamp::ZERO,
            }
        };
        let oldest = self.running.oldest(before(HOLD_MAX)).unwrap_or(TimeStamp::MAX);
        Ok(before(life_time).min(oldest))
    }

    /// Resolves, in all regions, the locks that `wanted` accepts among those of transactions that started at or before
    /// `max_ts`. Answers the oldest start among those whose owner lives.
    pub(crate) async fn resolve_locks_up_to(
        &self,
        max_ts: TimeStamp,
        wanted: impl Fn(&kvrpcpb::LockInfo) -> bool,
    ) -> Result<Option<TimeStamp>> {
        let mut oldest_alive: Option<TimeStamp> = None;
        let mut start = Bytes::new();
        loop {
            let mut backoff = Backoff::new("resolve old locks", self.config.retry_budget);
            let (mut locks, next) = self.scan_old_locks(&mut backoff, start, max_ts).await?;
            locks.retain(&wanted);
            if !locks.is_empty() {
                // Nobody reads here, so no commit timestamp needs to be pushed.
                let resolution = self.resolve_locks(locks, TimeStamp::ZERO).await?;
                oldest_alive = [oldest_alive, resolution.oldest_alive].into_iter().flatten().min();
            }
            match next {
                Some(next) => start = next,
                None => return Ok(oldest_alive),
            }
        }
    }

    /// Old locks from `start` on, and where to go on.
    async fn scan_old_locks(
        &self,
        backoff: &mut Backoff,
        start: Bytes,
        max_ts: TimeStamp,
    ) -> Result<(Vec<kvrpcpb::LockInfo>, Option<Bytes>)> {
        loop {
            let region = self.cache.locate(&start).await?;
            let request = kvrpcpb::ScanLockRequest {
                context: region.context(),
                max_version: max_ts.into_inner(),
                start_key: start.clone(),
                limit: SCAN_LOCKS,
                end_key: region.range.end.clone(),
            };
            match self.attempt(&region, region.service.kv_scan_lock(request)).await {
                Err(repair) => self.wait_for(backoff, repair).await?,
                Ok(kvrpcpb::ScanLockResponse { error: Some(error), .. }) if error.locked.is_some() => {
                    // A commit that is being written this moment.
                    backoff.pause(&self.env, "an in-memory lock").await?;
                }
                Ok(kvrpcpb::ScanLockResponse { error: Some(error), .. }) => {
                    return Err(Error::from_key_error(*error, max_ts));
                }
                Ok(answer) => {
                    let last = answer.locks.last().filter(|_| answer.locks.len() >= SCAN_LOCKS as usize);
                    let next = match last {
                        Some(last) => Some([&last.key[..], &[0]].concat().into()),
                        None => Some(region.range.end.clone()).filter(|end| !end.is_empty()),
                    };
                    return Ok((answer.locks, next));
                }
            }
        }
    }
}
