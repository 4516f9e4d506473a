//! Bound expressions inside DataFusion plans, and back.
//!
//! A whole expression tree becomes one scalar function whose arguments are just the columns it reads,
//! so DataFusion can move it through joins and projections and push it into scans, but never looks
//! into it: it cannot coerce, fold or simplify what it does not see. Native nodes are used for what
//! its optimizer must see: columns, and equality of two join keys.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryBuilder, BooleanArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Column, DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr as PlanExpr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use rutile_sql_types::arrow::value_at;
use rutile_sql_types::{FieldType, MySqlError};

use super::vector::{Vector, evaluate_columns};
use super::{Evaluation, Expr};

/// What is made of the expression's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// The value itself.
    Value,
    /// True where the value is true in MySQL's sense, false where it is false or NULL.
    Condition,
    /// Bytes that are equal, and ordered, as the values are under their collation.
    Key,
}

/// An expression as a DataFusion function of the columns it reads.
pub struct PlannedExpr {
    /// Over the arguments: column `i` is argument `i`.
    expr: Arc<Expr>,
    form: Form,
    output: DataType,
    signature: Signature,
    statement: Arc<Evaluation>,
}

impl PlannedExpr {
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    pub fn form(&self) -> Form {
        self.form
    }
}

impl fmt::Debug for PlannedExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlannedExpr({}, {:?})", self.expr, self.form)
    }
}

impl PartialEq for PlannedExpr {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form && self.expr == other.expr
    }
}

impl Eq for PlannedExpr {}

impl Hash for PlannedExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.form.hash(state);
        self.expr.hash(state);
    }
}

impl ScalarUDFImpl for PlannedExpr {
    fn name(&self) -> &str {
        match self.form {
            Form::Value => "value",
            Form::Condition => "condition",
            Form::Key => "key",
        }
    }

    fn schema_name(&self, args: &[PlanExpr]) -> Result<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        let mut text = String::new();
        super::print::write(&mut text, &self.expr, &names)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(format!("{}[{text}]", self.name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.output.clone())
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), self.output.clone(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let columns = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let array =
            evaluate_form(&self.expr, self.form, &columns, rows, &self.statement).map_err(to_plan_error)?;
        Ok(ColumnarValue::Array(array))
    }
}

/// The values of `expr` over columns of `rows` rows, in the given form.
pub fn evaluate_form(
    expr: &Expr,
    form: Form,
    columns: &[ArrayRef],
    rows: usize,
    statement: &Evaluation,
) -> Result<ArrayRef, MySqlError> {
    if let (Expr::Column { index, .. }, Form::Value) = (expr, form)
        && let Some(column) = columns.get(*index)
    {
        return Ok(Arc::clone(column));
    }
    statement.check_alive()?;
    let mut context = statement.eval_context();
    let vector = evaluate_columns(expr, columns, rows, &mut context).and_then(|vector| match form {
        Form::Condition => condition_array(&vector, expr.ty(), rows).map(|array| Arc::new(array) as ArrayRef),
        Form::Value | Form::Key => vector.into_array(expr.ty(), rows, &context),
    });
    statement.absorb(context);
    let array = match form {
        Form::Key => key_array(&vector?, expr.ty())?,
        Form::Value | Form::Condition => vector?,
    };
    statement.memory().hold_column(array)
}

/// Which rows a MySQL condition keeps: those where it is neither 0 nor NULL.
pub fn condition_array(vector: &Vector, ty: &FieldType, rows: usize) -> Result<BooleanArray, MySqlError> {
    match vector {
        Vector::Scalar(value) => {
            let kept = super::evaluate::is_true(value, ty);
            Ok(BooleanArray::from(vec![kept; rows]))
        }
        Vector::Array(array) => {
            if let Some(integers) = array.as_any().downcast_ref::<Int64Array>() {
                return Ok(integers
                    .iter()
                    .map(|value| Some(value.is_some_and(|value| value != 0)))
                    .collect());
            }
            let mut kept = Vec::with_capacity(rows);
            for row in 0..rows {
                kept.push(super::evaluate::is_true(&value_at(array.as_ref(), ty, row)?, ty));
            }
            Ok(BooleanArray::from(kept))
        }
    }
}

/// The collation keys of a column of strings.
fn key_array(array: &ArrayRef, ty: &FieldType) -> Result<ArrayRef, MySqlError> {
    let mut builder = BinaryBuilder::with_capacity(array.len(), array.len() * 8);
    let mut key = Vec::new();
    if let Some(texts) = array.as_any().downcast_ref::<StringArray>() {
        for text in texts {
            key.clear();
            match text {
                Some(text) => {
                    ty.collation.key(text.as_bytes(), &mut key);
                    builder.append_value(&key);
                }
                None => builder.append_null(),
            }
        }
        return Ok(Arc::new(builder.finish()));
    }
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
            continue;
        }
        key.clear();
        super::key::append_key(&value_at(array.as_ref(), ty, row)?, ty, &mut key);
        builder.append_value(&key);
    }
    Ok(Arc::new(builder.finish()))
}

/// `expr` over a plan whose output columns are `columns`, as a value.
pub fn to_plan(expr: &Expr, columns: &[Column], statement: &Arc<Evaluation>) -> Result<PlanExpr> {
    match expr {
        Expr::Column { index, .. } => column_at(columns, *index).map(PlanExpr::Column),
        _ => planned(expr, Form::Value, columns, statement),
    }
}

/// `expr` as a filter.
pub fn to_plan_condition(expr: &Expr, columns: &[Column], statement: &Arc<Evaluation>) -> Result<PlanExpr> {
    if let Some((left, right)) = super::key::equality_keys(expr) {
        let left = to_plan_key(&left, columns, statement)?;
        let right = to_plan_key(&right, columns, statement)?;
        return Ok(PlanExpr::BinaryExpr(BinaryExpr::new(Box::new(left), Operator::Eq, Box::new(right))));
    }
    planned(expr, Form::Condition, columns, statement)
}

/// `expr` in the form in which native equality, hashing and order are MySQL's.
pub fn to_plan_key(expr: &Expr, columns: &[Column], statement: &Arc<Evaluation>) -> Result<PlanExpr> {
    if super::key::needs_key(expr.ty()) {
        planned(expr, Form::Key, columns, statement)
    } else {
        to_plan(expr, columns, statement)
    }
}

fn planned(expr: &Expr, form: Form, columns: &[Column], statement: &Arc<Evaluation>) -> Result<PlanExpr> {
    let used = expr.columns();
    let args = used
        .iter()
        .map(|index| column_at(columns, *index).map(PlanExpr::Column))
        .collect::<Result<Vec<_>>>()?;
    let local = expr.clone().remap(&|index| used.binary_search(&index).unwrap_or_default());
    Ok(function(local, form, args, statement))
}

fn function(expr: Expr, form: Form, args: Vec<PlanExpr>, statement: &Arc<Evaluation>) -> PlanExpr {
    let output = match form {
        Form::Value => expr.ty().arrow_type(),
        Form::Condition => DataType::Boolean,
        Form::Key => DataType::Binary,
    };
    let volatility = if expr.is_volatile() { Volatility::Volatile } else { Volatility::Stable };
    let udf = PlannedExpr {
        expr: Arc::new(expr),
        form,
        output,
        signature: if args.is_empty() {
            Signature::nullary(volatility)
        } else {
            Signature::any(args.len(), volatility)
        },
        statement: Arc::clone(statement),
    };
    PlanExpr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(udf)), args))
}

/// A constant, with no column to depend on.
pub fn plan_integer(value: i64) -> PlanExpr {
    PlanExpr::Literal(ScalarValue::Int64(Some(value)), None)
}

pub(super) fn column_at(columns: &[Column], index: usize) -> Result<Column> {
    columns.get(index).cloned().ok_or_else(|| {
        DataFusionError::Internal(format!("column {index} of an input of {} columns", columns.len()))
    })
}

/// The bound expression behind a plan expression whose columns are `position`ed; `None` for what has
/// no bound form. A condition comes back as an expression whose truth is the condition.
pub fn from_plan(expr: &PlanExpr, position: &impl Fn(&Column) -> Option<(usize, FieldType)>) -> Option<Expr> {
    match expr {
        PlanExpr::Column(column) => position(column).map(|(index, ty)| Expr::Column { index, ty }),
        PlanExpr::ScalarFunction(call) => {
            let planned = call.func.inner().as_ref() as &dyn std::any::Any;
            let planned = planned.downcast_ref::<PlannedExpr>()?;
            if planned.form == Form::Key {
                return None;
            }
            let args = call.args.iter().map(|arg| from_plan(arg, position)).collect::<Option<Vec<_>>>()?;
            planned
                .expr
                .as_ref()
                .clone()
                .rewrite(&mut |expr| match expr {
                    Expr::Column { index, .. } => args.get(index).cloned().ok_or(()),
                    other => Ok(other),
                })
                .ok()
        }
        PlanExpr::BinaryExpr(binary) if binary.op == Operator::Eq => {
            let left = from_plan_side(&binary.left, position)?;
            let right = from_plan_side(&binary.right, position)?;
            super::build::call("=", vec![left, right]).ok()
        }
        _ => None,
    }
}

/// A side of a native equality: keys compare as the expressions they are keys of.
fn from_plan_side(
    expr: &PlanExpr,
    position: &impl Fn(&Column) -> Option<(usize, FieldType)>,
) -> Option<Expr> {
    if let PlanExpr::ScalarFunction(call) = expr {
        let planned = call.func.inner().as_ref() as &dyn std::any::Any;
        if let Some(planned) = planned.downcast_ref::<PlannedExpr>()
            && planned.form == Form::Key
        {
            let args = call.args.iter().map(|arg| from_plan(arg, position)).collect::<Option<Vec<_>>>()?;
            return planned
                .expr
                .as_ref()
                .clone()
                .rewrite(&mut |expr| match expr {
                    Expr::Column { index, .. } => args.get(index).cloned().ok_or(()),
                    other => Ok(other),
                })
                .ok();
        }
    }
    from_plan(expr, position)
}

/// Carries a MySQL error through DataFusion.
pub fn to_plan_error(error: MySqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
