//! Runs one scan over one region: decode, filter, stop at a page's end.

use rutile_kv_proto::Payload;
use rutile_kv_proto::endpoint::{Endpoint, EndpointError, EndpointRequest, EndpointResponse};
use rutile_sql_types::MySqlError;

use super::scan::ScanPipeline;
use crate::distsql::{ScanRequest, TABLE_SCAN};

/// Rows decoded between two looks at limits and cancellation.
const CHUNK_ROWS: usize = 1024;
/// An answer is sent when it reaches this size, whatever the number of rows.
const PAGE_BYTES_MAX: usize = 4 << 20;

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
    let mut pipeline = ScanPipeline::new(plan).map_err(failed)?;
    let page_rows = usize::try_from(request.paging_rows).ok().filter(|rows| *rows > 0).unwrap_or(usize::MAX);
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
            pipeline.finish_chunk().map_err(failed)?;
            in_chunk = 0;
            if pipeline.is_satisfied() {
                let data = pipeline.into_batch().map_err(failed)?;
                return Ok(EndpointResponse { data: Payload::shared(data), next: None });
            }
        }
        // Scanned, not kept, rows end a page: the store's time per request stays bounded.
        if scanned >= page_rows || bytes >= PAGE_BYTES_MAX {
            break;
        }
    }
    if in_chunk > 0 {
        pipeline.finish_chunk().map_err(failed)?;
    }
    let next = if done { None } else { request.rows.resume_point() };
    let data = pipeline.into_batch().map_err(failed)?;
    Ok(EndpointResponse { data: Payload::shared(data), next })
}

/// Keeps the MySQL error whole for the in-process carrier.
fn failed(error: MySqlError) -> EndpointError {
    EndpointError::Failed { message: error.message.clone(), payload: Some(Payload::shared(error)) }
}
