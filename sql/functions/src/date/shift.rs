//! DATE_ADD, DATE_SUB, ADDDATE, SUBDATE and TIMESTAMPADD.
//!
//! The unit is the third argument (the first of TIMESTAMPADD), a constant text. A text date gives text: a date if
//! it was one and the unit is of days or more, else a date with time.

use rutile_sql_types::convert::to_int;
use rutile_sql_types::temporal::{
    DateFlags, Interval, IntervalUnit, datetime_from_number, format_date, format_datetime, parse_datetime,
};
use rutile_sql_types::{Duration, FieldType, MySqlError, PackedDatetime, TypeKind, Value};

use super::overflow::overflow;
use super::part::unit_of;
use crate::call::argument::{datetime_with, decimal, duration, text};
use crate::call::infer::fsp_of;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};
use crate::numeric::literal;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("date_add", 2, 3, |ctx, args| infer(ctx, args, ADD), |c, a, i| shift(c, a, i, ADD)),
    Function::new("adddate", 2, 3, |ctx, args| infer(ctx, args, ADD), |c, a, i| shift(c, a, i, ADD)),
    Function::new(
        "date_sub",
        2,
        3,
        |ctx, args| infer(ctx, args, SUBTRACT),
        |c, a, i| shift(c, a, i, SUBTRACT),
    ),
    Function::new(
        "subdate",
        2,
        3,
        |ctx, args| infer(ctx, args, SUBTRACT),
        |c, a, i| shift(c, a, i, SUBTRACT),
    ),
    Function::new(
        "timestampadd",
        3,
        3,
        |ctx, args| infer(ctx, args, UNIT_FIRST),
        |c, a, i| shift(c, a, i, UNIT_FIRST),
    ),
];

/// Where the arguments are, and the direction.
#[derive(Clone, Copy)]
struct Order {
    operand: usize,
    amount: usize,
    unit: usize,
    subtract: bool,
}

const ADD: Order = Order { operand: 0, amount: 1, unit: 2, subtract: false };
const SUBTRACT: Order = Order { subtract: true, ..ADD };
const UNIT_FIRST: Order = Order { operand: 2, amount: 1, unit: 0, subtract: false };

/// Characters of a text result.
const TEXT_LENGTH: u32 = 29;

fn unit_at(unit: Option<&Value>) -> Result<IntervalUnit, MySqlError> {
    match unit {
        None => Ok(IntervalUnit::Day),
        Some(value) => unit_of(value).ok_or_else(|| MySqlError::wrong_arguments("date_add")),
    }
}

fn infer(ctx: &mut InferContext, args: &[ArgInfo<'_>], order: Order) -> Result<FieldType, MySqlError> {
    let unit = match args.get(order.unit) {
        Some(arg) => unit_at(Some(arg.constant.unwrap_or(&Value::Null)))?,
        None => IntervalUnit::Day,
    };
    let operand = args[order.operand].ty;
    let added = match unit {
        IntervalUnit::Second => fsp_of(&args[order.amount]),
        unit if unit.has_microseconds() => 6,
        _ => 0,
    };
    let fsp = operand.fsp().max(added);
    Ok(match operand.kind {
        TypeKind::Date if unit.is_date_only() => FieldType::date(),
        TypeKind::Date | TypeKind::Datetime | TypeKind::Timestamp => FieldType::datetime(fsp),
        TypeKind::Time if unit.is_date_only() => FieldType::datetime(fsp),
        TypeKind::Time => FieldType::time(fsp),
        _ => FieldType::char(TEXT_LENGTH, ctx.connection_collation),
    })
}

fn shift(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, order: Order) -> Result<Value, MySqlError> {
    let unit = unit_at(args.get(order.unit))?;
    if args[order.operand].is_null() {
        return Ok(Value::Null);
    }
    let Some(interval) = amount(ctx, args, call, order.amount, unit) else {
        if !args[order.amount].is_null() {
            warn(ctx, args, call, order, unit, "DATETIME");
        }
        return Ok(Value::Null);
    };
    let interval = if order.subtract { interval.negated() } else { interval };
    if call.result.kind == TypeKind::Time {
        return Ok(shift_time(ctx, args, call, order, interval, unit));
    }
    let flags = DateFlags { no_zero_date: true, no_zero_in_date: true, allow_invalid: false };
    let Some(at) = datetime_with(ctx, args, call, order.operand, flags) else {
        return Ok(Value::Null);
    };
    let Some(sum) = at.checked_add(interval) else {
        return Ok(overflow(ctx, "datetime"));
    };
    if call.result.kind.is_string() {
        let as_date = unit.is_date_only() && !has_time(&args[order.operand]);
        return Ok(shown(sum, as_date).into());
    }
    Ok(Value::Datetime(sum))
}

fn shift_time(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    order: Order,
    interval: Interval,
    unit: IntervalUnit,
) -> Value {
    let Some(at) = duration(ctx, args, call, order.operand) else {
        return Value::Null;
    };
    match i64::try_from(i128::from(at.micros()) + interval.micros).map(Duration::clipped) {
        Ok((sum, false)) => Value::Duration(sum),
        _ => {
            warn(ctx, args, call, order, unit, "TIME");
            Value::Null
        }
    }
}

/// Warning 6527 with the sum as MySQL prints it.
fn warn(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    order: Order,
    unit: IntervalUnit,
    kind: &str,
) {
    let shown = |i: usize| literal(&args[i], &call.args[i]);
    let sign = if order.subtract { '-' } else { '+' };
    let unit = unit.name().to_lowercase();
    let text = format!("({} {sign} interval {} {unit})", shown(order.operand), shown(order.amount));
    ctx.warn(MySqlError::new(6527, "22003", format!("{kind} value is out of range in '{text}'")));
}

/// Whether a text or a number that is a date has a time too.
fn has_time(value: &Value) -> bool {
    match value {
        Value::Bytes(text) => parse_datetime(text, DateFlags::FUZZY, false).has_time,
        Value::Int(v) => datetime_from_number(*v, DateFlags::FUZZY).is_ok_and(|(_, time)| time),
        Value::UInt(v) => i64::try_from(*v)
            .is_ok_and(|v| datetime_from_number(v, DateFlags::FUZZY).is_ok_and(|(_, time)| time)),
        _ => true,
    }
}

/// A date with time as text, with microseconds only if there are any.
pub(super) fn shown(at: PackedDatetime, as_date: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(TEXT_LENGTH as usize);
    if as_date {
        format_date(at, &mut out);
    } else {
        format_datetime(at, if at.parts().microsecond == 0 { 0 } else { 6 }, &mut out);
    }
    out
}

/// The amount of an INTERVAL: compound units read text, seconds may have a fraction, all else is whole.
fn amount(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    at: usize,
    unit: IntervalUnit,
) -> Option<Interval> {
    if unit.is_compound() {
        let text = text(ctx, args, call, at)?;
        // A text without any number counts nothing.
        let empty = !text.iter().any(u8::is_ascii_digit);
        return if empty { Some(Interval::default()) } else { Interval::parse_compound(unit, &text) };
    }
    if unit == IntervalUnit::Second {
        let seconds = decimal(ctx, args, call, at)?;
        return Some(Interval { months: 0, micros: seconds.round_to(6)?.digits_i128()? });
    }
    let count = to_int(&args[at], &call.args[at], &mut ctx.convert)?;
    Some(Interval::of_units(unit, count))
}
