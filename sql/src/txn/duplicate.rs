//! Error 1062: which value of which key already exists.
//!
//! MySQL names the values as text, joined by `-`, and the key as `table.key`. The key bytes alone do not
//! always tell the values (a string's key is its collation key), so they are read from the row that was
//! about to be written, which the membuffer still holds.

use bytes::Bytes;
use rutile_kv_client::Transaction;
use rutile_sql_types::{FieldType, MySqlError, TimeZone, Value};

use crate::catalog::{IndexInfo, InfoSchema, TableInfo};
use crate::codec::{Handle, datum, index_entry, record_key};
use crate::error::Result;
use crate::generation::decode_row;

/// The error of a row (values by column offset) that collides in `index`.
pub fn duplicate_entry(table: &TableInfo, index: &IndexInfo, row: &[Value], zone: TimeZone) -> MySqlError {
    let mut entry = Vec::new();
    for (position, part) in index.columns.iter().enumerate() {
        if position > 0 {
            entry.push(b'-');
        }
        let Some((column, value)) = table.columns.get(part.offset).zip(row.get(part.offset)) else {
            continue;
        };
        append_text(&mut entry, value, &column.ty, part.length, zone);
    }
    MySqlError::duplicate_entry(
        String::from_utf8_lossy(&entry),
        format_args!("{}.{}", table.name, index.name),
    )
}

fn append_text(out: &mut Vec<u8>, value: &Value, ty: &FieldType, prefix: Option<u32>, zone: TimeZone) {
    match (value, prefix) {
        (Value::Null, _) => out.extend_from_slice(b"NULL"),
        (Value::Bytes(bytes), Some(length)) => {
            out.extend_from_slice(datum::string_prefix(bytes, ty, length));
        }
        _ => rutile_sql_types::format_text(value, ty, out, zone),
    }
}

/// The error of a key that COMMIT found to exist, or the bare 1062 if its row cannot be told.
pub fn duplicate_from_key(
    infoschema: &InfoSchema,
    transaction: &Transaction,
    key: &[u8],
    zone: TimeZone,
) -> MySqlError {
    match try_duplicate_from_key(infoschema, transaction, key, zone) {
        Ok(Some(error)) => error,
        Ok(None) | Err(_) => MySqlError::duplicate_entry("?", "?"),
    }
}

fn try_duplicate_from_key(
    infoschema: &InfoSchema,
    transaction: &Transaction,
    key: &[u8],
    zone: TimeZone,
) -> Result<Option<MySqlError>> {
    if let Ok((table_id, suffix)) = record_key::split_record_key(key) {
        let Some(table) = infoschema.table_by_id(table_id) else {
            return Ok(None);
        };
        let handle = Handle::from_record_suffix(suffix, table.is_common_handle())?;
        let row = buffered_row(table, transaction, &handle, zone)?;
        return Ok(table
            .primary_key()
            .zip(row)
            .map(|(index, row)| duplicate_entry(table, index, &row, zone)));
    }
    let (table_id, index_id, _) = record_key::split_index_key(key)?;
    let Some(table) = infoschema.table_by_id(table_id) else {
        return Ok(None);
    };
    let Some(index) = table.indexes.iter().find(|index| index.id == index_id) else {
        return Ok(None);
    };
    let Some(value) = buffered(transaction, key) else {
        return Ok(None);
    };
    let handle = index_entry::handle_of_entry(table, index, key, &value)?;
    let row = buffered_row(table, transaction, &handle, zone)?;
    Ok(row.map(|row| duplicate_entry(table, index, &row, zone)))
}

fn buffered(transaction: &Transaction, key: &[u8]) -> Option<Bytes> {
    transaction.membuffer().get(key).flatten()
}

/// The values of a row that is still in the membuffer.
fn buffered_row(
    table: &TableInfo,
    transaction: &Transaction,
    handle: &Handle,
    zone: TimeZone,
) -> Result<Option<Vec<Value>>> {
    let Some(bytes) = buffered(transaction, &record_key::record_key(table.id, handle)) else {
        return Ok(None);
    };
    Ok(Some(decode_row(table, handle, &bytes, zone)?))
}
