//! Finishing the work of decided transactions.

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use crate::backoff::Backoff;
use crate::client::Core;
use crate::error::{Error, Result};

/// Transactions up to this many keys are resolved key by key, larger ones for the whole region.
const LITE_KEYS_MAX: u64 = 16;

impl Core {
    /// Commits (or, at zero, rolls back) the locks of one decided transaction.
    pub(super) async fn finish_locks(
        &self,
        locks: Vec<kvrpcpb::LockInfo>,
        commit_ts: TimeStamp,
    ) -> Result<()> {
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
