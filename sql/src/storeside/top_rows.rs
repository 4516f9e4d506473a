//! The first rows of a page in an order.
//!
//! Rows are gathered with their sort keys; whenever there are twice as many as are wanted, the rest is thrown
//! away, so that a page holds few rows however many it reads.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, UInt64Array};
use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, take};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use rutile_sql_types::MySqlError;

use super::batch_of;
use crate::distsql::TopRows;
use crate::expression::Evaluation;

/// Rows gathered before the first look at their order, at least.
const GATHERED_ROWS_MIN: usize = 8192;

/// The candidates of one page so far.
pub struct TopGroup<'a> {
    plan: &'a TopRows,
    rows: Vec<RecordBatch>,
    /// Sort keys of `rows`, batch by batch.
    keys: Vec<RecordBatch>,
    gathered: usize,
    bytes: usize,
}

impl<'a> TopGroup<'a> {
    pub fn new(plan: &'a TopRows) -> Self {
        Self { plan, rows: Vec::new(), keys: Vec::new(), gathered: 0, bytes: 0 }
    }

    /// Adds a chunk: the rows to send, and the decoded columns of the same rows.
    pub fn add(
        &mut self,
        batch: RecordBatch,
        columns: &[ArrayRef],
        statement: &Evaluation,
    ) -> Result<(), MySqlError> {
        let rows = batch.num_rows();
        if rows == 0 || self.plan.count == 0 {
            return Ok(());
        }
        let keys = self
            .plan
            .keys
            .iter()
            .map(|(key, _)| key.evaluate(columns, rows, statement))
            .collect::<Result<Vec<_>, _>>()?;
        self.keys.push(batch_of(&key_schema(&keys), keys, rows)?);
        self.bytes += batch.get_array_memory_size();
        self.rows.push(batch);
        self.gathered += rows;
        if self.gathered >= self.plan.count.saturating_mul(2).max(GATHERED_ROWS_MIN) {
            self.cut().map_err(MySqlError::internal)?;
        }
        Ok(())
    }

    pub fn size(&self) -> usize {
        self.bytes
    }

    /// The rows wanted, in their order.
    pub fn finish(mut self, schema: &SchemaRef) -> Result<RecordBatch, MySqlError> {
        self.cut().map_err(MySqlError::internal)?;
        match self.rows.pop() {
            Some(rows) => Ok(rows),
            None => Ok(RecordBatch::new_empty(SchemaRef::clone(schema))),
        }
    }

    /// Keeps the first rows of what was gathered.
    fn cut(&mut self) -> Result<(), ArrowError> {
        let (Some(rows), Some(keys)) = (self.rows.first(), self.keys.first()) else {
            return Ok(());
        };
        let rows = concat_batches(&rows.schema(), &self.rows)?;
        let keys = concat_batches(&keys.schema(), &self.keys)?;
        let mut order: Vec<SortColumn> = keys
            .columns()
            .iter()
            .zip(&self.plan.keys)
            .map(|(values, (_, options))| SortColumn { values: Arc::clone(values), options: Some(*options) })
            .collect();
        // Rows come in the order of their keys: among equals that order is kept.
        let arrival: UInt64Array = (0..rows.num_rows() as u64).collect();
        order.push(SortColumn {
            values: Arc::new(arrival),
            options: Some(SortOptions { descending: false, nulls_first: true }),
        });
        let chosen = lexsort_to_indices(&order, Some(self.plan.count))?;
        self.keys = vec![chosen_rows(&keys, &chosen)?];
        let rows = chosen_rows(&rows, &chosen)?;
        self.gathered = rows.num_rows();
        self.bytes = rows.get_array_memory_size();
        self.rows = vec![rows];
        Ok(())
    }
}

/// These rows of a batch, which may be without columns.
fn chosen_rows(batch: &RecordBatch, rows: &UInt32Array) -> Result<RecordBatch, ArrowError> {
    let columns =
        batch.columns().iter().map(|column| take(column, rows, None)).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options)
}

fn key_schema(keys: &[ArrayRef]) -> SchemaRef {
    let fields: Vec<Field> = keys
        .iter()
        .enumerate()
        .map(|(index, key)| Field::new(index.to_string(), key.data_type().clone(), true))
        .collect();
    Arc::new(Schema::new(fields))
}
