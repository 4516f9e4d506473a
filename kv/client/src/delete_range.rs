//! Removing a range with all its versions, for dropped tables and indexes.

use std::sync::Arc;

use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::KeyRange;

use crate::backoff::Backoff;
use crate::client::{Client, Core};
use crate::error::{Error, Result};

impl Client {
    /// Removes every key of `range`, which must have an end, with its versions and locks. Only for data that nobody
    /// reads or writes any more: snapshots taken before lose it as well, and it is no transaction: other regions lose
    /// their part earlier or later. Repeating it changes nothing, so whoever was interrupted starts again.
    ///
    /// Locks elsewhere whose primary lies in the range are resolved first: with the primary's record gone, nobody could
    /// tell any more that their transaction was committed. So are those in the range: a commit that is under way there
    /// would remove a lock that is gone already, and a region counts its locks by such removals.
    pub async fn delete_range(&self, range: KeyRange) -> Result<()> {
        if range.end.is_empty() {
            return Err(Error::Unsupported("removing a range without an end"));
        }
        let core = &self.core;
        core.resolve_locks_of(&range).await?;
        let mut backoff = Backoff::new("delete range", core.config.retry_budget);
        let mut start = range.start;
        while start < range.end {
            let region = core.cache.locate(&start).await?;
            let left = KeyRange { start: start.clone(), end: range.end.clone() };
            let Some(part) = left.intersection(&region.range) else {
                return Err(Error::Malformed("region that does not hold its key"));
            };
            let request = kvrpcpb::DeleteRangeRequest {
                context: region.context(),
                start_key: part.start,
                end_key: part.end.clone(),
                notify_only: false,
            };
            let service = Arc::clone(&region.service);
            match core.attempt(&region, service.kv_delete_range(request)).await {
                Ok(answer) if answer.error.is_empty() => {
                    start = part.end;
                    // Each region has the budget for itself; a table may have thousands.
                    backoff = Backoff::new("delete range", core.config.retry_budget);
                }
                Ok(answer) => return Err(Error::Aborted(answer.error)),
                Err(repair) => core.wait_for(&mut backoff, repair).await?,
            }
        }
        Ok(())
    }
}

impl Core {
    /// Resolves what transactions so far left in the range, or elsewhere and decided in it; waits for those that live.
    async fn resolve_locks_of(&self, range: &KeyRange) -> Result<()> {
        let now = self.pd.timestamp().await?;
        let mut backoff = Backoff::new("delete range", self.config.retry_budget);
        let concerned =
            |lock: &kvrpcpb::LockInfo| range.contains(&lock.primary_lock) || range.contains(&lock.key);
        while let Some(alive) = self.resolve_locks_up_to(now, concerned).await? {
            let cause = format!("transaction {alive} still writes to the range");
            backoff.pause(&self.env, cause).await?;
        }
        Ok(())
    }
}
