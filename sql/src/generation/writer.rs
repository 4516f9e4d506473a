//! Completing a row that is about to be written, and what may not be written.

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{MySqlError, Value};

use super::Generation;
use super::formula::{Purpose, with_fixed_modes};
use crate::catalog::TableInfo;

impl Generation {
    /// Sets the generated columns of a new row whose other columns are set, those that are not public yet among them, and
    /// sees that a partition holds it (1526).
    pub fn complete(
        &self,
        table: &TableInfo,
        row: &mut [Value],
        context: &mut EvalContext,
    ) -> Result<(), MySqlError> {
        self.write(table, row, None, None, context)
    }

    /// Sets only the columns at these offsets, of a row in which the others are set.
    pub fn complete_columns(
        &self,
        table: &TableInfo,
        row: &mut [Value],
        offsets: &[usize],
        context: &mut EvalContext,
    ) -> Result<(), MySqlError> {
        self.write(table, row, None, Some(offsets), context)
    }

    /// The same of a row that was `old`: what it computes from values that have not changed stays.
    pub fn complete_changed(
        &self,
        table: &TableInfo,
        row: &mut [Value],
        old: &[Value],
        context: &mut EvalContext,
    ) -> Result<(), MySqlError> {
        self.write(table, row, Some(old), None, context)
    }

    fn write(
        &self,
        table: &TableInfo,
        row: &mut [Value],
        old: Option<&[Value]>,
        only: Option<&[usize]>,
        context: &mut EvalContext,
    ) -> Result<(), MySqlError> {
        with_fixed_modes(context, Purpose::Write, |context| {
            for formula in &self.formulas {
                let unchanged =
                    |old: &[Value]| formula.reads.iter().all(|read| old.get(*read) == row.get(*read));
                let left_out = only.is_some_and(|only| !only.contains(&formula.offset));
                if left_out || old.is_some_and(unchanged) {
                    continue;
                }
                let column = table
                    .columns
                    .get(formula.offset)
                    .ok_or_else(|| MySqlError::internal("a generated column beyond the table"))?;
                let value = formula.written(column, row, context)?;
                if let Some(slot) = row.get_mut(formula.offset) {
                    *slot = value;
                }
            }
            match &self.partition {
                Some(partition) if only.is_none() => partition.check(row, context),
                _ => Ok(()),
            }
        })
    }
}

/// [`Generation::complete`] of a table that may have no generated column.
pub fn complete(table: &TableInfo, row: &mut [Value], context: &mut EvalContext) -> Result<(), MySqlError> {
    match table.generation()? {
        Some(generation) => generation.complete(table, row, context),
        None => Ok(()),
    }
}

/// Errors of a row that IGNORE leaves out with a warning.
const LEFT_OUT: [u16; 1] = [1526];

/// Under IGNORE a row that no partition holds is a warning: `None`.
pub fn unless_left_out<T>(
    result: Result<T, MySqlError>,
    context: &mut EvalContext,
) -> Result<Option<T>, MySqlError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if context.convert.ignore && LEFT_OUT.contains(&error.code) => {
            context.warn(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
