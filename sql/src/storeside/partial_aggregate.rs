//! Groups of a page's rows with their aggregate states, by the accumulators that also finish them.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::GroupsAccumulatorAdapter;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;
use rutile_sql_types::MySqlError;

use super::batch_of;
use crate::distsql::PartialAggregate;
use crate::executor::to_mysql_error;
use crate::expression::Evaluation;

/// The groups of one page so far.
pub struct PartialGroups<'a> {
    plan: &'a PartialAggregate,
    /// `None` without GROUP BY: all rows are one group.
    values: Option<Box<dyn GroupValues>>,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    /// The group of each row of a chunk.
    indices: Vec<usize>,
    rows: usize,
}

impl<'a> PartialGroups<'a> {
    pub fn new(plan: &'a PartialAggregate) -> Result<Self, MySqlError> {
        let values = if plan.keys.is_empty() {
            None
        } else {
            let schema = SchemaRef::clone(&plan.key_schema);
            Some(new_group_values(schema, &GroupOrdering::None).map_err(to_mysql_error)?)
        };
        let accumulators = plan
            .calls
            .iter()
            .map(|call| {
                if call.function.groups_accumulator_supported() {
                    return call.function.create_groups_accumulator();
                }
                let function = std::sync::Arc::clone(&call.function);
                let adapter = GroupsAccumulatorAdapter::new(move || function.create_accumulator());
                Ok(Box::new(adapter) as Box<dyn GroupsAccumulator>)
            })
            .collect::<Result<Vec<_>, DataFusionError>>()
            .map_err(to_mysql_error)?;
        Ok(Self { plan, values, accumulators, indices: Vec::new(), rows: 0 })
    }

    /// Adds the rows of a chunk, given as the decoded columns.
    pub fn add(
        &mut self,
        columns: &[ArrayRef],
        rows: usize,
        statement: &Evaluation,
    ) -> Result<(), MySqlError> {
        if rows == 0 {
            return Ok(());
        }
        self.rows += rows;
        let groups = match &mut self.values {
            None => {
                self.indices.clear();
                self.indices.resize(rows, 0);
                1
            }
            Some(values) => {
                let keys = self
                    .plan
                    .keys
                    .iter()
                    .map(|key| key.evaluate(columns, rows, statement))
                    .collect::<Result<Vec<_>, _>>()?;
                values.intern(&keys, &mut self.indices).map_err(to_mysql_error)?;
                values.len()
            }
        };
        for (call, accumulator) in self.plan.calls.iter().zip(&mut self.accumulators) {
            let args = call
                .args
                .iter()
                .map(|arg| arg.evaluate(columns, rows, statement))
                .collect::<Result<Vec<_>, _>>()?;
            accumulator.update_batch(&args, &self.indices, None, groups).map_err(to_mysql_error)?;
        }
        Ok(())
    }

    /// Bytes the groups and their states take.
    pub fn size(&self) -> usize {
        self.values.as_ref().map_or(0, |values| values.size())
            + self.accumulators.iter().map(|accumulator| accumulator.size()).sum::<usize>()
    }

    /// Keys, then states. A page without rows has no group: an empty state is not one of a value.
    pub fn finish(mut self, schema: &SchemaRef) -> Result<RecordBatch, MySqlError> {
        if self.rows == 0 {
            return Ok(RecordBatch::new_empty(SchemaRef::clone(schema)));
        }
        let (mut columns, groups) = match &mut self.values {
            None => (Vec::new(), 1),
            Some(values) => {
                let groups = values.len();
                (values.emit(EmitTo::All).map_err(to_mysql_error)?, groups)
            }
        };
        for accumulator in &mut self.accumulators {
            columns.extend(accumulator.state(EmitTo::All).map_err(to_mysql_error)?);
        }
        batch_of(schema, columns, groups)
    }
}
