//! Running a call over arrays: by its vector kernel if it has one for these types, else row by row.

use arrow::array::{Array, ArrayRef};
use rutile_sql_types::arrow::{ValueBuilder, value_at};
use rutile_sql_types::{MySqlError, Value};

use super::{CallInfo, EvalContext, Function};

/// An argument over a batch: one value per row, or the same value for all.
#[derive(Clone, Debug)]
pub enum ColumnarArg {
    Array(ArrayRef),
    Scalar(Value),
}

impl ColumnarArg {
    pub fn value(&self, call: &CallInfo, index: usize, row: usize) -> Result<Value, MySqlError> {
        match self {
            ColumnarArg::Scalar(value) => Ok(value.clone()),
            ColumnarArg::Array(array) => value_at(array.as_ref(), &call.args[index], row),
        }
    }

    pub fn as_array(&self) -> Option<&dyn Array> {
        match self {
            ColumnarArg::Array(array) => Some(array.as_ref()),
            ColumnarArg::Scalar(_) => None,
        }
    }
}

/// Rows between two looks at the kill flag.
const ROWS_PER_KILL_CHECK: usize = 1024;

/// Evaluates `function` for `rows` rows.
pub fn eval_arrow(
    function: &Function,
    ctx: &mut EvalContext,
    args: &[ColumnarArg],
    call: &CallInfo,
    rows: usize,
) -> Result<ArrayRef, MySqlError> {
    ctx.check_killed()?;
    if let Some(vector) = function.vector
        && let Some(array) = vector(ctx, args, call, rows)?
    {
        return Ok(array);
    }
    let mut builder = ValueBuilder::new(&call.result, rows);
    let mut values = vec![Value::Null; args.len()];
    for row in 0..rows {
        if row % ROWS_PER_KILL_CHECK == 0 {
            ctx.check_killed()?;
        }
        for (index, arg) in args.iter().enumerate() {
            values[index] = arg.value(call, index, row)?;
        }
        builder.append(&(function.eval)(ctx, &values, call)?)?;
    }
    Ok(builder.finish())
}
