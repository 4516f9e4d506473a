//! REGEXP, REGEXP_LIKE, REGEXP_INSTR, REGEXP_SUBSTR, REGEXP_REPLACE.

use std::sync::Arc;

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::regexp_compile::{MatchType, Regexp};
use crate::call::argument::{int, string};
use crate::call::infer::{display_length, sized_text};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext, concat_collation, infer};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("regexp", 2, 2, infer::boolean, |c, a, i| like(c, a, i, "regexp")),
    Function::new("regexp_like", 2, 3, infer::boolean, |c, a, i| like(c, a, i, "regexp_like")),
    Function::new("regexp_instr", 2, 6, infer::nullable_integer, instr),
    Function::new("regexp_substr", 2, 5, infer_text, substr),
    Function::new("regexp_replace", 3, 6, infer_text, replace),
];

fn infer_text(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let collation = concat_collation(ctx, &args[..1], "regexp_substr")?;
    Ok(sized_text(display_length(args[0].ty).max(16_384), collation).with_nullable())
}

/// The compiled pattern (argument 1) with the match type in argument `mode_at`.
fn compiled(
    ctx: &EvalContext,
    args: &[Value],
    call: &CallInfo,
    mode_at: usize,
    function: &str,
) -> Result<Option<Arc<Regexp>>, MySqlError> {
    let Some(pattern) = string(ctx, args, call, 1) else {
        return Ok(None);
    };
    let letters = if args.len() > mode_at {
        match string(ctx, args, call, mode_at) {
            Some(letters) => letters,
            None => return Ok(None),
        }
    } else {
        String::new()
    };
    let ignore_case = call.collation.is_case_insensitive();
    let make = || Regexp::compile(&pattern, MatchType::parse(&letters, ignore_case, function)?);
    let constant = call.constant(1).is_some() && (args.len() <= mode_at || call.constant(mode_at).is_some());
    Ok(Some(if constant { call.prepared(make)? } else { Arc::new(make()?) }))
}

fn like(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, name: &str) -> Result<Value, MySqlError> {
    let (Some(text), Some(regexp)) = (string(ctx, args, call, 0), compiled(ctx, args, call, 2, name)?) else {
        return Ok(Value::Null);
    };
    Ok(Value::bool(regexp.is_match(&text)?))
}

/// Byte offset of the 1-based character position; 3686 outside of the text.
fn start_offset(text: &str, position: i64) -> Result<usize, MySqlError> {
    let index = usize::try_from(position - 1).map_err(|_| MySqlError::regexp_index_out_of_bounds())?;
    match text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len())).nth(index) {
        Some(at) => Ok(at),
        None => Err(MySqlError::regexp_index_out_of_bounds()),
    }
}

/// Text, pattern, and the n-th match from a position.
struct Search {
    text: String,
    found: Option<(usize, usize)>,
}

fn search(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    mode_at: usize,
    name: &str,
) -> Result<Option<Search>, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(None);
    }
    let (Some(text), Some(regexp)) = (string(ctx, args, call, 0), compiled(ctx, args, call, mode_at, name)?)
    else {
        return Ok(None);
    };
    let position = if args.len() > 2 { int(ctx, args, call, 2).unwrap_or(1) } else { 1 };
    let occurrence = if args.len() > 3 { int(ctx, args, call, 3).unwrap_or(1).max(1) } else { 1 };
    let start = start_offset(&text, position)?;
    let found = regexp
        .find_all(&text[start..])?
        .into_iter()
        .nth(occurrence as usize - 1)
        .map(|(a, b)| (a + start, b + start));
    Ok(Some(Search { text, found }))
}

fn instr(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(search) = search(ctx, args, call, 5, "regexp_instr")? else {
        return Ok(Value::Null);
    };
    let after = args.len() > 4 && int(ctx, args, call, 4) == Some(1);
    let at = search
        .found
        .map(|(start, end)| search.text[..if after { end } else { start }].chars().count() as i64 + 1);
    Ok(Value::Int(at.unwrap_or(0)))
}

fn substr(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(search) = search(ctx, args, call, 4, "regexp_substr")? else {
        return Ok(Value::Null);
    };
    Ok(search.found.map(|(start, end)| Value::text(&search.text[start..end])).into())
}

fn replace(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let (Some(text), Some(regexp)) =
        (string(ctx, args, call, 0), compiled(ctx, args, call, 5, "regexp_replace")?)
    else {
        return Ok(Value::Null);
    };
    let replacement = string(ctx, args, call, 2).unwrap_or_default();
    let position = if args.len() > 3 { int(ctx, args, call, 3).unwrap_or(1) } else { 1 };
    let occurrence = if args.len() > 4 { int(ctx, args, call, 4).unwrap_or(0).max(0) } else { 0 };
    let start = start_offset(&text, position)?;
    let mut out = text[..start].to_owned();
    let mut last = start;
    for (n, (a, b)) in regexp.find_all(&text[start..])?.into_iter().enumerate() {
        if occurrence != 0 && n as i64 + 1 != occurrence {
            continue;
        }
        let (a, b) = (a + start, b + start);
        out.push_str(&text[last..a]);
        expand(&replacement, &text, &regexp.groups(&text, a)?, &mut out);
        last = b;
    }
    out.push_str(&text[last..]);
    Ok(out.into())
}

/// `$1` names a group, a backslash makes the next character literal.
fn expand(template: &str, text: &str, groups: &[Option<(usize, usize)>], out: &mut String) {
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '$' => {
                let mut group = 0;
                let mut any = false;
                while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
                    if any && group * 10 + d as usize >= groups.len() {
                        break;
                    }
                    group = group * 10 + d as usize;
                    any = true;
                    chars.next();
                }
                if !any {
                    out.push('$');
                } else if let Some(Some((a, b))) = groups.get(group) {
                    out.push_str(&text[*a..*b]);
                }
            }
            c => out.push(c),
        }
    }
}
