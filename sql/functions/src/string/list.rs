//! FIND_IN_SET, FIELD, ELT, MAKE_SET and EXPORT_SET.

use std::cmp::Ordering;

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::limit::{count, text_of};
use crate::call::argument::{decimal, double, int, text};
use crate::call::infer::{NumberClass, display_length, number_class};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("find_in_set", 2, 2, count, find_in_set),
    Function::new("field", 2, usize::MAX, infer_field, field),
    Function::new("elt", 2, usize::MAX, infer_elt, elt),
    Function::new("make_set", 2, usize::MAX, infer_make_set, make_set),
    Function::new("export_set", 3, 5, infer_export_set, export_set),
];

fn find_in_set(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let (Some(wanted), Some(list)) = (text(ctx, args, call, 0), text(ctx, args, call, 1)) else {
        return Ok(Value::Null);
    };
    // An empty list has no members, not even an empty one.
    if list.is_empty() {
        return Ok(Value::Int(0));
    }
    let at = list.split(|b| *b == b',').position(|member| call.collation.equal(member, &wanted));
    Ok(Value::Int(at.map_or(0, |at| at as i64 + 1)))
}

fn infer_field(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(FieldType::bigint().with_length(11).with_not_null())
}

/// All text is compared as text, all numbers as exact ones, a mixture as doubles.
fn field(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args[0].is_null() {
        return Ok(Value::Int(0));
    }
    let all_text = call.args.iter().all(|t| t.is_string_like());
    let exact = call.args.iter().all(|t| number_class(t) != NumberClass::Double);
    for i in 1..args.len() {
        if args[i].is_null() {
            continue;
        }
        let equal = if all_text {
            text(ctx, args, call, 0)
                .zip(text(ctx, args, call, i))
                .is_some_and(|(a, b)| call.collation.equal(&a, &b))
        } else if exact {
            let pair = decimal(ctx, args, call, 0).zip(decimal(ctx, args, call, i));
            pair.is_some_and(|(a, b)| a.cmp(&b) == Ordering::Equal)
        } else {
            double(ctx, args, call, 0) == double(ctx, args, call, i)
        };
        if equal {
            return Ok(Value::Int(i as i64));
        }
    }
    Ok(Value::Int(0))
}

fn infer_elt(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let length = args[1..].iter().map(|a| display_length(a.ty)).max().unwrap_or(0);
    text_of(ctx, &args[1..], "elt", length)
}

fn elt(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let index = int(ctx, args, call, 0).and_then(|v| usize::try_from(v).ok());
    Ok(match index {
        Some(index) if index >= 1 && index < args.len() => {
            text(ctx, args, call, index).map(Value::Bytes).into()
        }
        _ => Value::Null,
    })
}

fn infer_make_set(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let total = args[1..].iter().fold(0, |sum: u32, a| sum.saturating_add(display_length(a.ty)));
    let ty = text_of(ctx, &args[1..], "make_set", total.saturating_add(args.len() as u32 - 2))?;
    // NULL members are skipped.
    Ok(FieldType { not_null: args[0].ty.not_null, ..ty })
}

/// The arguments whose bits are set, NULLs skipped.
fn make_set(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let Some(bits) = int(ctx, args, call, 0) else {
        return Ok(Value::Null);
    };
    let mut out = Vec::new();
    let mut first = true;
    for i in 1..args.len().min(65) {
        if bits >> (i - 1) & 1 == 0 {
            continue;
        }
        if let Some(member) = text(ctx, args, call, i) {
            if !first {
                out.push(b',');
            }
            first = false;
            out.extend_from_slice(&member);
        }
    }
    Ok(out.into())
}

fn infer_export_set(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let member = display_length(args[1].ty).max(display_length(args[2].ty));
    let separator = args.get(3).map_or(1, |a| display_length(a.ty));
    let length = member.saturating_mul(64).saturating_add(separator.saturating_mul(63));
    let texts = args[1..args.len().min(4)].to_vec();
    text_of(ctx, &texts, "export_set", length)
}

fn export_set(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let bits = int(ctx, args, call, 0).unwrap_or(0);
    let (on, off) =
        (text(ctx, args, call, 1).unwrap_or_default(), text(ctx, args, call, 2).unwrap_or_default());
    let separator = if args.len() > 3 { text(ctx, args, call, 3).unwrap_or_default() } else { ",".into() };
    let count = if args.len() > 4 { int(ctx, args, call, 4).unwrap_or(0) } else { 64 };
    let count = if (0..=64).contains(&count) { count } else { 64 };
    let mut out = Vec::new();
    for bit in 0..count {
        if bit > 0 {
            out.extend_from_slice(&separator);
        }
        out.extend_from_slice(if bits >> bit & 1 == 1 { &on } else { &off });
    }
    Ok(out.into())
}
