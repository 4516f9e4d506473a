//! Batch-wise evaluation over Arrow columns.
//!
//! Functions that must not look at all of their arguments are first run over whole columns anyway, because
//! that is fast and nearly always harmless; if any argument raised an error or a warning on the way, the
//! result is thrown away and the call is evaluated row by row as MySQL does it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use rutile_sql_functions::{ColumnarArg, EvalContext, GrowingColumn, Members, eval_arrow};
use rutile_sql_types::arrow::{ValueBuilder, value_at};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::evaluate::{Lazy, members_of};
use super::{Call, Expr, evaluate};

/// Rows between two looks at the kill flag.
const ROWS_PER_KILL_CHECK: usize = 1024;

/// A column, or one value for all rows.
#[derive(Debug, Clone)]
pub enum Vector {
    Array(ArrayRef),
    Scalar(Value),
}

impl Vector {
    /// The column, repeated if it is one value.
    pub fn into_array(
        self,
        ty: &FieldType,
        rows: usize,
        context: &EvalContext,
    ) -> Result<ArrayRef, MySqlError> {
        match self {
            Self::Array(array) => Ok(array),
            Self::Scalar(value) => growing(std::iter::repeat_n(&value, rows), ty, context),
        }
    }
}

/// The values of `expr` over columns of `rows` rows.
pub fn evaluate_columns(
    expr: &Expr,
    columns: &[ArrayRef],
    rows: usize,
    context: &mut EvalContext,
) -> Result<Vector, MySqlError> {
    match expr {
        Expr::Column { index, .. } => columns
            .get(*index)
            .map(|column| Vector::Array(Arc::clone(column)))
            .ok_or_else(|| MySqlError::internal(format!("column {index} of a batch of {}", columns.len()))),
        Expr::Literal { value, .. } => Ok(Vector::Scalar(value.clone())),
        Expr::Call(call) if Lazy::of(call.function.name).is_some() => {
            let before = context.convert.warnings.total();
            let mut trial = context.clone();
            match evaluate_eagerly(call, columns, rows, &mut trial) {
                Ok(vector) if trial.convert.warnings.total() == before => Ok(vector),
                _ => evaluate_rows(expr, columns, rows, context),
            }
        }
        Expr::Call(call) => evaluate_eagerly(call, columns, rows, context),
        Expr::Parameter { .. }
        | Expr::Outer { .. }
        | Expr::Subquery { .. }
        | Expr::Aggregate { .. }
        | Expr::Window { .. } => Err(MySqlError::internal(format!("{expr} cannot be evaluated by itself"))),
    }
}

fn evaluate_eagerly(
    call: &Call,
    columns: &[ArrayRef],
    rows: usize,
    context: &mut EvalContext,
) -> Result<Vector, MySqlError> {
    if let Some(members) = members_of(call) {
        return evaluate_members(&members, call, columns, rows, context);
    }
    let mut args = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        args.push(argument(arg, columns, rows, context)?);
    }
    eval_arrow(call.function, context, &args, &call.info, rows).map(Vector::Array)
}

fn argument(
    arg: &Expr,
    columns: &[ArrayRef],
    rows: usize,
    context: &mut EvalContext,
) -> Result<ColumnarArg, MySqlError> {
    Ok(match evaluate_columns(arg, columns, rows, context)? {
        Vector::Array(array) => ColumnarArg::Array(array),
        Vector::Scalar(value) => ColumnarArg::Scalar(value),
    })
}

/// A long IN list: its constants were sorted once, so that only what is no constant is a column here.
fn evaluate_members(
    members: &Members,
    call: &Call,
    columns: &[ArrayRef],
    rows: usize,
    context: &mut EvalContext,
) -> Result<Vector, MySqlError> {
    let mut args = HashMap::new();
    for position in std::iter::once(0).chain(members.others().iter().copied()) {
        if let Some(arg) = call.args.get(position) {
            args.insert(position, argument(arg, columns, rows, context)?);
        }
    }
    let value_of = |position: usize, row: usize| match args.get(&position) {
        Some(arg) => arg.value(&call.info, position, row),
        None => Ok(Value::Null),
    };
    let mut result = GrowingColumn::new(&call.info.result, rows);
    for row in 0..rows {
        if row % ROWS_PER_KILL_CHECK == 0 {
            context.check_killed()?;
        }
        let operand = value_of(0, row)?;
        let value = members.test(context, &operand, &call.info, |_, position| value_of(position, row))?;
        result.append(&value, context)?;
    }
    Ok(Vector::Array(result.finish()))
}

fn evaluate_rows(
    expr: &Expr,
    columns: &[ArrayRef],
    rows: usize,
    context: &mut EvalContext,
) -> Result<Vector, MySqlError> {
    let mut types: Vec<Option<FieldType>> = vec![None; columns.len()];
    expr.visit(&mut |node| {
        if let Expr::Column { index, ty } = node
            && let Some(slot) = types.get_mut(*index)
        {
            *slot = Some(ty.clone());
        }
    });
    let mut row = vec![Value::Null; columns.len()];
    let mut result = GrowingColumn::new(expr.ty(), rows);
    for position in 0..rows {
        for ((slot, column), ty) in row.iter_mut().zip(columns).zip(&types) {
            if let Some(ty) = ty {
                *slot = value_at(column.as_ref(), ty, position)?;
            }
        }
        let value = evaluate(expr, &row, context)?;
        result.append(&value, context)?;
    }
    Ok(Vector::Array(result.finish()))
}

/// A column of these values, which may be too much for the statement.
fn growing<'a>(
    values: impl Iterator<Item = &'a Value>,
    ty: &FieldType,
    context: &EvalContext,
) -> Result<ArrayRef, MySqlError> {
    let mut column = GrowingColumn::new(ty, values.size_hint().0);
    for value in values {
        column.append(value, context)?;
    }
    Ok(column.finish())
}

/// A column of these values.
pub fn array_of<'a>(values: impl Iterator<Item = &'a Value>, ty: &FieldType) -> Result<ArrayRef, MySqlError> {
    let mut builder = ValueBuilder::new(ty, values.size_hint().0);
    for value in values {
        builder.append(value)?;
    }
    Ok(builder.finish())
}
