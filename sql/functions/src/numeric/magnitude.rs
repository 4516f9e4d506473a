//! ABS and SIGN.

use std::cmp::Ordering;

use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use super::overflow::out_of_range;
use crate::call::argument::{decimal, double, int};
use crate::call::infer::{self, NumberClass, number_class};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] =
    &[Function::new("abs", 1, 1, infer_abs, abs), Function::new("sign", 1, 1, infer::integer, sign)];

fn infer_abs(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let ty = args[0].ty;
    let result = match number_class(ty) {
        NumberClass::Integer { unsigned } => {
            FieldType { unsigned, length: ty.length.max(1), ..FieldType::bigint() }
        }
        NumberClass::Decimal => infer::decimal(infer::precision(ty), infer::scale(ty)),
        NumberClass::Double => FieldType::double(),
    };
    Ok(FieldType { not_null: ty.not_null, ..result })
}

fn abs(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(match (&args[0], call.result.kind) {
        (Value::Null, _) => Value::Null,
        (Value::UInt(v), TypeKind::BigInt) => Value::UInt(*v),
        (_, TypeKind::BigInt) => match int(ctx, args, call, 0) {
            Some(v) => match v.checked_abs() {
                Some(v) => Value::Int(v),
                None => return Err(out_of_range("BIGINT", "abs", args, call)),
            },
            None => Value::Null,
        },
        (_, TypeKind::Decimal) => decimal(ctx, args, call, 0).map(|v| Value::Decimal(v.abs())).into(),
        _ => double(ctx, args, call, 0).map(|v| Value::Double(v.abs())).into(),
    })
}

fn sign(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let order = match number_class(&call.args[0]) {
        NumberClass::Double => double(ctx, args, call, 0).and_then(|v| v.partial_cmp(&0.0)),
        _ => decimal(ctx, args, call, 0).map(|v| match (v.is_zero(), v.is_negative()) {
            (true, _) => Ordering::Equal,
            (_, true) => Ordering::Less,
            _ => Ordering::Greater,
        }),
    };
    Ok(order.map(|order| Value::Int(order as i64)).into())
}
