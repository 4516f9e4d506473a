//! CAST(value AS type): never an error for data, only warnings and NULL, except where MySQL itself fails.

use bytes::Bytes;

use crate::temporal::DateFlags;
use crate::{Charset, FieldType, Json, MySqlError, SqlMode, TypeKind, Value};

use super::{
    ConvertContext, to_bytes, to_datetime, to_decimal, to_double, to_duration, to_int, to_json, to_unsigned,
};

/// Converts `value` of type `from` to type `to`.
pub fn cast(
    value: &Value,
    from: &FieldType,
    to: &FieldType,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let truncate = ctx.sql_mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL);
    Ok(match to.kind {
        TypeKind::Null => Value::Null,
        kind if kind.is_integer() && !to.unsigned => to_int(value, from, ctx).map(Value::Int).into(),
        kind if kind.is_integer() || kind == TypeKind::Bit => {
            to_unsigned(value, from, ctx).map(Value::UInt).into()
        }
        TypeKind::Year => cast_year(value, from, ctx),
        TypeKind::Float => cast_float(value, from, ctx),
        TypeKind::Double => to_double(value, from, ctx).map(Value::Double).into(),
        TypeKind::Decimal => cast_decimal(value, from, to, ctx),
        // The day of a TIME is the present one, whatever its hours.
        TypeKind::Date if matches!(value, Value::Duration(_)) => {
            Value::Datetime(ctx.current_date.date_only())
        }
        TypeKind::Date => {
            let flags = DateFlags::from_mode(ctx.sql_mode);
            to_datetime(value, from, flags, ctx).map(|v| Value::Datetime(v.date_only())).into()
        }
        TypeKind::Datetime => {
            let flags = DateFlags::from_mode(ctx.sql_mode);
            to_datetime(value, from, flags, ctx)
                .and_then(|v| v.round_to_fsp(to.fsp(), 0, truncate))
                .map(Value::Datetime)
                .into()
        }
        TypeKind::Timestamp => {
            let flags = DateFlags::from_mode(ctx.sql_mode);
            let local =
                to_datetime(value, from, flags, ctx).and_then(|v| v.round_to_fsp(to.fsp(), 0, truncate));
            local.and_then(|v| ctx.time_zone.to_utc(v)).map(Value::Datetime).into()
        }
        TypeKind::Time => to_duration(value, from, ctx)
            .map(|v| Value::Duration(v.round_to_fsp(to.fsp(), 0, truncate)))
            .into(),
        TypeKind::Json => cast_json(value, from, ctx)?,
        TypeKind::Enum | TypeKind::Set => return Err(MySqlError::not_supported_yet("CAST to ENUM or SET")),
        _ => cast_text(value, from, to, ctx),
    })
}

fn cast_float(value: &Value, from: &FieldType, ctx: &mut ConvertContext) -> Value {
    match to_double(value, from, ctx) {
        Some(v) => Value::Float((v as f32).clamp(f32::MIN, f32::MAX)),
        None => Value::Null,
    }
}

fn cast_decimal(value: &Value, from: &FieldType, to: &FieldType, ctx: &mut ConvertContext) -> Value {
    let Some(decimal) = to_decimal(value, from, ctx) else {
        return Value::Null;
    };
    let rounded = decimal.round_to(to.decimals).filter(|d| d.fits_precision(to.length));
    match rounded {
        Some(d) => Value::Decimal(d),
        None => {
            ctx.warn(MySqlError::out_of_range("cast as decimal", ctx.row));
            let max = crate::Decimal::max_of(to.length, to.decimals);
            Value::Decimal(if decimal.is_negative() { max.negated() } else { max })
        }
    }
}

fn cast_year(value: &Value, from: &FieldType, ctx: &mut ConvertContext) -> Value {
    let number = match value {
        Value::Datetime(v) => i64::from(v.year()),
        _ => match super::to_int_rounded(value, from, ctx) {
            Some(v) => v,
            None => return Value::Null,
        },
    };
    let year = match number {
        0 if matches!(value, Value::Bytes(text) if text.len() < 4) => 2000,
        1..=69 => number + 2000,
        70..=99 => number + 1900,
        0 | 1901..=2155 => number,
        _ => {
            ctx.warn(MySqlError::truncated_wrong_value("YEAR", number));
            return Value::Null;
        }
    };
    Value::UInt(year as u64)
}

fn cast_json(value: &Value, from: &FieldType, ctx: &mut ConvertContext) -> Result<Value, MySqlError> {
    match value {
        Value::Bytes(text) if !from.collation.is_binary() => match Json::parse(text) {
            Ok(json) => Ok(Value::Json(json)),
            Err(e) => Err(MySqlError::invalid_json_text_in_param(1, "cast_as_json", e.reason, e.position)),
        },
        _ => Ok(Value::Json(to_json(value, from, ctx)?)),
    }
}

/// CHAR(n), BINARY(n) and their unlimited forms; cuts with a warning.
fn cast_text(value: &Value, from: &FieldType, to: &FieldType, ctx: &mut ConvertContext) -> Value {
    let Some(mut bytes) = to_bytes(value, from, ctx) else {
        return Value::Null;
    };
    let charset = to.collation.charset();
    let was_binary = matches!(value, Value::Bytes(_)) && from.collation.is_binary();
    if was_binary && charset != Charset::Binary && charset.valid_prefix(&bytes) < bytes.len() {
        let bad: String =
            bytes[charset.valid_prefix(&bytes)..].iter().take(6).map(|b| format!("{b:02X}")).collect();
        ctx.warn(MySqlError::invalid_character_string(charset.name(), bad));
        return Value::Null;
    }
    if to.kind.is_lob() || to.length == u32::MAX {
        return Value::Bytes(bytes);
    }
    let limit = charset.offset_of(&bytes, to.length as usize);
    if limit < bytes.len() {
        let name = if charset == Charset::Binary { "BINARY" } else { "CHAR" };
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        ctx.warn(MySqlError::truncated_wrong_value(format_args!("{name}({})", to.length), shown));
        bytes = bytes.slice(..limit);
    } else if to.kind == TypeKind::Binary && bytes.len() < to.length as usize {
        let mut padded = bytes.to_vec();
        padded.resize(to.length as usize, 0);
        bytes = Bytes::from(padded);
    }
    Value::Bytes(bytes)
}
