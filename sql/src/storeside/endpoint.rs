//! Runs one scan over one region: decode, filter, stop at a page's end.

use rutile_kv_proto::Payload;
use rutile_kv_proto::endpoint::{Endpoint, EndpointError, EndpointRequest, EndpointResponse};
use rutile_sql_types::MySqlError;

use super::scan::ScanPipeline;
use crate::distsql::{ScanRequest, TABLE_SCAN, WorkDone};

/// Rows decoded between two looks at limits and cancellation.
const CHUNK_ROWS: usize = 1024;
/// An answer is sent when it reaches this size, whatever the number of rows.
const PAGE_BYTES_MAX: usize = 4 << 20;
/// Bytes read for one answer where a stage makes little of them.
const STAGE_PAGE_BYTES_MAX: usize = 32 << 20;

/// Evaluates SQL plans at the store.
#[derive(Debug, Default)]
pub struct SqlEndpoint;

impl Endpoint for SqlEndpoint {
    fn handle(&self, request: EndpointRequest<'_>) -> Result<EndpointResponse, EndpointError> {
        if request.tp != TABLE_SCAN {
            return Err(failed(MySqlError::internal(format!("coprocessor plan of kind {}", request.tp))));
        }
        let plan = request
            .plan
            .downcast::<ScanRequest>()
            .ok_or_else(|| failed(MySqlError::not_supported_yet("pushed-down plans in byte form")))?;
        scan(&plan, request)
    }
}

fn scan(plan: &ScanRequest, request: EndpointRequest<'_>) -> Result<EndpointResponse, EndpointError> {
    let started = plan.statement.clock_nanos();
    let mut pipeline = ScanPipeline::new(plan).map_err(failed)?;
    let page_rows = usize::try_from(request.paging_rows).ok().filter(|rows| *rows > 0).unwrap_or(usize::MAX);
    let page_bytes = if plan.stage.is_some() { STAGE_PAGE_BYTES_MAX } else { PAGE_BYTES_MAX };
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
            if pipeline.is_satisfied() || pipeline.stage_bytes() >= PAGE_BYTES_MAX {
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
    Ok(EndpointResponse { data: Payload::shared(data), next })
}

/// Keeps the MySQL error whole for the in-process carrier.
fn failed(error: MySqlError) -> EndpointError {
    EndpointError::Failed { message: error.message.clone(), payload: Some(Payload::shared(error)) }
}
