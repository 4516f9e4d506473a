//! Keys of rows and the key ranges of tables and indexes.

use rutile_kv_types::KeyRange;

use super::datum;
use super::error::{CodecError, Result};
use super::handle::Handle;

/// First byte of all table data; `m` (meta) sorts before it.
pub const TABLE_PREFIX: u8 = b't';
const RECORD_SEPARATOR: &[u8; 2] = b"_r";
const INDEX_SEPARATOR: &[u8; 2] = b"_i";
/// `t` + table id + separator.
pub const RECORD_PREFIX_LEN: usize = 1 + 8 + 2;
/// `t` + table id + separator + index id.
pub const INDEX_PREFIX_LEN: usize = RECORD_PREFIX_LEN + 8;

/// `t{table}`: everything a table owns.
pub fn table_prefix(table_id: i64) -> Vec<u8> {
    let mut key = Vec::with_capacity(INDEX_PREFIX_LEN + 16);
    key.push(TABLE_PREFIX);
    datum::append_i64(&mut key, table_id);
    key
}

/// `t{table}_r`
pub fn record_prefix(table_id: i64) -> Vec<u8> {
    let mut key = table_prefix(table_id);
    key.extend_from_slice(RECORD_SEPARATOR);
    key
}

/// `t{table}_i{index}`
pub fn index_prefix(table_id: i64, index_id: i64) -> Vec<u8> {
    let mut key = table_prefix(table_id);
    key.extend_from_slice(INDEX_SEPARATOR);
    datum::append_i64(&mut key, index_id);
    key
}

/// `t{table}_r{handle}`
pub fn record_key(table_id: i64, handle: &Handle) -> Vec<u8> {
    let mut key = record_prefix(table_id);
    handle.append_to_record_key(&mut key);
    key
}

/// The same for an integer handle, in memory of just its size, because reads of single rows make one each.
pub fn integer_record_key(table_id: i64, handle: i64) -> Vec<u8> {
    let mut key = Vec::with_capacity(RECORD_PREFIX_LEN + size_of::<i64>());
    key.push(TABLE_PREFIX);
    datum::append_i64(&mut key, table_id);
    key.extend_from_slice(RECORD_SEPARATOR);
    datum::append_i64(&mut key, handle);
    key
}

/// All rows and index entries of a table.
pub fn table_range(table_id: i64) -> KeyRange {
    KeyRange::prefix(table_prefix(table_id))
}

/// All rows of a table.
pub fn record_range(table_id: i64) -> KeyRange {
    KeyRange::prefix(record_prefix(table_id))
}

/// All entries of an index.
pub fn index_range(table_id: i64, index_id: i64) -> KeyRange {
    KeyRange::prefix(index_prefix(table_id, index_id))
}

/// Splits a record key into its table id and the bytes of its handle.
pub fn split_record_key(key: &[u8]) -> Result<(i64, &[u8])> {
    let (table_id, rest) = split_table_prefix(key)?;
    match rest.strip_prefix(RECORD_SEPARATOR.as_slice()) {
        Some(handle) => Ok((table_id, handle)),
        None => Err(CodecError::malformed("record key", "no _r after the table id")),
    }
}

/// Splits an index key into table id, index id and the bytes of its datums.
pub fn split_index_key(key: &[u8]) -> Result<(i64, i64, &[u8])> {
    let (table_id, rest) = split_table_prefix(key)?;
    let rest = rest
        .strip_prefix(INDEX_SEPARATOR.as_slice())
        .ok_or_else(|| CodecError::malformed("index key", "no _i after the table id"))?;
    let (index_id, datums) = datum::take_i64(rest, "index key")?;
    Ok((table_id, index_id, datums))
}

fn split_table_prefix(key: &[u8]) -> Result<(i64, &[u8])> {
    let rest = key
        .strip_prefix(&[TABLE_PREFIX])
        .ok_or_else(|| CodecError::malformed("table key", "does not start with t"))?;
    datum::take_i64(rest, "table key")
}
