//! Many keys as one: bytes that order, and are equal, as the rows of those keys are.
//!
//! DataFusion looks at every key of an ORDER BY or GROUP BY together with all others, several times. A function of
//! all of them that gives one column of bytes is one key to it, however many there are. The bytes are Arrow's row
//! format over the values, or over the keys of those whose collation has some.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryBuilder, Float32Array, Float64Array};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, FieldRef};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr as PlanExpr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use rutile_sql_types::MySqlError;

use super::datafusion::{Form, column_at, evaluate_form, to_plan_error};
use super::{Evaluation, Expr, key};

/// Values that are computed before their rows are written: all keys of some rows.
const VALUES_AT_A_TIME: usize = 1 << 18;

/// One of the keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyPart {
    pub expr: Expr,
    pub descending: bool,
}

impl KeyPart {
    fn form(&self) -> Form {
        if key::needs_key(self.expr.ty()) { Form::Key } else { Form::Value }
    }

    fn field(&self, data_type: &DataType) -> SortField {
        // NULL is below everything in MySQL.
        let options = SortOptions { descending: self.descending, nulls_first: !self.descending };
        SortField::new_with_options(data_type.clone(), options)
    }
}

/// The keys as one expression over a plan whose output columns are `columns`.
pub fn row_key(parts: Vec<KeyPart>, columns: &[Column], statement: &Arc<Evaluation>) -> Result<PlanExpr> {
    let used: BTreeSet<usize> = parts.iter().flat_map(|part| part.expr.columns()).collect();
    let used: Vec<usize> = used.into_iter().collect();
    let args = used
        .iter()
        .map(|index| column_at(columns, *index).map(PlanExpr::Column))
        .collect::<Result<Vec<_>>>()?;
    let place = |index| used.binary_search(&index).unwrap_or_default();
    let local = |part: KeyPart| KeyPart { expr: part.expr.remap(&place), ..part };
    let parts: Vec<KeyPart> = parts.into_iter().map(local).collect();
    let volatile = parts.iter().any(|part| part.expr.is_volatile());
    let volatility = if volatile { Volatility::Volatile } else { Volatility::Stable };
    let signature =
        if args.is_empty() { Signature::nullary(volatility) } else { Signature::any(args.len(), volatility) };
    let udf = RowKey { parts: Arc::new(parts), signature, statement: Arc::clone(statement) };
    Ok(PlanExpr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(udf)), args)))
}

/// The function that makes the bytes; column `i` of its keys is argument `i`.
struct RowKey {
    parts: Arc<Vec<KeyPart>>,
    signature: Signature,
    statement: Arc<Evaluation>,
}

impl RowKey {
    fn keys_of(&self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef, MySqlError> {
        let memory = self.statement.memory();
        let step = (VALUES_AT_A_TIME / self.parts.len().max(1)).max(1);
        let mut held = memory.hold();
        let mut keys = BinaryBuilder::with_capacity(rows, 0);
        let mut bytes = 0;
        for start in (0..rows).step_by(step) {
            let count = step.min(rows - start);
            let columns: Vec<ArrayRef> = columns.iter().map(|column| column.slice(start, count)).collect();
            let written = self.written(&columns, count)?;
            let added: usize = written.lengths().sum();
            held.grow(added)?;
            bytes += added;
            // A column of bytes has no more.
            if i32::try_from(bytes).is_err() {
                return Err(memory.over_quota());
            }
            written.iter().for_each(|row| keys.append_value(row));
        }
        drop(held);
        memory.hold_column(Arc::new(keys.finish()))
    }

    fn written(&self, columns: &[ArrayRef], rows: usize) -> Result<Rows, MySqlError> {
        let mut values = Vec::with_capacity(self.parts.len());
        for part in self.parts.iter() {
            let value = evaluate_form(&part.expr, part.form(), columns, rows, &self.statement)?;
            values.push(with_one_zero(value));
        }
        let fields = self.parts.iter().zip(&values).map(|(part, value)| part.field(value.data_type()));
        let converter = RowConverter::new(fields.collect()).map_err(MySqlError::internal)?;
        converter.convert_columns(&values).map_err(MySqlError::internal)
    }
}

/// Both zeros are one value in MySQL, in Arrow they are two.
fn with_one_zero(array: ArrayRef) -> ArrayRef {
    if let Some(numbers) = array.as_any().downcast_ref::<Float64Array>() {
        return Arc::new(numbers.unary::<_, arrow::datatypes::Float64Type>(|number| number + 0.0));
    }
    if let Some(numbers) = array.as_any().downcast_ref::<Float32Array>() {
        return Arc::new(numbers.unary::<_, arrow::datatypes::Float32Type>(|number| number + 0.0));
    }
    array
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowKey({} keys)", self.parts.len())
    }
}

impl PartialEq for RowKey {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for RowKey {}

impl Hash for RowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.hash(state);
    }
}

impl ScalarUDFImpl for RowKey {
    fn name(&self) -> &str {
        "row_key"
    }

    /// Short: plans write names down again and again, and this one stands under a name of its own.
    fn schema_name(&self, _args: &[PlanExpr]) -> Result<String> {
        Ok(format!("row_key[{} keys]", self.parts.len()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), DataType::Binary, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let columns = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        self.keys_of(&columns, rows).map(ColumnarValue::Array).map_err(to_plan_error)
    }
}
