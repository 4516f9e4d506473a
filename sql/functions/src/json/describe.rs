//! JSON_VALID, JSON_TYPE, JSON_LENGTH, JSON_DEPTH, JSON_KEYS. Missing: JSON_STORAGE_SIZE, as documents are stored
//! otherwise here.

use rutile_sql_types::{Collation, FieldType, Json, MySqlError, TypeKind, Value};

use super::document::{Evaluated, document, infer_json, single_path};
use crate::call::infer;
use crate::call::{CallInfo, EvalContext, Function};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("json_valid", 1, 1, infer::nullable_integer, valid),
    Function::new("json_type", 1, 1, |_, _| Ok(FieldType::varchar(17, Collation::UTF8MB4_BIN)), type_of),
    Function::new("json_length", 1, 2, infer::nullable_integer, length),
    Function::new("json_depth", 1, 1, infer::nullable_integer, depth),
    Function::new("json_keys", 1, 2, infer_json, keys),
];

fn valid(_: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    Ok(match &args[0] {
        // Of a type that cannot hold JSON even NULL is not valid.
        Value::Null
            if call.args[0].kind.is_string()
                || matches!(call.args[0].kind, TypeKind::Json | TypeKind::Null) =>
        {
            Value::Null
        }
        Value::Json(_) => Value::bool(true),
        Value::Bytes(text) if !call.args[0].collation.is_binary() => Value::bool(Json::parse(text).is_ok()),
        _ => Value::bool(false),
    })
}

fn type_of(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    Ok(document(ctx, args, call, 0, "json_type")?.map(|json| Value::text(json.type_name())).into())
}

/// The document, or the part the optional path argument names.
fn part(
    ctx: &EvalContext,
    args: &[Value],
    call: &CallInfo,
    function: &str,
) -> Result<Option<Json>, MySqlError> {
    let Some(json) = document(ctx, args, call, 0, function)? else {
        return Ok(None);
    };
    if args.len() == 1 {
        return Ok(Some(json));
    }
    let Some(path) = single_path(ctx, args, call, 1)? else {
        return Ok(None);
    };
    Ok(path.seek(&json).first().map(|part| (*part).clone()))
}

fn length(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    let count = part(ctx, args, call, "json_length")?.map(|json| match json {
        Json::Array(items) => items.len(),
        Json::Object(object) => object.len(),
        _ => 1,
    });
    Ok(count.map(|n| Value::Int(n as i64)).into())
}

fn depth(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    Ok(document(ctx, args, call, 0, "json_depth")?.map(|json| Value::Int(depth_of(&json))).into())
}

fn depth_of(json: &Json) -> i64 {
    1 + match json {
        Json::Array(items) => items.iter().map(depth_of).max().unwrap_or(0),
        Json::Object(object) => object.iter().map(|(_, v)| depth_of(v)).max().unwrap_or(0),
        _ => 0,
    }
}

fn keys(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    Ok(match part(ctx, args, call, "json_keys")? {
        Some(Json::Object(object)) => {
            Value::Json(Json::Array(object.iter().map(|(key, _)| Json::String(key.to_owned())).collect()))
        }
        _ => Value::Null,
    })
}
