//! DATEDIFF, TIMESTAMPDIFF, PERIOD_ADD, PERIOD_DIFF.

use rutile_sql_types::temporal::Interval;
use rutile_sql_types::{FieldType, MySqlError, PackedDatetime, Value};

use super::part::{day_number, unit_of};
use super::read::whole_day;
use crate::call::argument::{full_date, int};
use crate::call::infer;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("datediff", 2, 2, |_, _| Ok(FieldType::bigint().with_length(9)), datediff),
    Function::new("timestampdiff", 3, 3, infer_timestampdiff, timestampdiff),
    Function::new("period_add", 2, 2, infer::integer, period_add),
    Function::new("period_diff", 2, 2, infer::integer, period_diff),
];

fn datediff(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (a, b) = (whole_day(ctx, args, call, 0), whole_day(ctx, args, call, 1));
    Ok(a.zip(b).map(|(a, b)| Value::Int(day_number(a) - day_number(b))).into())
}

fn infer_timestampdiff(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    match args[0].constant.and_then(unit_of) {
        Some(unit) if !unit.is_compound() => Ok(FieldType::bigint()),
        _ => Err(MySqlError::wrong_arguments("timestampdiff")),
    }
}

/// Whole months from `from` to the later `to`.
fn months_between(from: PackedDatetime, to: PackedDatetime) -> i64 {
    let month = |d: PackedDatetime| i64::from(d.year()) * 12 + i64::from(d.month());
    let within = |d: PackedDatetime| (d.day(), d.time_micros());
    month(to) - month(from) - i64::from(within(to) < within(from))
}

/// Whole units from the second argument to the third.
fn timestampdiff(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(unit) = unit_of(&args[0]) else {
        return Err(MySqlError::wrong_arguments("timestampdiff"));
    };
    let (Some(a), Some(b)) = (full_date(ctx, args, call, 1), full_date(ctx, args, call, 2)) else {
        return Ok(Value::Null);
    };
    let step = Interval::of_units(unit, 1);
    if step.months != 0 {
        let months = if a <= b { months_between(a, b) } else { -months_between(b, a) };
        return Ok(Value::Int(months / step.months));
    }
    let micros = b.absolute_micros() - a.absolute_micros();
    Ok(i64::try_from(micros / step.micros).map(Value::Int).ok().into())
}

/// Months since year 0 of YYMM or YYYYMM.
fn months_of(period: i64) -> i64 {
    let year = match period / 100 {
        year @ 0..=69 => year + 2000,
        year @ 70..=99 => year + 1900,
        year => year,
    };
    if period == 0 { 0 } else { year * 12 + period % 100 - 1 }
}

fn check(period: i64, function: &str) -> Result<i64, MySqlError> {
    let month = period % 100;
    if period < 0 || !(1..=12).contains(&month) {
        return Err(MySqlError::wrong_arguments(function));
    }
    Ok(months_of(period))
}

fn period_add(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(period), Some(added)) = (int(ctx, args, call, 0), int(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    let months = check(period, "period_add")?.saturating_add(added);
    Ok(Value::Int(months.div_euclid(12) * 100 + months.rem_euclid(12) + 1))
}

fn period_diff(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(a), Some(b)) = (int(ctx, args, call, 0), int(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    Ok(Value::Int(check(a, "period_diff")? - check(b, "period_diff")?))
}
