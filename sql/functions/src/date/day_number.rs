//! TO_DAYS, FROM_DAYS, TO_SECONDS.

use rutile_sql_types::{FieldType, MySqlError, PackedDatetime, Value};

use super::overflow::warn_out_of_range;
use super::part::day_number;
use super::read::whole_day;
use crate::call::argument::{full_date, int};
use crate::call::infer;
use crate::call::{CallInfo, EvalContext, Function};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("to_days", 1, 1, |_, _| Ok(FieldType::bigint().with_length(8)), to_days),
    Function::new("to_seconds", 1, 1, infer::nullable_integer, to_seconds),
    Function::new("from_days", 1, 1, infer::date, from_days),
];

fn to_days(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(whole_day(ctx, args, call, 0).map(|d| Value::Int(day_number(d))).into())
}

fn to_seconds(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let seconds = |d: PackedDatetime| day_number(d) * 86_400 + d.time_micros() / 1_000_000;
    Ok(full_date(ctx, args, call, 0).map(|d| Value::Int(seconds(d))).into())
}

fn from_days(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(number) = int(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let date = PackedDatetime::from_day_and_micros(number, 0);
    if date.is_none() {
        warn_out_of_range(ctx, "DATE", "from_days", args, call);
    }
    Ok(date.map(Value::Datetime).into())
}
