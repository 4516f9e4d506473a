//! + - * of integers, exact numbers and doubles. What overflows goes to the row driver, which words the error.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Builder, Float64Builder, Int64Builder};
use rutile_sql_types::{MySqlError, TypeKind};

use super::lane::{self, Class, Side};
use crate::call::{CallInfo, ColumnarArg, EvalContext};

type Answer = Result<Option<ArrayRef>, MySqlError>;

/// One of the three operators in each class.
struct Operator {
    integers: fn(i64, i64) -> Option<i64>,
    exacts: fn(i128, i128) -> Option<i128>,
    reals: fn(f64, f64) -> f64,
    /// Whether the operands must stand at one scale.
    aligned: bool,
}

pub(crate) fn plus(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    let operator = Operator {
        integers: i64::checked_add,
        exacts: i128::checked_add,
        reals: |a, b| a + b,
        aligned: true,
    };
    Ok(compute(args, call, rows, &operator))
}

pub(crate) fn minus(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    let operator = Operator {
        integers: i64::checked_sub,
        exacts: i128::checked_sub,
        reals: |a, b| a - b,
        aligned: true,
    };
    Ok(compute(args, call, rows, &operator))
}

pub(crate) fn multiply(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    let operator = Operator {
        integers: i64::checked_mul,
        exacts: i128::checked_mul,
        reals: |a, b| a * b,
        aligned: false,
    };
    Ok(compute(args, call, rows, &operator))
}

fn compute(args: &[ColumnarArg], call: &CallInfo, rows: usize, operator: &Operator) -> Option<ArrayRef> {
    let [left, right] = args else { return None };
    let [left_ty, right_ty] = call.args.as_slice() else {
        return None;
    };
    // Temporal values are numbers of another form here.
    if [left_ty, right_ty].iter().any(|ty| ty.kind.is_temporal()) {
        return None;
    }
    match (lane::class_of([left_ty, right_ty])?, call.result.kind) {
        (Class::Int, kind) if kind.is_integer() && !call.result.unsigned => {
            integers(&lane::ints(left)?, &lane::ints(right)?, rows, operator.integers)
        }
        (Class::Real, TypeKind::Double) => {
            reals(&lane::reals(left)?, &lane::reals(right)?, rows, operator.reals)
        }
        (Class::Exact { scale }, TypeKind::Decimal) if call.result.length <= 38 => {
            let natural = if operator.aligned {
                scale
            } else {
                lane::scale(call, 0).checked_add(lane::scale(call, 1))?
            };
            if natural != call.result.decimals {
                return None;
            }
            let factor = |ty| {
                if operator.aligned { lane::factor_to(ty, scale) } else { Some(1) }
            };
            let sides = (lane::exacts(left, left_ty)?, lane::exacts(right, right_ty)?);
            exacts(&sides, (factor(left_ty)?, factor(right_ty)?), rows, call, operator.exacts)
        }
        _ => None,
    }
}

fn integers(
    left: &Side<'_, i64>,
    right: &Side<'_, i64>,
    rows: usize,
    operate: fn(i64, i64) -> Option<i64>,
) -> Option<ArrayRef> {
    let mut builder = Int64Builder::with_capacity(rows);
    for row in 0..rows {
        match left.at(row).zip(right.at(row)) {
            Some((a, b)) => builder.append_value(operate(a, b)?),
            None => builder.append_null(),
        }
    }
    Some(Arc::new(builder.finish()))
}

fn reals(
    left: &Side<'_, f64>,
    right: &Side<'_, f64>,
    rows: usize,
    operate: fn(f64, f64) -> f64,
) -> Option<ArrayRef> {
    let mut builder = Float64Builder::with_capacity(rows);
    for row in 0..rows {
        match left.at(row).zip(right.at(row)) {
            Some((a, b)) => builder.append_value(Some(operate(a, b)).filter(|value| value.is_finite())?),
            None => builder.append_null(),
        }
    }
    Some(Arc::new(builder.finish()))
}

fn exacts(
    sides: &(Side<'_, i128>, Side<'_, i128>),
    factors: (i128, i128),
    rows: usize,
    call: &CallInfo,
    operate: fn(i128, i128) -> Option<i128>,
) -> Option<ArrayRef> {
    let limit = 10_i128.pow(38);
    let mut builder = Decimal128Builder::with_capacity(rows).with_data_type(call.result.arrow_type());
    for row in 0..rows {
        match sides.0.at(row).zip(sides.1.at(row)) {
            Some((a, b)) => {
                let value = operate(a.checked_mul(factors.0)?, b.checked_mul(factors.1)?)?;
                builder.append_value(Some(value).filter(|value| value.abs() < limit)?);
            }
            None => builder.append_null(),
        }
    }
    Some(Arc::new(builder.finish()))
}
