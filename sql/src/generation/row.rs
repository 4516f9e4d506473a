//! A stored row with all its columns.

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{MySqlError, TimeZone, Value};

use super::Generation;
use super::formula::{Purpose, with_fixed_modes};
use crate::catalog::TableInfo;
use crate::codec::row::RowView;
use crate::codec::table_row::decode_stored;
use crate::codec::{CodecError, Handle};

/// The values of all columns by offset, also of those that are not public. `zone` is the reader's.
pub fn decode_row(
    table: &TableInfo,
    handle: &Handle,
    stored: &[u8],
    zone: TimeZone,
) -> Result<Vec<Value>, MySqlError> {
    let view = RowView::parse(stored).map_err(damaged)?;
    let mut row = decode_stored(table, handle, &view).map_err(damaged)?;
    if let Some(generation) = table.generation()?.filter(|generation| !generation.formulas.is_empty()) {
        let mut context = EvalContext::default();
        context.convert.time_zone = zone;
        generation.fill(table, &view, &mut row, &mut context)?;
    }
    Ok(row)
}

impl Generation {
    /// Sets the virtual columns, and stored ones that the row was written without: they are about to be added.
    fn fill(
        &self,
        table: &TableInfo,
        view: &RowView<'_>,
        row: &mut [Value],
        context: &mut EvalContext,
    ) -> Result<(), MySqlError> {
        with_fixed_modes(context, Purpose::Read, |context| {
            for formula in &self.formulas {
                let Some(column) = table.columns.get(formula.offset) else {
                    continue;
                };
                if formula.stored && view.holds(column.id).map_err(damaged)? {
                    continue;
                }
                let value = formula.read(column, row, context)?;
                if let Some(slot) = row.get_mut(formula.offset) {
                    *slot = value;
                }
            }
            Ok(())
        })
    }
}

fn damaged(error: CodecError) -> MySqlError {
    MySqlError::internal(error)
}
