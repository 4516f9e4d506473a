//! REPEAT, SPACE, LPAD, RPAD.

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::limit::{fits, text_of};
use crate::call::argument::{int, text};
use crate::call::infer::{display_length, sized_text};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("repeat", 2, 2, infer_repeat, repeat),
    Function::new("space", 1, 1, infer_space, space),
    Function::new("lpad", 3, 3, |ctx, args| infer_pad(ctx, args, "lpad"), |c, a, i| pad(c, a, i, "lpad")),
    Function::new("rpad", 3, 3, |ctx, args| infer_pad(ctx, args, "rpad"), |c, a, i| pad(c, a, i, "rpad")),
];

/// Length of a text whose length is not known beforehand.
const UNKNOWN_LENGTH: u32 = 1 << 24;

fn constant_count(arg: &ArgInfo<'_>) -> Option<u32> {
    match arg.constant? {
        Value::Int(v) => Some(u32::try_from((*v).max(0)).unwrap_or(u32::MAX)),
        Value::UInt(v) => Some(u32::try_from(*v).unwrap_or(u32::MAX)),
        Value::Null => Some(0),
        _ => None,
    }
}

fn infer_repeat(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let length = match constant_count(&args[1]) {
        Some(count) => display_length(args[0].ty).saturating_mul(count),
        None => UNKNOWN_LENGTH,
    };
    text_of(ctx, &args[..1], "repeat", length)
}

fn repeat(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(piece), Some(count)) = (text(ctx, args, call, 0), int(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    if !fits(ctx, "repeat", piece.len().saturating_mul(count)) {
        return Ok(Value::Null);
    }
    Ok(if piece.is_empty() { Value::text("") } else { piece.repeat(count).into() })
}

fn infer_space(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(sized_text(constant_count(&args[0]).unwrap_or(UNKNOWN_LENGTH), ctx.connection_collation))
}

fn space(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(count) = int(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    Ok(if fits(ctx, "space", count) { vec![b' '; count].into() } else { Value::Null })
}

fn infer_pad(ctx: &mut InferContext, args: &[ArgInfo<'_>], name: &str) -> Result<FieldType, MySqlError> {
    let length = constant_count(&args[1]).unwrap_or(UNKNOWN_LENGTH);
    text_of(ctx, &[args[0], args[2]], name, length)
}

/// The text in exactly so many characters: cut, or filled with the pad text, if that is not empty.
fn pad(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, name: &str) -> Result<Value, MySqlError> {
    let (Some(subject), Some(filler)) = (text(ctx, args, call, 0), text(ctx, args, call, 2)) else {
        return Ok(Value::Null);
    };
    let Some(wanted) = int(ctx, args, call, 1).and_then(|n| usize::try_from(n).ok()) else {
        return Ok(Value::Null);
    };
    let charset = call.result.collation.charset();
    let have = charset.count_chars(&subject);
    if wanted <= have {
        return Ok(Value::Bytes(subject.slice(..charset.offset_of(&subject, wanted))));
    }
    let missing = wanted - have;
    let step = charset.count_chars(&filler);
    if !fits(ctx, name, wanted.saturating_mul(charset.max_len() as usize)) {
        return Ok(Value::Null);
    }
    if step == 0 {
        return Ok(Value::Bytes(subject));
    }
    let mut fill = filler.repeat(missing / step);
    fill.extend_from_slice(&filler[..charset.offset_of(&filler, missing % step)]);
    let pieces: [&[u8]; 2] = if name == "lpad" { [&fill, &subject] } else { [&subject, &fill] };
    Ok(pieces.concat().into())
}
