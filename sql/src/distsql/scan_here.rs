//! A scan evaluated in this process: for plans that do not travel to stores in other processes, and for stores that run
//! none.
//!
//! Pairs come by snapshot scans; decoding, filters and stages are the code that the stores run.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use rutile_kv_client::{ScanOptions, Scanner, Snapshot};
use rutile_kv_types::KeyRange;
use rutile_sql_types::MySqlError;

use super::{BatchStream, ScanRequest, WorkDone, from_storage};
use crate::storeside::ScanPipeline;

/// Pairs of one request to a store, and rows of one batch.
const PAGE_ROWS: usize = 2048;
/// A batch ends when its pairs are as large as this, whatever their number.
const PAGE_BYTES_MAX: usize = 4 << 20;

struct Scan {
    snapshot: Snapshot,
    request: Arc<ScanRequest>,
    ranges: std::vec::IntoIter<KeyRange>,
    scanner: Option<Scanner>,
    kept: usize,
}

/// The batches of `request` over `ranges`, in the order of their keys.
pub(super) fn scan_here(snapshot: Snapshot, request: Arc<ScanRequest>, ranges: Vec<KeyRange>) -> BatchStream {
    let scan = Scan { snapshot, request, ranges: ranges.into_iter(), scanner: None, kept: 0 };
    futures::stream::try_unfold(scan, |mut scan| async move {
        Ok(scan.next_batch().await?.map(|batch| (batch, scan)))
    })
    .boxed()
}

impl Scan {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>, MySqlError> {
        if self.request.limit.is_some_and(|limit| self.kept >= limit) {
            return Ok(None);
        }
        let (mut pairs, mut bytes) = (Vec::new(), 0);
        while pairs.len() < PAGE_ROWS && bytes < PAGE_BYTES_MAX {
            let scanner = match &mut self.scanner {
                Some(scanner) => scanner,
                None => match self.ranges.next() {
                    None => break,
                    Some(range) => {
                        let options = ScanOptions { batch: PAGE_ROWS, ..ScanOptions::default() };
                        self.scanner.insert(self.snapshot.scan(range, options))
                    }
                },
            };
            match scanner.next().await.map_err(from_storage)? {
                None => self.scanner = None,
                Some(pair) => {
                    bytes += pair.0.len() + pair.1.len();
                    pairs.push(pair);
                }
            }
        }
        if pairs.is_empty() {
            return Ok(None);
        }
        let started = self.request.statement.clock_nanos();
        let mut pipeline = ScanPipeline::new(&self.request)?;
        for (key, value) in &pairs {
            pipeline.push(key, value)?;
        }
        pipeline.finish_chunk()?;
        let kept = pipeline.kept_rows();
        self.kept += kept;
        let batch = pipeline.into_batch()?;
        self.request.work.add(WorkDone {
            pages: 1,
            scanned: pairs.len() as u64,
            kept: kept as u64,
            sent: batch.num_rows() as u64,
            nanos: self.request.statement.clock_nanos().saturating_sub(started),
        });
        Ok(Some(batch))
    }
}
