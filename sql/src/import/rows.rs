//! From the fields of a record to the values of a row.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{FieldType, MySqlError, TimeZone, Value};

use super::fields::Field;
use crate::catalog::TableInfo;
use crate::error::{Error, Result};
use crate::executor::column_values::{Strictness, computed, convert, implicit_default, reject_null};
use crate::executor::update::BoundAssignment;
use crate::meta::auto_id::Progression;

const LENIENT: Strictness = Strictness { strict: false, ignore: true };

/// Where a field of the file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldTarget {
    /// The column at this offset.
    Column(usize),
    /// The user variable of this number.
    Variable(usize),
    Skip,
}

/// What every row of the load shares.
pub(super) struct RowPlan {
    pub table: Arc<TableInfo>,
    /// REPLACE: rows in the way are deleted; otherwise the new row is skipped.
    pub replace: bool,
    pub targets: Vec<FieldTarget>,
    /// Names of the variables that fields go to.
    pub variables: Vec<Box<str>>,
    /// SET
    pub assignments: Vec<BoundAssignment>,
    /// By column offset.
    pub defaults: Vec<Value>,
    /// Of a field, and so of a variable.
    pub text: FieldType,
    pub zone: TimeZone,
    pub progression: Progression,
}

impl RowPlan {
    /// Values by column offset, and behind them the variables; too few or too many fields are warnings (1261, 1262).
    pub fn row(&self, fields: &[Field], record: u64, eval: &mut EvalContext) -> Result<Vec<Value>> {
        let mut row = Vec::with_capacity(self.defaults.len() + self.variables.len());
        row.extend_from_slice(&self.defaults);
        row.resize(self.defaults.len() + self.variables.len(), Value::Null);
        for (position, target) in self.targets.iter().enumerate() {
            let field = fields.get(position);
            if field.is_none() {
                eval.convert.warnings.warn(MySqlError::too_few_records(record));
            }
            let (offset, value) = match *target {
                FieldTarget::Skip => continue,
                FieldTarget::Variable(number) => {
                    let text = field.cloned().flatten();
                    (self.defaults.len() + number, text.map_or(Value::Null, Value::Bytes))
                }
                FieldTarget::Column(offset) => (offset, self.column(offset, field, eval)?),
            };
            if let Some(slot) = row.get_mut(offset) {
                *slot = value;
            }
        }
        if fields.len() > self.targets.len() {
            eval.convert.warnings.warn(MySqlError::too_many_records(record));
        }
        self.assign(&mut row, eval)?;
        Ok(row)
    }

    /// The value of a column from its field, or from none.
    fn column(&self, offset: usize, field: Option<&Field>, eval: &mut EvalContext) -> Result<Value> {
        let column = self.table.columns.get(offset).ok_or_else(|| Error::internal("column offset"))?;
        match field {
            Some(Some(text)) => convert(&Value::Bytes(text.clone()), &self.text, column, eval),
            Some(None) if column.auto_increment => Ok(Value::Null),
            Some(None) => reject_null(Value::Null, column, LENIENT, eval),
            None if column.ty.not_null && !column.auto_increment => Ok(implicit_default(&column.ty)),
            None => Ok(Value::Null),
        }
    }

    /// The SET clause, from left to right: each expression sees what the ones before it have set.
    fn assign(&self, row: &mut [Value], eval: &mut EvalContext) -> Result<()> {
        for assignment in &self.assignments {
            let column =
                self.table.columns.get(assignment.offset).ok_or_else(|| Error::internal("column offset"))?;
            let value = match &assignment.value {
                Some(expr) => computed(expr, row, column, eval)?,
                None => self.defaults.get(assignment.offset).cloned().unwrap_or(Value::Null),
            };
            let value =
                if column.auto_increment { value } else { reject_null(value, column, LENIENT, eval)? };
            if let Some(slot) = row.get_mut(assignment.offset) {
                *slot = value;
            }
        }
        Ok(())
    }
}
