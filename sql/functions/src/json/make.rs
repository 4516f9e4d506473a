//! JSON_ARRAY, JSON_OBJECT, JSON_QUOTE, JSON_PRETTY.

use rutile_sql_types::json::JsonObject;
use rutile_sql_types::{Collation, FieldType, Json, MySqlError, Value};

use super::document::{Evaluated, document, element, infer_json};
use crate::call::argument::string;
use crate::call::infer::{display_length, sized_text};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("json_array", 0, usize::MAX, infer_json, array),
    Function::new("json_object", 0, usize::MAX, infer_object, object),
    Function::new("json_quote", 1, 1, infer_quote, quote),
    Function::new("json_pretty", 1, 1, |_, _| Ok(FieldType::long_text(Collation::UTF8MB4_BIN)), pretty),
];

fn array(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    let items = (0..args.len()).map(|i| element(ctx, args, call, i)).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Json(Json::Array(items)))
}

fn infer_object(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    if args.len() % 2 == 1 {
        return Err(MySqlError::wrong_parameter_count("json_object"));
    }
    infer_json(ctx, args)
}

fn object(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    let mut object = JsonObject::new();
    for i in (0..args.len()).step_by(2) {
        let key = string(ctx, args, call, i).ok_or_else(MySqlError::json_document_null_key)?;
        object.insert(key, element(ctx, args, call, i + 1)?);
    }
    Ok(Value::Json(Json::Object(object)))
}

fn infer_quote(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    // Each character may become \u00XX.
    let length = display_length(args[0].ty).saturating_mul(6).saturating_add(2);
    Ok(sized_text(length, Collation::UTF8MB4_BIN))
}

fn quote(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    match &args[0] {
        Value::Null => Ok(Value::Null),
        Value::Bytes(_) => Ok(string(ctx, args, call, 0).map(|t| Value::from(Json::quote(&t))).into()),
        _ => Err(MySqlError::incorrect_type(1, "json_quote")),
    }
}

fn pretty(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    Ok(document(ctx, args, call, 0, "json_pretty")?.map(|json| Value::from(json.pretty())).into())
}
