//! LOCATE, POSITION, INSTR under the collation; REPLACE, for which letter case counts.

use rutile_sql_types::{Charset, Collation, FieldType, MySqlError, Value};

use super::limit::{count, limited, text_of};
use crate::call::argument::{int, text};
use crate::call::infer::display_length;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("locate", 2, 3, count, |c, a, i| locate(c, a, i, 1, 0)),
    Function::new("position", 2, 2, count, |c, a, i| locate(c, a, i, 1, 0)),
    Function::new("instr", 2, 2, count, |c, a, i| locate(c, a, i, 0, 1)),
    Function::new("replace", 3, 3, infer_replace, replace),
];

/// Position, counted from 1, of the text `needle_at` in the text `subject_at`; 0 if it is not there.
fn locate(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    subject_at: usize,
    needle_at: usize,
) -> Result<Value, MySqlError> {
    let (Some(subject), Some(needle)) = (text(ctx, args, call, subject_at), text(ctx, args, call, needle_at))
    else {
        return Ok(Value::Null);
    };
    let start = match args.len() {
        3 => match int(ctx, args, call, 2) {
            Some(start) => start,
            None => return Ok(Value::Null),
        },
        _ => 1,
    };
    let charset = call.collation.charset();
    let Some(skipped) = usize::try_from(start).ok().and_then(|s| s.checked_sub(1)) else {
        return Ok(Value::Int(0));
    };
    if skipped > charset.count_chars(&subject) {
        return Ok(Value::Int(0));
    }
    let from = charset.offset_of(&subject, skipped);
    let found = find(call.collation, &subject[from..], &needle);
    Ok(Value::Int(
        found.map_or(0, |at| (skipped + charset.count_chars(&subject[from..from + at]) + 1) as i64),
    ))
}

/// Byte offset of the first occurrence.
fn find(collation: Collation, subject: &[u8], needle: &[u8]) -> Option<usize> {
    let exact = collation.is_bin();
    let fold = !exact && collation.folds_ascii_case() && subject.is_ascii() && needle.is_ascii();
    if needle.is_empty() {
        return Some(0);
    }
    if !exact && !fold {
        return find_weights(collation, subject, needle);
    }
    let charset = collation.charset();
    let mut at = 0;
    while at + needle.len() <= subject.len() {
        let window = &subject[at..at + needle.len()];
        if if exact { window == needle } else { window.eq_ignore_ascii_case(needle) } {
            return Some(at);
        }
        at += charset.char_len(&subject[at..]).max(1);
    }
    None
}

/// Compares weights: an occurrence is a run of whole characters with the weights of the needle.
fn find_weights(collation: Collation, subject: &[u8], needle: &[u8]) -> Option<usize> {
    let weights = |c: char| {
        let mut key = Vec::new();
        collation.character_key(c, &mut key);
        key
    };
    let wanted: Vec<u8> = String::from_utf8_lossy(needle).chars().flat_map(weights).collect();
    let text = String::from_utf8_lossy(subject);
    text.char_indices().map(|(at, _)| at).find(|at| {
        let mut rest = &wanted[..];
        for c in text[*at..].chars() {
            match rest.strip_prefix(&weights(c)[..]) {
                Some([]) => return true,
                Some(left) => rest = left,
                None => return false,
            }
        }
        false
    })
}

fn infer_replace(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let (subject, new) = (display_length(args[0].ty), display_length(args[2].ty));
    let growth = new.saturating_sub(display_length(args[1].ty).max(1)).saturating_mul(subject);
    text_of(ctx, args, "replace", subject.saturating_add(growth))
}

fn replace(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(subject), Some(old)) = (text(ctx, args, call, 0), text(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    let Some(new) = text(ctx, args, call, 2) else {
        return Ok(Value::Null);
    };
    if old.is_empty() || old.len() > subject.len() {
        return Ok(Value::Bytes(subject));
    }
    let charset: Charset = call.result.collation.charset();
    let mut out = Vec::with_capacity(subject.len());
    let mut at = 0;
    while at < subject.len() {
        if subject[at..].starts_with(&old) {
            out.extend_from_slice(&new);
            at += old.len();
        } else {
            let len = charset.char_len(&subject[at..]).max(1);
            out.extend_from_slice(&subject[at..at + len]);
            at += len;
        }
        if out.len() > ctx.max_allowed_packet {
            break;
        }
    }
    Ok(limited(ctx, "replace", out))
}
