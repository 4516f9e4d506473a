//! LENGTH and its relatives, ASCII and ORD.

use bytes::Bytes;
use rutile_sql_types::{Charset, FieldType, MySqlError, Value};

use super::limit::count;
use crate::call::argument::{charset, text};
use crate::call::infer;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("length", 1, 1, count, |c, a, i| measure(c, a, i, bytes)),
    Function::new("octet_length", 1, 1, count, |c, a, i| measure(c, a, i, bytes)),
    Function::new("bit_length", 1, 1, count, |c, a, i| measure(c, a, i, |set, t| bytes(set, t) * 8)),
    Function::new("char_length", 1, 1, count, |c, a, i| measure(c, a, i, Charset::count_chars)),
    Function::new("character_length", 1, 1, count, |c, a, i| measure(c, a, i, Charset::count_chars)),
    Function::new("ascii", 1, 1, infer_ascii, |c, a, i| measure(c, a, i, first_byte)),
    Function::new("ord", 1, 1, infer::integer, |c, a, i| measure(c, a, i, first_character)),
];

fn infer_ascii(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType { not_null: args[0].ty.not_null, ..FieldType::bigint().with_length(4) })
}

/// The bytes of a text in its own character set; it is held in UTF-8.
pub(super) fn encoded(charset: Charset, text: &[u8]) -> Bytes {
    match charset {
        Charset::Latin1 if !text.is_ascii() => charset.encode(text).0.into(),
        _ => Bytes::copy_from_slice(text),
    }
}

fn bytes(charset: Charset, text: &[u8]) -> usize {
    // Every character of Latin-1 is one byte.
    if charset == Charset::Latin1 { charset.count_chars(text) } else { text.len() }
}

fn first_byte(charset: Charset, text: &[u8]) -> usize {
    encoded(charset, text).first().copied().unwrap_or(0).into()
}

/// The bytes of the first character as one number.
fn first_character(charset: Charset, text: &[u8]) -> usize {
    let first = encoded(charset, &text[..charset.char_len(text)]);
    first.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn measure(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    measure: fn(Charset, &[u8]) -> usize,
) -> Result<Value, MySqlError> {
    Ok(text(ctx, args, call, 0).map(|t| Value::Int(measure(charset(call, 0), &t) as i64)).into())
}
