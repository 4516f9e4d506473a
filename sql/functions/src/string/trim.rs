//! TRIM, LTRIM, RTRIM; with a second argument the text to remove instead of spaces.

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::limit::text_of;
use crate::call::argument::text;
use crate::call::infer::display_length;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("trim", 1, 2, infer, |c, a, i| trim(c, a, i, true, true)),
    Function::new("ltrim", 1, 2, infer, |c, a, i| trim(c, a, i, true, false)),
    Function::new("rtrim", 1, 2, infer, |c, a, i| trim(c, a, i, false, true)),
];

fn infer(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    text_of(ctx, args, "trim", display_length(args[0].ty))
}

fn trim(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    start: bool,
    end: bool,
) -> Result<Value, MySqlError> {
    let Some(subject) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let removed = match args.len() {
        2 => match text(ctx, args, call, 1) {
            Some(removed) => removed,
            None => return Ok(Value::Null),
        },
        _ => bytes::Bytes::from_static(b" "),
    };
    if removed.is_empty() {
        return Ok(Value::Bytes(subject));
    }
    let (mut from, mut until) = (0, subject.len());
    while start && subject[from..until].starts_with(&removed) {
        from += removed.len();
    }
    // A UTF-8 suffix that is whole characters starts at a character.
    while end && subject[from..until].ends_with(&removed) {
        until -= removed.len();
    }
    Ok(Value::Bytes(subject.slice(from..until)))
}
