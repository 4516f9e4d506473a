//! + - * / DIV % and unary minus. Integers and decimals are exact and checked (1690), reals are doubles.

use rutile_sql_types::convert::{to_decimal, to_double};
use rutile_sql_types::{Decimal, MySqlError, TypeKind, Value};

use super::arithmetic_infer as infer;
use crate::call::infer::{NumberClass, number_class};
use crate::call::{CallInfo, EvalContext, Function};
use crate::vector;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("+", 2, 2, infer::plus, plus).vector(vector::plus),
    Function::new("-", 2, 2, infer::minus, minus).vector(vector::minus),
    Function::new("*", 2, 2, infer::multiply, multiply).vector(vector::multiply),
    Function::new("/", 2, 2, infer::division, divide),
    Function::new("div", 2, 2, infer::integer_division, integer_division),
    Function::new("%", 2, 2, infer::modulo, modulo),
    Function::new("mod", 2, 2, infer::modulo, modulo),
    Function::new("unary_minus", 1, 1, infer::negation, negate),
];

/// Builds error 1690 with the expression's text.
pub(crate) struct Overflow;

impl Overflow {
    pub(crate) fn error(kind: &str, operator: &str, args: &[Value], call: &CallInfo) -> MySqlError {
        if let Some(text) = &call.text {
            return MySqlError::value_out_of_range(kind, text);
        }
        let shown: Vec<String> = args
            .iter()
            .zip(&call.args)
            .map(|(value, ty)| {
                let mut out = Vec::new();
                rutile_sql_types::format_text(value, ty, &mut out, rutile_sql_types::TimeZone::UTC);
                String::from_utf8_lossy(&out).into_owned()
            })
            .collect();
        MySqlError::value_out_of_range(kind, format_args!("({})", shown.join(&format!(" {operator} "))))
    }

    pub(crate) fn integer_kind(call: &CallInfo) -> &'static str {
        if call.result.unsigned { "BIGINT UNSIGNED" } else { "BIGINT" }
    }
}

fn wide(value: &Value, call: &CallInfo, i: usize, ctx: &mut EvalContext) -> Option<i128> {
    match value {
        Value::Int(v) => Some(i128::from(*v)),
        Value::UInt(v) => Some(i128::from(*v)),
        _ => to_decimal(value, &call.args[i], &mut ctx.convert)?.round_to(0)?.digits_i128(),
    }
}

fn narrow(
    result: Option<i128>,
    operator: &str,
    args: &[Value],
    call: &CallInfo,
) -> Result<Value, MySqlError> {
    let fits = match (result, call.result.unsigned) {
        (Some(v), true) => u64::try_from(v).ok().map(Value::UInt),
        (Some(v), false) => i64::try_from(v).ok().map(Value::Int),
        (None, _) => None,
    };
    fits.ok_or_else(|| Overflow::error(Overflow::integer_kind(call), operator, args, call))
}

type Exact = fn(&Decimal, &Decimal) -> Option<Decimal>;

/// Runs one of + - * in the class of the result.
fn compute(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    operator: &str,
    integers: fn(i128, i128) -> Option<i128>,
    exact: Exact,
    reals: fn(f64, f64) -> f64,
) -> Result<Value, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    match call.result.kind {
        TypeKind::Double => {
            let (a, b) = (
                to_double(&args[0], &call.args[0], &mut ctx.convert),
                to_double(&args[1], &call.args[1], &mut ctx.convert),
            );
            let (Some(a), Some(b)) = (a, b) else {
                return Ok(Value::Null);
            };
            finite(reals(a, b), operator, args, call)
        }
        TypeKind::Decimal => {
            let (a, b) = (
                to_decimal(&args[0], &call.args[0], &mut ctx.convert),
                to_decimal(&args[1], &call.args[1], &mut ctx.convert),
            );
            let (Some(a), Some(b)) = (a, b) else {
                return Ok(Value::Null);
            };
            let result = exact(&a, &b).and_then(|d| d.round_to(call.result.decimals)).filter(Decimal::fits);
            result.map(Value::Decimal).ok_or_else(|| Overflow::error("DECIMAL", operator, args, call))
        }
        _ => {
            let (Some(a), Some(b)) = (wide(&args[0], call, 0, ctx), wide(&args[1], call, 1, ctx)) else {
                return Ok(Value::Null);
            };
            narrow(integers(a, b), operator, args, call)
        }
    }
}

fn finite(v: f64, operator: &str, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if v.is_finite() { Ok(Value::Double(v)) } else { Err(Overflow::error("DOUBLE", operator, args, call)) }
}

fn plus(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    compute(ctx, args, call, "+", i128::checked_add, Decimal::checked_add, |a, b| a + b)
}

fn minus(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    compute(ctx, args, call, "-", i128::checked_sub, Decimal::checked_sub, |a, b| a - b)
}

fn multiply(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    compute(ctx, args, call, "*", i128::checked_mul, Decimal::checked_mul, |a, b| a * b)
}

pub(crate) fn divide(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    if call.result.kind == TypeKind::Double {
        let (a, b) = (
            to_double(&args[0], &call.args[0], &mut ctx.convert),
            to_double(&args[1], &call.args[1], &mut ctx.convert),
        );
        let (Some(a), Some(b)) = (a, b) else {
            return Ok(Value::Null);
        };
        if b == 0.0 {
            return ctx.division_by_zero();
        }
        return finite(a / b, "/", args, call);
    }
    let (a, b) = (
        to_decimal(&args[0], &call.args[0], &mut ctx.convert),
        to_decimal(&args[1], &call.args[1], &mut ctx.convert),
    );
    let (Some(a), Some(b)) = (a, b) else {
        return Ok(Value::Null);
    };
    if b.is_zero() {
        return ctx.division_by_zero();
    }
    let result =
        a.checked_div(&b, ctx.div_precision_increment).and_then(|d| d.round_to(call.result.decimals));
    result.map(Value::Decimal).ok_or_else(|| Overflow::error("DECIMAL", "/", args, call))
}

fn integer_division(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let integers = call.args.iter().all(|t| matches!(number_class(t), NumberClass::Integer { .. }));
    let quotient = if integers {
        let (Some(a), Some(b)) = (wide(&args[0], call, 0, ctx), wide(&args[1], call, 1, ctx)) else {
            return Ok(Value::Null);
        };
        if b == 0 {
            return ctx.division_by_zero();
        }
        a.checked_div(b)
    } else {
        let (a, b) = (
            to_decimal(&args[0], &call.args[0], &mut ctx.convert),
            to_decimal(&args[1], &call.args[1], &mut ctx.convert),
        );
        let (Some(a), Some(b)) = (a, b) else {
            return Ok(Value::Null);
        };
        if b.is_zero() {
            return ctx.division_by_zero();
        }
        a.checked_div_integer(&b).and_then(|d| d.digits_i128())
    };
    narrow(quotient, "DIV", args, call)
}

pub(crate) fn modulo(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    match call.result.kind {
        TypeKind::Double => {
            let (a, b) = (
                to_double(&args[0], &call.args[0], &mut ctx.convert),
                to_double(&args[1], &call.args[1], &mut ctx.convert),
            );
            match (a, b) {
                (Some(_), Some(0.0)) => ctx.division_by_zero(),
                (Some(a), Some(b)) => Ok(Value::Double(a % b)),
                _ => Ok(Value::Null),
            }
        }
        TypeKind::Decimal => {
            let (a, b) = (
                to_decimal(&args[0], &call.args[0], &mut ctx.convert),
                to_decimal(&args[1], &call.args[1], &mut ctx.convert),
            );
            match (a, b) {
                (Some(_), Some(b)) if b.is_zero() => ctx.division_by_zero(),
                (Some(a), Some(b)) => Ok(a
                    .checked_rem(&b)
                    .and_then(|d| d.round_to(call.result.decimals))
                    .map(Value::Decimal)
                    .into()),
                _ => Ok(Value::Null),
            }
        }
        _ => {
            let (Some(a), Some(b)) = (wide(&args[0], call, 0, ctx), wide(&args[1], call, 1, ctx)) else {
                return Ok(Value::Null);
            };
            if b == 0 {
                return ctx.division_by_zero();
            }
            narrow(a.checked_rem(b), "%", args, call)
        }
    }
}

fn negate(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    match call.result.kind {
        _ if args[0].is_null() => Ok(Value::Null),
        TypeKind::Double => {
            Ok(to_double(&args[0], &call.args[0], &mut ctx.convert).map(|v| Value::Double(-v)).into())
        }
        TypeKind::Decimal => Ok(to_decimal(&args[0], &call.args[0], &mut ctx.convert)
            .map(|v| Value::Decimal(v.negated()))
            .into()),
        _ => match wide(&args[0], call, 0, ctx) {
            Some(v) => i64::try_from(-v).map(Value::Int).map_err(|_| match &call.text {
                Some(text) => MySqlError::value_out_of_range("BIGINT", text),
                None => MySqlError::value_out_of_range("BIGINT", format_args!("-({v})")),
            }),
            None => Ok(Value::Null),
        },
    }
}
