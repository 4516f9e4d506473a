//! BENCHMARK and SLEEP.

use rutile_sql_types::{FieldType, MySqlError, Value};

use crate::call::argument::{double, int};
use crate::call::{CallInfo, EvalContext, Function};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("sleep", 1, 1, |_, _| Ok(FieldType::bigint().with_not_null()), sleep).volatile(),
    Function::new("benchmark", 2, 2, |_, _| Ok(FieldType::bigint().with_length(1)), benchmark).volatile(),
];

/// Only SLEEP(0): a kernel runs on a thread that many statements share and must not hold it.
fn sleep(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    match double(ctx, args, call, 0) {
        Some(seconds) if seconds >= 0.0 => {}
        _ => return Err(MySqlError::wrong_arguments("sleep.")),
    }
    ctx.check_killed()?;
    match double(ctx, args, call, 0) {
        Some(0.0) => Ok(Value::Int(0)),
        _ => Err(MySqlError::not_supported_yet("SLEEP")),
    }
}

/// The expression was evaluated with the arguments; repeating it changes no result.
fn benchmark(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(match int(ctx, args, call, 0) {
        Some(count) if count >= 0 => Value::Int(0),
        Some(count) => {
            ctx.warn(MySqlError::wrong_value_for_type("count", count, "benchmark"));
            Value::Null
        }
        None => Value::Null,
    })
}
