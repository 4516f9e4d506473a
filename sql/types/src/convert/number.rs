//! Any value as an integer, a decimal, a double or a truth value.

use crate::number::{parse_double_prefix, parse_integer_prefix, parse_integer_rounded};
use crate::temporal::{datetime_to_number, duration_to_number};
use crate::{Decimal, FieldType, Json, MySqlError, TypeKind, Value};

use super::ConvertContext;

fn lossy(text: &[u8]) -> String {
    // MySQL cuts the quoted value in this message at 128 bytes.
    String::from_utf8_lossy(text).chars().take(128).collect()
}

/// Text of ENUM and SET values, which are numbers otherwise.
fn temporal_number(value: &Value, ty: &FieldType, ctx: &ConvertContext) -> Option<(i64, u32)> {
    match value {
        Value::Datetime(v) => {
            let v = if ty.kind == TypeKind::Timestamp { ctx.time_zone.from_utc(*v) } else { *v };
            Some((datetime_to_number(v, ty.kind != TypeKind::Date), v.parts().microsecond))
        }
        Value::Duration(v) => Some((duration_to_number(*v), v.parts().4)),
        _ => None,
    }
}

/// As a double, MySQL's meaning of a value in floating point arithmetic.
pub fn to_double(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) -> Option<f64> {
    Some(match value {
        Value::Null => return None,
        Value::Int(v) => *v as f64,
        Value::UInt(v) => *v as f64,
        Value::Float(v) => f64::from(*v),
        Value::Double(v) => *v,
        Value::Decimal(v) => v.to_f64(),
        Value::Bytes(text) => {
            let parsed = parse_double_prefix(text);
            if !parsed.complete || parsed.overflow {
                ctx.warn(MySqlError::truncated_wrong_value("DOUBLE", lossy(text)));
            }
            parsed.value
        }
        Value::Datetime(_) | Value::Duration(_) => {
            let (number, micros) = temporal_number(value, ty, ctx)?;
            let fraction = f64::from(micros) / 1e6;
            if number < 0 || matches!(value, Value::Duration(d) if d.is_negative()) {
                number as f64 - fraction
            } else {
                number as f64 + fraction
            }
        }
        Value::Json(json) => json_number(json, ctx, "DOUBLE").to_f64(),
    })
}

/// As an exact number.
pub fn to_decimal(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) -> Option<Decimal> {
    Some(match value {
        Value::Null => return None,
        Value::Int(v) => Decimal::from(*v),
        Value::UInt(v) => Decimal::from(*v),
        Value::Float(v) => Decimal::from_f64(f64::from(*v)).map_or(Decimal::ZERO, |p| p.value),
        Value::Double(v) => match Decimal::from_f64(*v) {
            Some(parsed) if !parsed.overflow => parsed.value,
            _ => Decimal::max_of(65, 0),
        },
        Value::Decimal(v) => *v,
        Value::Bytes(text) => {
            let start = text.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(text.len());
            let parsed = Decimal::parse_prefix(&text[start..]);
            let rest = &text[start + parsed.consumed..];
            if parsed.consumed == 0 || rest.iter().any(|b| !b.is_ascii_whitespace()) {
                ctx.warn(MySqlError::truncated_wrong_value("DECIMAL", lossy(text)));
            }
            parsed.value
        }
        Value::Datetime(_) | Value::Duration(_) => {
            let (number, micros) = temporal_number(value, ty, ctx)?;
            let fsp = ty.fsp();
            let negative = matches!(value, Value::Duration(d) if d.is_negative());
            let digits = i128::from(number) * 1_000_000
                + if negative { -i128::from(micros) } else { i128::from(micros) };
            Decimal::from_i128(digits, 6).round_to(fsp)?
        }
        Value::Json(json) => json_number(json, ctx, "DECIMAL"),
    })
}

fn json_number(json: &Json, ctx: &mut ConvertContext, kind: &str) -> Decimal {
    match json {
        Json::Int(v) => Decimal::from(*v),
        Json::UInt(v) => Decimal::from(*v),
        Json::Double(v) => Decimal::from_f64(*v).map_or(Decimal::ZERO, |p| p.value),
        Json::Decimal(v) => *v,
        Json::Bool(b) => Decimal::from(i64::from(*b)),
        Json::String(s) => {
            let parsed = Decimal::parse_prefix(s.trim_start().as_bytes());
            if parsed.consumed == 0 || parsed.consumed != s.trim().len() {
                ctx.warn(MySqlError::new(
                    3156,
                    "22018",
                    format!("Invalid JSON value for CAST to {kind} from column json at row {}", ctx.row),
                ));
            }
            parsed.value
        }
        _ => {
            ctx.warn(MySqlError::new(
                3156,
                "22018",
                format!("Invalid JSON value for CAST to {kind} from column json at row {}", ctx.row),
            ));
            Decimal::ZERO
        }
    }
}

/// As CAST(.. AS SIGNED): text is cut at the first non-digit, doubles and decimals are rounded and clipped.
pub fn to_int(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) -> Option<i64> {
    Some(match value {
        Value::UInt(v) => *v as i64,
        Value::Bytes(text) => {
            let parsed = parse_integer_prefix(text);
            if !parsed.complete || parsed.overflow {
                ctx.warn(MySqlError::truncated_wrong_value("INTEGER", lossy(text)));
            }
            match i64::try_from(parsed.value) {
                Ok(v) => v,
                // CAST('18446744073709551615' AS SIGNED) is -1: the bits are kept.
                Err(_) => parsed.value as u64 as i64,
            }
        }
        _ => clip(rounded(value, ty, ctx)?, i64::MIN.into(), i64::MAX.into(), ctx) as i64,
    })
}

/// As CAST(.. AS UNSIGNED); negative integers wrap with a warning.
pub fn to_unsigned(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) -> Option<u64> {
    Some(match value {
        Value::Int(v) => *v as u64,
        Value::UInt(v) => *v,
        Value::Bytes(text) => {
            let parsed = parse_integer_prefix(text);
            if !parsed.complete || parsed.overflow {
                ctx.warn(MySqlError::truncated_wrong_value("INTEGER", lossy(text)));
            }
            if parsed.value < 0 {
                ctx.warn(MySqlError::cast_to_unsigned_wrapped());
            }
            parsed.value as u64
        }
        Value::Decimal(_) => clip(rounded(value, ty, ctx)?, 0, u64::MAX.into(), ctx) as u64,
        _ => {
            let v = rounded(value, ty, ctx)?;
            if v < 0 {
                clip(v, i64::MIN.into(), 0, ctx) as i64 as u64
            } else {
                clip(v, 0, u64::MAX.into(), ctx) as u64
            }
        }
    })
}

fn clip(v: i128, low: i128, high: i128, ctx: &mut ConvertContext) -> i128 {
    if v < low || v > high {
        ctx.warn(MySqlError::truncated_wrong_value(if low == 0 { "DECIMAL" } else { "INTEGER" }, v));
    }
    v.clamp(low, high)
}

/// Rounded to a whole number; doubles round half to even as rint() does, decimals half away from zero.
fn rounded(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) -> Option<i128> {
    Some(match value {
        Value::Null => return None,
        Value::Int(v) => i128::from(*v),
        Value::UInt(v) => i128::from(*v),
        Value::Float(v) => f64::from(*v).round_ties_even() as i128,
        Value::Double(v) => v.round_ties_even() as i128,
        Value::Json(Json::Double(v)) => v.round_ties_even() as i128,
        Value::Json(Json::String(s)) => {
            let parsed = parse_integer_prefix(s.as_bytes());
            if !parsed.complete {
                ctx.warn(MySqlError::new(
                    3156,
                    "22018",
                    format!("Invalid JSON value for CAST to INTEGER from column json at row {}", ctx.row),
                ));
            }
            parsed.value
        }
        _ => {
            let decimal = to_decimal(value, ty, ctx)?;
            let whole = decimal.round_to(0)?;
            whole.digits_i128().unwrap_or(if whole.is_negative() { i128::MIN } else { i128::MAX })
        }
    })
}

/// As an integer argument of a function: text is read as a number and rounded ('1.9' is 2).
pub fn to_int_rounded(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) -> Option<i64> {
    match value {
        Value::Bytes(text) => {
            let parsed = parse_integer_rounded(text);
            if !parsed.complete {
                ctx.warn(MySqlError::truncated_wrong_value("INTEGER", lossy(text)));
            }
            Some(parsed.value.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
        }
        Value::UInt(v) => Some(i64::try_from(*v).unwrap_or(i64::MAX)),
        _ => rounded(value, ty, ctx).map(|v| v.clamp(i64::MIN.into(), i64::MAX.into()) as i64),
    }
}

/// The truth of a value: not equal to zero. NULL is unknown.
pub fn to_bool(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) -> Option<bool> {
    Some(match value {
        Value::Null => return None,
        Value::Int(v) => *v != 0,
        Value::UInt(v) => *v != 0,
        Value::Decimal(v) => !v.is_zero(),
        Value::Datetime(v) => !v.is_zero(),
        Value::Duration(v) => v.micros() != 0,
        // Compared with the number 0 as JSON, from which everything but that number differs.
        Value::Json(json) => json.compare(&Json::Int(0)) != std::cmp::Ordering::Equal,
        _ => to_double(value, ty, ctx)? != 0.0,
    })
}
