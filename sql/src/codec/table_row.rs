//! A stored row of a table as values by column offset.

use rutile_sql_types::Value;

use super::error::Result;
use super::handle::Handle;
use super::row::{RowSlot, RowView, decode_value};
use crate::catalog::TableInfo;

/// Reads all columns, also those that are not public. A column the row does not hold is the integer handle, or
/// was added later and has its original default.
pub fn decode_row(table: &TableInfo, handle: &Handle, stored: &[u8]) -> Result<Vec<Value>> {
    let view = RowView::parse(stored)?;
    let handle_id = table.handle_column().map(|column| column.id);
    let mut row = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        let value = match (view.get(column.id)?, handle) {
            (RowSlot::Value(bytes), _) => decode_value(bytes, &column.ty)?,
            (RowSlot::Null, _) => Value::Null,
            (RowSlot::Missing, Handle::Int(handle)) if handle_id == Some(column.id) => {
                table.handle_value(*handle)
            }
            (RowSlot::Missing, _) => column.original_default.clone(),
        };
        row.push(value);
    }
    Ok(row)
}
