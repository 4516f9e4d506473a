//! UNIX_TIMESTAMP, FROM_UNIXTIME, CONVERT_TZ.

use rutile_sql_types::temporal::{DateFlags, parse_datetime};
use rutile_sql_types::{Decimal, FieldType, MySqlError, PackedDatetime, TimeZone, TypeKind, Value};

use super::construct::truncates;
use super::format::infer_format;
use super::read::{fsp_of_number, moment};
use super::specifier::Subject;
use crate::call::argument::{decimal, string};
use crate::call::infer::{self, fsp_of};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("unix_timestamp", 0, 1, infer_unix_timestamp, unix_timestamp),
    Function::new("from_unixtime", 1, 2, infer_from_unixtime, from_unixtime),
    Function::new("convert_tz", 3, 3, |_, args| Ok(FieldType::datetime(fsp_of(&args[0]))), convert_tz),
];

/// 3001-01-18 23:59:59 UTC, the last second MySQL converts.
const LAST_SECOND: i64 = 32_536_771_199;
const SECOND: i64 = 1_000_000;

fn infer_unix_timestamp(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let ty = match args.first().map(fsp_of_moment) {
        None | Some(0) => FieldType::bigint(),
        Some(fsp) => infer::decimal(11 + u32::from(fsp), fsp),
    };
    Ok(FieldType { not_null: args.iter().all(|a| a.ty.not_null), ..ty })
}

/// Text that is no date could be anything.
fn fsp_of_moment(arg: &ArgInfo<'_>) -> u8 {
    match arg.constant {
        Some(Value::Bytes(text)) if parse_datetime(text, DateFlags::FUZZY, false).value.is_none() => 6,
        _ => fsp_of(arg),
    }
}

/// What is no moment after the epoch is 0.
fn unix_timestamp(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.is_empty() {
        return Ok(Value::Int(ctx.statement_micros.div_euclid(SECOND)));
    }
    if args[0].is_null() {
        return Ok(Value::Null);
    }
    let local = moment(ctx, args, call, 0).filter(|d| !d.has_zero_part());
    let micros = local.and_then(|d| ctx.convert.time_zone.to_unix_micros(d));
    let micros = micros.filter(|m| (0..=LAST_SECOND * SECOND + SECOND - 1).contains(m)).unwrap_or(0);
    if call.result.kind != TypeKind::Decimal {
        return Ok(Value::Int(micros / SECOND));
    }
    let exact = Decimal::from_i128(micros.into(), 6);
    Ok(exact.truncate_to(call.result.decimals).map(Value::Decimal).into())
}

fn infer_from_unixtime(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(match args.get(1) {
        Some(format) => infer_format(ctx, format),
        None => FieldType::datetime(fsp_of_number(&args[0])),
    })
}

fn from_unixtime(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(seconds) = decimal(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let fsp = if args.len() > 1 { 6 } else { call.result.fsp() };
    let rounded = if truncates(ctx) { seconds.truncate_to(fsp) } else { seconds.round_to(fsp) };
    let micros = rounded.and_then(|d| d.round_to(6)).and_then(|d| d.digits_i128());
    let last = i128::from(LAST_SECOND * SECOND + SECOND - 1);
    let Some(micros) = micros.filter(|m| (0..=last).contains(m)) else {
        return Ok(Value::Null);
    };
    let Some(at) = ctx.convert.time_zone.from_unix_micros(micros as i64) else {
        return Ok(Value::Null);
    };
    if args.len() == 1 {
        return Ok(Value::Datetime(at));
    }
    let Some(format) = string(ctx, args, call, 1).filter(|f| !f.is_empty()) else {
        return Ok(Value::Null);
    };
    Ok(Subject::of_date(at).write(&format).map(Value::from).into())
}

/// The zone of a name, `SYSTEM` being UTC; `None` if there is none.
fn zone(ctx: &EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Option<TimeZone> {
    let name = string(ctx, args, call, i)?;
    if name.eq_ignore_ascii_case("SYSTEM") {
        return Some(TimeZone::UTC);
    }
    TimeZone::parse(&name).ok()
}

/// Dates outside of the range of moments stay as they are.
fn convert_tz(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(at) = moment(ctx, args, call, 0).filter(|d| !d.has_zero_part()) else {
        return Ok(Value::Null);
    };
    let (Some(from), Some(to)) = (zone(ctx, args, call, 1), zone(ctx, args, call, 2)) else {
        return Ok(Value::Null);
    };
    let moment = from.to_unix_micros(at).filter(|m| (0..=LAST_SECOND * SECOND).contains(m));
    let converted: Option<PackedDatetime> = moment.and_then(|m| to.from_unix_micros(m));
    Ok(Value::Datetime(converted.unwrap_or(at)))
}
