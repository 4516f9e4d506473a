//! Row-wise evaluation.
//!
//! Functions that look at some arguments only (AND, OR, IF, CASE, COALESCE, IFNULL) evaluate only those:
//! `IF(b = 0, 0, a DIV b)` raises nothing for b = 0.

use std::cmp::Ordering;
use std::sync::Arc;

use rutile_sql_functions::{EvalContext, Members};
use rutile_sql_types::convert::to_bool;
use rutile_sql_types::{ConvertContext, FieldType, MySqlError, Value, compare};

use super::{Call, Expr};
use crate::memory::LARGE_BYTES;

/// The value of `expr` over a row.
pub fn evaluate(expr: &Expr, row: &[Value], context: &mut EvalContext) -> Result<Value, MySqlError> {
    evaluate_with(expr, row, &[], context)
}

/// The same with values for the placeholders.
pub fn evaluate_with(
    expr: &Expr,
    row: &[Value],
    parameters: &[Value],
    context: &mut EvalContext,
) -> Result<Value, MySqlError> {
    match expr {
        Expr::Literal { value, .. } => Ok(value.clone()),
        Expr::Column { index, .. } => row
            .get(*index)
            .cloned()
            .ok_or_else(|| MySqlError::internal(format!("column {index} of a row of {} columns", row.len()))),
        Expr::Parameter { index, .. } => parameters
            .get(*index)
            .cloned()
            .ok_or_else(|| MySqlError::internal(format!("placeholder {index} has no value"))),
        Expr::Call(call) => evaluate_call(call, row, parameters, context),
        Expr::Outer { .. } | Expr::Subquery { .. } | Expr::Aggregate { .. } | Expr::Window { .. } => {
            Err(MySqlError::internal(format!("{expr} cannot be evaluated by itself")))
        }
    }
}

fn evaluate_call(
    call: &Call,
    row: &[Value],
    parameters: &[Value],
    context: &mut EvalContext,
) -> Result<Value, MySqlError> {
    if let Some(lazy) = Lazy::of(call.function.name) {
        return evaluate_lazy(lazy, call, row, parameters, context);
    }
    if let Some(members) = members_of(call) {
        return is_member(&members, call, row, parameters, context);
    }
    let mut args = Vec::with_capacity(call.args.len());
    let mut large = 0;
    for arg in &call.args {
        let value = evaluate_with(arg, row, parameters, context)?;
        // Many long texts at a time would be more than the longest one may be.
        if let Value::Bytes(text) = &value
            && text.len() >= LARGE_BYTES
        {
            large += text.len();
            context.check_memory(large)?;
        }
        args.push(value);
    }
    (call.function.eval)(context, &args, &call.info)
}

/// The sorted constants of a long IN list.
pub fn members_of(call: &Call) -> Option<Arc<Members>> {
    if call.function.name == "in" { Members::of(&call.info) } else { None }
}

fn is_member(
    members: &Members,
    call: &Call,
    row: &[Value],
    parameters: &[Value],
    context: &mut EvalContext,
) -> Result<Value, MySqlError> {
    let argument = |context: &mut EvalContext, position: usize| match call.args.get(position) {
        Some(arg) => evaluate_with(arg, row, parameters, context),
        None => Ok(Value::Null),
    };
    let operand = argument(context, 0)?;
    members.test(context, &operand, &call.info, argument)
}

/// Functions whose arguments are evaluated one after the other, as needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lazy {
    And,
    Or,
    If,
    Case,
    /// The first argument that is not NULL: COALESCE and IFNULL.
    FirstKnown,
}

impl Lazy {
    pub fn of(name: &str) -> Option<Lazy> {
        Some(match name {
            "and" => Lazy::And,
            "or" => Lazy::Or,
            "if" => Lazy::If,
            "case" => Lazy::Case,
            "coalesce" | "ifnull" => Lazy::FirstKnown,
            _ => return None,
        })
    }
}

fn evaluate_lazy(
    lazy: Lazy,
    call: &Call,
    row: &[Value],
    parameters: &[Value],
    context: &mut EvalContext,
) -> Result<Value, MySqlError> {
    let mut evaluate_arg = |position: usize| match call.args.get(position) {
        Some(arg) => evaluate_with(arg, row, parameters, context),
        None => Ok(Value::Null),
    };
    let types =
        |position: usize| call.args.get(position).map_or_else(FieldType::null, |arg| arg.ty().clone());
    // Arguments that do not count are NULL to the kernel, which then sees what it would anyway.
    let mut args = vec![Value::Null; call.args.len()];
    match lazy {
        Lazy::And | Lazy::Or => {
            let decisive = lazy == Lazy::Or;
            let mut unknown = false;
            for position in 0..call.args.len() {
                let value = evaluate_arg(position)?;
                if value.is_null() {
                    unknown = true;
                } else if is_true(&value, &types(position)) == decisive {
                    return Ok(Value::bool(decisive));
                }
            }
            return Ok(if unknown { Value::Null } else { Value::bool(!decisive) });
        }
        Lazy::If => {
            let condition = evaluate_arg(0)?;
            let taken = if is_true(&condition, &types(0)) { 1 } else { 2 };
            set(&mut args, taken, evaluate_arg(taken)?);
            set(&mut args, 0, condition);
        }
        Lazy::Case => {
            let branches = call.args.len() / 2;
            let mut chosen = None;
            for branch in 0..branches {
                let condition = evaluate_arg(branch * 2)?;
                if is_true(&condition, &types(branch * 2)) {
                    set(&mut args, branch * 2, condition);
                    chosen = Some(branch * 2 + 1);
                    break;
                }
            }
            let otherwise = (call.args.len() % 2 == 1).then(|| call.args.len() - 1);
            if let Some(position) = chosen.or(otherwise) {
                set(&mut args, position, evaluate_arg(position)?);
            }
        }
        Lazy::FirstKnown => {
            for position in 0..call.args.len() {
                let value = evaluate_arg(position)?;
                let known = !value.is_null();
                set(&mut args, position, value);
                if known {
                    break;
                }
            }
        }
    }
    // The kernel converts the chosen value to the type of the whole.
    (call.function.eval)(context, &args, &call.info)
}

fn set(args: &mut [Value], position: usize, value: Value) {
    if let Some(slot) = args.get_mut(position) {
        *slot = value;
    }
}

/// MySQL's truth: neither 0 nor NULL. Text is true if the number it starts with is not 0.
pub fn is_true(value: &Value, ty: &FieldType) -> bool {
    match value {
        Value::Null => false,
        Value::Int(value) => *value != 0,
        Value::UInt(value) => *value != 0,
        Value::Float(value) => *value != 0.0,
        Value::Double(value) => *value != 0.0,
        Value::Decimal(value) => !value.is_zero(),
        Value::Datetime(value) => !value.is_zero(),
        Value::Duration(value) => value.micros() != 0,
        Value::Bytes(_) | Value::Json(_) => to_bool(value, ty, &mut ConvertContext::default()) == Some(true),
    }
}

/// MySQL's order of two values of one type, NULL first.
pub fn compare_values(a: &Value, b: &Value, ty: &FieldType) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => compare(a, ty, b, ty, &mut ConvertContext::default()).unwrap_or(Ordering::Equal),
    }
}
