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
use crate::distsql::{BatchStream, ReadView, ScanRequest, WorkDone, from_storage};
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
        let found = self.next_record_keys().await?;
        if found.is_empty() {
            return Ok(None);
        }
        let keys: Vec<Bytes> = found.iter().map(|(_, key)| key.clone()).collect();
        if let Some(scans) = &self.request.locking {
            scans.add(keys.iter().filter(|key| !self.request.overridden.contains(*key)).cloned());
        }
        let rows = self.snapshot.batch_get(&keys).await.map_err(from_storage)?;
        let mut pipeline = ScanPipeline::new(&self.request)?;
        for (entry, key) in &found {
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
            pipeline.push_found_by(entry, key, row)?;
        }
        pipeline.finish_chunk()?;
        let kept = pipeline.kept_rows() as u64;
        let batch = pipeline.into_batch()?;
        let (scanned, sent) = (keys.len() as u64, batch.num_rows() as u64);
        self.request.work.add(WorkDone { pages: 1, scanned, kept, sent, nanos: 0 });
        self.produced += batch.num_rows();
        Ok(Some(batch))
    }

    /// The keys of the next page of entries, and of the records they name.
    async fn next_record_keys(&mut self) -> Result<Vec<(Bytes, Bytes)>, MySqlError> {
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
                    keys.push((key, Bytes::from(record_key(table.id, &handle))));
                }
            }
        }
        Ok(keys)
    }
}
