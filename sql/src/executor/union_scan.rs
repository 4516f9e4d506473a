//! The transaction's own writes merged over a scan of the snapshot.
//!
//! The scan leaves out the rows the transaction wrote (the request carries their keys). What it wrote is decoded,
//! filtered and projected by the code the store uses, and takes its place among the stored rows by the key they
//! are found by: that of the record, or of the index entry. Where the store makes groups of the rows, or keeps the
//! first ones of an order, so does this with the own rows, and the operator above merges both.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::interleave;
use bytes::Bytes;
use futures::StreamExt;
use rutile_sql_types::MySqlError;

use crate::codec::{CodecError, Handle, index_entry, record_key};
use crate::distsql::{BatchStream, OwnWrites, ScanRequest};
use crate::generation::decode_row;
use crate::storeside::{ScanPipeline, batch_of};

/// `stored`, found through the index at that position if there is one, with the transaction's rows.
pub fn merge(
    stored: BatchStream,
    request: Arc<ScanRequest>,
    index: Option<usize>,
    writes: Arc<OwnWrites>,
) -> BatchStream {
    if !request.sends_keys {
        let own = futures::stream::once(async move { own_rows(&request, index, &writes) });
        return own.chain(stored).boxed();
    }
    let merge = Merge { stored, request, own: None, at: 0 };
    futures::stream::try_unfold((merge, index, writes), |(mut merge, index, writes)| async move {
        Ok(merge.next(index, &writes).await?.map(|batch| (batch, (merge, index, writes))))
    })
    .boxed()
}

struct Merge {
    stored: BatchStream,
    request: Arc<ScanRequest>,
    /// The own rows in the order of the scan, keys last.
    own: Option<RecordBatch>,
    /// Own rows that are out.
    at: usize,
}

impl Merge {
    async fn next(
        &mut self,
        index: Option<usize>,
        writes: &OwnWrites,
    ) -> Result<Option<RecordBatch>, MySqlError> {
        let own = match self.own.take() {
            Some(own) => own,
            None => own_rows(&self.request, index, writes)?,
        };
        let batch = match self.stored.next().await.transpose()? {
            Some(stored) => self.merged(&stored, &own, index)?,
            None if self.at < own.num_rows() => {
                let rest = own.slice(self.at, own.num_rows() - self.at);
                self.at = own.num_rows();
                self.without_keys(rest.columns(), rest.num_rows())?
            }
            None => return Ok(None),
        };
        self.own = Some(own);
        Ok(Some(batch))
    }

    /// A stored batch with the own rows that come before its last one.
    fn merged(
        &mut self,
        stored: &RecordBatch,
        own: &RecordBatch,
        index: Option<usize>,
    ) -> Result<RecordBatch, MySqlError> {
        let (stored_keys, own_keys) = (keys_of(stored)?, keys_of(own)?);
        // Rows found through an index have told already.
        if let (Some(scans), None) = (&self.request.locking, index) {
            scans.add(stored_keys.iter().flatten().map(Bytes::copy_from_slice));
        }
        let mut places = Vec::with_capacity(stored.num_rows());
        for row in 0..stored.num_rows() {
            while self.at < own.num_rows() && own_keys.value(self.at) < stored_keys.value(row) {
                places.push((1, self.at));
                self.at += 1;
            }
            places.push((0, row));
        }
        if places.len() == stored.num_rows() {
            return self.without_keys(stored.columns(), stored.num_rows());
        }
        let columns = stored
            .columns()
            .iter()
            .zip(own.columns())
            .map(|(stored, own)| interleave(&[stored.as_ref(), own.as_ref()], &places))
            .collect::<Result<Vec<_>, _>>()
            .map_err(MySqlError::internal)?;
        self.without_keys(&columns, places.len())
    }

    fn without_keys(&self, columns: &[ArrayRef], rows: usize) -> Result<RecordBatch, MySqlError> {
        let columns = columns.split_last().map_or(&[][..], |(_, columns)| columns);
        batch_of(&self.request.schema, columns.to_vec(), rows)
    }
}

fn keys_of(batch: &RecordBatch) -> Result<&arrow::array::BinaryArray, MySqlError> {
    let keys = batch.columns().last().and_then(|column| column.as_binary_opt::<i32>());
    keys.filter(|keys| keys.null_count() == 0)
        .ok_or_else(|| MySqlError::internal("a scan to merge rows into without its keys"))
}

fn own_rows(
    request: &ScanRequest,
    index: Option<usize>,
    writes: &OwnWrites,
) -> Result<RecordBatch, MySqlError> {
    let mut pipeline = ScanPipeline::for_own_writes(request)?;
    match index {
        Some(index) => {
            let mut found = Vec::with_capacity(writes.rows.len());
            for (key, value) in &writes.rows {
                found.push((entry_key(request, index, key, value)?, key, value));
            }
            found.sort();
            for (entry, key, value) in &found {
                pipeline.push_found_by(entry, key, value)?;
            }
        }
        None => {
            for (key, value) in &writes.rows {
                pipeline.push(key, value)?;
            }
        }
    }
    pipeline.finish_chunk()?;
    pipeline.into_batch()
}

/// Where an own row stands in an index.
fn entry_key(request: &ScanRequest, index: usize, key: &Bytes, value: &Bytes) -> Result<Vec<u8>, MySqlError> {
    let damaged = |error: CodecError| MySqlError::internal(error);
    let table = &request.table;
    let index = table
        .indexes
        .get(index)
        .ok_or_else(|| MySqlError::internal(format!("an access path with no index {index}")))?;
    let (_, suffix) = record_key::split_record_key(key).map_err(damaged)?;
    let handle = Handle::from_record_suffix(suffix, table.is_common_handle()).map_err(damaged)?;
    let values = decode_row(table, &handle, value, request.statement.time_zone())?;
    Ok(index_entry::index_entry(table, index, &values, &handle).map_err(damaged)?.key)
}
