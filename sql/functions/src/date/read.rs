//! Reading arguments as dates. Text is read under NO_ZERO_DATE, dates of columns are not checked again.

use rutile_sql_types::temporal::{DateFlags, parse_datetime};
use rutile_sql_types::{MySqlError, PackedDatetime, SqlMode, TypeKind, Value, Warnings};

use crate::call::argument::datetime_with;
use crate::call::infer::fsp_of;
use crate::call::{ArgInfo, CallInfo, EvalContext};

/// Digits of the shortest date with time without delimiters.
const SHORTEST_DATETIME: usize = 12;

/// No part of the date may be zero.
const WHOLE: DateFlags = DateFlags { no_zero_in_date: true, no_zero_date: true, allow_invalid: false };

fn lenient(ctx: &EvalContext, value: &Value) -> DateFlags {
    let text = matches!(value, Value::Bytes(_));
    DateFlags { no_zero_date: text && ctx.sql_mode().contains(SqlMode::NO_ZERO_DATE), ..DateFlags::FUZZY }
}

/// A date with time, possibly partial.
pub(super) fn moment(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
) -> Option<PackedDatetime> {
    let flags = lenient(ctx, &args[i]);
    datetime_with(ctx, args, call, i, flags)
}

/// A date, possibly partial.
pub(super) fn day(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
) -> Option<PackedDatetime> {
    let flags = lenient(ctx, &args[i]);
    day_with(ctx, args, call, i, flags)
}

/// A date on which days can be counted.
pub(super) fn whole_day(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
) -> Option<PackedDatetime> {
    day_with(ctx, args, call, i, WHOLE)
}

/// Where MySQL asks text for a date and not for a date with time, its warnings say so.
pub(super) fn day_with(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
    flags: DateFlags,
) -> Option<PackedDatetime> {
    // The day of a TIME is the present one, whatever its hours.
    if matches!(args[i], Value::Duration(_)) {
        return Some(ctx.convert.current_date.date_only());
    }
    if !matches!(args[i], Value::Bytes(_)) {
        return datetime_with(ctx, args, call, i, flags);
    }
    let before = std::mem::replace(&mut ctx.convert.warnings, Warnings::with_limit(1));
    let found = datetime_with(ctx, args, call, i, flags);
    let raised = std::mem::replace(&mut ctx.convert.warnings, before);
    if !raised.is_empty() {
        let shown = crate::call::argument::string(ctx, args, call, i).unwrap_or_default();
        ctx.warn(MySqlError::truncated_wrong_value("date", shown));
    }
    found
}

/// Whether a text is a date with time, or a date with its dashes, rather than a time.
pub(super) fn is_dated(text: &[u8]) -> bool {
    let dashes = text.iter().skip(1).any(|b| *b == b'-');
    if !dashes && text.len() < SHORTEST_DATETIME {
        return false;
    }
    let parsed = parse_datetime(text, DateFlags::FUZZY, false);
    parsed.value.is_some() && (dashes || parsed.has_time)
}

/// Fractional digits of a number of seconds: those of a number, all six of text.
pub(super) fn fsp_of_number(arg: &ArgInfo<'_>) -> u8 {
    if arg.ty.is_string_like() || arg.ty.kind == TypeKind::Json { 6 } else { fsp_of(arg) }
}
