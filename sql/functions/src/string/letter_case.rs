//! LOWER, UPPER and REVERSE.

use rutile_sql_types::{Charset, FieldType, MySqlError, Value};

use super::limit::text_of;
use crate::call::argument::text;
use crate::call::infer::display_length;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("lower", 1, 1, infer, |c, a, i| map(c, a, i, lower)),
    Function::new("lcase", 1, 1, infer, |c, a, i| map(c, a, i, lower)),
    Function::new("upper", 1, 1, infer, |c, a, i| map(c, a, i, upper)),
    Function::new("ucase", 1, 1, infer, |c, a, i| map(c, a, i, upper)),
    Function::new("reverse", 1, 1, infer, reverse),
];

fn infer(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    text_of(ctx, args, "lower", display_length(args[0].ty))
}

/// Letters whose other case is not exactly one letter keep theirs, as in MySQL's tables.
fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn lower(c: char) -> char {
    // U+0130 lowers to i without its dot in MySQL's table.
    if c == '\u{130}' { 'i' } else { single(c, c.to_lowercase()) }
}

fn upper(c: char) -> char {
    single(c, c.to_uppercase())
}

/// Binary strings have no letters.
fn map(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    map: fn(char) -> char,
) -> Result<Value, MySqlError> {
    let Some(subject) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    if call.result.collation.charset() == Charset::Binary {
        return Ok(Value::Bytes(subject));
    }
    if subject.is_ascii() {
        return Ok(subject.iter().map(|b| map(char::from(*b)) as u8).collect::<Vec<u8>>().into());
    }
    Ok(match std::str::from_utf8(&subject) {
        Ok(valid) => valid.chars().map(map).collect::<String>().into(),
        Err(_) => Value::Bytes(subject),
    })
}

fn reverse(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(subject) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let charset = call.result.collation.charset();
    let mut out = vec![0; subject.len()];
    let mut at = 0;
    while at < subject.len() {
        let len = charset.char_len(&subject[at..]).max(1);
        let to = subject.len() - at - len;
        out[to..to + len].copy_from_slice(&subject[at..at + len]);
        at += len;
    }
    Ok(out.into())
}
