//! Deciding an async commit whose owner is gone.
//!
//! It is committed as soon as all its keys are prewritten, at the largest `min_commit_ts` among them; no record says
//! so before somebody commits the primary. A key that is not prewritten is rolled back by the question, which decides
//! the opposite for good. Both answers stay the same for everybody who asks again.

use bytes::Bytes;
use rutile_kv_proto::kvrpcpb;
use rutile_kv_types::TimeStamp;

use super::fate::Fate;
use crate::backoff::Backoff;
use crate::client::Core;
use crate::error::{Error, Result};

impl Core {
    /// Asks all secondaries of an async-commit `primary` and settles the primary accordingly. `None` when the
    /// transaction fell back to two phases.
    pub(super) async fn ask_secondaries(
        &self,
        backoff: &mut Backoff,
        primary: &kvrpcpb::LockInfo,
    ) -> Result<Option<Fate>> {
        let mut commit_ts = TimeStamp::new(primary.min_commit_ts);
        let mut keys: Vec<Bytes> = primary.secondaries.clone();
        keys.sort_unstable();
        let mut fate = None;
        while fate.is_none() && !keys.is_empty() {
            let region = self.cache.locate(&keys[0]).await?;
            let inside = keys.iter().take_while(|key| region.range.contains(key)).count();
            let request = kvrpcpb::CheckSecondaryLocksRequest {
                context: region.context(),
                keys: keys[..inside].to_vec(),
                start_version: primary.lock_version,
            };
            let answer = match self.attempt(&region, region.service.kv_check_secondary_locks(request)).await {
                Ok(answer) => answer,
                Err(repair) => {
                    self.wait_for(backoff, repair).await?;
                    continue;
                }
            };
            if let Some(error) = answer.error {
                return Err(Error::from_key_error(*error, primary.lock_version.into()));
            }
            if answer.commit_ts != 0 {
                fate = Some(Fate::Committed(answer.commit_ts.into()));
            } else if answer.locks.len() < inside {
                fate = Some(Fate::RolledBack);
            } else if answer.locks.iter().any(|lock| !lock.use_async_commit) {
                return Ok(None);
            }
            let newest = answer.locks.iter().map(|lock| lock.min_commit_ts).max().unwrap_or(0);
            commit_ts = commit_ts.max(newest.into());
            keys.drain(..inside);
        }
        let fate = fate.unwrap_or(Fate::Committed(commit_ts));
        // The next one who asks finds it decided at the primary.
        let verdict = if let Fate::Committed(commit_ts) = fate { commit_ts } else { TimeStamp::ZERO };
        self.finish_locks(vec![primary.clone()], verdict).await?;
        Ok(Some(fate))
    }
}
