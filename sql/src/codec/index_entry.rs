//! Index entries: key and value of one row in one index.
//!
//! The key of a unique entry without NULLs ends after its datums, so a second row with equal values
//! collides; its value names the row. Any other entry has the handle in the key, which makes it
//! distinct: a unique index holds any number of NULLs.

use bytes::Bytes;
use rutile_sql_types::{FieldType, Value};

use super::datum;
use super::error::{CodecError, Result};
use super::handle::Handle;
use super::record_key::{INDEX_PREFIX_LEN, index_prefix};
use crate::catalog::{IndexInfo, TableInfo};

/// Marks a common handle in an index value.
const COMMON_HANDLE_FLAG: u8 = 127;
/// Values of this length or longer start with the length of their tail; shorter ones are a bare
/// integer handle or the filler of a non-unique entry.
const TAILED_VALUE_LEN: usize = 10;
const FILLER: u8 = b'0';

/// One entry ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    /// The key alone must be unique: write with `insert`, not `put`.
    pub distinct: bool,
}

/// The entry of a row; `row` holds the values of all columns by their offset.
pub fn index_entry(
    table: &TableInfo,
    index: &IndexInfo,
    row: &[Value],
    handle: &Handle,
) -> Result<IndexEntry> {
    let mut key = index_prefix(table.id, index.id);
    let mut has_null = false;
    for part in &index.columns {
        let (column, value) = table
            .columns
            .get(part.offset)
            .zip(row.get(part.offset))
            .ok_or_else(|| CodecError::malformed("index", format!("column offset {}", part.offset)))?;
        has_null |= value.is_null();
        datum::append_prefix(&mut key, value, &column.ty, part.length)?;
    }
    let distinct = index.unique && !has_null;
    if !distinct {
        handle.append_to_index_key(&mut key);
    }
    Ok(IndexEntry { key, value: index_value(handle, distinct), distinct })
}

/// The start of the keys whose leading index columns have these values.
pub fn index_values_prefix<'a>(
    table: &TableInfo,
    index: &IndexInfo,
    values: impl IntoIterator<Item = &'a Value>,
) -> Result<Vec<u8>> {
    let mut key = index_prefix(table.id, index.id);
    for (part, value) in index.columns.iter().zip(values) {
        let ty: &FieldType = table
            .columns
            .get(part.offset)
            .map(|column| &column.ty)
            .ok_or_else(|| CodecError::malformed("index", format!("column offset {}", part.offset)))?;
        datum::append_prefix(&mut key, value, ty, part.length)?;
    }
    Ok(key)
}

/// The row an entry points to.
pub fn handle_of_entry(table: &TableInfo, index: &IndexInfo, key: &[u8], value: &[u8]) -> Result<Handle> {
    let common = table.is_common_handle();
    if let Some(handle) = handle_from_value(value)? {
        return Ok(handle);
    }
    let mut datums = key.get(INDEX_PREFIX_LEN..).ok_or(CodecError::Truncated { what: "index key" })?;
    for _ in &index.columns {
        datum::skip(&mut datums)?;
    }
    Handle::from_index_suffix(datums, common)
}

fn index_value(handle: &Handle, distinct: bool) -> Vec<u8> {
    match handle {
        Handle::Int(handle) if distinct => handle.to_be_bytes().to_vec(),
        Handle::Common(bytes) if distinct => common_handle_value(bytes),
        _ => vec![FILLER],
    }
}

fn common_handle_value(bytes: &Bytes) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut value = Vec::with_capacity(4 + bytes.len());
    value.push(0);
    value.push(COMMON_HANDLE_FLAG);
    value.extend_from_slice(&length.to_be_bytes());
    value.extend_from_slice(bytes);
    if let Some(padding) = TAILED_VALUE_LEN.checked_sub(value.len()) {
        value.resize(TAILED_VALUE_LEN, 0);
        if let (Some(first), Ok(padding)) = (value.first_mut(), u8::try_from(padding)) {
            *first = padding;
        }
    }
    value
}

fn handle_from_value(value: &[u8]) -> Result<Option<Handle>> {
    if value.len() < TAILED_VALUE_LEN {
        return Ok(value.first_chunk::<8>().map(|bytes| Handle::Int(i64::from_be_bytes(*bytes))));
    }
    match value {
        [_, COMMON_HANDLE_FLAG, high, low, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let bytes = rest.get(..length).ok_or(CodecError::Truncated { what: "index value" })?;
            Ok(Some(Handle::Common(Bytes::copy_from_slice(bytes))))
        }
        _ => Err(CodecError::malformed("index value", "no common handle")),
    }
}
