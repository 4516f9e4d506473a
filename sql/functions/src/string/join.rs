//! CONCAT and CONCAT_WS.

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::limit::{limited, text_of};
use crate::call::argument::text;
use crate::call::infer::display_length;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("concat", 1, usize::MAX, infer_concat, concat),
    Function::new("concat_ws", 2, usize::MAX, infer_concat_ws, concat_ws),
];

fn total(args: &[ArgInfo<'_>]) -> u32 {
    args.iter().fold(0, |sum: u32, arg| sum.saturating_add(display_length(arg.ty)))
}

fn infer_concat(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    text_of(ctx, args, "concat", total(args))
}

fn infer_concat_ws(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let separators = display_length(args[0].ty).saturating_mul(args.len() as u32 - 2);
    text_of(ctx, args, "concat_ws", total(&args[1..]).saturating_add(separators))
}

fn concat(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let mut out = Vec::new();
    for i in 0..args.len() {
        match text(ctx, args, call, i) {
            Some(piece) => out.extend_from_slice(&piece),
            None => return Ok(Value::Null),
        }
    }
    Ok(limited(ctx, "concat", out))
}

/// Skips NULLs.
fn concat_ws(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(separator) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let mut out = Vec::new();
    let mut first = true;
    for i in 1..args.len() {
        if let Some(piece) = text(ctx, args, call, i) {
            if !first {
                out.extend_from_slice(&separator);
            }
            first = false;
            out.extend_from_slice(&piece);
        }
    }
    Ok(limited(ctx, "concat_ws", out))
}
