//! Rows in, filtered and projected batch out, or what the request's stage makes of it.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{FilterBuilder, concat_batches};
use arrow::datatypes::SchemaRef;
use rutile_sql_types::MySqlError;

use super::RowDecoder;
use super::partial_aggregate::PartialGroups;
use super::top_rows::TopGroup;
use crate::distsql::{ScanRequest, Stage};
use crate::expression::datafusion::{Form, evaluate_form};

/// Decodes, filters and projects the rows of one scan, chunk by chunk.
pub struct ScanPipeline<'a> {
    plan: &'a ScanRequest,
    /// Leave out the rows that the transaction overrides.
    skips_overridden: bool,
    decoder: RowDecoder,
    /// The order keys of the chunk's rows, if they are to be sent.
    keys: Option<BinaryBuilder>,
    schema: SchemaRef,
    sink: Sink<'a>,
    kept_rows: usize,
}

/// Where the rows of a chunk go.
enum Sink<'a> {
    Rows(Vec<RecordBatch>),
    Groups(PartialGroups<'a>),
    Top(TopGroup<'a>),
}

impl<'a> ScanPipeline<'a> {
    pub fn new(plan: &'a ScanRequest) -> Result<Self, MySqlError> {
        let decoder = RowDecoder::new(&plan.table, &plan.columns, &plan.statement)?;
        let sink = match &plan.stage {
            None => Sink::Rows(Vec::new()),
            Some(Stage::Aggregate(aggregate)) => Sink::Groups(PartialGroups::new(aggregate)?),
            Some(Stage::Top(top)) => Sink::Top(TopGroup::new(top)),
        };
        let skips_overridden = !plan.overridden.is_empty();
        let keys = plan.sends_keys.then(BinaryBuilder::new);
        Ok(Self { plan, skips_overridden, decoder, keys, schema: plan.sent_schema(), sink, kept_rows: 0 })
    }

    /// The same over the transaction's own rows, which are the overriding ones.
    pub fn for_own_writes(plan: &'a ScanRequest) -> Result<Self, MySqlError> {
        Ok(Self { skips_overridden: false, ..Self::new(plan)? })
    }

    /// Adds a row to the chunk; false if the transaction overrides it.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<bool, MySqlError> {
        self.push_found_by(key, key, value)
    }

    /// The same of a row that stands in the scan's order where `order_key` does.
    pub fn push_found_by(&mut self, order_key: &[u8], key: &[u8], value: &[u8]) -> Result<bool, MySqlError> {
        if self.skips_overridden && self.plan.overridden.contains(key) {
            return Ok(false);
        }
        self.decoder.push(key, value)?;
        if let Some(keys) = &mut self.keys {
            keys.append_value(order_key);
        }
        Ok(true)
    }

    /// Filters and projects the rows pushed since the last chunk.
    pub fn finish_chunk(&mut self) -> Result<(), MySqlError> {
        let (mut columns, rows) = self.decoder.finish();
        if let Some(keys) = &mut self.keys {
            columns.push(Arc::new(keys.finish()));
        }
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
        let (columns, rows) = match kept {
            None => (columns, rows),
            Some(kept) => {
                let filter = FilterBuilder::new(&kept).optimize().build();
                let columns = columns.iter().map(|column| filter.filter(column));
                (columns.collect::<Result<_, _>>().map_err(arrow_error)?, filter.count())
            }
        };
        self.take_rows(&columns, rows)
    }

    /// Hands the rows that satisfy the filters on.
    fn take_rows(&mut self, columns: &[ArrayRef], rows: usize) -> Result<(), MySqlError> {
        self.kept_rows += rows;
        if let Sink::Groups(groups) = &mut self.sink {
            return groups.add(columns, rows, &self.plan.statement);
        }
        if rows == 0 {
            return Ok(());
        }
        let mut output: Vec<ArrayRef> =
            self.plan.output.iter().filter_map(|position| columns.get(*position).cloned()).collect();
        if self.keys.is_some() {
            // They stand behind the decoded columns.
            output.extend(columns.last().cloned());
        }
        let batch = batch_of(&self.schema, output, rows)?;
        match &mut self.sink {
            Sink::Top(top) => top.add(batch, columns, &self.plan.statement),
            Sink::Rows(batches) => {
                // More than the limit is of no use.
                let extra = self.plan.limit.map_or(0, |limit| self.kept_rows.saturating_sub(limit));
                self.kept_rows -= extra;
                batches.push(batch.slice(0, rows.saturating_sub(extra)));
                Ok(())
            }
            Sink::Groups(_) => Ok(()),
        }
    }

    /// Whether the limit is reached.
    pub fn is_satisfied(&self) -> bool {
        self.plan.limit.is_some_and(|limit| self.kept_rows >= limit)
    }

    /// Rows that satisfied the filters so far.
    pub fn kept_rows(&self) -> usize {
        self.kept_rows
    }

    /// Bytes that a stage holds.
    pub fn stage_bytes(&self) -> usize {
        match &self.sink {
            Sink::Rows(_) => 0,
            Sink::Groups(groups) => groups.size(),
            Sink::Top(top) => top.size(),
        }
    }

    /// What is to be sent of everything so far.
    pub fn into_batch(self) -> Result<RecordBatch, MySqlError> {
        match self.sink {
            Sink::Groups(groups) => groups.finish(&self.plan.schema),
            Sink::Top(top) => top.finish(&self.plan.schema),
            Sink::Rows(batches) => match batches.as_slice() {
                [] => Ok(RecordBatch::new_empty(self.schema)),
                [only] => Ok(only.clone()),
                several => concat_batches(&self.schema, several).map_err(arrow_error),
            },
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
