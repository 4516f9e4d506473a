//! Bit operators: everything is an unsigned 64-bit number. (Bit operations on equal-length binary strings,
//! new in MySQL 8.0, are done bytewise for & | ^ and ~.)

use rutile_sql_types::convert::to_decimal;
use rutile_sql_types::{FieldType, MySqlError, Value};

use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("&", 2, 2, infer, |ctx, args, call| binary(ctx, args, call, |a, b| a & b, |a, b| a & b)),
    Function::new("|", 2, 2, infer, |ctx, args, call| binary(ctx, args, call, |a, b| a | b, |a, b| a | b)),
    Function::new("^", 2, 2, infer, |ctx, args, call| binary(ctx, args, call, |a, b| a ^ b, |a, b| a ^ b)),
    Function::new("<<", 2, 2, infer_shift, |ctx, args, call| {
        shift(ctx, args, call, |v, n| v.checked_shl(n).unwrap_or(0))
    }),
    Function::new(">>", 2, 2, infer_shift, |ctx, args, call| {
        shift(ctx, args, call, |v, n| v.checked_shr(n).unwrap_or(0))
    }),
    Function::new("~", 1, 1, infer, invert),
    Function::new("bit_count", 1, 1, crate::call::infer::integer, bit_count),
];

fn both_binary(args: &[ArgInfo<'_>]) -> bool {
    args.iter().all(|a| a.ty.kind.is_bytes() && a.constant.is_none())
}

fn infer(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    if both_binary(args) {
        return Ok(FieldType::varbinary(args.iter().map(|a| a.ty.length).max().unwrap_or(0)));
    }
    Ok(FieldType { not_null: args.iter().all(|a| a.ty.not_null), ..FieldType::ubigint() })
}

fn infer_shift(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType { not_null: args.iter().all(|a| a.ty.not_null), ..FieldType::ubigint() })
}

/// The 64 bits of a value; decimals and doubles are rounded, negative numbers wrap.
pub(crate) fn bits(ctx: &mut EvalContext, value: &Value, ty: &FieldType) -> Option<u64> {
    match value {
        Value::Null => None,
        Value::Int(v) => Some(*v as u64),
        Value::UInt(v) => Some(*v),
        Value::Bytes(_) => rutile_sql_types::convert::to_unsigned(value, ty, &mut ctx.convert),
        Value::Double(v) if *v < 0.0 => Some(v.round_ties_even() as i64 as u64),
        Value::Double(v) => Some(v.round_ties_even() as u64),
        _ => {
            let whole = to_decimal(value, ty, &mut ctx.convert)?.round_to(0)?.digits_i128()?;
            Some(if whole < 0 {
                whole.max(i64::MIN.into()) as i64 as u64
            } else {
                whole.min(u64::MAX.into()) as u64
            })
        }
    }
}

fn binary(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    numbers: fn(u64, u64) -> u64,
    bytes: fn(u8, u8) -> u8,
) -> Result<Value, MySqlError> {
    if let (true, Value::Bytes(a), Value::Bytes(b)) = (call.result.kind.is_bytes(), &args[0], &args[1]) {
        if a.len() != b.len() {
            return Err(MySqlError::new(
                3513,
                "HY000",
                "Binary operands of bitwise operators must be of equal length",
            ));
        }
        return Ok(a.iter().zip(b).map(|(x, y)| bytes(*x, *y)).collect::<Vec<u8>>().into());
    }
    let (a, b) = (bits(ctx, &args[0], &call.args[0]), bits(ctx, &args[1], &call.args[1]));
    Ok(a.zip(b).map(|(a, b)| Value::UInt(numbers(a, b))).into())
}

fn shift(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    apply: fn(u64, u32) -> u64,
) -> Result<Value, MySqlError> {
    let (a, b) = (bits(ctx, &args[0], &call.args[0]), bits(ctx, &args[1], &call.args[1]));
    Ok(a.zip(b).map(|(a, b)| Value::UInt(u32::try_from(b).map_or(0, |n| apply(a, n)))).into())
}

fn invert(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if let (true, Value::Bytes(a)) = (call.result.kind.is_bytes(), &args[0]) {
        return Ok(a.iter().map(|b| !b).collect::<Vec<u8>>().into());
    }
    Ok(bits(ctx, &args[0], &call.args[0]).map(|v| Value::UInt(!v)).into())
}

fn bit_count(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(bits(ctx, &args[0], &call.args[0]).map(|v| Value::Int(i64::from(v.count_ones()))).into())
}
