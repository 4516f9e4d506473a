//! Comparison, BETWEEN and IN over lanes of one class.

use std::cmp::Ordering;

use arrow::array::ArrayRef;
use rutile_sql_types::{FieldType, MySqlError};

use super::lane::{self, Class};
use crate::call::{CallInfo, ColumnarArg, EvalContext};

type Answer = Result<Option<ArrayRef>, MySqlError>;

pub(crate) fn equal(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    Ok(compare(args, call, rows, Ordering::is_eq))
}

pub(crate) fn not_equal(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    Ok(compare(args, call, rows, Ordering::is_ne))
}

pub(crate) fn less(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    Ok(compare(args, call, rows, Ordering::is_lt))
}

pub(crate) fn less_or_equal(
    _: &mut EvalContext,
    args: &[ColumnarArg],
    call: &CallInfo,
    rows: usize,
) -> Answer {
    Ok(compare(args, call, rows, Ordering::is_le))
}

pub(crate) fn greater(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    Ok(compare(args, call, rows, Ordering::is_gt))
}

pub(crate) fn greater_or_equal(
    _: &mut EvalContext,
    args: &[ColumnarArg],
    call: &CallInfo,
    rows: usize,
) -> Answer {
    Ok(compare(args, call, rows, Ordering::is_ge))
}

/// Orders the arguments at two positions, row by row.
type RowOrder<'a> = Box<dyn Fn(usize) -> Option<Ordering> + 'a>;

fn order<'a>(args: &'a [ColumnarArg], call: &'a CallInfo, a: usize, b: usize) -> Option<RowOrder<'a>> {
    let types: [&FieldType; 2] = [call.args.get(a)?, call.args.get(b)?];
    let (left, right) = (args.get(a)?, args.get(b)?);
    Some(match lane::class_of(types)? {
        Class::Int => {
            let (left, right) = (lane::ints(left)?, lane::ints(right)?);
            Box::new(move |row| Some(left.at(row)?.cmp(&right.at(row)?)))
        }
        Class::Real => {
            let (left, right) = (lane::reals(left)?, lane::reals(right)?);
            Box::new(move |row| left.at(row)?.partial_cmp(&right.at(row)?))
        }
        Class::Exact { scale } => {
            let (by_left, by_right) = (lane::factor_to(types[0], scale)?, lane::factor_to(types[1], scale)?);
            // Digits at 38 places times a factor could overflow: the row driver takes those.
            if types.iter().any(|ty| ty.length + u32::from(scale) > 38) {
                return None;
            }
            let (left, right) = (lane::exacts(left, types[0])?, lane::exacts(right, types[1])?);
            Box::new(move |row| Some((left.at(row)? * by_left).cmp(&(right.at(row)? * by_right))))
        }
        Class::Text => {
            let (left, right) = (lane::texts(left)?, lane::texts(right)?);
            let collation = call.collation;
            Box::new(move |row| Some(collation.compare(left.at(row)?, right.at(row)?)))
        }
    })
}

fn compare(
    args: &[ColumnarArg],
    call: &CallInfo,
    rows: usize,
    holds: fn(Ordering) -> bool,
) -> Option<ArrayRef> {
    let order = order(args, call, 0, 1)?;
    Some(lane::truths(rows, |row| order(row).map(holds)))
}

pub(crate) fn between(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    let (Some(low), Some(high)) = (order(args, call, 0, 1), order(args, call, 0, 2)) else {
        return Ok(None);
    };
    Ok(Some(lane::truths(rows, |row| {
        match (low(row).map(Ordering::is_ge), high(row).map(Ordering::is_le)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }
    })))
}

pub(crate) fn is_in(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    let orders: Option<Vec<RowOrder<'_>>> = (1..args.len()).map(|item| order(args, call, 0, item)).collect();
    let Some(orders) = orders else { return Ok(None) };
    Ok(Some(lane::truths(rows, |row| {
        let mut unknown = false;
        for order in &orders {
            match order(row) {
                Some(Ordering::Equal) => return Some(true),
                Some(_) => {}
                None => unknown = true,
            }
        }
        if unknown { None } else { Some(false) }
    })))
}
