//! Rows in, filtered and projected batch out.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::SchemaRef;
use rutile_sql_types::MySqlError;

use super::RowDecoder;
use crate::distsql::ScanRequest;
use crate::expression::datafusion::{Form, evaluate_form};

/// Decodes, filters and projects the rows of one scan, chunk by chunk.
pub struct ScanPipeline<'a> {
    plan: &'a ScanRequest,
    /// Leave out the rows that the transaction overrides.
    skips_overridden: bool,
    decoder: RowDecoder,
    kept: Vec<RecordBatch>,
    kept_rows: usize,
}

impl<'a> ScanPipeline<'a> {
    pub fn new(plan: &'a ScanRequest) -> Result<Self, MySqlError> {
        let decoder = RowDecoder::new(&plan.table, &plan.columns)?;
        Ok(Self {
            plan,
            skips_overridden: !plan.overridden.is_empty(),
            decoder,
            kept: Vec::new(),
            kept_rows: 0,
        })
    }

    /// The same over the transaction's own rows, which are the overriding ones.
    pub fn for_own_writes(plan: &'a ScanRequest) -> Result<Self, MySqlError> {
        Ok(Self { skips_overridden: false, ..Self::new(plan)? })
    }

    /// Adds a row to the chunk; false if the transaction overrides it.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<bool, MySqlError> {
        if self.skips_overridden && self.plan.overridden.contains(key) {
            return Ok(false);
        }
        self.decoder.push(key, value)?;
        Ok(true)
    }

    /// Filters and projects the rows pushed since the last chunk.
    pub fn finish_chunk(&mut self) -> Result<(), MySqlError> {
        let (columns, rows) = self.decoder.finish();
        let mut kept: Option<BooleanArray> = None;
        for filter in &self.plan.filters {
            let condition = evaluate_form(filter, Form::Condition, &columns, rows, &self.plan.statement)?;
            let condition = condition
                .as_any()
                .downcast_ref::<BooleanArray>()
                .cloned()
                .ok_or_else(|| MySqlError::internal("a condition that is not boolean"))?;
            kept = Some(match kept {
                None => condition,
                Some(kept) => arrow::compute::and(&kept, &condition).map_err(arrow_error)?,
            });
        }
        let output: Vec<ArrayRef> =
            self.plan.output.iter().filter_map(|position| columns.get(*position).cloned()).collect();
        let mut batch = batch_of(&self.plan.schema, output, rows)?;
        if let Some(kept) = kept {
            batch = filter_record_batch(&batch, &kept).map_err(arrow_error)?;
        }
        if let Some(limit) = self.plan.limit {
            batch = batch.slice(0, batch.num_rows().min(limit.saturating_sub(self.kept_rows)));
        }
        self.kept_rows += batch.num_rows();
        if batch.num_rows() > 0 {
            self.kept.push(batch);
        }
        Ok(())
    }

    /// Whether the limit is reached.
    pub fn is_satisfied(&self) -> bool {
        self.plan.limit.is_some_and(|limit| self.kept_rows >= limit)
    }

    /// Everything kept so far.
    pub fn into_batch(self) -> Result<RecordBatch, MySqlError> {
        match self.kept.as_slice() {
            [] => Ok(RecordBatch::new_empty(SchemaRef::clone(&self.plan.schema))),
            [only] => Ok(only.clone()),
            several => concat_batches(&self.plan.schema, several).map_err(arrow_error),
        }
    }
}

/// A batch that knows its number of rows even without columns.
pub fn batch_of(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, MySqlError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options).map_err(arrow_error)
}

fn arrow_error(error: arrow::error::ArrowError) -> MySqlError {
    MySqlError::internal(error)
}
