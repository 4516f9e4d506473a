//! WEEK, WEEKOFYEAR and YEARWEEK.

use rutile_sql_types::temporal::{WeekMode, week_of_year};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::read::whole_day;
use crate::call::argument::int;
use crate::call::{CallInfo, EvalContext, Function};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("week", 1, 2, |_, _| Ok(FieldType::bigint().with_length(3)), week),
    Function::new("weekofyear", 1, 1, |_, _| Ok(FieldType::bigint().with_length(3)), weekofyear),
    Function::new("yearweek", 1, 2, |_, _| Ok(FieldType::bigint().with_length(7)), yearweek),
];

/// WEEKOFYEAR(d) is WEEK(d, 3).
const ISO_MODE: i64 = 3;
/// Mode bit: weeks 1 to 53, of the year they belong to.
const OF_ITS_YEAR: i64 = 2;

fn of(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, mode: i64) -> Option<(u32, u32)> {
    let date = whole_day(ctx, args, call, 0)?;
    Some(week_of_year(date.year(), date.month(), date.day(), WeekMode::from_mode(mode)))
}

fn week(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let mode = if args.len() > 1 { int(ctx, args, call, 1) } else { Some(ctx.default_week_format) };
    Ok(mode.and_then(|mode| of(ctx, args, call, mode)).map(|(week, _)| Value::Int(week.into())).into())
}

fn weekofyear(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(of(ctx, args, call, ISO_MODE).map(|(week, _)| Value::Int(week.into())).into())
}

fn yearweek(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let mode = if args.len() > 1 { int(ctx, args, call, 1) } else { Some(0) };
    let found = mode.and_then(|mode| of(ctx, args, call, mode | OF_ITS_YEAR));
    Ok(found.map(|(week, year)| Value::Int(i64::from(year) * 100 + i64::from(week))).into())
}
