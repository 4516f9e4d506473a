//! ADDTIME, SUBTIME and TIMEDIFF: arithmetic with TIMEs.

use rutile_sql_types::temporal::{Interval, parse_time};
use rutile_sql_types::{Duration, FieldType, MySqlError, PackedDatetime, TypeKind, Value};

use super::construct::clipped;
use super::overflow::warn_out_of_range;
use super::read::is_dated;
use super::shift::shown;
use crate::call::argument::{datetime, duration};
use crate::call::infer::fsp_of;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("addtime", 2, 2, infer_addtime, |c, a, i| addtime(c, a, i, 1)),
    Function::new("subtime", 2, 2, infer_addtime, |c, a, i| addtime(c, a, i, -1)),
    Function::new("timediff", 2, 2, infer_timediff, timediff),
];

/// A value that may be a time or a date with time, which only its text shows.
enum Moment {
    Time(Duration),
    Datetime(PackedDatetime),
}

fn moment(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<Moment> {
    let dated = match &args[i] {
        Value::Datetime(_) => true,
        Value::Bytes(text) => is_dated(text),
        _ => false,
    };
    if dated {
        return datetime(ctx, args, call, i).map(Moment::Datetime);
    }
    duration(ctx, args, call, i).map(Moment::Time)
}

fn infer_addtime(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let fsp = fsp_of(&args[0]).max(fsp_of(&args[1]));
    Ok(match args[0].ty.kind {
        TypeKind::Time => FieldType::time(fsp),
        kind if kind.has_date() => FieldType::datetime(fsp),
        _ => FieldType::char(29, ctx.connection_collation),
    })
}

fn addtime(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, sign: i128) -> Result<Value, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    if let Value::Bytes(text) = &args[0]
        && parse_time(text).value.is_none()
    {
        let shown = String::from_utf8_lossy(text).into_owned();
        ctx.warn(MySqlError::incorrect_temporal("datetime", shown));
        return Ok(Value::Null);
    }
    let Some(moment_of) = moment(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    // Of a date with time the time is added.
    let Some(added) = duration(ctx, args, call, 1) else {
        return Ok(Value::Null);
    };
    let micros = sign * i128::from(added.micros());
    let as_text = call.result.kind.is_string();
    match moment_of {
        Moment::Datetime(at) => match at.checked_add(Interval { months: 0, micros }) {
            Some(sum) if as_text => Ok(shown(sum, false).into()),
            Some(sum) => Ok(Value::Datetime(sum)),
            None => Ok(Value::Null),
        },
        Moment::Time(time) => {
            let total = i128::from(time.micros()) + micros;
            let (sum, cut) = Duration::clipped(total as i64);
            if cut {
                warn_out_of_range(ctx, "TIME", if sign > 0 { "addtime" } else { "subtime" }, args, call);
            }
            Ok(match (as_text, cut) {
                (true, _) => time_text(sum.micros().into()).into(),
                (false, true) => Value::Null,
                (false, false) => Value::Duration(sum),
            })
        }
    }
}

/// With microseconds only if there are any.
fn time_text(micros: i128) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, fraction) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
    if fraction == 0 { text } else { format!("{text}.{fraction:06}") }
}

fn infer_timediff(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::time(fsp_of(&args[0]).max(fsp_of(&args[1]))))
}

/// NULL if one is a time and the other a date with time.
fn timediff(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let micros = match (moment(ctx, args, call, 0), moment(ctx, args, call, 1)) {
        (Some(Moment::Time(a)), Some(Moment::Time(b))) => i128::from(a.micros()) - i128::from(b.micros()),
        (Some(Moment::Datetime(a)), Some(Moment::Datetime(b))) => a.absolute_micros() - b.absolute_micros(),
        _ => return Ok(Value::Null),
    };
    Ok(Value::Duration(clipped(ctx, micros, time_text(micros))))
}
