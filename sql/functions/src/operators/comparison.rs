//! = <=> <> < <= > >= and STRCMP: the type both sides meet in was chosen when the call was bound.

use std::cmp::Ordering;

use rutile_sql_types::compare::compare_as;
use rutile_sql_types::{MySqlError, Value};

use crate::call::infer;
use crate::call::{CallInfo, EvalContext, Function};
use crate::vector;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("=", 2, 2, infer::boolean, |c, a, i| test(c, a, i, Ordering::is_eq)).vector(vector::equal),
    Function::new("<>", 2, 2, infer::boolean, |c, a, i| test(c, a, i, Ordering::is_ne))
        .vector(vector::not_equal),
    Function::new("!=", 2, 2, infer::boolean, |c, a, i| test(c, a, i, Ordering::is_ne))
        .vector(vector::not_equal),
    Function::new("<", 2, 2, infer::boolean, |c, a, i| test(c, a, i, Ordering::is_lt)).vector(vector::less),
    Function::new("<=", 2, 2, infer::boolean, |c, a, i| test(c, a, i, Ordering::is_le))
        .vector(vector::less_or_equal),
    Function::new(">", 2, 2, infer::boolean, |c, a, i| test(c, a, i, Ordering::is_gt))
        .vector(vector::greater),
    Function::new(">=", 2, 2, infer::boolean, |c, a, i| test(c, a, i, Ordering::is_ge))
        .vector(vector::greater_or_equal),
    Function::new("<=>", 2, 2, infer::never_null_boolean, null_safe_equal),
    Function::new("strcmp", 2, 2, infer::integer, strcmp),
];

/// Order of two arguments of a call; the pair (0, 1) uses the bound comparison type.
pub(crate) fn order(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    a: usize,
    b: usize,
) -> Option<Ordering> {
    let how = if (a, b) == (0, 1) {
        call.comparison
    } else {
        rutile_sql_types::comparison_type(&call.args[a], &call.args[b])
    };
    compare_as(how, call.collation, &args[a], &call.args[a], &args[b], &call.args[b], &mut ctx.convert)
}

fn test(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    holds: fn(Ordering) -> bool,
) -> Result<Value, MySqlError> {
    Ok(order(ctx, args, call, 0, 1).map(|o| Value::bool(holds(o))).into())
}

fn null_safe_equal(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let equal = match (args[0].is_null(), args[1].is_null()) {
        (true, true) => true,
        (false, false) => order(ctx, args, call, 0, 1) == Some(Ordering::Equal),
        _ => false,
    };
    Ok(Value::bool(equal))
}

fn strcmp(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (a, b) =
        (crate::call::argument::text(ctx, args, call, 0), crate::call::argument::text(ctx, args, call, 1));
    Ok(a.zip(b).map(|(a, b)| Value::Int(call.collation.compare(&a, &b) as i64)).into())
}
