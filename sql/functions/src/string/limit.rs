//! No result is longer than max_allowed_packet: it is NULL with warning 1301 instead, so that all text may be NULL.

use rutile_sql_types::{FieldType, MySqlError, Value};

use crate::call::{ArgInfo, EvalContext, InferContext, infer};

/// Whether a result of `bytes` may be built.
pub(super) fn fits(ctx: &mut EvalContext, function: &str, bytes: usize) -> bool {
    let fits = bytes <= ctx.max_allowed_packet;
    if !fits {
        let limit = ctx.max_allowed_packet;
        ctx.warn(MySqlError::result_too_large(function, limit));
    }
    fits
}

/// The text, unless it is too long.
pub(super) fn limited(ctx: &mut EvalContext, function: &str, text: Vec<u8>) -> Value {
    if fits(ctx, function, text.len()) { text.into() } else { Value::Null }
}

/// Text in the collation of all arguments, `length` characters.
pub(super) fn text_of(
    ctx: &mut InferContext,
    args: &[ArgInfo<'_>],
    operation: &str,
    length: u32,
) -> Result<FieldType, MySqlError> {
    Ok(infer::text_of(ctx, args, operation, length)?.with_nullable())
}

/// Characters of a position or a length.
const COUNT_WIDTH: u32 = 11;

/// A position or a length, NULL only if an argument is.
pub(super) fn count(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let ty = FieldType::bigint().with_length(COUNT_WIDTH);
    Ok(FieldType { not_null: args.iter().all(|a| a.ty.not_null), ..ty })
}
