//! A stored row of a table as values by column offset.

use rutile_sql_types::Value;

use super::error::{CodecError, Result};
use super::handle::Handle;
use super::record_key::split_record_key;
use super::row::{RowSlot, RowView, decode_value};
use crate::catalog::{ColumnInfo, TableInfo};

/// Reads all columns that are stored, also those that are not public. A column the row does not hold is the integer
/// handle, or was added later and has its original default; a virtual one is NULL.
pub fn decode_stored(table: &TableInfo, handle: &Handle, view: &RowView<'_>) -> Result<Vec<Value>> {
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

/// The value of one such column, for which the row under `key` has `slot`.
pub fn stored_value(table: &TableInfo, column: &ColumnInfo, key: &[u8], slot: RowSlot<'_>) -> Result<Value> {
    let is_handle = || table.handle_column().is_some_and(|handle| handle.id == column.id);
    Ok(match slot {
        RowSlot::Value(bytes) => decode_value(bytes, &column.ty)?,
        RowSlot::Null => Value::Null,
        RowSlot::Missing if is_handle() => {
            let (_, suffix) = split_record_key(key)?;
            match Handle::from_record_suffix(suffix, false)? {
                Handle::Int(handle) => table.handle_value(handle),
                Handle::Common(_) => {
                    return Err(CodecError::malformed("record key", "not an integer handle"));
                }
            }
        }
        RowSlot::Missing => column.original_default.clone(),
    })
}
