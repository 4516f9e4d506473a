//! Assignment to numeric columns.

use crate::number::{parse_double_prefix, parse_integer_rounded};
use crate::{Decimal, FieldType, Level, MySqlError, NOT_FIXED_DECIMALS, TypeKind, Value};

use super::store::Target;
use super::{ConvertContext, to_decimal, to_double};

/// Smallest and largest value of an integer column.
fn bounds(ty: &FieldType) -> (i128, i128) {
    let bits = ty.kind.integer_bytes() * 8;
    if ty.unsigned { (0, (1i128 << bits) - 1) } else { (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1) }
}

fn incorrect(kind: &str, text: &[u8], target: Target<'_>, ctx: &ConvertContext) -> MySqlError {
    MySqlError::incorrect_value(kind, String::from_utf8_lossy(text), target.name, ctx.row)
}

pub(super) fn integer(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let number = match value {
        Value::Bytes(text) => {
            let parsed = parse_integer_rounded(text);
            if !parsed.any {
                ctx.complain(incorrect("integer", text, target, ctx), ())?;
            } else if !parsed.complete {
                ctx.complain(MySqlError::data_truncated(target.name, ctx.row), ())?;
            }
            parsed.value
        }
        Value::Int(v) => i128::from(*v),
        Value::UInt(v) => i128::from(*v),
        Value::Double(v) => v.round_ties_even() as i128,
        Value::Float(v) => f64::from(*v).round_ties_even() as i128,
        _ => {
            let decimal = to_decimal(value, from, ctx).and_then(|d| d.round_to(0)).unwrap_or(Decimal::ZERO);
            decimal.digits_i128().unwrap_or(if decimal.is_negative() { i128::MIN } else { i128::MAX })
        }
    };
    let (low, high) = bounds(target.ty);
    let number = if number < low || number > high {
        ctx.complain(MySqlError::out_of_range(target.name, ctx.row), number.clamp(low, high))?
    } else {
        number
    };
    Ok(if target.ty.unsigned { Value::UInt(number as u64) } else { Value::Int(number as i64) })
}

pub(super) fn real(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let number = match value {
        Value::Bytes(text) => {
            let parsed = parse_double_prefix(text);
            if !parsed.complete || !parsed.any {
                ctx.complain(MySqlError::data_truncated(target.name, ctx.row), ())?;
            }
            parsed.value
        }
        _ => to_double(value, from, ctx).unwrap_or(0.0),
    };
    let ty = target.ty;
    let mut limit = if ty.kind == TypeKind::Float { f64::from(f32::MAX) } else { f64::MAX };
    let mut number = number;
    if ty.decimals < NOT_FIXED_DECIMALS {
        let scale = 10f64.powi(i32::from(ty.decimals));
        limit = limit.min(10f64.powi(ty.length as i32 - i32::from(ty.decimals)) - 1.0 / scale);
        number = (number * scale).round_ties_even() / scale;
    }
    let low = if ty.unsigned { 0.0 } else { -limit };
    if number < low || number > limit {
        number = ctx.complain(MySqlError::out_of_range(target.name, ctx.row), number.clamp(low, limit))?;
    }
    Ok(if ty.kind == TypeKind::Float { Value::Float(number as f32) } else { Value::Double(number) })
}

pub(super) fn decimal(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let mut overflow = false;
    let number = match value {
        Value::Bytes(text) => {
            let start = text.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(text.len());
            let parsed = Decimal::parse_prefix(&text[start..]);
            overflow = parsed.overflow;
            if parsed.consumed == 0 {
                ctx.complain(incorrect("decimal", text, target, ctx), ())?;
            } else if text[start + parsed.consumed..].iter().any(|b| !b.is_ascii_whitespace()) {
                ctx.complain(MySqlError::data_truncated(target.name, ctx.row), ())?;
            }
            parsed.value
        }
        Value::Double(v) => match Decimal::from_f64(*v) {
            Some(parsed) => {
                overflow = parsed.overflow;
                if *v < 0.0 && overflow { Decimal::from(-1i64) } else { parsed.value }
            }
            None => Decimal::ZERO,
        },
        _ => to_decimal(value, from, ctx).unwrap_or(Decimal::ZERO),
    };
    let ty = target.ty;
    let rounded = number
        .round_to(ty.decimals)
        .filter(|d| !overflow && d.fits_precision(ty.length) && !(ty.unsigned && d.is_negative()));
    let Some(rounded) = rounded else {
        let max = Decimal::max_of(ty.length, ty.decimals);
        let nearest = match (number.is_negative(), ty.unsigned) {
            (true, true) => Decimal::from_i128(0, ty.decimals),
            (true, false) => max.negated(),
            (false, _) => max,
        };
        return ctx.complain(MySqlError::out_of_range(target.name, ctx.row), Value::Decimal(nearest));
    };
    // Digits cut after the point are only worth a note, in every sql_mode.
    if rounded != number {
        ctx.warnings.push(MySqlError::data_truncated(target.name, ctx.row).into_warning(Level::Note));
    }
    Ok(Value::Decimal(rounded))
}

pub(super) fn year(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let (number, short_text) = match value {
        Value::Datetime(v) => (i128::from(v.year()), false),
        Value::Bytes(text) => {
            let parsed = parse_integer_rounded(text);
            if !parsed.any {
                return ctx.complain(incorrect("integer", text, target, ctx), Value::UInt(0));
            }
            if !parsed.complete {
                ctx.complain(MySqlError::data_truncated(target.name, ctx.row), ())?;
            }
            (parsed.value, text.len() < 4)
        }
        _ => {
            let whole =
                to_decimal(value, from, ctx).and_then(|d| d.round_to(0)).and_then(|d| d.digits_i128());
            (whole.unwrap_or(-1), false)
        }
    };
    let year = match number {
        0 if short_text => 2000,
        0 | 1901..=2155 => number,
        1..=69 => number + 2000,
        70..=99 => number + 1900,
        _ => return ctx.complain(MySqlError::out_of_range(target.name, ctx.row), Value::UInt(0)),
    };
    Ok(Value::UInt(year as u64))
}

pub(super) fn bit(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let bits = target.ty.length.clamp(1, 64);
    let max = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    let number = match value {
        // Text is taken as bytes, big endian: b'1' is the number 49.
        Value::Bytes(bytes) => {
            let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
            let significant = &bytes[start..];
            if significant.len() > 8 {
                None
            } else {
                Some(significant.iter().fold(0u64, |n, b| n << 8 | u64::from(*b)))
            }
        }
        Value::UInt(v) => Some(*v),
        Value::Int(v) => Some(*v as u64),
        _ => to_decimal(value, from, ctx).and_then(|d| d.to_i64()).map(|v| v as u64),
    };
    match number {
        Some(v) if v <= max => Ok(Value::UInt(v)),
        _ => ctx.complain(MySqlError::data_too_long(target.name, ctx.row), Value::UInt(max)),
    }
}
