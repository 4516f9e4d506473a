//! IF, IFNULL, NULLIF, COALESCE, CASE, GREATEST, LEAST. The result is cast to the common type of the branches.
//!
//! `case` takes condition, value pairs and an optional final ELSE; `case_of` (CASE x WHEN ..) takes the operand
//! first.

use std::cmp::Ordering;

use rutile_sql_types::convert::cast;
use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use crate::call::argument::truth;
use crate::call::infer::common_type;
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};
use crate::operators::comparison::order;
use crate::vector;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("if", 3, 3, |ctx, args| common_type(ctx, &args[1..], "if"), eval_if)
        .lazy()
        .vector(vector::choose),
    Function::new("ifnull", 2, 2, infer_coalesce, coalesce).lazy(),
    Function::new("coalesce", 1, usize::MAX, infer_coalesce, coalesce).lazy(),
    Function::new("nullif", 2, 2, infer_nullif, nullif),
    Function::new("case", 2, usize::MAX, infer_case, case).lazy(),
    Function::new("case_of", 3, usize::MAX, infer_case_of, case_of).lazy(),
    Function::new(
        "greatest",
        2,
        usize::MAX,
        |ctx, args| extreme_type(ctx, args, "greatest"),
        |c, a, i| extreme(c, a, i, Ordering::Greater),
    ),
    Function::new(
        "least",
        2,
        usize::MAX,
        |ctx, args| extreme_type(ctx, args, "least"),
        |c, a, i| extreme(c, a, i, Ordering::Less),
    ),
];

/// A branch's value in the type of the result.
fn branch(ctx: &mut EvalContext, args: &[Value], call: &CallInfo, i: usize) -> Result<Value, MySqlError> {
    let from = &call.args[i];
    let same = from.kind == call.result.kind
        && from.unsigned == call.result.unsigned
        && from.decimals == call.result.decimals;
    if same || args[i].is_null() {
        return Ok(args[i].clone());
    }
    if call.result.kind.is_string() {
        return Ok(crate::call::argument::text(ctx, args, call, i).map(Value::Bytes).into());
    }
    let to = if call.result.kind == TypeKind::Decimal {
        FieldType { length: 65, ..call.result.clone() }
    } else {
        call.result.clone()
    };
    cast(&args[i], from, &to, &mut ctx.convert)
}

fn eval_if(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let chosen = if truth(ctx, args, call, 0) == Some(true) { 1 } else { 2 };
    branch(ctx, args, call, chosen)
}

fn infer_coalesce(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let ty = common_type(ctx, args, "coalesce")?;
    Ok(FieldType { not_null: args.iter().any(|a| a.ty.not_null), ..ty })
}

fn coalesce(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    match args.iter().position(|v| !v.is_null()) {
        Some(i) => branch(ctx, args, call, i),
        None => Ok(Value::Null),
    }
}

fn infer_nullif(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    Ok(common_type(ctx, &args[..1], "nullif")?.with_nullable())
}

fn nullif(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let equal = order(ctx, args, call, 0, 1) == Some(Ordering::Equal);
    Ok(if equal { Value::Null } else { args[0].clone() })
}

/// The value positions of a CASE: every second one, and an odd last one.
fn values_of<'a>(args: &[ArgInfo<'a>]) -> (Vec<ArgInfo<'a>>, bool) {
    let has_else = args.len() % 2 == 1;
    let mut values: Vec<ArgInfo<'a>> = args.chunks_exact(2).map(|pair| pair[1]).collect();
    if has_else {
        values.extend(args.last());
    }
    (values, has_else)
}

fn infer_case(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let (values, has_else) = values_of(args);
    let ty = common_type(ctx, &values, "case")?;
    Ok(if has_else { ty } else { ty.with_nullable() })
}

fn infer_case_of(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    infer_case(ctx, &args[1..])
}

fn case(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let pairs = args.len() / 2;
    for pair in 0..pairs {
        if truth(ctx, args, call, pair * 2) == Some(true) {
            return branch(ctx, args, call, pair * 2 + 1);
        }
    }
    if args.len() % 2 == 1 { branch(ctx, args, call, args.len() - 1) } else { Ok(Value::Null) }
}

fn case_of(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    let pairs = (args.len() - 1) / 2;
    for pair in 0..pairs {
        if order(ctx, args, call, 0, pair * 2 + 1) == Some(Ordering::Equal) {
            return branch(ctx, args, call, pair * 2 + 2);
        }
    }
    if args.len().is_multiple_of(2) { branch(ctx, args, call, args.len() - 1) } else { Ok(Value::Null) }
}

fn extreme_type(ctx: &mut InferContext, args: &[ArgInfo<'_>], name: &str) -> Result<FieldType, MySqlError> {
    common_type(ctx, args, name)
}

fn extreme(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    wanted: Ordering,
) -> Result<Value, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let numeric = call.args.iter().any(|t| t.kind.is_numeric());
    let any_date = call.args.iter().any(|t| t.kind.has_date());
    let mut best = 0;
    for i in 1..args.len() {
        let found = if numeric && !any_date && call.result.kind.is_string() {
            // Numbers among text: all are compared as text.
            let (a, b) = (
                crate::call::argument::text(ctx, args, call, i),
                crate::call::argument::text(ctx, args, call, best),
            );
            a.zip(b).map(|(a, b)| call.collation.compare(&a, &b))
        } else {
            order(ctx, args, call, i, best)
        };
        if found == Some(wanted) {
            best = i;
        }
    }
    branch(ctx, args, call, best)
}
