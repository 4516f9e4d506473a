//! One part of a date or time: YEAR, MONTH, ... , DAYNAME, and EXTRACT.

use rutile_sql_types::temporal::{
    IntervalUnit, WeekMode, days_from_civil, days_in_month, week_of_year, weekday,
};
use rutile_sql_types::{FieldType, MySqlError, PackedDatetime, TypeKind, Value};

use super::part_vector;
use super::read::{day, is_dated, moment, whole_day};
use super::{MONTHS, WEEKDAYS};
use crate::call::argument::{duration, string};
use crate::call::infer;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("year", 1, 1, |_, _| Ok(FieldType::year()), year).vector(part_vector::year),
    Function::new("month", 1, 1, |_, _| number(2), |c, a, i| of_date(c, a, i, PackedDatetime::month))
        .vector(part_vector::month),
    Function::new("day", 1, 1, |_, _| number(2), |c, a, i| of_date(c, a, i, PackedDatetime::day))
        .vector(part_vector::day),
    Function::new("dayofmonth", 1, 1, |_, _| number(2), |c, a, i| of_date(c, a, i, PackedDatetime::day))
        .vector(part_vector::day),
    Function::new("quarter", 1, 1, |_, _| number(1), |c, a, i| of_date(c, a, i, |d| d.month().div_ceil(3))),
    Function::new("hour", 1, 1, |_, _| number(3), |c, a, i| of_time(c, a, i, |p| p.1)),
    Function::new("minute", 1, 1, |_, _| number(2), |c, a, i| of_time(c, a, i, |p| p.2)),
    Function::new("second", 1, 1, |_, _| number(2), |c, a, i| of_time(c, a, i, |p| p.3)),
    Function::new("microsecond", 1, 1, infer::nullable_integer, |c, a, i| of_time(c, a, i, |p| p.4)),
    Function::new(
        "dayofweek",
        1,
        1,
        |_, _| number(1),
        |c, a, i| of_day(c, a, i, |d| weekday_of(d, true) + 1),
    ),
    Function::new("weekday", 1, 1, |_, _| number(1), |c, a, i| of_day(c, a, i, |d| weekday_of(d, false))),
    Function::new("dayofyear", 1, 1, |_, _| number(3), |c, a, i| of_day(c, a, i, |d| day_of_year(d) as u32)),
    Function::new("dayname", 1, 1, infer_name, dayname),
    Function::new("monthname", 1, 1, infer_name, monthname),
    Function::new("last_day", 1, 1, infer::date, last_day),
    Function::new("extract", 2, 2, infer_extract, extract).vector(part_vector::extract),
];

/// A number of so many digits, with room for the sign.
fn number(digits: u32) -> Result<FieldType, MySqlError> {
    Ok(FieldType::bigint().with_length(digits + 1))
}

fn year(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(day(ctx, args, call, 0).map(|d| Value::UInt(d.year().into())).into())
}

fn of_date(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    part: fn(PackedDatetime) -> u32,
) -> Result<Value, MySqlError> {
    Ok(day(ctx, args, call, 0).map(|d| Value::Int(part(d).into())).into())
}

type TimeParts = (bool, u32, u32, u32, u32);

fn of_time(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    part: fn(TimeParts) -> u32,
) -> Result<Value, MySqlError> {
    Ok(duration(ctx, args, call, 0).map(|d| Value::Int(part(d.parts()).into())).into())
}

/// Parts that only a whole date has.
fn of_day(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    part: fn(PackedDatetime) -> u32,
) -> Result<Value, MySqlError> {
    Ok(whole_day(ctx, args, call, 0).map(|d| Value::Int(part(d).into())).into())
}

pub(super) fn day_number(date: PackedDatetime) -> i64 {
    days_from_civil(date.year(), date.month(), date.day())
}

fn weekday_of(date: PackedDatetime, sunday_first: bool) -> u32 {
    weekday(day_number(date), sunday_first)
}

pub(super) fn day_of_year(date: PackedDatetime) -> i64 {
    day_number(date) - days_from_civil(date.year(), 1, 1) + 1
}

fn infer_name(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(infer::connection_text(ctx, args, 9)?.with_nullable())
}

fn dayname(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(whole_day(ctx, args, call, 0).map(|d| Value::text(WEEKDAYS[weekday_of(d, false) as usize])).into())
}

fn monthname(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let month = day(ctx, args, call, 0).and_then(|d| (d.month() as usize).checked_sub(1));
    Ok(month.and_then(|m| MONTHS.get(m)).map(|name| Value::text(name)).into())
}

fn last_day(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(date) = day_with_month(ctx, args, call) else {
        return Ok(Value::Null);
    };
    let last = days_in_month(date.year(), date.month());
    Ok(Value::Datetime(PackedDatetime::date(date.year(), date.month(), last)))
}

/// The day may be zero, the month not.
fn day_with_month(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Option<PackedDatetime> {
    let date = day(ctx, args, call, 0)?;
    if date.month() != 0 {
        return Some(date);
    }
    if let Some(shown) = string(ctx, args, call, 0) {
        ctx.warn(MySqlError::truncated_wrong_value("date", shown));
    }
    None
}

fn infer_extract(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    use IntervalUnit::*;
    let width = match args[0].constant.and_then(unit_of) {
        None => return Err(MySqlError::wrong_arguments("extract")),
        Some(Quarter) => 2,
        Some(Month | Week | Day | Minute | Second) => 3,
        Some(Hour) => 4,
        Some(Year | MinuteSecond) => 5,
        Some(HourMinute) => 6,
        Some(YearMonth | Microsecond) => 7,
        Some(HourSecond) => 8,
        Some(DayHour | SecondMicrosecond) => 9,
        Some(DayMinute | MinuteMicrosecond) => 11,
        Some(DaySecond) => 13,
        Some(HourMicrosecond) => 14,
        Some(_) => 20,
    };
    Ok(FieldType::bigint().with_length(width))
}

/// The unit in a constant argument.
pub(super) fn unit_of(value: &Value) -> Option<IntervalUnit> {
    match value {
        Value::Bytes(name) => IntervalUnit::parse(std::str::from_utf8(name).ok()?),
        _ => None,
    }
}

/// Sign, day, hour, minute, second, microsecond of a time, or of the time of a date.
fn clock(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Option<(i64, [i64; 5])> {
    let dated = match &args[1] {
        Value::Datetime(_) => true,
        Value::Bytes(text) => is_dated(text),
        _ => false,
    };
    if dated {
        let p = moment(ctx, args, call, 1)?.parts();
        return Some((1, [p.day, p.hour, p.minute, p.second, p.microsecond].map(i64::from)));
    }
    let (negative, hour, minute, second, micro) = duration(ctx, args, call, 1)?.parts();
    Some((if negative { -1 } else { 1 }, [0, hour, minute, second, micro].map(i64::from)))
}

fn extract(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    use IntervalUnit::*;
    let Some(unit) = unit_of(&args[0]) else {
        return Err(MySqlError::wrong_arguments("extract"));
    };
    let dated = unit.is_date_only();
    if dated && call.args[1].kind != TypeKind::Null {
        let Some(date) = moment(ctx, args, call, 1) else {
            return Ok(Value::Null);
        };
        let (year, month, day) = (date.year(), date.month(), date.day());
        return Ok(Value::Int(i64::from(match unit {
            Year => year,
            YearMonth => year * 100 + month,
            Quarter => month.div_ceil(3),
            Month => month,
            Week => week_of_year(year, month, day, WeekMode::from_mode(ctx.default_week_format)).0,
            _ => day,
        })));
    }
    let Some((sign, [day, hour, minute, second, micro])) = clock(ctx, args, call) else {
        return Ok(Value::Null);
    };
    let clock = hour * 10_000 + minute * 100 + second;
    Ok(Value::Int(
        sign * match unit {
            DayHour => day * 100 + hour,
            DayMinute => day * 10_000 + hour * 100 + minute,
            DaySecond => day * 1_000_000 + clock,
            DayMicrosecond => (day * 1_000_000 + clock) * 1_000_000 + micro,
            Hour => hour,
            HourMinute => hour * 100 + minute,
            HourSecond => clock,
            HourMicrosecond => clock * 1_000_000 + micro,
            Minute => minute,
            MinuteSecond => minute * 100 + second,
            MinuteMicrosecond => (minute * 100 + second) * 1_000_000 + micro,
            Second => second,
            SecondMicrosecond => second * 1_000_000 + micro,
            _ => micro,
        },
    ))
}

/// The English names by position, for the format functions; `None` outside of the list.
pub(super) fn month_name(month: u32) -> Option<&'static str> {
    MONTHS.get((month as usize).checked_sub(1)?).copied()
}

pub(super) fn weekday_name(date: PackedDatetime) -> &'static str {
    WEEKDAYS[weekday_of(date, false) as usize]
}

/// 0 is Sunday.
pub(super) fn weekday_number(date: PackedDatetime) -> u32 {
    weekday_of(date, true)
}
