//! JSON_SET, JSON_INSERT, JSON_REPLACE, JSON_REMOVE, JSON_ARRAY_APPEND, JSON_ARRAY_INSERT.

use rutile_sql_types::json::{JsonPath, PathLeg};
use rutile_sql_types::{FieldType, Json, MySqlError, Value};

use super::document::{Evaluated, document, element, infer_json, single_path};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "json_set",
        3,
        usize::MAX,
        |c, a| pairs(c, a, "json_set"),
        |c, a, i| change(c, a, i, "json_set", set),
    ),
    Function::new(
        "json_insert",
        3,
        usize::MAX,
        |c, a| pairs(c, a, "json_insert"),
        |c, a, i| change(c, a, i, "json_insert", insert),
    ),
    Function::new(
        "json_replace",
        3,
        usize::MAX,
        |c, a| pairs(c, a, "json_replace"),
        |c, a, i| change(c, a, i, "json_replace", replace),
    ),
    Function::new(
        "json_array_append",
        3,
        usize::MAX,
        |c, a| pairs(c, a, "json_array_append"),
        |c, a, i| change(c, a, i, "json_array_append", append),
    ),
    Function::new(
        "json_array_insert",
        3,
        usize::MAX,
        |c, a| pairs(c, a, "json_array_insert"),
        |c, a, i| change(c, a, i, "json_array_insert", array_insert),
    ),
    Function::new("json_remove", 2, usize::MAX, infer_json, remove),
];

/// A document and then paths with values.
fn pairs(ctx: &mut InferContext, args: &[ArgInfo<'_>], name: &str) -> Result<FieldType, MySqlError> {
    if args.len().is_multiple_of(2) {
        return Err(MySqlError::wrong_parameter_count(name));
    }
    infer_json(ctx, args)
}

type Change = fn(&mut Json, &JsonPath, Json) -> Result<(), MySqlError>;

fn change(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, name: &str, change: Change) -> Evaluated {
    let Some(mut json) = document(ctx, args, call, 0, name)? else {
        return Ok(Value::Null);
    };
    for i in (1..args.len()).step_by(2) {
        let Some(path) = single_path(ctx, args, call, i)? else {
            return Ok(Value::Null);
        };
        change(&mut json, &path, element(ctx, args, call, i + 1)?)?;
    }
    Ok(Value::Json(json))
}

fn set(root: &mut Json, path: &JsonPath, value: Json) -> Result<(), MySqlError> {
    match JsonPath::seek_mut(&path.legs, root) {
        Some(slot) => *slot = value,
        None => add(root, path, value),
    }
    Ok(())
}

fn insert(root: &mut Json, path: &JsonPath, value: Json) -> Result<(), MySqlError> {
    if JsonPath::seek_mut(&path.legs, root).is_none() {
        add(root, path, value);
    }
    Ok(())
}

fn replace(root: &mut Json, path: &JsonPath, value: Json) -> Result<(), MySqlError> {
    if let Some(slot) = JsonPath::seek_mut(&path.legs, root) {
        *slot = value;
    }
    Ok(())
}

/// Adds what the path names to its parent, if that exists: a member, or a cell past an end of the array.
fn add(root: &mut Json, path: &JsonPath, value: Json) {
    let Some((last, parents)) = path.legs.split_last() else {
        return;
    };
    let Some(parent) = JsonPath::seek_mut(parents, root) else {
        return;
    };
    match (last, parent) {
        (PathLeg::Member(name), Json::Object(object)) => {
            object.insert(name.clone(), value);
        }
        (PathLeg::Cell(index), Json::Array(items)) => {
            // [last-n] before the first cell adds in front.
            let at = if index.from_end { 0 } else { items.len() };
            items.insert(at, value);
        }
        (PathLeg::Cell(index), scalar) => {
            let old = std::mem::replace(scalar, Json::Null);
            *scalar = Json::Array(if index.from_end { vec![value, old] } else { vec![old, value] });
        }
        _ => {}
    }
}

fn append(root: &mut Json, path: &JsonPath, value: Json) -> Result<(), MySqlError> {
    match JsonPath::seek_mut(&path.legs, root) {
        Some(Json::Array(items)) => items.push(value),
        Some(scalar) => {
            let old = std::mem::replace(scalar, Json::Null);
            *scalar = Json::Array(vec![old, value]);
        }
        None => {}
    }
    Ok(())
}

fn array_insert(root: &mut Json, path: &JsonPath, value: Json) -> Result<(), MySqlError> {
    let Some((PathLeg::Cell(index), parents)) = path.legs.split_last() else {
        return Err(MySqlError::json_path_array_cell());
    };
    if let Some(Json::Array(items)) = JsonPath::seek_mut(parents, root) {
        // A cell beyond an end of the array is inserted at that end.
        let at = JsonPath::cell_position(*index, items.len()).unwrap_or(0).min(items.len());
        items.insert(at, value);
    }
    Ok(())
}

fn remove(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    let Some(mut json) = document(ctx, args, call, 0, "json_remove")? else {
        return Ok(Value::Null);
    };
    for i in 1..args.len() {
        let Some(path) = single_path(ctx, args, call, i)? else {
            return Ok(Value::Null);
        };
        let Some((last, parents)) = path.legs.split_last() else {
            return Err(MySqlError::json_vacuous_path());
        };
        match (last, JsonPath::seek_mut(parents, &mut json)) {
            (PathLeg::Member(name), Some(Json::Object(object))) => {
                object.remove(name);
            }
            (PathLeg::Cell(index), Some(Json::Array(items))) => {
                if let Some(at) = JsonPath::cell_position(*index, items.len()).filter(|at| *at < items.len())
                {
                    items.remove(at);
                }
            }
            _ => {}
        }
    }
    Ok(Value::Json(json))
}
