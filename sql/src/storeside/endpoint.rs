//! Runs one scan over one region: decode, filter, stop at a page's end.

use std::sync::Arc;

use arrow::array::RecordBatch;
use rutile_kv_proto::Payload;
use rutile_kv_proto::coprocessor::KeyRange;
use rutile_kv_proto::endpoint::{Endpoint, EndpointError, EndpointRequest, EndpointResponse};
use rutile_sql_types::MySqlError;

use super::scan::ScanPipeline;
use crate::distsql::wire::{Answer, decode_plan, encode_answer};
use crate::distsql::{ScanRequest, TABLE_SCAN, WorkDone};
use crate::memory::{MemoryLimit, ServerMemory, StatementMemory};

/// Rows decoded between two looks at limits and cancellation.
const CHUNK_ROWS: usize = 1024;
/// An answer is sent when it reaches this share of the server's memory, whatever the number of rows: a scan has several on
/// the way, which nobody counts.
const PAGE_SHARE: usize = 256;
const PAGE_BYTES_MIN: usize = 256 << 10;
const PAGE_BYTES_MAX: usize = 4 << 20;
/// Bytes read for one answer where a stage makes little of them.
const STAGE_PAGE_BYTES_MAX: usize = 32 << 20;

/// What the plans of other processes may hold at one store, together and each.
const MEMORY_BYTES_MAX: usize = 1 << 30;
const PLAN_MEMORY_BYTES_MAX: usize = 256 << 20;

/// Evaluates SQL plans at the store: those of this process as objects, those of others as bytes.
pub struct SqlEndpoint {
    memory: Arc<ServerMemory>,
}

impl Default for SqlEndpoint {
    fn default() -> Self {
        Self { memory: Arc::new(ServerMemory::new(MemoryLimit { server_bytes: MEMORY_BYTES_MAX })) }
    }
}

impl Endpoint for SqlEndpoint {
    fn handle(&self, request: EndpointRequest<'_>) -> Result<EndpointResponse, EndpointError> {
        if request.tp != TABLE_SCAN {
            return Err(failed(MySqlError::internal(format!("coprocessor plan of kind {}", request.tp))));
        }
        if let Payload::Encoded(bytes) = request.plan {
            return self.handle_bytes(bytes, request);
        }
        let plan = request
            .plan
            .downcast::<ScanRequest>()
            .ok_or_else(|| failed(MySqlError::internal("a coprocessor plan that is no scan")))?;
        let (batch, next) = scan(&plan, request)?;
        Ok(EndpointResponse { data: Payload::shared(batch), next })
    }
}

impl SqlEndpoint {
    /// A plan of another process. Its own errors are part of the answer, so that they arrive whole.
    fn handle_bytes(
        &self,
        bytes: &[u8],
        request: EndpointRequest<'_>,
    ) -> Result<EndpointResponse, EndpointError> {
        let memory = StatementMemory::new(Arc::clone(&self.memory), PLAN_MEMORY_BYTES_MAX);
        let answered = decode_plan(bytes, memory).map_err(failed).and_then(|plan| {
            let (batch, next) = scan(&plan, request)?;
            Ok((Answer { batch, warnings: plan.statement.take_warnings(), work: plan.work.read() }, next))
        });
        let (answer, next) = match answered {
            Ok((answer, next)) => (Ok(answer), next),
            Err(EndpointError::Failed { message, payload }) => {
                let raised = payload.and_then(|payload| payload.downcast::<MySqlError>());
                let error = raised.map_or_else(|| MySqlError::internal(message), |raised| (*raised).clone());
                (Err(error), None)
            }
            Err(other) => return Err(other),
        };
        let data = Payload::Encoded(encode_answer(&answer).map_err(failed)?);
        Ok(EndpointResponse { data, next })
    }
}

/// The rows of a page, and where the next one begins.
fn scan(
    plan: &ScanRequest,
    request: EndpointRequest<'_>,
) -> Result<(RecordBatch, Option<KeyRange>), EndpointError> {
    let started = plan.statement.clock_nanos();
    let mut pipeline = ScanPipeline::new(plan).map_err(failed)?;
    let page_rows = usize::try_from(request.paging_rows).ok().filter(|rows| *rows > 0).unwrap_or(usize::MAX);
    let server_bytes = plan.statement.memory().server().limit();
    let answer_bytes = (server_bytes / PAGE_SHARE).clamp(PAGE_BYTES_MIN, PAGE_BYTES_MAX);
    let page_bytes = if plan.stage.is_some() { STAGE_PAGE_BYTES_MAX } else { answer_bytes };
    let (mut done, mut in_chunk, mut scanned, mut bytes) = (false, 0, 0, 0);
    while !done {
        match request.rows.next()? {
            Some((key, value)) => {
                bytes += value.len();
                if pipeline.push(key, value).map_err(failed)? {
                    in_chunk += 1;
                }
                scanned += 1;
            }
            None => done = true,
        }
        if in_chunk == CHUNK_ROWS || (done && in_chunk > 0) {
            if (request.cancelled)() {
                return Err(EndpointError::Cancelled);
            }
            plan.statement.check_alive().map_err(failed)?;
            pipeline.finish_chunk().map_err(failed)?;
            in_chunk = 0;
            if pipeline.is_satisfied() || pipeline.stage_bytes() >= answer_bytes {
                break;
            }
        }
        // Scanned, not kept, rows end a page: the store's time per request stays bounded.
        if scanned >= page_rows || bytes >= page_bytes {
            break;
        }
    }
    if in_chunk > 0 {
        pipeline.finish_chunk().map_err(failed)?;
    }
    let next = if done || pipeline.is_satisfied() { None } else { request.rows.resume_point() };
    let kept = pipeline.kept_rows();
    let data = pipeline.into_batch().map_err(failed)?;
    plan.work.add(WorkDone {
        pages: 1,
        scanned: scanned as u64,
        kept: kept as u64,
        sent: data.num_rows() as u64,
        nanos: plan.statement.clock_nanos().saturating_sub(started),
    });
    Ok((data, next))
}

/// Keeps the MySQL error whole for the in-process carrier.
fn failed(error: MySqlError) -> EndpointError {
    EndpointError::Failed { message: error.message.clone(), payload: Some(Payload::shared(error)) }
}
