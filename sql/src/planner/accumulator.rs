//! Aggregates that look at each row: DISTINCT, COUNT of several arguments, MIN and MAX of text.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::compute::take;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use rutile_sql_types::arrow::value_at;
use rutile_sql_types::{FieldType, MySqlError};

use super::groups::{Grow, SumGroups};
use crate::codec::datum;

/// Counts, sums or averages the distinct rows in which no argument is NULL.
#[derive(Debug)]
pub struct DistinctAccumulator {
    args: Vec<FieldType>,
    /// `None`: every row counts.
    seen: Option<HashSet<Vec<u8>>>,
    seen_bytes: usize,
    count: i64,
    sums: Option<SumGroups>,
}

impl DistinctAccumulator {
    pub fn new(args: Vec<FieldType>, distinct: bool, sums: Option<SumGroups>) -> Self {
        Self { args, seen: distinct.then(HashSet::new), seen_bytes: 0, count: 0, sums }
    }

    /// Rows of the batch that are new.
    fn new_rows(&mut self, values: &[ArrayRef]) -> Result<Vec<u64>> {
        let rows = values.first().map_or(0, |column| column.len());
        let mut found = Vec::new();
        for row in 0..rows {
            if values.iter().any(|column| column.is_null(row)) {
                continue;
            }
            if let Some(seen) = &mut self.seen {
                let mut key = Vec::new();
                for (column, ty) in values.iter().zip(&self.args) {
                    let value = value_at(column.as_ref(), ty, row).map_err(external)?;
                    datum::append(&mut key, &value, ty)
                        .map_err(|error| external(MySqlError::internal(error)))?;
                }
                let bytes = key.len();
                if !seen.insert(key) {
                    continue;
                }
                self.seen_bytes += bytes;
            }
            found.push(row as u64);
        }
        Ok(found)
    }
}

impl Accumulator for DistinctAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = self.new_rows(values)?;
        self.count += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if let (Some(sums), Some(column)) = (&mut self.sums, values.first()) {
            let count = rows.len();
            let column = take(column, &UInt64Array::from(rows), None)?;
            sums.update_batch(&[column], &vec![0; count], None, 1)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match &mut self.sums {
            None => Ok(ScalarValue::Int64(Some(self.count))),
            Some(sums) => {
                sums.grow(1);
                ScalarValue::try_from_array(&sums.evaluate(EmitTo::All)?, 0)
            }
        }
    }

    fn size(&self) -> usize {
        const ENTRY_OVERHEAD: usize = 48;
        size_of::<Self>()
            + self.seen_bytes
            + self.seen.as_ref().map_or(0, |seen| seen.capacity() * ENTRY_OVERHEAD)
    }

    /// Asked for when a grouping spills, or runs in two phases; neither may happen to a set of values.
    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Err(cannot_spill())
    }

    fn merge_batch(&mut self, _states: &[ArrayRef]) -> Result<()> {
        Err(cannot_spill())
    }
}

/// The least or greatest text by its collation; of equal ones the first.
#[derive(Debug)]
pub struct ExtremeText {
    ty: FieldType,
    greatest: bool,
    best: Option<(Vec<u8>, ScalarValue)>,
}

impl ExtremeText {
    pub fn new(ty: FieldType, greatest: bool) -> Self {
        Self { ty, greatest, best: None }
    }
}

impl Accumulator for ExtremeText {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(column) = values.first() else {
            return Ok(());
        };
        let mut key = Vec::new();
        for row in 0..column.len() {
            if column.is_null(row) {
                continue;
            }
            let value = value_at(column.as_ref(), &self.ty, row).map_err(external)?;
            key.clear();
            crate::expression::key::append_key(&value, &self.ty, &mut key);
            let better = match &self.best {
                None => true,
                Some((best, _)) if self.greatest => key > *best,
                Some((best, _)) => key < *best,
            };
            if better {
                self.best = Some((key.clone(), ScalarValue::try_from_array(column, row)?));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match &self.best {
            Some((_, value)) => Ok(value.clone()),
            None => ScalarValue::try_from(&self.ty.arrow_type()),
        }
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.best.as_ref().map_or(0, |(key, value)| key.capacity() + value.size())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}

fn external(error: MySqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn cannot_spill() -> DataFusionError {
    DataFusionError::ResourcesExhausted("an aggregate of distinct values cannot spill".to_owned())
}
