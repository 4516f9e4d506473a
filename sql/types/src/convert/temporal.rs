//! Any value as a date (with time) or as a TIME.

use crate::temporal::{
    DateFlags, ParsedDatetime, TemporalWarning, check_date, datetime_from_number, duration_from_number,
    parse_datetime, parse_time,
};
use crate::{Decimal, Duration, FieldType, Json, MySqlError, PackedDatetime, SqlMode, TypeKind, Value};

use super::ConvertContext;

/// A date with time in the session's zone; `None` is NULL, with a 1292 warning if the value was no date.
/// `fsp` of the result is up to the caller: all six digits are kept.
pub fn to_datetime(
    value: &Value,
    ty: &FieldType,
    flags: DateFlags,
    ctx: &mut ConvertContext,
) -> Option<PackedDatetime> {
    match value {
        Value::Null => None,
        Value::Datetime(v) => {
            let local = if ty.kind == TypeKind::Timestamp { ctx.time_zone.from_utc(*v) } else { *v };
            if check_date(&local.parts(), flags).is_some() {
                warn(value, ty, ctx);
                return None;
            }
            Some(local)
        }
        Value::Duration(v) => {
            let day = ctx.current_date.date_only();
            day.checked_add(crate::temporal::Interval { months: 0, micros: v.micros().into() })
        }
        Value::Bytes(text) => from_text(text, flags, ctx),
        Value::Json(Json::Date(v) | Json::Datetime(v) | Json::Timestamp(v)) => Some(*v),
        Value::Json(Json::String(s)) => from_text(s.as_bytes(), flags, ctx),
        Value::UInt(_) if matches!(ty.kind, TypeKind::Enum | TypeKind::Set) => {
            let mut text = Vec::new();
            crate::text::format_text(value, ty, &mut text, ctx.time_zone);
            from_text(&text, flags, ctx)
        }
        Value::UInt(v) if ty.kind == TypeKind::Year => {
            // The first day of the year; year 0 is the zero date.
            let date = if *v == 0 { PackedDatetime::ZERO } else { PackedDatetime::date(*v as u32, 1, 1) };
            Some(date).filter(|d| check_date(&d.parts(), flags).is_none())
        }
        _ => from_number(value, ty, flags, ctx),
    }
}

fn from_text(text: &[u8], flags: DateFlags, ctx: &mut ConvertContext) -> Option<PackedDatetime> {
    let parsed = parse_datetime(text, flags, false);
    let warn_text = |ctx: &mut ConvertContext| {
        ctx.warn(MySqlError::incorrect_temporal("datetime", String::from_utf8_lossy(text)))
    };
    let Some(value) = parsed.value else {
        warn_text(ctx);
        return None;
    };
    if parsed.warning == Some(TemporalWarning::Truncated) {
        ctx.warn(MySqlError::truncated_wrong_value("datetime", String::from_utf8_lossy(text)));
    }
    finish_text(value, &parsed, ctx)
}

/// Applies the zone displacement and the rounding of a seventh digit.
fn finish_text(
    value: PackedDatetime,
    parsed: &ParsedDatetime,
    ctx: &ConvertContext,
) -> Option<PackedDatetime> {
    let local = match parsed.offset_seconds {
        Some(seconds) => {
            ctx.time_zone.from_unix_micros(crate::TimeZone::Offset(seconds).to_unix_micros(value)?)?
        }
        None => value,
    };
    local.round_to_fsp(6, parsed.nanoseconds, ctx.sql_mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL))
}

/// Integer part and microseconds of a number; the sign is that of `is_negative`.
fn split_number(value: &Value) -> Option<(i64, u32)> {
    let decimal = match value {
        Value::Int(v) => return Some((*v, 0)),
        Value::UInt(v) => return Some((i64::try_from(*v).unwrap_or(i64::MAX), 0)),
        Value::Decimal(v) => *v,
        Value::Double(v) => Decimal::from_f64(*v)?.value,
        Value::Float(v) => Decimal::from_f64(f64::from(*v))?.value,
        Value::Json(Json::Int(v)) => return Some((*v, 0)),
        Value::Json(Json::Double(v)) => Decimal::from_f64(*v)?.value,
        Value::Json(Json::Decimal(v)) => *v,
        _ => return None,
    };
    let micros = decimal.round_to(6)?.digits_i128()?;
    Some((i64::try_from(micros / 1_000_000).ok()?, (micros.unsigned_abs() % 1_000_000) as u32))
}

/// Whether a number is below zero, which the integer part of -0.5 does not show.
fn is_negative(value: &Value) -> bool {
    match value {
        Value::Int(v) | Value::Json(Json::Int(v)) => *v < 0,
        Value::Decimal(v) | Value::Json(Json::Decimal(v)) => v.is_negative(),
        Value::Double(v) | Value::Json(Json::Double(v)) => *v < 0.0,
        Value::Float(v) => *v < 0.0,
        _ => false,
    }
}

fn from_number(
    value: &Value,
    ty: &FieldType,
    flags: DateFlags,
    ctx: &mut ConvertContext,
) -> Option<PackedDatetime> {
    let parsed = split_number(value).filter(|_| !is_negative(value)).and_then(|(n, micros)| {
        datetime_from_number(n, flags)
            .ok()
            .map(|(at, _)| PackedDatetime::from_packed(at.packed() + i64::from(micros)))
    });
    if parsed.is_none() {
        warn(value, ty, ctx);
    }
    parsed
}

fn warn(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) {
    let mut text = Vec::new();
    crate::text::format_text(value, ty, &mut text, ctx.time_zone);
    ctx.warn(MySqlError::incorrect_temporal("datetime", String::from_utf8_lossy(&text)));
}

/// A TIME; `None` is NULL, with a 1292 warning if the value was no time.
pub fn to_duration(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) -> Option<Duration> {
    match value {
        Value::Null => None,
        Value::Duration(v) => Some(*v),
        Value::Datetime(v) => {
            let local = if ty.kind == TypeKind::Timestamp { ctx.time_zone.from_utc(*v) } else { *v };
            Some(Duration::from_micros(local.time_micros()))
        }
        Value::Bytes(text) => time_from_text(text, ctx),
        Value::Json(Json::Time(v)) => Some(*v),
        Value::Json(Json::Datetime(v) | Json::Timestamp(v) | Json::Date(v)) => {
            Some(Duration::from_micros(v.time_micros()))
        }
        Value::Json(Json::String(s)) => time_from_text(s.as_bytes(), ctx),
        Value::UInt(_) if matches!(ty.kind, TypeKind::Enum | TypeKind::Set) => {
            let mut text = Vec::new();
            crate::text::format_text(value, ty, &mut text, ctx.time_zone);
            time_from_text(&text, ctx)
        }
        // A year is its first moment.
        Value::UInt(_) if ty.kind == TypeKind::Year => Some(Duration::ZERO),
        _ => {
            let Some((number, micros)) = split_number(value) else {
                warn_time(value, ty, ctx);
                return None;
            };
            let (parsed, warning) = duration_from_number(number);
            if warning.is_some() {
                warn_time(value, ty, ctx);
            }
            let negative = is_negative(value);
            parsed.map(|d| {
                Duration::clipped(d.micros() + if negative { -i64::from(micros) } else { i64::from(micros) })
                    .0
            })
        }
    }
}

fn time_from_text(text: &[u8], ctx: &mut ConvertContext) -> Option<Duration> {
    let parsed = parse_time(text);
    if parsed.warning.is_some() {
        ctx.warn(MySqlError::truncated_wrong_value("time", String::from_utf8_lossy(text)));
    }
    let truncate = ctx.sql_mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL);
    parsed.value.map(|v| v.round_to_fsp(6, parsed.nanoseconds, truncate))
}

fn warn_time(value: &Value, ty: &FieldType, ctx: &mut ConvertContext) {
    let mut text = Vec::new();
    crate::text::format_text(value, ty, &mut text, ctx.time_zone);
    ctx.warn(MySqlError::truncated_wrong_value("time", String::from_utf8_lossy(&text)));
}
