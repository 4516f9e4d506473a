//! Reading single rows and short ranges from a snapshot with the transaction's own writes over it.

use std::collections::HashMap;

use bytes::Bytes;
use rutile_kv_client::{MemBuffer, ScanOptions, Scanner, Snapshot};
use rutile_kv_types::KeyRange;
use rutile_sql_types::{MySqlError, Value};

use super::row::Row;
use crate::binder::relation::TableScan;
use crate::catalog::{ColumnInfo, TableInfo};
use crate::codec::record_key::split_record_key;
use crate::codec::row::{RowSlot, RowView, decode_value};
use crate::codec::{CodecError, Handle};
use crate::distsql::from_storage;

/// What a statement reads from.
pub struct SnapshotReader<'t> {
    snapshot: Snapshot,
    own: Option<&'t MemBuffer>,
}

impl<'t> SnapshotReader<'t> {
    pub fn new(snapshot: Snapshot, own: Option<&'t MemBuffer>) -> Self {
        Self { snapshot, own }
    }

    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, MySqlError> {
        if let Some(own) = self.own.and_then(|own| own.get(key)) {
            return Ok(own);
        }
        self.snapshot.get(key).await.map_err(from_storage)
    }

    /// The values of those keys that exist, in the order of the keys.
    pub async fn get_all(&self, keys: Vec<Bytes>) -> Result<Vec<(Bytes, Bytes)>, MySqlError> {
        if let [key] = keys.as_slice() {
            return Ok(self.get(key).await?.map(|value| (key.clone(), value)).into_iter().collect());
        }
        let mut own: HashMap<Bytes, Option<Bytes>> = HashMap::new();
        let mut below = Vec::with_capacity(keys.len());
        for key in &keys {
            match self.own.and_then(|own| own.get(key)) {
                Some(value) => drop(own.insert(key.clone(), value)),
                None => below.push(key.clone()),
            }
        }
        let stored = self.snapshot.batch_get(&below).await.map_err(from_storage)?;
        let value_of = |key: Bytes| {
            let value = match own.get(&key) {
                Some(value) => value.clone(),
                None => stored.get(&key).cloned(),
            };
            value.map(|value| (key, value))
        };
        Ok(keys.into_iter().filter_map(value_of).collect())
    }

    pub fn scan(&self, range: KeyRange, options: ScanOptions) -> Scanner {
        match self.own {
            Some(own) => self.snapshot.scan_under(own, range, options),
            None => self.snapshot.scan(range, options),
        }
    }
}

/// Decodes chosen columns of stored rows; the other positions of the row hold NULL.
pub struct ColumnDecoder<'t> {
    table: &'t TableInfo,
    width: usize,
    /// Position in the row, and the column.
    columns: Vec<(usize, &'t ColumnInfo)>,
    handle_id: Option<i64>,
}

impl<'t> ColumnDecoder<'t> {
    /// Decodes these positions of the scan's columns.
    pub fn new(scan: &'t TableScan, positions: &[usize]) -> Self {
        let table = &*scan.table;
        let columns = positions
            .iter()
            .filter_map(|position| Some((*position, table.columns.get(*scan.columns.get(*position)?)?)))
            .collect();
        let handle_id = table.handle_column().map(|column| column.id);
        Self { table, width: scan.columns.len(), columns, handle_id }
    }

    pub fn decode(&self, key: &[u8], stored: &Bytes) -> Result<Row, CodecError> {
        let view = RowView::parse(stored)?;
        let mut row = vec![Value::Null; self.width];
        for (position, column) in &self.columns {
            let value = match view.get(column.id)? {
                // Text is shared with the stored row instead of copied.
                RowSlot::Value(bytes) if column.ty.kind.is_string() => Value::Bytes(stored.slice_ref(bytes)),
                RowSlot::Value(bytes) => decode_value(bytes, &column.ty)?,
                RowSlot::Null => Value::Null,
                RowSlot::Missing if self.handle_id == Some(column.id) => self.handle_value(key)?,
                RowSlot::Missing => column.original_default.clone(),
            };
            if let Some(slot) = row.get_mut(*position) {
                *slot = value;
            }
        }
        Ok(row)
    }

    fn handle_value(&self, key: &[u8]) -> Result<Value, CodecError> {
        let (_, suffix) = split_record_key(key)?;
        match Handle::from_record_suffix(suffix, false)? {
            Handle::Int(handle) => Ok(self.table.handle_value(handle)),
            Handle::Common(_) => Err(CodecError::malformed("record key", "not an integer handle")),
        }
    }
}
