//! `tikvpb.Tikv`: one method per RPC, each naming its region check, its command and where errors go.
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rutile_kv_env::Env;
use rutile_kv_proto::{Code, CoprocessorRequest, CoprocessorResponse, Status, TikvService, kvrpcpb};

use super::read::{self, ScanRange};
use super::to_wire::{self, Failure};
use super::{from_wire, write};
use crate::coprocessor::Host;
use crate::gc;
use crate::metrics::Metrics;
use crate::replica::{Replica, Splitter};
use crate::space::Space;
use crate::txn::Scheduler;

/// The transactional service of one store.
pub struct KvService<R> {
    pub(super) env: Env,
    pub(super) scheduler: Arc<Scheduler<R>>,
    splitter: Arc<dyn Splitter>,
    coprocessor: Host<R>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) space: Arc<Space>,
}

impl<R: Replica> KvService<R> {
    /// A service over the scheduler.
    pub fn new(
        env: Env,
        scheduler: Arc<Scheduler<R>>,
        splitter: Arc<dyn Splitter>,
        coprocessor: Host<R>,
        metrics: Arc<Metrics>,
        space: Arc<Space>,
    ) -> Self {
        KvService { env, scheduler, splitter, coprocessor, metrics, space }
    }
}

impl<R> KvService<R> {
    /// Runs a handler for as long as the request allows. A write cut off here may still happen.
    pub(super) async fn within<T>(
        &self,
        context: Option<&kvrpcpb::Context>,
        handler: impl Future<Output = T>,
    ) -> Result<T, Status> {
        let limit_ms = context.map_or(0, |context| context.max_execution_duration_ms);
        if limit_ms == 0 {
            return Ok(handler.await);
        }
        tokio::select! {
            biased;
            result = handler => Ok(result),
            () = self.env.clock.sleep(Duration::from_millis(limit_ms)) => {
                Err(Status::new(Code::DeadlineExceeded, format!("not done within {limit_ms} ms")))
            }
        }
    }
}

/// Puts a failure where the response type has a place for it, or fails the call.
macro_rules! answer {
    ($result:expr, $response:ident, $ok:expr) => {
        match $result {
            Ok(value) => Ok($ok(value)),
            Err(failure) => match Failure::from(failure) {
                Failure::Region(error) => {
                    Ok(kvrpcpb::$response { region_error: Some(error), ..Default::default() })
                }
                Failure::Key(error) => Ok(kvrpcpb::$response { error: Some(error), ..Default::default() }),
                Failure::Status(status) => Err(status),
            },
        }
    };
}

/// The same for response types with a list of key errors.
macro_rules! answer_with_errors {
    ($result:expr, $response:ident) => {
        match $result {
            Ok(response) => Ok(response),
            Err(Failure::Region(error)) => {
                Ok(kvrpcpb::$response { region_error: Some(error), ..Default::default() })
            }
            Err(Failure::Key(error)) => Ok(kvrpcpb::$response { errors: vec![*error], ..Default::default() }),
            Err(Failure::Status(status)) => Err(status),
        }
    };
}

#[async_trait]
impl<R: Replica> TikvService for KvService<R> {
    async fn kv_get(&self, request: kvrpcpb::GetRequest) -> Result<kvrpcpb::GetResponse, Status> {
        self.metrics.reads.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let options = from_wire::read_options(request.context.as_ref(), request.version);
        let work = read::get(&self.scheduler, &context, &request.key, &options);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, GetResponse, |value: Option<_>| {
            let not_found = value.is_none();
            kvrpcpb::GetResponse { value: value.unwrap_or_default(), not_found, ..Default::default() }
        })
    }

    async fn kv_batch_get(
        &self,
        request: kvrpcpb::BatchGetRequest,
    ) -> Result<kvrpcpb::BatchGetResponse, Status> {
        self.metrics.reads.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let options = from_wire::read_options(request.context.as_ref(), request.version);
        let work = read::batch_get(&self.scheduler, &context, &request.keys, &options);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, BatchGetResponse, |pairs| kvrpcpb::BatchGetResponse { pairs, ..Default::default() })
    }

    async fn kv_scan(&self, request: kvrpcpb::ScanRequest) -> Result<kvrpcpb::ScanResponse, Status> {
        self.metrics.reads.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        if request.sample_step != 0 {
            return Err(Status::invalid_argument("scan: sample_step is not supported"));
        }
        let options = from_wire::read_options(request.context.as_ref(), request.version);
        let range = ScanRange {
            start: &request.start_key,
            end: &request.end_key,
            limit: request.limit as usize,
            key_only: request.key_only,
            reverse: request.reverse,
        };
        let work = read::scan(&self.scheduler, &context, &range, &options);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, ScanResponse, |pairs| kvrpcpb::ScanResponse { pairs, ..Default::default() })
    }

    async fn kv_prewrite(
        &self,
        request: kvrpcpb::PrewriteRequest,
    ) -> Result<kvrpcpb::PrewriteResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let head = request.context.clone();
        let command = from_wire::prewrite(request)?;
        let work = write::prewrite(&self.scheduler, &context, &self.space, command);
        answer_with_errors!(self.within(head.as_ref(), work).await?, PrewriteResponse)
    }

    async fn kv_pessimistic_lock(
        &self,
        request: kvrpcpb::PessimisticLockRequest,
    ) -> Result<kvrpcpb::PessimisticLockResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let head = request.context.clone();
        let (command, wait) = from_wire::pessimistic_lock(request)?;
        let began = self.env.clock.now();
        let work = write::pessimistic_lock(&self.scheduler, &context, command, wait);
        let result = self.within(head.as_ref(), work).await?;
        self.metrics.lock_time.observe(self.env.clock.now().saturating_since(began));
        if matches!(&result, Err(Failure::Key(error)) if error.deadlock.is_some()) {
            self.metrics.deadlocks.add(1);
        }
        answer_with_errors!(result, PessimisticLockResponse)
    }

    async fn kv_pessimistic_rollback(
        &self,
        request: kvrpcpb::PessimisticRollbackRequest,
    ) -> Result<kvrpcpb::PessimisticRollbackResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let work = write::pessimistic_rollback(&self.scheduler, &context, &request);
        let result = self.within(request.context.as_ref(), work).await?;
        answer_with_errors!(
            result.map(|()| kvrpcpb::PessimisticRollbackResponse::default()),
            PessimisticRollbackResponse
        )
    }

    async fn kv_check_secondary_locks(
        &self,
        request: kvrpcpb::CheckSecondaryLocksRequest,
    ) -> Result<kvrpcpb::CheckSecondaryLocksResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let work = write::check_secondary_locks(&self.scheduler, &context, &request);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, CheckSecondaryLocksResponse, to_wire::secondary_status)
    }

    async fn kv_commit(&self, request: kvrpcpb::CommitRequest) -> Result<kvrpcpb::CommitResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let work = write::commit(&self.scheduler, &context, &request);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, CommitResponse, |commit_ts| {
            kvrpcpb::CommitResponse { commit_version: u64::from(commit_ts), ..Default::default() }
        })
    }

    async fn kv_batch_rollback(
        &self,
        request: kvrpcpb::BatchRollbackRequest,
    ) -> Result<kvrpcpb::BatchRollbackResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let work = write::rollback(&self.scheduler, &context, &request);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, BatchRollbackResponse, |()| { kvrpcpb::BatchRollbackResponse::default() })
    }

    async fn kv_check_txn_status(
        &self,
        request: kvrpcpb::CheckTxnStatusRequest,
    ) -> Result<kvrpcpb::CheckTxnStatusResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let command = from_wire::check_txn_status(&request);
        let work = self.scheduler.run(&context, command);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, CheckTxnStatusResponse, to_wire::txn_status)
    }

    async fn kv_resolve_lock(
        &self,
        request: kvrpcpb::ResolveLockRequest,
    ) -> Result<kvrpcpb::ResolveLockResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let work = write::resolve_lock(&self.scheduler, &context, &request);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, ResolveLockResponse, |()| { kvrpcpb::ResolveLockResponse::default() })
    }

    async fn kv_scan_lock(
        &self,
        request: kvrpcpb::ScanLockRequest,
    ) -> Result<kvrpcpb::ScanLockResponse, Status> {
        self.metrics.reads.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let work = read::scan_lock(&self.scheduler, &context, &request);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, ScanLockResponse, |locks: Vec<_>| {
            let locks = locks.into_iter().map(to_wire::lock_info).collect();
            kvrpcpb::ScanLockResponse { locks, ..Default::default() }
        })
    }

    async fn kv_txn_heart_beat(
        &self,
        request: kvrpcpb::TxnHeartBeatRequest,
    ) -> Result<kvrpcpb::TxnHeartBeatResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        let work = write::heart_beat(&self.scheduler, &context, &request);
        let result = self.within(request.context.as_ref(), work).await?;
        answer!(result, TxnHeartBeatResponse, |lock_ttl| {
            kvrpcpb::TxnHeartBeatResponse { lock_ttl, ..Default::default() }
        })
    }

    async fn kv_delete_range(
        &self,
        request: kvrpcpb::DeleteRangeRequest,
    ) -> Result<kvrpcpb::DeleteRangeResponse, Status> {
        self.metrics.commands.add(1);
        let context = from_wire::region_context(request.context.as_ref())?;
        if request.notify_only {
            return Err(Status::invalid_argument("delete_range: notify_only is not supported"));
        }
        let (start, end) = (from_wire::bound(&request.start_key), from_wire::bound(&request.end_key));
        let work = gc::delete_range(&self.scheduler, &context, &start, &end);
        match self.within(request.context.as_ref(), work).await?.map_err(Failure::from) {
            Ok(()) => Ok(kvrpcpb::DeleteRangeResponse::default()),
            Err(Failure::Region(error)) => {
                Ok(kvrpcpb::DeleteRangeResponse { region_error: Some(error), ..Default::default() })
            }
            Err(Failure::Key(error)) => {
                Ok(kvrpcpb::DeleteRangeResponse { error: error.abort, ..Default::default() })
            }
            Err(Failure::Status(status)) => Err(status),
        }
    }

    async fn split_region(
        &self,
        request: kvrpcpb::SplitRegionRequest,
    ) -> Result<kvrpcpb::SplitRegionResponse, Status> {
        let context = from_wire::region_context(request.context.as_ref())?;
        if request.is_raw_kv {
            return Err(Status::invalid_argument("split_region: raw keys are not supported"));
        }
        let keys = request.split_keys.iter().map(|key| from_wire::bound(key)).collect();
        let work = self.splitter.split(context, keys);
        match self.within(request.context.as_ref(), work).await?.map_err(Failure::from) {
            Ok(regions) => {
                Ok(kvrpcpb::SplitRegionResponse { regions: to_wire::regions(&regions), ..Default::default() })
            }
            Err(Failure::Region(error)) => {
                Ok(kvrpcpb::SplitRegionResponse { region_error: Some(error), ..Default::default() })
            }
            Err(Failure::Key(error)) => Err(Status::internal(error.abort)),
            Err(Failure::Status(status)) => Err(status),
        }
    }

    async fn unsafe_destroy_range(
        &self,
        request: kvrpcpb::UnsafeDestroyRangeRequest,
    ) -> Result<kvrpcpb::UnsafeDestroyRangeResponse, Status> {
        self.metrics.commands.add(1);
        if request.start_key >= request.end_key {
            let error = "unsafe destroy range needs a start below its end".to_owned();
            return Ok(kvrpcpb::UnsafeDestroyRangeResponse { error, ..Default::default() });
        }
        let (start, end) = (from_wire::bound(&request.start_key), from_wire::bound(&request.end_key));
        let result = self.scheduler.replica().destroy_range(start, end).await;
        match result.map_err(Failure::from) {
            Ok(()) => Ok(kvrpcpb::UnsafeDestroyRangeResponse::default()),
            Err(Failure::Status(status)) => Err(status),
            Err(Failure::Region(_) | Failure::Key(_)) => {
                Err(Status::internal("destroy range knows no region"))
            }
        }
    }

    async fn coprocessor(&self, request: CoprocessorRequest) -> Result<CoprocessorResponse, Status> {
        self.metrics.coprocessor_requests.add(1);
        let head = request.context.clone();
        self.within(head.as_ref(), self.coprocessor.handle(request)).await?
    }
}
