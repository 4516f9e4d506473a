//! Arguments of JSON functions: documents, values that become JSON, paths.

use rutile_sql_types::convert::to_json;
use rutile_sql_types::json::JsonPath;
use rutile_sql_types::{FieldType, Json, MySqlError, TypeKind, Value};

use crate::call::argument::{string, text};
use crate::call::{ArgInfo, CallInfo, EvalContext, InferContext};

pub(super) type Evaluated = Result<Value, MySqlError>;

/// The type of a function that gives JSON.
pub(super) fn infer_json(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::json())
}

/// JSON, or text that is parsed (3141); other types have no JSON in them (3146). `None` is NULL.
pub(super) fn document(
    ctx: &EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
    function: &str,
) -> Result<Option<Json>, MySqlError> {
    match &args[i] {
        Value::Null => Ok(None),
        Value::Json(json) => Ok(Some(json.clone())),
        Value::Bytes(_) if call.args[i].collation.is_binary() => {
            Err(MySqlError::invalid_json_charset("binary"))
        }
        Value::Bytes(text) => parse(text, i, function).map(Some),
        _ if call.args[i].is_string_like() => match text(ctx, args, call, i) {
            Some(text) => parse(&text, i, function).map(Some),
            None => Ok(None),
        },
        _ => Err(MySqlError::invalid_type_for_json(i + 1, function)),
    }
}

pub(super) fn parse(text: &[u8], i: usize, function: &str) -> Result<Json, MySqlError> {
    Json::parse(text).map_err(|e| {
        if e.too_deep {
            MySqlError::json_document_too_deep()
        } else {
            MySqlError::invalid_json_text_in_param(i + 1, function, e.reason, e.position)
        }
    })
}

/// Any value as a JSON value; text is a JSON string, NULL is null, a truth value (an integer of width 1) a boolean.
pub(super) fn element(
    ctx: &EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
) -> Result<Json, MySqlError> {
    if let (Value::Int(v), true) = (&args[i], call.args[i].clone().with_nullable() == FieldType::boolean()) {
        return Ok(Json::Bool(*v != 0));
    }
    to_json(&args[i], &call.args[i], &ctx.convert)
}

pub(super) fn path(
    ctx: &EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
) -> Result<Option<JsonPath>, MySqlError> {
    match text(ctx, args, call, i) {
        Some(text) => JsonPath::parse(&text).map(Some),
        None => Ok(None),
    }
}

/// A path to at most one value (3149).
pub(super) fn single_path(
    ctx: &EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
) -> Result<Option<JsonPath>, MySqlError> {
    let path = path(ctx, args, call, i)?;
    match path {
        Some(path) if path.has_wildcard() => Err(MySqlError::invalid_json_path_wildcard()),
        path => Ok(path),
    }
}

/// The words `one` and `all` (3154): whether it is `all`.
pub(super) fn wants_all(
    ctx: &EvalContext,
    args: &[Value],
    call: &CallInfo,
    i: usize,
    function: &str,
) -> Result<Option<bool>, MySqlError> {
    match string(ctx, args, call, i) {
        None => Ok(None),
        Some(word) if word.eq_ignore_ascii_case("one") => Ok(Some(false)),
        Some(word) if word.eq_ignore_ascii_case("all") => Ok(Some(true)),
        Some(_) => Err(MySqlError::json_bad_one_or_all(function)),
    }
}

/// Whether a type is JSON.
pub(super) fn is_json(ty: &FieldType) -> bool {
    ty.kind == TypeKind::Json
}
