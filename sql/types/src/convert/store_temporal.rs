//! Assignment to DATE, DATETIME, TIMESTAMP and TIME columns.

use crate::temporal::{
    DateFlags, TemporalWarning, check_date, datetime_from_number, parse_datetime, parse_time,
};
use crate::{Duration, FieldType, Level, MySqlError, PackedDatetime, SqlMode, TimeZone, TypeKind, Value};

use super::store::Target;
use super::{ConvertContext, to_bytes, to_decimal, to_duration};

/// 2038-01-19 03:14:07.999999, the end of TIMESTAMP.
const TIMESTAMP_MAX_MICROS: i64 = 2_147_483_647_999_999;

fn kind_name(kind: TypeKind) -> &'static str {
    match kind {
        TypeKind::Date => "date",
        TypeKind::Time => "time",
        _ => "datetime",
    }
}

fn incorrect(value: &Value, from: &FieldType, target: Target<'_>, ctx: &ConvertContext) -> MySqlError {
    let text = to_bytes(value, from, ctx).unwrap_or_default();
    MySqlError::incorrect_temporal_for_column(
        kind_name(target.ty.kind),
        String::from_utf8_lossy(&text),
        target.name,
        ctx.row,
    )
}

/// What could be read, and what was wrong.
struct Read {
    at: Option<PackedDatetime>,
    warning: Option<TemporalWarning>,
    nanoseconds: u32,
}

fn read(value: &Value, from: &FieldType, flags: DateFlags, ctx: &mut ConvertContext) -> Read {
    let plain = |at: PackedDatetime| {
        let warning = check_date(&at.parts(), flags);
        Read { at: Some(at).filter(|_| warning.is_none()), warning, nanoseconds: 0 }
    };
    match value {
        Value::Datetime(v) => {
            plain(if from.kind == TypeKind::Timestamp { ctx.time_zone.from_utc(*v) } else { *v })
        }
        Value::Duration(v) => {
            let micros = crate::temporal::Interval { months: 0, micros: v.micros().into() };
            ctx.current_date
                .date_only()
                .checked_add(micros)
                .map_or(Read { at: None, warning: Some(TemporalWarning::OutOfRange), nanoseconds: 0 }, plain)
        }
        Value::Bytes(_) | Value::Json(_) => {
            let text = match value {
                Value::Json(json) => json.unquoted().into_bytes().into(),
                _ => to_bytes(value, from, ctx).unwrap_or_default(),
            };
            let parsed = parse_datetime(&text, flags, false);
            let at = match (parsed.value, parsed.offset_seconds) {
                (Some(local), Some(seconds)) => TimeZone::Offset(seconds)
                    .to_unix_micros(local)
                    .and_then(|m| ctx.time_zone.from_unix_micros(m)),
                (at, _) => at,
            };
            Read { at, warning: parsed.warning, nanoseconds: parsed.nanoseconds }
        }
        _ => read_number(value, from, flags, ctx),
    }
}

/// A number reads as digits: 20240131, 240131, 20240131123456.
fn read_number(value: &Value, from: &FieldType, flags: DateFlags, ctx: &mut ConvertContext) -> Read {
    let failed = |warning| Read { at: None, warning: Some(warning), nanoseconds: 0 };
    let micros = to_decimal(value, from, ctx).and_then(|d| d.round_to(6)).and_then(|d| d.digits_i128());
    let number = micros.filter(|m| *m >= 0).and_then(|m| i64::try_from(m / 1_000_000).ok());
    match number.map(|n| datetime_from_number(n, flags)) {
        Some(Ok((at, _))) => {
            let fraction = (micros.unwrap_or(0) % 1_000_000) as i64;
            let at = PackedDatetime::from_packed(at.packed() + fraction);
            Read { at: Some(at), warning: None, nanoseconds: 0 }
        }
        Some(Err(warning)) => failed(warning),
        None => failed(TemporalWarning::Truncated),
    }
}

pub(super) fn date(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let mut flags = DateFlags::from_mode(ctx.sql_mode);
    if target.ty.kind == TypeKind::Timestamp {
        // A TIMESTAMP is an instant: partial dates never are.
        flags.no_zero_in_date = true;
    }
    let zero = Value::Datetime(PackedDatetime::ZERO);
    // Without strict mode the zero checks only warn, and the value is stored as it is.
    let read_flags = flags;
    let got = read(value, from, read_flags, ctx);
    let Some(at) = got.at else {
        let lenient_zero = matches!(got.warning, Some(TemporalWarning::ZeroDate)) && !ctx.is_strict();
        let error = if lenient_zero && target.ty.kind == TypeKind::Timestamp {
            MySqlError::out_of_range(target.name, ctx.row)
        } else {
            incorrect(value, from, target, ctx)
        };
        return ctx.complain(error, zero);
    };
    if got.warning == Some(TemporalWarning::Truncated) {
        if target.ty.kind == TypeKind::Date {
            ctx.complain(MySqlError::data_truncated(target.name, ctx.row), ())?;
        } else {
            ctx.complain(incorrect(value, from, target, ctx), ())?;
        }
    }
    let truncate = ctx.sql_mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL);
    match target.ty.kind {
        TypeKind::Date => {
            if at.has_time() {
                ctx.warnings.push(MySqlError::data_truncated(target.name, ctx.row).into_warning(Level::Note));
            }
            Ok(Value::Datetime(at.date_only()))
        }
        TypeKind::Datetime => match at.round_to_fsp(target.ty.fsp(), got.nanoseconds, truncate) {
            Some(at) => Ok(Value::Datetime(at)),
            None => ctx.complain(incorrect(value, from, target, ctx), zero),
        },
        _ => {
            let utc =
                at.round_to_fsp(target.ty.fsp(), got.nanoseconds, truncate).and_then(|at| timestamp(at, ctx));
            match utc {
                Some(utc) => Ok(Value::Datetime(utc)),
                None => ctx.complain(incorrect(value, from, target, ctx), zero),
            }
        }
    }
}

/// Local time to the stored UTC form, within 1970-01-01 00:00:01 .. 2038-01-19 03:14:07.
fn timestamp(at: PackedDatetime, ctx: &ConvertContext) -> Option<PackedDatetime> {
    if at.is_zero() {
        return Some(at);
    }
    let micros = ctx.time_zone.to_unix_micros(at)?;
    (1_000_000..=TIMESTAMP_MAX_MICROS)
        .contains(&micros)
        .then(|| TimeZone::UTC.from_unix_micros(micros))
        .flatten()
}

pub(super) fn time(
    value: &Value,
    from: &FieldType,
    target: Target<'_>,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let truncate = ctx.sql_mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL);
    let (got, warning, nanoseconds) = match value {
        Value::Bytes(text) => {
            let parsed = parse_time(text);
            (parsed.value, parsed.warning, parsed.nanoseconds)
        }
        _ => {
            let before = ctx.warnings.total();
            let kept = ctx.warnings.clone();
            let got = to_duration(value, from, ctx);
            let bad = ctx.warnings.total() > before;
            ctx.warnings = kept;
            (got, bad.then_some(TemporalWarning::OutOfRange), 0)
        }
    };
    if let Value::Datetime(_) = value {
        // The date part is lost.
        ctx.warnings.push(MySqlError::data_truncated(target.name, ctx.row).into_warning(Level::Note));
    }
    let rounded = got.map(|v| v.round_to_fsp(target.ty.fsp(), nanoseconds, truncate));
    match (rounded, warning) {
        (Some(v), None) => Ok(Value::Duration(v)),
        (Some(v), Some(TemporalWarning::OutOfRange)) => ctx.complain(
            match value {
                Value::Bytes(_) => incorrect(value, from, target, ctx),
                _ => MySqlError::out_of_range(target.name, ctx.row),
            },
            Value::Duration(v),
        ),
        (Some(v), Some(_)) => {
            ctx.complain(MySqlError::data_truncated(target.name, ctx.row), Value::Duration(v))
        }
        (None, _) => ctx.complain(incorrect(value, from, target, ctx), Value::Duration(Duration::ZERO)),
    }
}
