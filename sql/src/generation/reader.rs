//! The virtual columns of a stored row, for who decodes some columns only.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{MySqlError, Value};

use super::Generation;
use super::formula::{Purpose, with_fixed_modes};
use crate::catalog::TableInfo;
use crate::codec::CodecError;
use crate::codec::row::RowView;
use crate::codec::table_row::stored_value;

/// Computes those virtual columns of a table that are wanted.
pub struct VirtualReader {
    table: Arc<TableInfo>,
    generation: Arc<Generation>,
    /// The formulas to run, as positions in the generation, each behind those it reads.
    formulas: Vec<usize>,
    /// Offsets of the columns that are decoded for them.
    inputs: Vec<usize>,
    /// The row of all columns, of which these and the computed ones are set.
    row: Vec<Value>,
}

impl VirtualReader {
    /// `None` if no column of `wanted` (offsets) is virtual.
    pub fn new(table: &Arc<TableInfo>, wanted: &[usize]) -> Result<Option<Self>, MySqlError> {
        let Some(generation) = table.generation()? else {
            return Ok(None);
        };
        let mut needed: Vec<usize> = wanted.to_vec();
        let (mut formulas, mut inputs) = (Vec::new(), Vec::new());
        // From the last one: what it reads is computed before it.
        for (position, formula) in generation.formulas.iter().enumerate().rev() {
            if !formula.stored && needed.contains(&formula.offset) {
                formulas.push(position);
                needed.extend(&formula.reads);
            }
        }
        if formulas.is_empty() {
            return Ok(None);
        }
        formulas.reverse();
        let computed = |offset: usize| {
            formulas.iter().any(|at| generation.formulas.get(*at).is_some_and(|f| f.offset == offset))
        };
        for formula in formulas.iter().filter_map(|at| generation.formulas.get(*at)) {
            inputs.extend(formula.reads.iter().copied().filter(|read| !computed(*read)));
        }
        inputs.sort_unstable();
        inputs.dedup();
        let row = vec![Value::Null; table.columns.len()];
        let (table, generation) = (Arc::clone(table), Arc::clone(generation));
        Ok(Some(Self { table, generation, formulas, inputs, row }))
    }

    /// The row of all columns, in which the wanted virtual ones are set.
    pub fn compute(
        &mut self,
        key: &[u8],
        view: &RowView<'_>,
        context: &mut EvalContext,
    ) -> Result<&[Value], MySqlError> {
        let Self { table, generation, formulas, inputs, row } = self;
        let column_at = |offset: usize| {
            table.columns.get(offset).ok_or_else(|| MySqlError::internal("a column beyond the table"))
        };
        for offset in inputs.iter() {
            let column = column_at(*offset)?;
            let value = view
                .get(column.id)
                .and_then(|slot| stored_value(table, column, key, slot))
                .map_err(|error: CodecError| MySqlError::internal(error))?;
            if let Some(slot) = row.get_mut(*offset) {
                *slot = value;
            }
        }
        with_fixed_modes(context, Purpose::Read, |context| {
            for formula in formulas.iter().filter_map(|at| generation.formulas.get(*at)) {
                let value = formula.read(column_at(formula.offset)?, row, context)?;
                if let Some(slot) = row.get_mut(formula.offset) {
                    *slot = value;
                }
            }
            Ok::<(), MySqlError>(())
        })?;
        Ok(row)
    }
}
