//! Results outside of the range of their type: NULL with a warning.

use rutile_sql_types::{MySqlError, Value};

use crate::call::{CallInfo, EvalContext};
use crate::numeric::call_text;

/// NULL with warning 1441.
pub(super) fn overflow(ctx: &mut EvalContext, kind: &str) -> Value {
    ctx.warn(MySqlError::datetime_function_overflow(kind));
    Value::Null
}

/// Warns 6527: `TIME value is out of range in 'addtime(..)'`.
pub(super) fn warn_out_of_range(
    ctx: &mut EvalContext,
    kind: &str,
    function: &str,
    args: &[Value],
    call: &CallInfo,
) {
    let text = call_text(function, args, call);
    ctx.warn(MySqlError::new(6527, "22003", format!("{kind} value is out of range in '{text}'")));
}
