//! JSON_EXTRACT and JSON_UNQUOTE.

use rutile_sql_types::{Collation, FieldType, Json, MySqlError, Value};

use super::document::{Evaluated, document, infer_json, is_json, parse, path};
use crate::call::argument::text;
use crate::call::infer::{display_length, sized_text};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("json_extract", 2, usize::MAX, infer_json, extract),
    Function::new("json_unquote", 1, 1, infer_unquote, unquote),
];

/// The value of one plain path; an array of all values of wildcards or several paths.
fn extract(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    let Some(json) = document(ctx, args, call, 0, "json_extract")? else {
        return Ok(Value::Null);
    };
    let mut many = args.len() > 2;
    let mut found = Vec::new();
    for i in 1..args.len() {
        let Some(path) = path(ctx, args, call, i)? else {
            return Ok(Value::Null);
        };
        many |= path.has_wildcard();
        found.extend(path.seek(&json).into_iter().cloned());
    }
    Ok(match found.len() {
        0 => Value::Null,
        _ if many => Value::Json(Json::Array(found)),
        _ => Value::Json(found.swap_remove(0)),
    })
}

fn infer_unquote(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let ty = args[0].ty;
    if is_json(ty) {
        return Ok(FieldType::long_text(Collation::UTF8MB4_BIN));
    }
    Ok(sized_text(display_length(ty), Collation::UTF8MB4_BIN))
}

/// Text that is not in quotes stays as it is.
fn unquote(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    if let Value::Json(json) = &args[0] {
        return Ok(json.unquoted().into());
    }
    if !args[0].is_null() && !call.args[0].is_string_like() {
        return Err(MySqlError::incorrect_type(1, "json_unquote"));
    }
    let Some(text) = text(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let quoted = text.len() >= 2 && text.starts_with(b"\"") && text.ends_with(b"\"");
    if !quoted {
        return Ok(Value::Bytes(text));
    }
    Ok(parse(&text, 0, "json_unquote")?.unquoted().into())
}
