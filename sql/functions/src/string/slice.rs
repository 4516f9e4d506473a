//! SUBSTRING, LEFT, RIGHT, SUBSTRING_INDEX and INSERT.

use bytes::Bytes;
use rutile_sql_types::{Charset, FieldType, MySqlError, Value};

use super::limit::{limited, text_of};
use super::slice_vector;
use crate::call::argument::{charset, int, text};
use crate::call::infer::display_length;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("substring", 2, 3, infer_substring, substring).vector(slice_vector::substring),
    Function::new("substr", 2, 3, infer_substring, substring).vector(slice_vector::substring),
    Function::new("mid", 2, 3, infer_substring, substring).vector(slice_vector::substring),
    Function::new("left", 2, 2, infer_side, left).vector(slice_vector::left),
    Function::new("right", 2, 2, infer_side, right),
    Function::new("substring_index", 3, 3, infer_index, substring_index),
    Function::new("insert", 4, 4, infer_insert, insert),
];

fn constant(arg: &ArgInfo<'_>) -> Option<i64> {
    match arg.constant? {
        Value::Int(v) => Some(*v),
        Value::UInt(v) => i64::try_from(*v).ok(),
        _ => None,
    }
}

fn infer_substring(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let mut length = i64::from(display_length(args[0].ty));
    match constant(&args[1]) {
        Some(start) if start > 0 => length = (length - start + 1).max(0),
        Some(start) if start < 0 => length = length.min(start.saturating_neg()),
        Some(_) => length = 0,
        None => {}
    }
    if let Some(count) = args.get(2).and_then(constant) {
        length = length.min(count.max(0));
    }
    text_of(ctx, &args[..1], "substr", length as u32)
}

fn infer_side(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let length = i64::from(display_length(args[0].ty));
    let length = constant(&args[1]).map_or(length, |count| length.min(count.max(0)));
    text_of(ctx, &args[..1], "left", length as u32)
}

fn substring(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(subject), Some(start)) = (text(ctx, args, call, 0), int(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    let count = match args.len() {
        3 => match int(ctx, args, call, 2) {
            Some(count) => count,
            None => return Ok(Value::Null),
        },
        _ => i64::MAX,
    };
    Ok(Value::Bytes(piece(charset(call, 0), &subject, start, count)))
}

/// `count` characters from position `start`, which counts from 1, or from the end if negative.
fn piece(charset: Charset, subject: &Bytes, start: i64, count: i64) -> Bytes {
    let skipped = match start {
        1.. => usize::try_from(start - 1).ok(),
        0 => None,
        _ => usize::try_from(start.unsigned_abs())
            .ok()
            .and_then(|back| charset.count_chars(subject).checked_sub(back)),
    };
    let (Some(skipped), 1..) = (skipped, count) else {
        return Bytes::new();
    };
    let from = charset.offset_of(subject, skipped.min(subject.len()));
    let rest = subject.slice(from..);
    let until = charset.offset_of(&rest, usize::try_from(count).unwrap_or(usize::MAX).min(rest.len()));
    rest.slice(..until)
}

fn left(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(subject), Some(count)) = (text(ctx, args, call, 0), int(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    Ok(Value::Bytes(piece(charset(call, 0), &subject, 1, count)))
}

fn right(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(subject), Some(count)) = (text(ctx, args, call, 0), int(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    if count <= 0 {
        return Ok(Value::text(""));
    }
    let charset = charset(call, 0);
    let skipped = charset.count_chars(&subject).saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
    Ok(Value::Bytes(subject.slice(charset.offset_of(&subject, skipped)..)))
}

fn infer_index(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    text_of(ctx, &args[..2], "substring_index", display_length(args[0].ty))
}

/// Offsets at which `delimiter` starts, not overlapping, from the left.
fn occurrences(subject: &[u8], delimiter: &[u8], charset: Charset) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + delimiter.len() <= subject.len() {
        if subject[at..].starts_with(delimiter) {
            found.push(at);
            at += delimiter.len();
        } else {
            at += charset.char_len(&subject[at..]).max(1);
        }
    }
    found
}

/// Everything before the n-th delimiter; after it from the right if n is negative. Letter case counts.
fn substring_index(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(subject), Some(delimiter)) = (text(ctx, args, call, 0), text(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    let Some(count) = int(ctx, args, call, 2) else {
        return Ok(Value::Null);
    };
    if delimiter.is_empty() || count == 0 {
        return Ok(Value::text(""));
    }
    let nth = usize::try_from(count.unsigned_abs() - 1).unwrap_or(usize::MAX);
    let found = occurrences(&subject, &delimiter, call.result.collation.charset());
    let cut = if count > 0 {
        found.get(nth).map(|at| subject.slice(..*at))
    } else {
        found.iter().nth_back(nth).map(|at| subject.slice(at + delimiter.len()..))
    };
    Ok(Value::Bytes(cut.unwrap_or(subject)))
}

fn infer_insert(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let length = display_length(args[0].ty).saturating_add(display_length(args[3].ty));
    text_of(ctx, &[args[0], args[3]], "insert", length)
}

/// Replaces `length` characters from `position`; a position outside of the text changes nothing.
fn insert(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(subject), Some(new)) = (text(ctx, args, call, 0), text(ctx, args, call, 3)) else {
        return Ok(Value::Null);
    };
    let (Some(position), Some(length)) = (int(ctx, args, call, 1), int(ctx, args, call, 2)) else {
        return Ok(Value::Null);
    };
    let charset = call.result.collation.charset();
    let chars = charset.count_chars(&subject) as i64;
    if position < 1 || position > chars {
        return Ok(Value::Bytes(subject));
    }
    let start = (position - 1) as usize;
    let rest = chars - start as i64;
    let removed = if length < 0 || length > rest { rest } else { length } as usize;
    let (from, until) = (charset.offset_of(&subject, start), charset.offset_of(&subject, start + removed));
    let out = [&subject[..from], &new, &subject[until..]].concat();
    Ok(limited(ctx, "insert", out))
}
