//! NOW, CURDATE, CURTIME, their UTC forms and SYSDATE. All but SYSDATE stand still during a statement.

use rutile_sql_types::{Duration, FieldType, MySqlError, PackedDatetime, TimeZone, Value};

use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("now", 0, 1, infer_now, now),
    Function::new("current_timestamp", 0, 1, infer_now, now),
    Function::new("localtime", 0, 1, infer_now, now),
    Function::new("localtimestamp", 0, 1, infer_now, now),
    Function::new("utc_timestamp", 0, 1, infer_now, |c, _, i| Ok(Value::Datetime(utc(c, i)))),
    Function::new("sysdate", 0, 1, infer_now, sysdate).volatile(),
    Function::new("curdate", 0, 0, infer_date, |c, _, _| Ok(Value::Datetime(c.now(0).date_only()))),
    Function::new("current_date", 0, 0, infer_date, |c, _, _| Ok(Value::Datetime(c.now(0).date_only()))),
    Function::new("utc_date", 0, 0, infer_date, |c, _, i| Ok(Value::Datetime(utc(c, i).date_only()))),
    Function::new("curtime", 0, 1, infer_time, |c, _, i| Ok(time_of(c.now(i.result.fsp())))),
    Function::new("current_time", 0, 1, infer_time, |c, _, i| Ok(time_of(c.now(i.result.fsp())))),
    Function::new("utc_time", 0, 1, infer_time, |c, _, i| Ok(time_of(utc(c, i)))),
];

/// The precision argument: a constant from 0 to 6.
fn precision(args: &[ArgInfo<'_>]) -> Result<u8, MySqlError> {
    match args.first().map(|arg| arg.constant) {
        None => Ok(0),
        Some(Some(Value::Int(v))) if (0..=6).contains(v) => Ok(*v as u8),
        Some(Some(Value::UInt(v))) if *v <= 6 => Ok(*v as u8),
        Some(Some(Value::Int(v))) => Err(MySqlError::too_big_precision(v, "now", 6)),
        Some(Some(Value::UInt(v))) => Err(MySqlError::too_big_precision(v, "now", 6)),
        Some(_) => Err(MySqlError::wrong_arguments("now")),
    }
}

fn infer_now(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::datetime(precision(args)?).with_not_null())
}

fn infer_date(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::date().with_not_null())
}

fn infer_time(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    // A time of day has two digits of hours, other TIMEs may have three and a sign.
    let ty = FieldType::time(precision(args)?);
    let length = ty.length - 2;
    Ok(ty.with_length(length).with_not_null())
}

fn now(ctx: &mut EvalContext, _: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    Ok(Value::Datetime(ctx.now(call.result.fsp())))
}

fn utc(ctx: &EvalContext, call: &CallInfo) -> PackedDatetime {
    ctx.local(TimeZone::UTC, ctx.statement_micros, call.result.fsp())
}

fn time_of(at: PackedDatetime) -> Value {
    Value::Duration(Duration::from_micros(at.time_micros()))
}

fn sysdate(ctx: &mut EvalContext, _: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let micros = ctx.wall_micros();
    Ok(Value::Datetime(ctx.local(ctx.convert.time_zone, micros, call.result.fsp())))
}
