//! Running a call over arrays: by its vector kernel if it has one for these types, else row by row.

use arrow::array::{Array, ArrayRef};
use rutile_sql_types::arrow::{ValueBuilder, value_at};
use rutile_sql_types::{FieldType, MySqlError, Value};

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
    let mut builder = GrowingColumn::new(&call.result, rows);
    let mut values = vec![Value::Null; args.len()];
    for row in 0..rows {
        if row % ROWS_PER_KILL_CHECK == 0 {
            ctx.check_killed()?;
        }
        for (index, arg) in args.iter().enumerate() {
            values[index] = arg.value(call, index, row)?;
        }
        let value = (function.eval)(ctx, &values, call)?;
        builder.append(&value, ctx)?;
    }
    Ok(builder.finish())
}

/// Bytes of text between two looks at the statement's memory.
const BYTES_PER_MEMORY_CHECK: usize = 1 << 20;
/// Arrow's offsets into a column of text are 32 bits.
const COLUMN_BYTES_MAX: usize = i32::MAX as usize;

/// Values into an array that must not outgrow the statement's memory.
pub struct GrowingColumn {
    builder: ValueBuilder,
    bytes: usize,
    checked: usize,
}

impl GrowingColumn {
    pub fn new(ty: &FieldType, capacity: usize) -> Self {
        Self { builder: ValueBuilder::new(ty, capacity), bytes: 0, checked: 0 }
    }

    pub fn append(&mut self, value: &Value, ctx: &EvalContext) -> Result<(), MySqlError> {
        if let Value::Bytes(text) = value {
            self.bytes += text.len();
            if self.bytes > COLUMN_BYTES_MAX {
                return Err(MySqlError::new(
                    3170,
                    "HY000",
                    format!("Memory capacity of {COLUMN_BYTES_MAX} bytes for 'a column' exceeded."),
                ));
            }
            if self.bytes >= self.checked + BYTES_PER_MEMORY_CHECK {
                ctx.check_killed()?;
                ctx.check_memory(self.bytes)?;
                self.checked = self.bytes;
            }
        }
        self.builder.append(value)
    }

    pub fn finish(self) -> ArrayRef {
        self.builder.finish()
    }
}
