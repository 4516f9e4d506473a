//! The transaction's own writes merged over a scan of the snapshot.
//!
//! The scan leaves out the rows the transaction wrote (the request carries their keys); what it wrote
//! is decoded, filtered and projected by the code the store uses, and comes first.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use rutile_sql_types::MySqlError;

use crate::distsql::{BatchStream, OwnWrites, ScanRequest};
use crate::storeside::ScanPipeline;

/// `stored` with the transaction's rows in front.
pub fn merge(stored: BatchStream, request: Arc<ScanRequest>, writes: Arc<OwnWrites>) -> BatchStream {
    let own = futures::stream::once(async move { own_rows(&request, &writes) });
    own.chain(stored).boxed()
}

fn own_rows(request: &ScanRequest, writes: &OwnWrites) -> Result<RecordBatch, MySqlError> {
    let mut pipeline = ScanPipeline::for_own_writes(request)?;
    for (key, value) in &writes.rows {
        pipeline.push(key, value)?;
    }
    pipeline.finish_chunk()?;
    pipeline.into_batch()
}
