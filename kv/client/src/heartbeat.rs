//! Keeping the primary lock of a transaction alive, which keeps all its locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rutile_kv_env::{Monotonic, TaskHandle};
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use crate::backoff::Backoff;
use crate::client::Core;
use crate::error::{Error, Result};

impl Core {
    /// Lets the primary lock live until `ttl_ms` after the start of its transaction.
    pub(crate) async fn beat(
        &self,
        primary: &Bytes,
        start_ts: TimeStamp,
        ttl_ms: u64,
        budget: Duration,
    ) -> Result<()> {
        let mut backoff = Backoff::new("heartbeat", budget);
        let answer = self
            .call(&mut backoff, primary, |region| {
                let service = Arc::clone(&region.service);
                let request = kvrpcpb::TxnHeartBeatRequest {
                    context: region.context(),
                    primary_lock: primary.clone(),
                    start_version: start_ts.into_inner(),
                    advise_lock_ttl: ttl_ms,
                };
                async move { service.kv_txn_heart_beat(request).await }
            })
            .await?;
        answer.error.map_or(Ok(()), |error| Err(Error::from_key_error(*error, start_ts)))
    }
}

/// Beats in the background until dropped, until the lock is gone, or until the transaction is too old.
pub(crate) struct Heartbeat {
    task: TaskHandle,
    is_lost: Arc<AtomicBool>,
}

impl Heartbeat {
    pub(crate) fn start(
        core: &Arc<Core>,
        primary: Bytes,
        start_ts: TimeStamp,
        begun: Monotonic,
    ) -> Heartbeat {
        let is_lost = Arc::new(AtomicBool::new(false));
        let beats = keep_alive(Arc::clone(core), primary, start_ts, begun, Arc::clone(&is_lost));
        Heartbeat { task: core.env.spawn.spawn("transaction-heartbeat", Box::pin(beats)), is_lost }
    }

    /// Whether the store said that the primary lock is gone, so that the transaction can only fail.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep_alive(
    core: Arc<Core>,
    primary: Bytes,
    start_ts: TimeStamp,
    begun: Monotonic,
    is_lost: Arc<AtomicBool>,
) {
    let lifetime = core.config.pessimistic_lock_ttl;
    let pause = lifetime / 2;
    loop {
        core.env.clock.sleep(pause).await;
        let age = core.env.clock.now() - begun;
        if age > core.config.transaction_lifetime_max {
            tracing::warn!(
                start_ts = start_ts.into_inner(),
                ?age,
                "transaction is not kept alive any longer"
            );
            return;
        }
        let ttl_ms = (age + lifetime).as_millis() as u64;
        match core.beat(&primary, start_ts, ttl_ms, pause).await {
            Ok(()) => {}
            Err(error @ Error::RolledBack { .. }) => {
                tracing::warn!(start_ts = start_ts.into_inner(), %error, "transaction lost its primary lock");
                is_lost.store(true, Ordering::Relaxed);
                return;
            }
            Err(error) => tracing::warn!(start_ts = start_ts.into_inner(), %error, "heartbeat failed"),
        }
    }
}
