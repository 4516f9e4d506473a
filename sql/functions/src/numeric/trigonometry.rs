//! PI, DEGREES, RADIANS and the trigonometric functions.

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::overflow::finite;
use crate::call::argument::double;
use crate::call::infer;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("pi", 0, 0, infer_pi, |_, _, _| Ok(Value::Double(std::f64::consts::PI))),
    Function::new("degrees", 1, 1, infer_plain, |c, a, i| of(c, a, i, f64::to_degrees)),
    Function::new("radians", 1, 1, infer_plain, |c, a, i| of(c, a, i, f64::to_radians)),
    Function::new("sin", 1, 1, infer::double, |c, a, i| of(c, a, i, f64::sin)),
    Function::new("cos", 1, 1, infer::double, |c, a, i| of(c, a, i, f64::cos)),
    Function::new("tan", 1, 1, infer::double, |c, a, i| of(c, a, i, f64::tan)),
    Function::new("cot", 1, 1, infer::double, cot),
    Function::new("asin", 1, 1, infer::double, |c, a, i| inverse(c, a, i, f64::asin)),
    Function::new("acos", 1, 1, infer::double, |c, a, i| inverse(c, a, i, f64::acos)),
    Function::new("atan", 1, 2, infer::double, arctangent),
    Function::new("atan2", 1, 2, infer::double, arctangent),
];

/// Shows six decimals but counts with all of them.
fn infer_pi(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(infer::double_with(6).with_length(8).with_not_null())
}

fn infer_plain(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType { not_null: args[0].ty.not_null, ..FieldType::double() })
}

fn of(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    of: fn(f64) -> f64,
) -> Result<Value, MySqlError> {
    Ok(double(ctx, args, call, 0).map(|v| Value::Double(of(v))).into())
}

/// NULL outside of -1 .. 1.
fn inverse(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    of: fn(f64) -> f64,
) -> Result<Value, MySqlError> {
    Ok(double(ctx, args, call, 0).filter(|v| (-1.0..=1.0).contains(v)).map(|v| Value::Double(of(v))).into())
}

fn cot(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    match double(ctx, args, call, 0) {
        Some(v) => finite(1.0 / v.tan(), "cot", args, call),
        None => Ok(Value::Null),
    }
}

fn arctangent(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(first) = double(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    if args.len() == 1 {
        return Ok(Value::Double(first.atan()));
    }
    Ok(double(ctx, args, call, 1).map(|second| Value::Double(first.atan2(second))).into())
}
