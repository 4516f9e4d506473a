//! A request for one key, sent until its region answers.

use std::sync::Arc;

use rutile_kv_proto::{Status, errorpb, kvrpcpb};

use super::{CachedRegion, Repair};
use crate::backoff::Backoff;
use crate::client::Core;
use crate::error::Result;

/// Answers that may carry a region error instead of what was asked for.
pub(crate) trait RegionAnswer: Send {
    fn take_region_error(&mut self) -> Option<Box<errorpb::Error>>;
}

macro_rules! region_answers {
    ($($answer:ident),* $(,)?) => { $(
        impl RegionAnswer for kvrpcpb::$answer {
            fn take_region_error(&mut self) -> Option<Box<errorpb::Error>> {
                self.region_error.take()
            }
        }
    )* };
}

region_answers!(
    GetResponse,
    BatchGetResponse,
    ScanResponse,
    PessimisticLockResponse,
    PessimisticRollbackResponse,
    PrewriteResponse,
    CommitResponse,
    BatchRollbackResponse,
    CheckSecondaryLocksResponse,
    CheckTxnStatusResponse,
    ResolveLockResponse,
    ScanLockResponse,
    TxnHeartBeatResponse,
    DeleteRangeResponse,
    SplitRegionResponse,
);

impl Core {
    /// Sends to the region of `key`; the answer has no region error.
    pub(crate) async fn call<A, F, Fut>(&self, backoff: &mut Backoff, key: &[u8], send: F) -> Result<A>
    where
        A: RegionAnswer,
        F: Fn(&CachedRegion) -> Fut,
        Fut: Future<Output = std::result::Result<A, Status>>,
    {
        loop {
            let region = self.cache.locate(key).await?;
            match self.attempt(&region, send(&region)).await {
                Ok(answer) => return Ok(answer),
                Err(repair) => self.wait_for(backoff, repair).await?,
            }
        }
    }

    /// One attempt; the cache is repaired when it fails.
    pub(crate) async fn attempt<A: RegionAnswer>(
        &self,
        region: &Arc<CachedRegion>,
        answer: impl Future<Output = std::result::Result<A, Status>>,
    ) -> std::result::Result<A, Repair> {
        match answer.await {
            Ok(mut answer) => match answer.take_region_error() {
                None => Ok(answer),
                Some(error) => Err(self.cache.repair(region, &error)),
            },
            Err(status) => Err(self.cache.repair_status(region, &status)),
        }
    }

    pub(crate) async fn wait_for(&self, backoff: &mut Backoff, repair: Repair) -> Result<()> {
        match repair {
            Repair::Now(cause) => backoff.retry_now(&self.env, cause).await,
            Repair::Later(cause) => backoff.pause(&self.env, cause).await,
            Repair::Fatal(error) => Err(error),
        }
    }
}
