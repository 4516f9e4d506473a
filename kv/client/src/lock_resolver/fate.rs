//! Asking the primary key.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use crate::backoff::Backoff;
use crate::client::Core;
use crate::error::{Error, Result};

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Committed(TimeStamp),
    RolledBack,
    /// `pushed`: it can no longer commit at or before the caller's timestamp.
    Alive {
        left: Duration,
        pushed: bool,
    },
}

impl Core {
    /// `all_pessimistic`: only pessimistic locks stand in the way, which may be released while the primary stays
    /// undecided.
    pub(super) async fn ask_primary(
        &self,
        lock: &kvrpcpb::LockInfo,
        all_pessimistic: bool,
        caller_start_ts: TimeStamp,
    ) -> Result<Fate> {
        let mut backoff = Backoff::new("check transaction status", self.config.retry_budget);
        let lock_ts = TimeStamp::new(lock.lock_version);
        let mut rollback_if_not_exist = false;
        let mut force_sync_commit = false;
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
                force_sync_commit,
                resolving_pessimistic_lock: all_pessimistic,
                verify_is_primary: true,
            };
            let answer = self.check_txn_status(&mut backoff, &request).await?;
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
            let mut fate = fate_in(&answer, lock_ts, current_ts);
            if let (Fate::Alive { left: Duration::ZERO, .. }, Some(primary)) = (fate, &answer.lock_info)
                && primary.use_async_commit
            {
                let mut primary = primary.clone();
                if self.env.hooks.is_planted("client::lock_resolver::secondaries_not_asked") {
                    primary.secondaries.clear();
                }
                match self.ask_secondaries(&mut backoff, &primary).await? {
                    Some(decided) => fate = decided,
                    // It fell back to two phases on the way: the primary alone decides.
                    None => {
                        force_sync_commit = true;
                        continue;
                    }
                }
            }
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

    async fn check_txn_status(
        &self,
        backoff: &mut Backoff,
        request: &kvrpcpb::CheckTxnStatusRequest,
    ) -> Result<kvrpcpb::CheckTxnStatusResponse> {
        self.call(backoff, &request.primary_key, |region| {
            let service = Arc::clone(&region.service);
            let request = kvrpcpb::CheckTxnStatusRequest { context: region.context(), ..request.clone() };
            async move { service.kv_check_txn_status(request).await }
        })
        .await
    }
}

fn fate_in(answer: &kvrpcpb::CheckTxnStatusResponse, lock_ts: TimeStamp, current_ts: TimeStamp) -> Fate {
    if answer.commit_version != 0 {
        return Fate::Committed(answer.commit_version.into());
    }
    if answer.lock_ttl != 0 || answer.lock_info.is_some() {
        let left = lifetime_left(lock_ts, answer.lock_ttl, current_ts);
        return Fate::Alive { left, pushed: answer.action() == kvrpcpb::Action::MinCommitTsPushed };
    }
    Fate::RolledBack
}

fn lifetime_left(lock_ts: TimeStamp, ttl_ms: u64, now: TimeStamp) -> Duration {
    let end_ms = lock_ts.physical().saturating_add(ttl_ms);
    Duration::from_millis(end_ms.saturating_sub(now.physical()))
}
