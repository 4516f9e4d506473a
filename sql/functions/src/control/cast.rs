//! CAST and CONVERT. The target type is not an argument: the binder calls `CallInfo::cast_to` (or passes a
//! typed NULL as second argument to `cast`).

use rutile_sql_types::{FieldType, MySqlError, Value};

use crate::call::{ArgInfo, CallInfo, Coercibility, EvalContext, Function, InferContext};

pub(crate) const FUNCTIONS: &[Function] =
    &[Function::new("cast", 2, 2, infer_cast, cast), Function::new("convert_using", 2, 2, infer_cast, cast)];

/// The second argument only carries the target type.
fn infer_cast(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    ctx.coercibility = Coercibility::Implicit;
    let mut target = args[1].ty.clone();
    let lossless = target.kind.is_string()
        || target.kind.is_integer()
        || target.kind.is_real()
        || target.kind == rutile_sql_types::TypeKind::Decimal;
    target.not_null = args[0].ty.not_null && lossless;
    Ok(target)
}

fn cast(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    rutile_sql_types::cast(&args[0], &call.args[0], &call.result, &mut ctx.convert)
}
