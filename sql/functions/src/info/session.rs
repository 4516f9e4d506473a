//! VERSION, DATABASE, USER, CONNECTION_ID, LAST_INSERT_ID, ROW_COUNT, FOUND_ROWS ...

use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use crate::call::argument::int;
use crate::call::{ArgInfo, CallInfo, Coercibility, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "version",
        0,
        0,
        |ctx, _| Ok(name(ctx, 60).with_not_null()),
        |c, _, _| Ok(Value::text(&c.session.version)),
    ),
    Function::new("database", 0, 0, |ctx, _| Ok(name(ctx, 64)), database),
    Function::new("schema", 0, 0, |ctx, _| Ok(name(ctx, 64)), database),
    Function::new("user", 0, 0, |ctx, _| Ok(name(ctx, 288)), |c, _, _| Ok(Value::text(&c.session.user))),
    Function::new(
        "session_user",
        0,
        0,
        |ctx, _| Ok(name(ctx, 288)),
        |c, _, _| Ok(Value::text(&c.session.user)),
    ),
    Function::new(
        "system_user",
        0,
        0,
        |ctx, _| Ok(name(ctx, 288)),
        |c, _, _| Ok(Value::text(&c.session.user)),
    ),
    Function::new(
        "current_user",
        0,
        0,
        |ctx, _| Ok(name(ctx, 288)),
        |c, _, _| Ok(Value::text(&c.session.current_user)),
    ),
    Function::new(
        "current_role",
        0,
        0,
        |ctx, _| Ok(name(ctx, 288)),
        |c, _, _| Ok(Value::text(&c.session.current_role)),
    ),
    Function::new("connection_id", 0, 0, infer_id, |c, _, _| Ok(Value::UInt(c.session.connection_id))),
    Function::new("last_insert_id", 0, 1, infer_insert_id, last_insert_id).volatile(),
    Function::new(
        "row_count",
        0,
        0,
        |_, _| Ok(FieldType::bigint().with_not_null()),
        |c, _, _| Ok(Value::Int(c.row_count)),
    ),
    Function::new(
        "found_rows",
        0,
        0,
        |_, _| Ok(FieldType::bigint().with_not_null()),
        |c, _, _| Ok(Value::Int(i64::try_from(c.found_rows).unwrap_or(i64::MAX))),
    ),
];

/// Names of the system are utf8mb3 and give way to columns.
fn name(ctx: &mut InferContext, chars: u32) -> FieldType {
    ctx.coercibility = Coercibility::SystemConstant;
    FieldType::varchar(chars, Collation::UTF8MB3_GENERAL_CI)
}

fn database(ctx: &mut EvalContext, _: &[Value], _: &CallInfo) -> Result<Value, MySqlError> {
    Ok(ctx.database.as_ref().map(|name| Value::text(name)).into())
}

fn infer_id(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::ubigint().with_not_null())
}

fn infer_insert_id(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType { not_null: args.iter().all(|a| a.ty.not_null), ..FieldType::ubigint() })
}

/// With an argument it is remembered for the next call without.
fn last_insert_id(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.is_empty() {
        return Ok(Value::UInt(ctx.last_insert_id));
    }
    let id = match &args[0] {
        Value::UInt(id) => Some(*id),
        _ => int(ctx, args, call, 0).map(|id| id as u64),
    };
    ctx.new_last_insert_id = Some(id.unwrap_or(0));
    ctx.last_insert_id = id.unwrap_or(0);
    Ok(id.map(Value::UInt).into())
}
