//! DATE_FORMAT and TIME_FORMAT.

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::read::moment;
use super::specifier::Subject;
use crate::call::argument::{duration, string};
use crate::call::infer::{display_length, sized_text};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("date_format", 2, 2, |ctx, args| Ok(infer_format(ctx, &args[1])), date_format),
    Function::new("time_format", 2, 2, |ctx, args| Ok(infer_format(ctx, &args[1])), time_format),
];

/// Room for the longest output of a specifier, for a format of unknown text.
const LONGEST_SPECIFIER: u32 = 10;

pub(super) fn infer_format(ctx: &InferContext, format: &ArgInfo<'_>) -> FieldType {
    let length = match format.constant {
        Some(Value::Bytes(text)) => written_length(text),
        _ => display_length(format.ty).saturating_mul(LONGEST_SPECIFIER),
    };
    sized_text(length, ctx.connection_collation)
}

/// Most characters a format may produce: format_length() of item_timefunc.cc.
fn written_length(format: &[u8]) -> u32 {
    let mut length: u32 = 0;
    let mut bytes = format.iter();
    while let Some(b) = bytes.next() {
        let more = match if *b == b'%' { bytes.next() } else { None } {
            None => 1,
            Some(b'M' | b'W') => 9,
            Some(b'D' | b'Y' | b'x' | b'X') => 4,
            Some(b'a' | b'b' | b'j') => 3,
            Some(
                b'u' | b'U' | b'v' | b'V' | b'y' | b'm' | b'd' | b'h' | b'I' | b'i' | b'S' | b's' | b'c'
                | b'e' | b'l' | b'p',
            ) => 2,
            Some(b'H' | b'k') => 7,
            Some(b'w' | b'%') => 1,
            Some(b'r') => 11,
            Some(b'T') => 8,
            Some(b'f') => 6,
            Some(_) => 1,
        };
        length = length.saturating_add(more);
    }
    length
}

fn date_format(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(format) = string(ctx, args, call, 1).filter(|f| !f.is_empty()) else {
        return Ok(Value::Null);
    };
    let Some(at) = moment(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    Ok(Subject::of_date(at).write(&format).map(Value::from).into())
}

fn time_format(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(format) = string(ctx, args, call, 1).filter(|f| !f.is_empty()) else {
        return Ok(Value::Null);
    };
    let Some(at) = duration(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    Ok(Subject::of_time(at).write(&format).map(Value::from).into())
}
