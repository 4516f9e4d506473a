//! Reading single rows and short ranges from a snapshot with the transaction's own writes over it.

use std::collections::HashMap;

use bytes::Bytes;
use rutile_kv_client::{MemBuffer, ScanOptions, Scanner, Snapshot};
use rutile_kv_types::KeyRange;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{MySqlError, Value};

use super::row::Row;
use crate::binder::relation::TableScan;
use crate::catalog::{ColumnInfo, TableInfo};
use crate::codec::CodecError;
use crate::codec::row::{RowSlot, RowView};
use crate::codec::table_row::stored_value;
use crate::distsql::from_storage;
use crate::generation::VirtualReader;

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
    /// Position in the row, and offset of the column.
    virtual_columns: Vec<(usize, usize)>,
    computed: Option<VirtualReader>,
}

impl<'t> ColumnDecoder<'t> {
    /// Decodes these positions of the scan's columns.
    pub fn new(scan: &'t TableScan, positions: &[usize]) -> Result<Self, MySqlError> {
        let table = &*scan.table;
        let column_at =
            |position: &usize| Some((*position, table.columns.get(*scan.columns.get(*position)?)?));
        let (computed, columns): (Vec<_>, Vec<(usize, &ColumnInfo)>) =
            positions.iter().filter_map(column_at).partition(|(_, column)| column.is_virtual());
        let virtual_columns: Vec<_> =
            computed.iter().map(|(position, column)| (*position, column.offset)).collect();
        let wanted: Vec<usize> = virtual_columns.iter().map(|(_, offset)| *offset).collect();
        let computed = VirtualReader::new(&scan.table, &wanted)?;
        Ok(Self { table, width: scan.columns.len(), columns, virtual_columns, computed })
    }

    pub fn decode(
        &mut self,
        key: &[u8],
        stored: &Bytes,
        context: &mut EvalContext,
    ) -> Result<Row, MySqlError> {
        let damaged = |error: CodecError| MySqlError::internal(error);
        let view = RowView::parse(stored).map_err(damaged)?;
        let mut row = vec![Value::Null; self.width];
        for (position, column) in &self.columns {
            let value = match view.get(column.id).map_err(damaged)? {
                // Text is shared with the stored row instead of copied.
                RowSlot::Value(bytes) if column.ty.kind.is_string() => Value::Bytes(stored.slice_ref(bytes)),
                slot => stored_value(self.table, column, key, slot).map_err(damaged)?,
            };
            if let Some(slot) = row.get_mut(*position) {
                *slot = value;
            }
        }
        if let Some(computed) = &mut self.computed {
            let values = computed.compute(key, &view, context)?;
            for (position, offset) in &self.virtual_columns {
                if let (Some(slot), Some(value)) = (row.get_mut(*position), values.get(*offset)) {
                    slot.clone_from(value);
                }
            }
        }
        Ok(row)
    }
}
