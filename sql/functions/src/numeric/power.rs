//! POW, SQRT, EXP and the logarithms: doubles. A logarithm of what has none is NULL with warning 3020.

use rutile_sql_types::{MySqlError, Value};

use super::overflow::finite;
use crate::call::argument::double;
use crate::call::infer;
use crate::call::{CallInfo, EvalContext, Function};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("pow", 2, 2, infer::double, pow),
    Function::new("power", 2, 2, infer::double, pow),
    Function::new("sqrt", 1, 1, infer::double, sqrt),
    Function::new("exp", 1, 1, infer::double, exp),
    Function::new("ln", 1, 1, infer::double, |c, a, i| logarithm(c, a, i, f64::ln)),
    Function::new("log2", 1, 1, infer::double, |c, a, i| logarithm(c, a, i, f64::log2)),
    Function::new("log10", 1, 1, infer::double, |c, a, i| logarithm(c, a, i, f64::log10)),
    Function::new("log", 1, 2, infer::double, log),
];

fn pow(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    match (double(ctx, args, call, 0), double(ctx, args, call, 1)) {
        (Some(base), Some(exponent)) => finite(base.powf(exponent), "pow", args, call),
        _ => Ok(Value::Null),
    }
}

fn sqrt(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(double(ctx, args, call, 0).filter(|v| *v >= 0.0).map(|v| Value::Double(v.sqrt())).into())
}

fn exp(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    match double(ctx, args, call, 0) {
        Some(v) => finite(v.exp(), "exp", args, call),
        None => Ok(Value::Null),
    }
}

fn invalid(ctx: &mut EvalContext) -> Value {
    ctx.warn(MySqlError::new(3020, "2201E", "Invalid argument for logarithm"));
    Value::Null
}

fn logarithm(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    of: fn(f64) -> f64,
) -> Result<Value, MySqlError> {
    Ok(match double(ctx, args, call, 0) {
        Some(v) if v > 0.0 => Value::Double(of(v)),
        Some(_) => invalid(ctx),
        None => Value::Null,
    })
}

/// LOG(x) is natural, LOG(b, x) to base b.
fn log(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.len() == 1 {
        return logarithm(ctx, args, call, f64::ln);
    }
    let (Some(base), Some(v)) = (double(ctx, args, call, 0), double(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    if v <= 0.0 || base <= 0.0 || base == 1.0 {
        return Ok(invalid(ctx));
    }
    Ok(Value::Double(v.ln() / base.ln()))
}
