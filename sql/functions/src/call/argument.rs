//! Reading arguments as the class of value a function works on. `None` is NULL.

use bytes::Bytes;
use rutile_sql_types::convert::{
    to_bool, to_bytes, to_datetime, to_decimal, to_double, to_duration, to_int_rounded,
};
use rutile_sql_types::temporal::DateFlags;
use rutile_sql_types::{Charset, Decimal, Duration, FieldType, PackedDatetime, Value};

use super::{CallInfo, EvalContext};

fn pick<'a>(args: &'a [Value], call: &'a CallInfo, i: usize) -> Option<(&'a Value, &'a FieldType)> {
    Some((args.get(i)?, call.args.get(i)?))
}

pub fn text(ctx: &EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<Bytes> {
    let (value, ty) = pick(args, call, i)?;
    match value {
        Value::Bytes(bytes) => Some(bytes.clone()),
        _ => to_bytes(value, ty, &ctx.convert),
    }
}

pub fn string(ctx: &EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<String> {
    text(ctx, args, call, i).map(|b| String::from_utf8_lossy(&b).into_owned())
}

pub fn int(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<i64> {
    let (value, ty) = pick(args, call, i)?;
    to_int_rounded(value, ty, &mut ctx.convert)
}

pub fn double(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<f64> {
    let (value, ty) = pick(args, call, i)?;
    to_double(value, ty, &mut ctx.convert)
}

pub fn decimal(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<Decimal> {
    let (value, ty) = pick(args, call, i)?;
    to_decimal(value, ty, &mut ctx.convert)
}

pub fn truth(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<bool> {
    let (value, ty) = pick(args, call, i)?;
    to_bool(value, ty, &mut ctx.convert)
}

pub fn datetime(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<PackedDatetime> {
    datetime_with(ctx, args, call, i, DateFlags::FUZZY)
}

pub fn datetime_with(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
    flags: DateFlags,
) -> Option<PackedDatetime> {
    let (value, ty) = pick(args, call, i)?;
    to_datetime(value, ty, flags, &mut ctx.convert)
}

/// A date on which days can be counted: neither zero nor partial.
pub fn full_date(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<PackedDatetime> {
    let flags = DateFlags { no_zero_in_date: true, no_zero_date: true, allow_invalid: false };
    datetime_with(ctx, args, call, i, flags)
}

pub fn duration(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<Duration> {
    let (value, ty) = pick(args, call, i)?;
    to_duration(value, ty, &mut ctx.convert)
}

/// Character set the bytes of an argument are read in.
pub fn charset(call: &CallInfo, i: usize) -> Charset {
    match call.args.get(i) {
        Some(ty) if ty.kind.is_string() => ty.collation.charset(),
        _ => Charset::Utf8mb4,
    }
}
