//! ROUND and TRUNCATE: exact numbers round half away from zero, doubles half to even as rint() does.

use rutile_sql_types::{Decimal, FieldType, MySqlError, TypeKind, Value};

use super::overflow::out_of_range;
use crate::call::argument::{decimal, double, int};
use crate::call::infer::{self, NumberClass, number_class};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("round", 1, 2, |_, args| infer_rounded(args, false), |c, a, i| rounded(c, a, i, "round")),
    Function::new(
        "truncate",
        2,
        2,
        |_, args| infer_rounded(args, true),
        |c, a, i| rounded(c, a, i, "truncate"),
    ),
];

/// Places further left than any digit.
const FAR_LEFT: i64 = -100;
/// Most places right of the point.
const MAX_PLACES: i64 = 30;

fn infer_rounded(args: &[ArgInfo<'_>], truncate: bool) -> Result<FieldType, MySqlError> {
    let ty = args[0].ty;
    let result = match number_class(ty) {
        NumberClass::Integer { unsigned } => FieldType { unsigned, ..FieldType::bigint() },
        NumberClass::Double => FieldType::double(),
        NumberClass::Decimal => {
            let (precision, scale) = (infer::precision(ty), infer::scale(ty));
            match places_of(args) {
                Some(places) => {
                    let kept = places.clamp(0, i64::from(scale)) as u8;
                    // Rounding may carry into a new digit: 9.9 becomes 10.
                    let carry = u32::from(kept < scale && !truncate);
                    infer::decimal(precision - u32::from(scale - kept) + carry, kept)
                }
                None => infer::decimal(precision, scale),
            }
        }
    };
    Ok(FieldType { not_null: args.iter().all(|a| a.ty.not_null), ..result })
}

/// The number of places if it is constant.
fn places_of(args: &[ArgInfo<'_>]) -> Option<i64> {
    let Some(places) = args.get(1) else { return Some(0) };
    match places.constant? {
        Value::Int(v) => Some(*v),
        Value::UInt(v) => Some(i64::try_from(*v).unwrap_or(i64::MAX)),
        Value::Decimal(v) => v.to_i64(),
        Value::Double(v) => Some(v.round_ties_even() as i64),
        _ => None,
    }
}

fn rounded(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, name: &str) -> Result<Value, MySqlError> {
    let truncate = name == "truncate";
    let places = if args.len() > 1 { int(ctx, args, call, 1) } else { Some(0) };
    let Some(places) = places.filter(|_| !args[0].is_null()) else {
        return Ok(Value::Null);
    };
    match call.result.kind {
        TypeKind::BigInt => {
            let Some(v) = decimal(ctx, args, call, 0) else {
                return Ok(Value::Null);
            };
            let v = round_decimal(&v, places.min(0), truncate);
            let fitting =
                if call.result.unsigned { v.to_u64().map(Value::UInt) } else { v.to_i64().map(Value::Int) };
            let kind = if call.result.unsigned { "BIGINT UNSIGNED" } else { "BIGINT" };
            fitting.ok_or_else(|| out_of_range(kind, name, args, call))
        }
        TypeKind::Decimal => {
            let Some(v) = decimal(ctx, args, call, 0) else {
                return Ok(Value::Null);
            };
            let v = round_decimal(&v, places.min(i64::from(call.result.decimals)), truncate);
            let v = v.round_to(call.result.decimals).filter(Decimal::fits);
            v.map(Value::Decimal).ok_or_else(|| out_of_range("DECIMAL", name, args, call))
        }
        _ => Ok(double(ctx, args, call, 0).map(|v| Value::Double(round_double(v, places, truncate))).into()),
    }
}

fn round_decimal(v: &Decimal, places: i64, truncate: bool) -> Decimal {
    if places < 0 {
        return v.round_left(places.max(FAR_LEFT).unsigned_abs() as u32, truncate);
    }
    let places = places.min(MAX_PLACES) as u8;
    if places >= v.scale() {
        return *v;
    }
    let result = if truncate { v.truncate_to(places) } else { v.round_to(places) };
    result.unwrap_or(*v)
}

/// my_double_round() of item_func.cc.
pub(crate) fn round_double(v: f64, places: i64, truncate: bool) -> f64 {
    let power = 10f64.powi(places.unsigned_abs().min(400) as i32);
    let cut = |v: f64| match truncate {
        true => v.trunc(),
        false => v.round_ties_even(),
    };
    if places < 0 {
        return if power.is_infinite() { 0.0 } else { cut(v / power) * power };
    }
    let scaled = v * power;
    if scaled.is_finite() { cut(scaled) / power } else { v }
}
