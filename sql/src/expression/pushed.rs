//! Expressions of a physical plan as a store can evaluate them: over the columns it decodes.

use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::common::ScalarValue;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::datafusion::{Form, PlannedExpr, evaluate_form};
use super::{Evaluation, Expr};

/// A bound expression and what is made of its value.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedExpr {
    pub expr: Expr,
    pub form: Form,
}

impl PushedExpr {
    pub fn value(expr: Expr) -> Self {
        Self { expr, form: Form::Value }
    }

    pub fn evaluate(
        &self,
        columns: &[ArrayRef],
        rows: usize,
        statement: &Evaluation,
    ) -> Result<ArrayRef, MySqlError> {
        evaluate_form(&self.expr, self.form, columns, rows, statement)
    }
}

/// A physical expression over columns that are `inputs` themselves; `None` if it has no bound form, or must be
/// evaluated exactly once for each row.
pub fn from_physical(expr: &Arc<dyn PhysicalExpr>, inputs: &[PushedExpr]) -> Option<PushedExpr> {
    let any: &dyn std::any::Any = expr.as_ref();
    if let Some(column) = any.downcast_ref::<Column>() {
        return inputs.get(column.index()).cloned();
    }
    if let Some(literal) = any.downcast_ref::<Literal>() {
        return match literal.value() {
            ScalarValue::Int64(Some(value)) => {
                Some(PushedExpr::value(Expr::literal(Value::Int(*value), FieldType::bigint())))
            }
            _ => None,
        };
    }
    let call = any.downcast_ref::<ScalarFunctionExpr>()?;
    let function: &dyn std::any::Any = call.fun().inner().as_ref();
    let planned = function.downcast_ref::<PlannedExpr>()?;
    if planned.expr().is_volatile() {
        return None;
    }
    let args =
        call.args().iter().map(|arg| from_physical(arg, inputs)).collect::<Option<Vec<PushedExpr>>>()?;
    if args.iter().any(|arg| arg.form != Form::Value) {
        return None;
    }
    let expr = planned.expr().clone().rewrite(&mut |node| match node {
        Expr::Column { index, .. } => args.get(index).map(|arg| arg.expr.clone()).ok_or(()),
        other => Ok(other),
    });
    Some(PushedExpr { expr: expr.ok()?, form: planned.form() })
}
