//! The key-value writes of one row: its record and its index entries.
//!
//! Two ways to keep keys unique. *Checked* reads each key first and answers 1062 at once; a row that another
//! transaction commits meanwhile shows as a write conflict at COMMIT. *Deferred* leaves the question to the
//! store ("must not exist" at prewrite) and saves the reads; only a statement that commits by itself can
//! wait for the answer that long.

use bytes::Bytes;
use rutile_kv_client::Transaction;
use rutile_sql_types::{MySqlError, TimeZone, Value};

use crate::catalog::{IndexInfo, TableInfo};
use crate::codec::row::{RowColumn, RowEncoder};
use crate::codec::table_row::decode_row;
use crate::codec::{Handle, index_entry, record_key};
use crate::error::{Error, Result};
use crate::txn::duplicate_entry;

/// When a duplicate is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// Before the row is written.
    Checked,
    /// When the transaction commits.
    Deferred,
    /// The caller has looked: the keys are free.
    Known,
}

/// A stored row: its handle, and the values of all columns by their offset.
#[derive(Debug, Clone)]
pub struct StoredRow {
    pub handle: Handle,
    pub values: Vec<Value>,
}

/// Which existing row a new row collides with, and in which index.
#[derive(Debug)]
pub struct Collision<'t> {
    pub index: &'t IndexInfo,
    pub handle: Handle,
}

/// Writes rows of one table.
pub struct RowWriter<'t> {
    table: &'t TableInfo,
    zone: TimeZone,
    encoder: RowEncoder,
}

impl<'t> RowWriter<'t> {
    /// `zone` is the session's, for the values in error messages.
    pub fn new(table: &'t TableInfo, zone: TimeZone) -> Self {
        Self { table, zone, encoder: RowEncoder::default() }
    }

    /// Adds a row whose keys are expected to be free.
    pub async fn insert(
        &mut self,
        transaction: &mut Transaction,
        row: &StoredRow,
        uniqueness: Uniqueness,
    ) -> Result<()> {
        let record = Bytes::from(record_key::record_key(self.table.id, &row.handle));
        // A hidden row id is new by construction.
        let primary = self.table.primary_key().filter(|index| self.table.is_clustered(index));
        if let Some(index) = primary {
            self.claim(transaction, &record, index, row, uniqueness).await?;
        }
        let value = self.encode(row)?;
        match (primary, uniqueness) {
            (Some(_), Uniqueness::Deferred) => transaction.insert(record, value),
            _ => transaction.put(record, value),
        }
        for index in self.table.writable_indexes() {
            self.insert_entry(transaction, index, row, uniqueness).await?;
        }
        Ok(())
    }

    /// Removes a row and its entries.
    pub fn delete(&self, transaction: &mut Transaction, row: &StoredRow) -> Result<()> {
        transaction.delete(Bytes::from(record_key::record_key(self.table.id, &row.handle)));
        for index in self.table.deletable_indexes() {
            let entry = index_entry::index_entry(self.table, index, &row.values, &row.handle)?;
            transaction.delete(Bytes::from(entry.key));
        }
        Ok(())
    }

    /// Replaces a row. Only keys that change are checked and written.
    pub async fn update(
        &mut self,
        transaction: &mut Transaction,
        old: &StoredRow,
        new: &StoredRow,
    ) -> Result<()> {
        if old.handle != new.handle {
            // The old row goes first, so that it cannot collide with its own successor.
            self.delete(transaction, old)?;
            return self.insert(transaction, new, Uniqueness::Checked).await;
        }
        for index in self.table.deletable_indexes() {
            let before = index_entry::index_entry(self.table, index, &old.values, &old.handle)?;
            let after = index_entry::index_entry(self.table, index, &new.values, &new.handle)?;
            if before.key != after.key {
                transaction.delete(Bytes::from(before.key));
                if index.state.is_writable() {
                    self.insert_entry(transaction, index, new, Uniqueness::Checked).await?;
                }
            } else if index.state.is_writable() && !index.state.is_public() {
                // The backfill may not have come to this row yet, or may be about to.
                transaction.put(Bytes::from(after.key), Bytes::from(after.value));
            }
        }
        let value = self.encode(new)?;
        transaction.put(Bytes::from(record_key::record_key(self.table.id, &new.handle)), value);
        Ok(())
    }

    /// The first unique key, in the table's order, that an existing row already holds.
    pub async fn collision(
        &self,
        transaction: &Transaction,
        row: &StoredRow,
    ) -> Result<Option<Collision<'t>>> {
        if let Some(index) = self.table.primary_key().filter(|index| self.table.is_clustered(index)) {
            let key = record_key::record_key(self.table.id, &row.handle);
            if transaction.get(&key).await?.is_some() {
                return Ok(Some(Collision { index, handle: row.handle.clone() }));
            }
        }
        for index in self.table.writable_indexes().filter(|index| index.unique) {
            let entry = index_entry::index_entry(self.table, index, &row.values, &row.handle)?;
            if !entry.distinct {
                continue;
            }
            if let Some(value) = transaction.get(&entry.key).await? {
                let handle = index_entry::handle_of_entry(self.table, index, &entry.key, &value)?;
                return Ok(Some(Collision { index, handle }));
            }
        }
        Ok(None)
    }

    /// Error 1062 of `row` in `index`.
    pub fn duplicate(&self, index: &IndexInfo, row: &StoredRow) -> MySqlError {
        duplicate_entry(self.table, index, &row.values, self.zone)
    }

    /// The stored row of a handle.
    pub async fn read(&self, transaction: &Transaction, handle: Handle) -> Result<StoredRow> {
        let key = record_key::record_key(self.table.id, &handle);
        let stored = transaction.get(&key).await?.ok_or_else(|| {
            Error::corrupt(format!("table {}: an index entry names a row that is not there", self.table.name))
        })?;
        let values = decode_row(self.table, &handle, &stored)?;
        Ok(StoredRow { handle, values })
    }

    async fn insert_entry(
        &self,
        transaction: &mut Transaction,
        index: &IndexInfo,
        row: &StoredRow,
        uniqueness: Uniqueness,
    ) -> Result<()> {
        let entry = index_entry::index_entry(self.table, index, &row.values, &row.handle)?;
        let (key, value) = (Bytes::from(entry.key), Bytes::from(entry.value));
        if !entry.distinct {
            transaction.put(key, value);
            return Ok(());
        }
        self.claim(transaction, &key, index, row, uniqueness).await?;
        match uniqueness {
            Uniqueness::Deferred => transaction.insert(key, value),
            Uniqueness::Checked | Uniqueness::Known => transaction.put(key, value),
        }
        Ok(())
    }

    /// Fails with 1062 if the key is taken; deferred, only if this very transaction took it.
    async fn claim(
        &self,
        transaction: &Transaction,
        key: &[u8],
        index: &IndexInfo,
        row: &StoredRow,
        uniqueness: Uniqueness,
    ) -> Result<()> {
        let taken = match uniqueness {
            Uniqueness::Checked => transaction.get(key).await?.is_some(),
            Uniqueness::Deferred => matches!(transaction.membuffer().get(key), Some(Some(_))),
            Uniqueness::Known => false,
        };
        if taken { Err(self.duplicate(index, row).into()) } else { Ok(()) }
    }

    fn encode(&mut self, row: &StoredRow) -> Result<Bytes> {
        let handle_id = self.table.handle_column().map(|column| column.id);
        let columns = self
            .table
            .columns
            .iter()
            .zip(&row.values)
            .filter(|(column, _)| Some(column.id) != handle_id && column.state.is_writable())
            .map(|(column, value)| RowColumn { id: column.id, value, ty: &column.ty });
        let mut encoded = Vec::new();
        self.encoder.encode(columns, &mut encoded)?;
        Ok(Bytes::from(encoded))
    }
}
