//! JSON_MERGE_PRESERVE, JSON_MERGE (its old name) and JSON_MERGE_PATCH (RFC 7396).

use rutile_sql_types::json::JsonObject;
use rutile_sql_types::{Json, Value};

use super::document::{Evaluated, document, infer_json};
use crate::call::{CallInfo, EvalContext, Function};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("json_merge_preserve", 2, usize::MAX, infer_json, |c, a, i| {
        preserve(c, a, i, "json_merge_preserve")
    }),
    Function::new("json_merge", 2, usize::MAX, infer_json, |c, a, i| preserve(c, a, i, "json_merge")),
    Function::new("json_merge_patch", 2, usize::MAX, infer_json, patch),
];

fn preserve(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, name: &str) -> Evaluated {
    let mut merged: Option<Json> = None;
    for i in 0..args.len() {
        let Some(next) = document(ctx, args, call, i, name)? else {
            return Ok(Value::Null);
        };
        merged = Some(match merged {
            None => next,
            Some(so_far) => joined(so_far, next),
        });
    }
    Ok(merged.map(Value::Json).into())
}

/// Objects member by member, everything else as arrays.
fn joined(a: Json, b: Json) -> Json {
    match (a, b) {
        (Json::Object(mut object), Json::Object(other)) => {
            for (key, value) in other {
                let value = match object.remove(&key) {
                    Some(mine) => joined(mine, value),
                    None => value,
                };
                object.insert(key, value);
            }
            Json::Object(object)
        }
        (a, b) => {
            let mut items = a.into_array();
            items.extend(b.into_array());
            Json::Array(items)
        }
    }
}

/// A NULL argument makes NULL, unless a later argument is no object: that replaces everything before.
fn patch(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    let mut merged: Option<Json> = None;
    for i in 0..args.len() {
        let next = document(ctx, args, call, i, "json_merge_patch")?;
        merged = match (merged, next) {
            (_, None) => None,
            (_, Some(next)) if i == 0 => Some(next),
            (Some(so_far), Some(next)) => Some(patched(so_far, next)),
            (None, Some(Json::Object(_))) => None,
            (None, Some(next)) => Some(next),
        };
    }
    Ok(merged.map(Value::Json).into())
}

fn patched(target: Json, patch: Json) -> Json {
    let Json::Object(patch) = patch else { return patch };
    let mut object = match target {
        Json::Object(object) => object,
        _ => JsonObject::new(),
    };
    for (key, value) in patch {
        let old = object.remove(&key);
        if value != Json::Null {
            object.insert(key, patched(old.unwrap_or(Json::Null), value));
        }
    }
    Json::Object(object)
}
