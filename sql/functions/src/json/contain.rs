//! JSON_CONTAINS, JSON_CONTAINS_PATH, JSON_OVERLAPS and MEMBER OF.

use std::cmp::Ordering;

use rutile_sql_types::{Json, Value};

use super::document::{Evaluated, document, element, path, single_path, wants_all};
use crate::call::infer;
use crate::call::{CallInfo, EvalContext, Function};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("json_contains", 2, 3, infer::nullable_integer, contains),
    Function::new("json_contains_path", 3, usize::MAX, infer::nullable_integer, contains_path),
    Function::new("json_overlaps", 2, 2, infer::boolean, overlaps),
    Function::new("member of", 2, 2, infer::boolean, member_of),
];

fn equal(a: &Json, b: &Json) -> bool {
    a.compare(b) == Ordering::Equal
}

/// Manual, JSON_CONTAINS(): every element of a candidate array in some element, every member in its namesake.
fn contained(target: &Json, candidate: &Json) -> bool {
    match (target, candidate) {
        (Json::Array(items), Json::Array(wanted)) => {
            wanted.iter().all(|wanted| items.iter().any(|item| contained(item, wanted)))
        }
        (Json::Array(items), other) => items.iter().any(|item| contained(item, other)),
        (Json::Object(object), Json::Object(wanted)) => {
            wanted.iter().all(|(key, value)| object.get(key).is_some_and(|mine| contained(mine, value)))
        }
        (Json::Object(_), _) | (_, Json::Object(_) | Json::Array(_)) => false,
        (a, b) => equal(a, b),
    }
}

fn contains(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    let Some(target) = document(ctx, args, call, 0, "json_contains")? else {
        return Ok(Value::Null);
    };
    let Some(candidate) = document(ctx, args, call, 1, "json_contains")? else {
        return Ok(Value::Null);
    };
    if args.len() == 2 {
        return Ok(Value::bool(contained(&target, &candidate)));
    }
    let Some(path) = single_path(ctx, args, call, 2)? else {
        return Ok(Value::Null);
    };
    let found = path.seek(&target);
    Ok(found.first().map(|part| Value::bool(contained(part, &candidate))).into())
}

fn contains_path(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    const NAME: &str = "json_contains_path";
    let Some(json) = document(ctx, args, call, 0, NAME)? else {
        return Ok(Value::Null);
    };
    let Some(all) = wants_all(ctx, args, call, 1, NAME)? else {
        return Ok(Value::Null);
    };
    let mut answer = all;
    for i in 2..args.len() {
        let Some(path) = path(ctx, args, call, i)? else {
            return Ok(Value::Null);
        };
        let found = !path.seek(&json).is_empty();
        if found != all {
            answer = found;
            break;
        }
    }
    Ok(Value::bool(answer))
}

/// Arrays share an element, objects a member; a scalar is an array of one.
fn overlaps(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    let Some(a) = document(ctx, args, call, 0, "json_overlaps")? else {
        return Ok(Value::Null);
    };
    let Some(b) = document(ctx, args, call, 1, "json_overlaps")? else {
        return Ok(Value::Null);
    };
    let shared = match (&a, &b) {
        (Json::Object(x), Json::Object(y)) => {
            x.iter().any(|(key, value)| y.get(key).is_some_and(|other| equal(value, other)))
        }
        (Json::Array(x), Json::Array(y)) => x.iter().any(|item| y.iter().any(|other| equal(item, other))),
        (Json::Array(x), other) | (other, Json::Array(x)) => x.iter().any(|item| equal(item, other)),
        (x, y) => equal(x, y),
    };
    Ok(Value::bool(shared))
}

/// `value MEMBER OF (array)`
fn member_of(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    if args[0].is_null() {
        return Ok(Value::Null);
    }
    let Some(array) = document(ctx, args, call, 1, "member of")? else {
        return Ok(Value::Null);
    };
    let wanted = element(ctx, args, call, 0)?;
    Ok(Value::bool(match &array {
        Json::Array(items) => items.iter().any(|item| equal(item, &wanted)),
        other => equal(other, &wanted),
    }))
}
