//! Admission, execution and cancellation of one coprocessor request.
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rutile_kv_env::Env;
use rutile_kv_proto::endpoint::{Endpoint, EndpointError, EndpointRequest, EndpointResponse, ScanError};
use rutile_kv_proto::{Code, CoprocessorRequest, CoprocessorResponse, Status};
use tokio::sync::{Semaphore, oneshot};

use super::range_scanner::{MvccRangeScanner, bounds};
use crate::error::{Error, RegionError};
use crate::metrics::Metrics;
use crate::mvcc::ReadOptions;
use crate::replica::{RegionSnapshot, Replica};
use crate::service::{Failure, read_options, region_context};
use crate::txn::{ReadTarget, Scheduler};

/// Requests waiting for a place in the pool; one more is told that the store is busy.
const QUEUE_MAX: usize = 1024;

/// The endpoint, once somebody plugged it in.
pub type EndpointSlot = Arc<OnceLock<Arc<dyn Endpoint>>>;

/// Runs pushed-down plans on a bounded number of blocking threads.
pub struct Host<R> {
    env: Env,
    scheduler: Arc<Scheduler<R>>,
    endpoint: EndpointSlot,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// Counts a request as waiting until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells the endpoint that nobody waits any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<R: Replica> Host<R> {
    /// A host with `concurrency` places.
    pub fn new(
        env: Env,
        scheduler: Arc<Scheduler<R>>,
        endpoint: EndpointSlot,
        concurrency: usize,
        metrics: Arc<Metrics>,
    ) -> Self {
        let places = Arc::new(Semaphore::new(concurrency.max(1)));
        Host { env, scheduler, endpoint, places, waiting: AtomicUsize::new(0), metrics }
    }

    /// Runs one request. Dropping the future tells the endpoint to stop.
    pub async fn handle(&self, request: CoprocessorRequest) -> Result<CoprocessorResponse, Status> {
        let context = region_context(request.context.as_ref())?;
        let Some(endpoint) = self.endpoint.get().cloned() else {
            return Err(Status::new(Code::Unimplemented, "this store has no coprocessor endpoint"));
        };
        if request.start_ts == 0 || request.ranges.is_empty() {
            return Err(Status::invalid_argument("a coprocessor request needs a timestamp and ranges"));
        }
        let options = read_options(request.context.as_ref(), request.start_ts);
        let (start, end) = bounds(&request.ranges);
        let place = match self.place().await {
            Ok(place) => place,
            Err(error) => return respond(Err(EndpointFailure::Store(error))),
        };
        let target = ReadTarget::Range { start: &start, end: &end };
        let snapshot = match self.scheduler.read_snapshot(&context, target, &options).await {
            Ok(snapshot) => snapshot,
            Err(error) => return respond(Err(EndpointFailure::Store(error))),
        };
        let cancelled = Arc::new(AtomicBool::new(false));
        let _cancel = CancelOnDrop(cancelled.clone());
        let (sender, receiver) = oneshot::channel();
        let work = move || {
            let result = run(&*endpoint, &request, &snapshot, &options, &cancelled);
            drop(place);
            // A caller that went away needs no answer.
            let _ = sender.send(result);
        };
        self.env.spawn.spawn_blocking("coprocessor", Box::new(work));
        match receiver.await {
            Ok(result) => respond(result),
            Err(_) => Err(Status::internal("the coprocessor endpoint panicked")),
        }
    }

    async fn place(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Error> {
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE_MAX {
            self.metrics.coprocessor_rejected.add(1);
            return Err(RegionError::Busy { reason: "too many coprocessor requests are waiting" }.into());
        }
        let place = self.places.clone().acquire_owned().await.map_err(|_| Error::Stopped);
        drop(waiting);
        place
    }
}

/// Why a request has no data.
enum EndpointFailure {
    Store(Error),
    Endpoint(EndpointError),
}

fn run(
    endpoint: &dyn Endpoint,
    request: &CoprocessorRequest,
    snapshot: &RegionSnapshot,
    options: &ReadOptions,
    cancelled: &AtomicBool,
) -> Result<EndpointResponse, EndpointFailure> {
    let scanner = MvccRangeScanner::new(snapshot.versions(), &snapshot.region, options, &request.ranges);
    let mut rows = scanner.map_err(EndpointFailure::Store)?;
    let call = EndpointRequest {
        tp: request.tp,
        start_ts: request.start_ts,
        plan: &request.plan,
        rows: &mut rows,
        paging_rows: request.paging_rows,
        cancelled: &|| cancelled.load(Ordering::Relaxed),
    };
    let answer = endpoint.handle(call).map_err(EndpointFailure::Endpoint);
    snapshot.traffic.read(rows.rows, rows.bytes);
    answer
}

/// Puts the outcome where the response has a place for it.
fn respond(result: Result<EndpointResponse, EndpointFailure>) -> Result<CoprocessorResponse, Status> {
    let mut response = CoprocessorResponse::default();
    match result {
        Ok(answer) => {
            response.data = Some(answer.data);
            response.next = answer.next;
        }
        Err(EndpointFailure::Store(error)) => match Failure::from(error) {
            Failure::Region(error) => response.region_error = Some(*error),
            Failure::Key(error) if error.locked.is_some() => response.locked = error.locked,
            Failure::Key(error) => response.other_error = format!("{error:?}"),
            Failure::Status(status) => return Err(status),
        },
        Err(EndpointFailure::Endpoint(EndpointError::Scan(ScanError::Locked(lock)))) => {
            response.locked = Some(*lock)
        }
        Err(EndpointFailure::Endpoint(EndpointError::Scan(ScanError::Region(error)))) => {
            response.region_error = Some(*error);
        }
        Err(EndpointFailure::Endpoint(EndpointError::Scan(ScanError::Other(text)))) => {
            response.other_error = text
        }
        Err(EndpointFailure::Endpoint(EndpointError::Failed { message, payload })) => {
            response.other_error = message;
            response.error_payload = payload;
        }
        Err(EndpointFailure::Endpoint(EndpointError::Cancelled)) => {
            return Err(Status::new(Code::Cancelled, "the coprocessor request was cancelled"));
        }
    }
    Ok(response)
}
