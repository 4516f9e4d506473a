//! IN, BETWEEN and INTERVAL(n, ...). `a NOT IN ..` is `not(in(..))`.

use std::cmp::Ordering;

use rutile_sql_types::compare::compare_as;
use rutile_sql_types::{FieldType, MySqlError, Value, comparison_type};

use super::comparison::order;
use super::members::Members;
use crate::call::argument::double;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext, infer};
use crate::vector;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("in", 2, usize::MAX, infer::boolean, is_in).vector(vector::is_in),
    Function::new("between", 3, 3, infer::boolean, between).vector(vector::between),
    Function::new("interval", 2, usize::MAX, infer_interval, interval),
];

fn is_in(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if let Some(members) = Members::of(call) {
        return members.test(ctx, &args[0], call, |_, item| Ok(args[item].clone()));
    }
    if args[0].is_null() {
        return Ok(Value::Null);
    }
    let mut unknown = false;
    for i in 1..args.len() {
        match order(ctx, args, call, 0, i) {
            Some(Ordering::Equal) => return Ok(Value::bool(true)),
            Some(_) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::bool(false) })
}

/// `a BETWEEN b AND c`: if any of the three is a date and the others are constants, all are compared as dates.
fn between(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let low_how = comparison_type(&call.args[0], &call.args[1]);
    let high_how = comparison_type(&call.args[0], &call.args[2]);
    let low = compare_as(
        low_how,
        call.collation,
        &args[0],
        &call.args[0],
        &args[1],
        &call.args[1],
        &mut ctx.convert,
    );
    let high = compare_as(
        high_how,
        call.collation,
        &args[0],
        &call.args[0],
        &args[2],
        &call.args[2],
        &mut ctx.convert,
    );
    Ok(match (low.map(Ordering::is_ge), high.map(Ordering::is_le)) {
        (Some(false), _) | (_, Some(false)) => Value::bool(false),
        (Some(true), Some(true)) => Value::bool(true),
        _ => Value::Null,
    })
}

fn infer_interval(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::bigint().with_not_null())
}

fn interval(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(n) = double(ctx, args, call, 0) else {
        return Ok(Value::Int(-1));
    };
    let mut position = 0;
    for i in 1..args.len() {
        if double(ctx, args, call, i).is_some_and(|bound| bound > n) {
            break;
        }
        position = i as i64;
    }
    Ok(Value::Int(position))
}
