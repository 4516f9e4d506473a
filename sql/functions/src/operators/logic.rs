//! AND OR XOR NOT with three truth values, and the IS tests.

use rutile_sql_types::{MySqlError, Value};

use crate::call::argument::truth;
use crate::call::infer;
use crate::call::{CallInfo, EvalContext, Function};
use crate::vector;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("and", 2, usize::MAX, infer::boolean, and).lazy().vector(vector::and),
    Function::new("or", 2, usize::MAX, infer::boolean, or).lazy().vector(vector::or),
    Function::new("xor", 2, 2, infer::boolean, xor),
    Function::new("not", 1, 1, infer::boolean, not).vector(vector::not),
    Function::new("is_null", 1, 1, infer::never_null_boolean, |_, a, _| Ok(Value::bool(a[0].is_null())))
        .vector(vector::is_null),
    Function::new("is_not_null", 1, 1, infer::never_null_boolean, |_, a, _| Ok(Value::bool(!a[0].is_null())))
        .vector(vector::is_not_null),
    Function::new("isnull", 1, 1, infer::never_null_boolean, |_, a, _| Ok(Value::bool(a[0].is_null())))
        .vector(vector::is_null),
    Function::new("is_true", 1, 1, infer::never_null_boolean, |c, a, i| {
        Ok(Value::bool(truth(c, a, i, 0) == Some(true)))
    }),
    Function::new("is_not_true", 1, 1, infer::never_null_boolean, |c, a, i| {
        Ok(Value::bool(truth(c, a, i, 0) != Some(true)))
    }),
    Function::new("is_false", 1, 1, infer::never_null_boolean, |c, a, i| {
        Ok(Value::bool(truth(c, a, i, 0) == Some(false)))
    }),
    Function::new("is_not_false", 1, 1, infer::never_null_boolean, |c, a, i| {
        Ok(Value::bool(truth(c, a, i, 0) != Some(false)))
    }),
    Function::new("is_unknown", 1, 1, infer::never_null_boolean, |c, a, i| {
        Ok(Value::bool(truth(c, a, i, 0).is_none()))
    }),
    Function::new("is_not_unknown", 1, 1, infer::never_null_boolean, |c, a, i| {
        Ok(Value::bool(truth(c, a, i, 0).is_some()))
    }),
];

fn and(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let mut unknown = false;
    for i in 0..args.len() {
        match truth(ctx, args, call, i) {
            Some(false) => return Ok(Value::bool(false)),
            Some(true) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::bool(true) })
}

fn or(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let mut unknown = false;
    for i in 0..args.len() {
        match truth(ctx, args, call, i) {
            Some(true) => return Ok(Value::bool(true)),
            Some(false) => {}
            None => unknown = true,
        }
    }
    Ok(if unknown { Value::Null } else { Value::bool(false) })
}

fn xor(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (a, b) = (truth(ctx, args, call, 0), truth(ctx, args, call, 1));
    Ok(a.zip(b).map(|(a, b)| Value::bool(a != b)).into())
}

fn not(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(truth(ctx, args, call, 0).map(|v| Value::bool(!v)).into())
}
