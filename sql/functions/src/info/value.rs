//! CHARSET, COLLATION and COERCIBILITY of an expression; ANY_VALUE and NAME_CONST, which are their argument.

use rutile_sql_types::{Collation, FieldType, MySqlError, TypeKind, Value};

use crate::call::{ArgInfo, CallInfo, Coercibility, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("charset", 1, 1, infer_name, |_, _, call| {
        Ok(Value::text(collation_of(call).charset().name()))
    }),
    Function::new("collation", 1, 1, infer_name, |_, _, call| Ok(Value::text(collation_of(call).name()))),
    Function::new("coercibility", 1, 1, infer_coercibility, |_, _, call| {
        // The answer is in the display width, where inference, which alone knows it, has left it.
        Ok(Value::Int(i64::from(call.result.length) - COERCIBILITY_WIDTH))
    }),
    Function::new("any_value", 1, 1, |_, args| Ok(args[0].ty.clone()), |_, args, _| Ok(args[0].clone())),
    // The binder turns it into a comparison where WITH ROLLUP gives it a meaning.
    Function::new(
        "grouping",
        1,
        MAX_GROUPING_ARGS,
        |_, _| Ok(FieldType::bigint().with_not_null()),
        |_, _, _| Err(MySqlError::invalid_group_function_use()),
    ),
    Function::new("name_const", 2, 2, |_, args| Ok(args[1].ty.clone()), |_, args, _| Ok(args[1].clone())),
];

/// Keys that GROUPING takes: one bit each.
const MAX_GROUPING_ARGS: usize = 64;

/// Display width of COERCIBILITY() = 0.
const COERCIBILITY_WIDTH: i64 = 10;

fn infer_name(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::varchar(64, Collation::UTF8MB3_GENERAL_CI))
}

fn collation_of(call: &CallInfo) -> Collation {
    if call.args[0].is_string_like() { call.args[0].collation } else { Collation::BINARY }
}

fn infer_coercibility(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let firmness = match args[0].ty.kind {
        TypeKind::Null => Coercibility::Ignorable,
        _ if args[0].ty.is_string_like() => args[0].coercibility,
        TypeKind::Json => Coercibility::Implicit,
        _ => Coercibility::Numeric,
    };
    let width = COERCIBILITY_WIDTH as u32 + firmness as u32;
    Ok(FieldType::bigint().with_length(width).with_not_null())
}
