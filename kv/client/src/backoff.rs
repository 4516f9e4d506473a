//! Pauses between attempts: doubling with jitter, inside a budget.

use std::fmt::Display;
use std::time::Duration;

use rutile_kv_env::{Env, Monotonic};

use crate::error::{Error, Result};

const PAUSE_FIRST_MS: u64 = 2;
const PAUSE_DOUBLINGS_MAX: u32 = 8;
/// Repairs that need no waiting (a leader hint) are tried at once this often; two peers that name each other must not
/// burn the processor.
const IMMEDIATE_MAX: u32 = 3;

/// A pause before attempt `attempt + 1`: between half and all of 2 ms, 4 ms, … 512 ms.
pub(crate) fn pause_of(env: &Env, attempt: u32) -> Duration {
    let full = (PAUSE_FIRST_MS * 1_000) << attempt.min(PAUSE_DOUBLINGS_MAX);
    Duration::from_micros(full / 2 + env.random.range(0..full / 2))
}

/// Budget of one operation. Reads no clock before the first pause.
pub(crate) struct Backoff {
    what: &'static str,
    budget: Duration,
    started: Option<Monotonic>,
    attempts: u32,
    immediate: u32,
}

impl Backoff {
    pub(crate) fn new(what: &'static str, budget: Duration) -> Backoff {
        Backoff { what, budget, started: None, attempts: 0, immediate: 0 }
    }

    /// Waits before the next attempt, or fails when the budget is used up.
    pub(crate) async fn pause(&mut self, env: &Env, cause: impl Display) -> Result<()> {
        self.pause_at_most(env, cause, Duration::MAX).await
    }

    /// As [`Backoff::pause`], not longer than `limit`.
    pub(crate) async fn pause_at_most(
        &mut self,
        env: &Env,
        cause: impl Display,
        limit: Duration,
    ) -> Result<()> {
        let elapsed = self.elapsed(env);
        if elapsed >= self.budget {
            let (what, attempts) = (self.what, self.attempts);
            return Err(Error::Backoff { what, cause: cause.to_string(), attempts, elapsed });
        }
        env.clock.sleep(pause_of(env, self.attempts).min(limit)).await;
        self.attempts += 1;
        Ok(())
    }

    /// Goes on at once a few times, then pauses.
    pub(crate) async fn retry_now(&mut self, env: &Env, cause: impl Display) -> Result<()> {
        if self.immediate < IMMEDIATE_MAX {
            self.immediate += 1;
            return Ok(());
        }
        self.pause(env, cause).await
    }

    pub(crate) fn elapsed(&mut self, env: &Env) -> Duration {
        let now = env.clock.now();
        now - *self.started.get_or_insert(now)
    }
}
