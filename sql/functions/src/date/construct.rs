//! DATE, TIME, TIMESTAMP of a value; MAKEDATE, MAKETIME, SEC_TO_TIME, TIME_TO_SEC.

use rutile_sql_types::temporal::{DateFlags, Interval, days_from_civil};
use rutile_sql_types::{Duration, FieldType, MySqlError, PackedDatetime, SqlMode, Value};

use super::overflow::warn_out_of_range;
use super::read::{day_with, fsp_of_number};
use crate::call::argument::{datetime_with, decimal, duration, int};
use crate::call::infer::{self, fsp_of};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("date", 1, 1, infer::date, date),
    Function::new("time", 1, 1, |_, args| Ok(FieldType::time(fsp_of(&args[0]))), time),
    Function::new("timestamp", 1, 2, infer_timestamp, timestamp),
    Function::new("makedate", 2, 2, infer::date, makedate),
    Function::new("maketime", 3, 3, |_, args| Ok(FieldType::time(fsp_of_number(&args[2]))), maketime),
    Function::new("sec_to_time", 1, 1, |_, args| Ok(FieldType::time(fsp_of_number(&args[0]))), sec_to_time),
    Function::new("time_to_sec", 1, 1, |_, _| Ok(FieldType::bigint().with_length(10)), time_to_sec),
];

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

pub(super) fn truncates(ctx: &EvalContext) -> bool {
    ctx.sql_mode().contains(SqlMode::TIME_TRUNCATE_FRACTIONAL)
}

fn date(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let flags = DateFlags::from_mode(ctx.sql_mode());
    Ok(day_with(ctx, args, call, 0, flags).map(|d| Value::Datetime(d.date_only())).into())
}

fn time(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let truncate = truncates(ctx);
    let found = duration(ctx, args, call, 0).map(|d| d.round_to_fsp(call.result.fsp(), 0, truncate));
    Ok(found.map(Value::Duration).into())
}

fn infer_timestamp(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::datetime(args.iter().map(fsp_of).max().unwrap_or(0)))
}

fn timestamp(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let flags = DateFlags::from_mode(ctx.sql_mode());
    let Some(mut at) = datetime_with(ctx, args, call, 0, flags) else {
        return Ok(Value::Null);
    };
    if args.len() > 1 {
        let Some(added) = duration(ctx, args, call, 1) else {
            return Ok(Value::Null);
        };
        match at.checked_add(Interval { months: 0, micros: added.micros().into() }) {
            Some(sum) => at = sum,
            None => {
                warn_out_of_range(ctx, "DATETIME", "timestamp", args, call);
                return Ok(Value::Null);
            }
        }
    }
    let truncate = truncates(ctx);
    Ok(at.round_to_fsp(call.result.fsp(), 0, truncate).map(Value::Datetime).into())
}

/// A TIME within its range; clipped with warning 1292.
pub(super) fn clipped(ctx: &mut EvalContext, micros: i128, shown: impl std::fmt::Display) -> Duration {
    let (value, cut) = Duration::clipped(micros.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
    if cut {
        ctx.warn(MySqlError::truncated_wrong_value("time", shown));
    }
    value
}

/// The n-th day of a year; years below 100 have lost their century.
fn makedate(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(year), Some(day)) = (int(ctx, args, call, 0), int(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    let year = match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        _ => year,
    };
    if !(0..=9999).contains(&year) || day <= 0 {
        return Ok(Value::Null);
    }
    let number = days_from_civil(year as u32, 1, 1).saturating_add(day - 1);
    Ok(PackedDatetime::from_day_and_micros(number, 0).map(Value::Datetime).into())
}

fn maketime(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(hour), Some(minute)) = (int(ctx, args, call, 0), int(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    let second = decimal(ctx, args, call, 2).and_then(|d| d.round_to(6)).and_then(|d| d.digits_i128());
    let Some(second) = second.filter(|s| (0..60 * i128::from(SECOND)).contains(s)) else {
        return Ok(Value::Null);
    };
    if !(0..60).contains(&minute) {
        return Ok(Value::Null);
    }
    let magnitude =
        (i128::from(hour.unsigned_abs()) * 60 + i128::from(minute)) * 60 * i128::from(SECOND) + second;
    let micros = if hour < 0 { -magnitude } else { magnitude };
    let shown = format!("{hour:02}:{minute:02}:{:02}", second / i128::from(SECOND));
    let truncate = truncates(ctx);
    Ok(Value::Duration(clipped(ctx, micros, shown).round_to_fsp(call.result.fsp(), 0, truncate)))
}

fn sec_to_time(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(seconds) = decimal(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let micros = seconds.round_to(6).and_then(|d| d.digits_i128());
    let extreme = if seconds.is_negative() { i128::MIN } else { i128::MAX };
    let truncate = truncates(ctx);
    let value = clipped(ctx, micros.unwrap_or(extreme), seconds);
    Ok(Value::Duration(value.round_to_fsp(call.result.fsp(), 0, truncate)))
}

fn time_to_sec(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(duration(ctx, args, call, 0).map(|d| Value::Int(d.micros() / SECOND)).into())
}
