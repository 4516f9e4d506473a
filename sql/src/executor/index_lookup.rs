//! Rows through an index: entries in ranges give handles, handles give rows.
//!
//! Entries are read in pages; the rows of a page are fetched by one batch get per region and then
//! decoded and filtered by the code the store uses. All filters of the scan run again on the rows, so
//! index ranges only have to cover them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::StreamExt;
use rutile_kv_client::{ScanOptions, Snapshot};
use rutile_kv_types::KeyRange;
use rutile_sql_types::MySqlError;

use crate::codec::index_entry::handle_of_entry;
use crate::codec::record_key::record_key;
use crate::distsql::{BatchStream, ReadView, ScanRequest, from_storage};
use crate::storeside::ScanPipeline;

/// Entries per page: one batch get.
const PAGE_ENTRIES: usize = 1024;

struct Lookup {
    snapshot: Snapshot,
    request: Arc<ScanRequest>,
    index: usize,
    ranges: std::vec::IntoIter<KeyRange>,
    scanner: Option<rutile_kv_client::Scanner>,
    produced: usize,
}

/// The rows that the entries in `ranges` of the index name.
pub fn lookup(
    view: &ReadView,
    request: Arc<ScanRequest>,
    index: usize,
    ranges: Vec<KeyRange>,
) -> BatchStream {
    let lookup = Lookup {
        snapshot: view.snapshot(),
        request,
        index,
        ranges: ranges.into_iter(),
        scanner: None,
        produced: 0,
    };
    futures::stream::try_unfold(lookup, |mut lookup| async move {
        Ok(lookup.next_batch().await?.map(|batch| (batch, lookup)))
    })
    .boxed()
}

impl Lookup {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>, MySqlError> {
        if self.request.limit.is_some_and(|limit| self.produced >= limit) {
            return Ok(None);
        }
        let keys = self.next_record_keys().await?;
        if keys.is_empty() {
            return Ok(None);
        }
        let rows = self.snapshot.batch_get(&keys).await.map_err(from_storage)?;
        let mut pipeline = ScanPipeline::new(&self.request)?;
        for key in &keys {
            if self.request.overridden.contains(key) {
                continue;
            }
            // The snapshot has entry and row or neither: a missing row is damage.
            let row = rows.get(key).ok_or_else(|| {
                MySqlError::internal(format!(
                    "an index of table {} names a row that is not there",
                    self.request.table.name
                ))
            })?;
            pipeline.push(key, row)?;
        }
        pipeline.finish_chunk()?;
        let batch = pipeline.into_batch()?;
        self.produced += batch.num_rows();
        Ok(Some(batch))
    }

    /// Record keys of the next page of entries.
    async fn next_record_keys(&mut self) -> Result<Vec<Bytes>, MySqlError> {
        let table = Arc::clone(&self.request.table);
        let index = table.indexes.get(self.index).ok_or_else(|| {
            MySqlError::internal(format!("table {} has no index {}", table.name, self.index))
        })?;
        let mut keys = Vec::new();
        while keys.len() < PAGE_ENTRIES {
            let scanner = match &mut self.scanner {
                Some(scanner) => scanner,
                None => match self.ranges.next() {
                    None => break,
                    Some(range) => {
                        let options = ScanOptions { batch: PAGE_ENTRIES, ..ScanOptions::default() };
                        self.scanner.insert(self.snapshot.scan(range, options))
                    }
                },
            };
            match scanner.next().await.map_err(from_storage)? {
                None => self.scanner = None,
                Some((key, value)) => {
                    let handle =
                        handle_of_entry(&table, index, &key, &value).map_err(MySqlError::internal)?;
                    keys.push(Bytes::from(record_key(table.id, &handle)));
                }
            }
        }
        Ok(keys)
    }
}
