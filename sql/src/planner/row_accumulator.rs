//! Aggregates whose state machine is a function's own: GROUP_CONCAT, STD, BIT_OR and their like, fed row by
//! row; with DISTINCT each row once, with ORDER BY in that order at the end of the group.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::Accumulator;
use rutile_sql_functions::aggregate::{Accumulator as State, Aggregate, AggregateInfo};
use rutile_sql_types::arrow::value_at;
use rutile_sql_types::{FieldType, MySqlError, Value};

use crate::codec::datum;
use crate::expression::{Evaluation, vector};

/// One group of such an aggregate.
pub struct RowAccumulator {
    aggregate: &'static Aggregate,
    info: AggregateInfo,
    state: Box<dyn State>,
    /// Types of the ORDER BY columns, which follow the arguments, and whether they descend.
    order: Vec<(FieldType, bool)>,
    seen: Option<HashSet<Vec<u8>>>,
    /// Rows waiting for the end of the group, by sort key.
    waiting: Vec<(Vec<u8>, Vec<Value>)>,
    waiting_bytes: usize,
    statement: Arc<Evaluation>,
}

impl fmt::Debug for RowAccumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowAccumulator({})", self.aggregate.name)
    }
}

impl RowAccumulator {
    pub fn new(
        aggregate: &'static Aggregate,
        info: AggregateInfo,
        distinct: bool,
        order: Vec<(FieldType, bool)>,
        statement: Arc<Evaluation>,
    ) -> Self {
        let state = (aggregate.new)(&info);
        let seen = distinct.then(HashSet::new);
        Self { aggregate, info, state, order, seen, waiting: Vec::new(), waiting_bytes: 0, statement }
    }

    fn sort_key(&self, values: &[ArrayRef], row: usize) -> Result<Vec<u8>, MySqlError> {
        let mut key = Vec::new();
        for (column, (ty, descending)) in values.iter().skip(self.info.args.len()).zip(&self.order) {
            let start = key.len();
            append_key(&mut key, &value_at(column.as_ref(), ty, row)?, ty)?;
            if *descending {
                key.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
            }
        }
        Ok(key)
    }

    fn add(&mut self, values: &[ArrayRef]) -> Result<(), MySqlError> {
        let rows = values.first().map_or(0, |column| column.len());
        let mut context = self.statement.eval_context();
        for row in 0..rows {
            let mut args = Vec::with_capacity(self.info.args.len());
            for (column, ty) in values.iter().zip(&self.info.args) {
                args.push(value_at(column.as_ref(), ty, row)?);
            }
            if let Some(seen) = &mut self.seen {
                let mut key = Vec::new();
                for (value, ty) in args.iter().zip(&self.info.args) {
                    append_key(&mut key, value, ty)?;
                }
                if !seen.insert(key) {
                    continue;
                }
            }
            if self.order.is_empty() {
                self.state.accumulate(&mut context, &args)?;
            } else {
                let key = self.sort_key(values, row)?;
                self.waiting_bytes += key.len() + args.iter().map(Value::memory_size).sum::<usize>();
                self.waiting.push((key, args));
            }
        }
        self.statement.absorb(context);
        Ok(())
    }

    fn finish(&mut self) -> Result<Value, MySqlError> {
        let mut context = self.statement.eval_context();
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by(|a, b| a.0.cmp(&b.0));
        for (_, args) in waiting {
            self.state.accumulate(&mut context, &args)?;
        }
        let result = self.state.result(&mut context);
        self.statement.absorb(context);
        result
    }
}

fn append_key(key: &mut Vec<u8>, value: &Value, ty: &FieldType) -> Result<(), MySqlError> {
    datum::append(key, value, ty).map_err(MySqlError::internal)
}

impl Accumulator for RowAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(values).map_err(external)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.finish().map_err(external)?;
        scalar(&value, &self.info.result)
    }

    fn size(&self) -> usize {
        const ENTRY_OVERHEAD: usize = 64;
        size_of::<Self>()
            + self.state.size_bytes()
            + self.waiting_bytes
            + self.seen.as_ref().map_or(0, |seen| seen.capacity() * ENTRY_OVERHEAD)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        if self.seen.is_some() || !self.order.is_empty() {
            return Err(DataFusionError::ResourcesExhausted(format!("{} cannot spill", self.aggregate.name)));
        }
        let types = (self.aggregate.state)(&self.info);
        self.state.state().iter().zip(&types).map(|(value, ty)| scalar(value, ty)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let types = (self.aggregate.state)(&self.info);
        let mut context = self.statement.eval_context();
        for row in 0..states.first().map_or(0, |column| column.len()) {
            let mut values = Vec::with_capacity(types.len());
            for (column, ty) in states.iter().zip(&types) {
                values.push(value_at(column.as_ref(), ty, row).map_err(external)?);
            }
            self.state.merge(&mut context, &values).map_err(external)?;
        }
        self.statement.absorb(context);
        Ok(())
    }
}

fn scalar(value: &Value, ty: &FieldType) -> Result<ScalarValue> {
    let array = vector::array_of(std::iter::once(value), ty).map_err(external)?;
    ScalarValue::try_from_array(&array, 0)
}

fn external(error: MySqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
