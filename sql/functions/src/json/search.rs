//! JSON_SEARCH: the paths of strings that are LIKE a pattern.

use rutile_sql_types::{Collation, Json, MySqlError, Value};

use super::document::{Evaluated, document, infer_json, path, wants_all};
use crate::call::argument::{string, text};
use crate::call::{CallInfo, EvalContext, Function};
use crate::operators::like::Pattern;

pub(super) const FUNCTIONS: &[Function] = &[Function::new("json_search", 3, usize::MAX, infer_json, search)];

const NAME: &str = "json_search";

fn search(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Evaluated {
    let Some(json) = document(ctx, args, call, 0, NAME)? else {
        return Ok(Value::Null);
    };
    let Some(all) = wants_all(ctx, args, call, 1, NAME)? else {
        return Ok(Value::Null);
    };
    let Some(wanted) = text(ctx, args, call, 2) else {
        return Ok(Value::Null);
    };
    let pattern = Pattern::compile(&wanted, escape(ctx, args, call)?, Collation::UTF8MB4_BIN);
    let mut below = Vec::new();
    for i in 4..args.len() {
        let Some(path) = path(ctx, args, call, i)? else {
            return Ok(Value::Null);
        };
        below.extend(path.seek(&json));
    }
    if args.len() <= 4 {
        below.push(&json);
    }
    let mut hits = Hits { pattern, below, paths: Vec::new() };
    hits.walk(&json, &mut String::from("$"), false);
    let mut paths: Vec<Json> = hits.paths.into_iter().map(Json::String).collect();
    if !all {
        paths.truncate(1);
    }
    Ok(match paths.len() {
        0 => Value::Null,
        1 => Value::Json(paths.swap_remove(0)),
        _ => Value::Json(Json::Array(paths)),
    })
}

/// The escape character: a backslash if the argument is missing, NULL or empty.
fn escape(ctx: &EvalContext, args: &[Value], call: &CallInfo) -> Result<Option<char>, MySqlError> {
    let given = string(ctx, args, call, 3).unwrap_or_default();
    let mut chars = given.chars();
    match (chars.next(), chars.next()) {
        (None, _) => Ok(Some('\\')),
        (Some(c), None) => Ok(Some(c)),
        _ => Err(MySqlError::wrong_arguments("ESCAPE")),
    }
}

struct Hits<'a> {
    pattern: Pattern,
    /// Where to search, by identity.
    below: Vec<&'a Json>,
    paths: Vec<String>,
}

impl Hits<'_> {
    fn walk(&mut self, at: &Json, path: &mut String, inside: bool) {
        let inside = inside || self.below.iter().any(|start| std::ptr::eq(*start, at));
        let length = path.len();
        match at {
            Json::String(text) if inside && self.pattern.matches(text.as_bytes()) => {
                self.paths.push(path.clone())
            }
            Json::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{i}]"));
                    self.walk(item, path, inside);
                    path.truncate(length);
                }
            }
            Json::Object(object) => {
                for (key, value) in object.iter() {
                    path.push('.');
                    path.push_str(&leg(key));
                    self.walk(value, path, inside);
                    path.truncate(length);
                }
            }
            _ => {}
        }
    }
}

/// A key as a path has it: quoted unless it is an identifier.
fn leg(key: &str) -> String {
    let starts = key.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$');
    let plain = starts && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    if plain { key.to_owned() } else { Json::quote(key) }
}
