//! The key-value writes of one row: its record and its index entries.
//!
//! Ways to keep keys unique. *Checked* reads each key first, locking it in a pessimistic transaction, and answers
//! 1062 at once; *reserved* has done so for all rows of the statement together. *Deferred* leaves the question to the
//! store ("must not exist" at prewrite) and saves the reads; only a statement that commits by itself can wait
//! for the answer that long.
//!
//! What is written in a pessimistic transaction is locked: record keys by whoever chose the rows, keys of unique
//! indexes here. Entries of other indexes belong to their row, whose lock guards them.

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;
use rutile_kv_client::{Error as StoreError, Transaction};
use rutile_sql_types::{MySqlError, TimeZone, Value};

use crate::catalog::{IndexInfo, TableInfo};
use crate::codec::index_entry::IndexEntry;
use crate::codec::row::{RowColumn, RowEncoder};
use crate::codec::{Handle, index_entry, record_key};
use crate::error::{Error, Result};
use crate::generation::decode_row;
use crate::txn::{RowLocks, duplicate_entry};

/// When a duplicate is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// Before the row is written.
    Checked,
    /// When the transaction commits.
    Deferred,
    /// The keys are locked and free, but for what the transaction itself has written: see [`RowWriter::reserve`].
    Reserved,
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
    locks: RowLocks,
}

impl<'t> RowWriter<'t> {
    /// `zone` is the session's, for the values in error messages.
    pub fn new(table: &'t TableInfo, zone: TimeZone, locks: RowLocks) -> Self {
        Self { table, zone, encoder: RowEncoder::default(), locks }
    }

    /// Locks the keys of new rows with one request; false if one of them is taken, and is to be found by checking
    /// row by row.
    pub async fn reserve(&self, transaction: &mut Transaction, rows: &[StoredRow]) -> Result<bool> {
        let mut keys = Vec::new();
        for row in rows {
            keys.extend(self.unique_keys(row)?.into_iter().map(|(_, key)| key));
        }
        is_free(self.locks.reserve(transaction, &keys).await)
    }

    /// The keys by which a row is locked: that of its record, and with `entries` those of unique indexes.
    pub fn lock_keys(&self, row: &StoredRow, entries: bool) -> Result<Vec<Bytes>> {
        let mut keys = vec![Bytes::from(record_key::record_key(self.table.id, &row.handle))];
        if entries {
            keys.extend(self.unique_keys(row)?.into_iter().map(|(_, key)| key));
        }
        Ok(keys)
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

    /// Removes a row, which is locked, and its entries.
    pub async fn delete(&self, transaction: &mut Transaction, row: &StoredRow) -> Result<()> {
        if transaction.is_pessimistic() {
            let keys: Vec<Bytes> = self.unique_keys(row)?.into_iter().map(|(_, key)| key).collect();
            self.locks.take(transaction, &keys).await?;
        }
        transaction.delete(Bytes::from(record_key::record_key(self.table.id, &row.handle)));
        for index in self.table.deletable_indexes() {
            let entry = index_entry::index_entry(self.table, index, &row.values, &row.handle)?;
            delete_entry(transaction, entry);
        }
        Ok(())
    }

    /// Replaces a row, which is locked. Only keys that change are checked and written.
    pub async fn update(
        &mut self,
        transaction: &mut Transaction,
        old: &StoredRow,
        new: &StoredRow,
    ) -> Result<()> {
        if old.handle != new.handle {
            // The old row goes first, so that it cannot collide with its own successor.
            self.delete(transaction, old).await?;
            return self.insert(transaction, new, Uniqueness::Checked).await;
        }
        for index in self.table.deletable_indexes() {
            let before = index_entry::index_entry(self.table, index, &old.values, &old.handle)?;
            let after = index_entry::index_entry(self.table, index, &new.values, &new.handle)?;
            if before.key != after.key {
                if before.distinct {
                    self.locks.take(transaction, &[Bytes::copy_from_slice(&before.key)]).await?;
                }
                delete_entry(transaction, before);
                if index.state.is_writable() {
                    self.insert_entry(transaction, index, new, Uniqueness::Checked).await?;
                }
            } else if index.state.is_writable() && !index.state.is_public() {
                // The backfill may not have come to this row yet, or may be about to.
                put_entry(transaction, after);
            }
        }
        let value = self.encode(new)?;
        transaction.put(Bytes::from(record_key::record_key(self.table.id, &new.handle)), value);
        Ok(())
    }

    /// The first unique key, in the table's order, that an existing row already holds. All of them are locked.
    pub async fn collision(
        &self,
        transaction: &mut Transaction,
        row: &StoredRow,
    ) -> Result<Option<Collision<'t>>> {
        let keys = self.unique_keys(row)?;
        let wanted: Vec<Bytes> = keys.iter().map(|(_, key)| key.clone()).collect();
        let found = self.locks.current(transaction, &wanted).await?;
        for (index, key) in keys {
            let Some(value) = found.get(&key) else {
                continue;
            };
            let handle = if self.table.is_clustered(index) {
                row.handle.clone()
            } else {
                index_entry::handle_of_entry(self.table, index, &key, value)?
            };
            return Ok(Some(Collision { index, handle }));
        }
        Ok(None)
    }

    /// Which of these rows collide neither with a stored row nor with one before them: all their keys are locked, and
    /// looked at with one request. Whoever writes the others asks for each of them again.
    pub async fn unopposed(&self, transaction: &mut Transaction, rows: &[StoredRow]) -> Result<Vec<bool>> {
        let mut keys = Vec::new();
        let mut claims = Vec::with_capacity(rows.len());
        let mut seen = HashSet::new();
        for row in rows {
            let first = keys.len();
            let mut free = true;
            for (_, key) in self.unique_keys(row)? {
                if seen.insert(key.clone()) {
                    keys.push(key);
                } else {
                    free = false;
                }
            }
            claims.push((first..keys.len(), free));
        }
        if keys.is_empty() {
            return Ok(claims.into_iter().map(|(_, free)| free).collect());
        }
        let found = self.locks.current(transaction, &keys).await?;
        let is_free = |key: &Bytes| !found.contains_key(key);
        let unopposed = |range: Range<usize>| keys.get(range).is_some_and(|keys| keys.iter().all(is_free));
        Ok(claims.into_iter().map(|(range, free)| free && unopposed(range)).collect())
    }

    /// The keys of a row that no other row may hold, the primary key first.
    fn unique_keys(&self, row: &StoredRow) -> Result<Vec<(&'t IndexInfo, Bytes)>> {
        let mut keys = Vec::new();
        if let Some(index) = self.table.primary_key().filter(|index| self.table.is_clustered(index)) {
            keys.push((index, Bytes::from(record_key::record_key(self.table.id, &row.handle))));
        }
        for index in self.table.writable_indexes().filter(|index| index.unique) {
            let entry = index_entry::index_entry(self.table, index, &row.values, &row.handle)?;
            if entry.distinct {
                keys.push((index, Bytes::from(entry.key)));
            }
        }
        Ok(keys)
    }

    /// Error 1062 of `row` in `index`.
    pub fn duplicate(&self, index: &IndexInfo, row: &StoredRow) -> MySqlError {
        duplicate_entry(self.table, index, &row.values, self.zone)
    }

    /// The stored row of a handle, locked.
    pub async fn read(&self, transaction: &mut Transaction, handle: Handle) -> Result<StoredRow> {
        let key = Bytes::from(record_key::record_key(self.table.id, &handle));
        let found = self.locks.current(transaction, std::slice::from_ref(&key)).await?;
        let stored = found.get(&key).ok_or_else(|| {
            Error::corrupt(format!("table {}: an index entry names a row that is not there", self.table.name))
        })?;
        let values = decode_row(self.table, &handle, stored, self.zone)?;
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
        if !entry.distinct {
            put_entry(transaction, entry);
            return Ok(());
        }
        let (key, value) = (Bytes::from(entry.key), Bytes::from(entry.value));
        self.claim(transaction, &key, index, row, uniqueness).await?;
        match uniqueness {
            Uniqueness::Deferred => transaction.insert(key, value),
            Uniqueness::Checked | Uniqueness::Reserved | Uniqueness::Known => transaction.put(key, value),
        }
        Ok(())
    }

    /// Fails with 1062 if the key is taken; deferred and reserved, only if this very transaction took it.
    async fn claim(
        &self,
        transaction: &mut Transaction,
        key: &Bytes,
        index: &IndexInfo,
        row: &StoredRow,
        uniqueness: Uniqueness,
    ) -> Result<()> {
        let free = match uniqueness {
            Uniqueness::Checked if transaction.is_pessimistic() => {
                is_free(self.locks.reserve(transaction, std::slice::from_ref(key)).await)?
            }
            Uniqueness::Checked => transaction.get(key).await?.is_none(),
            Uniqueness::Deferred | Uniqueness::Reserved => {
                !matches!(transaction.membuffer().get(key), Some(Some(_)))
            }
            Uniqueness::Known => true,
        };
        if free { Ok(()) } else { Err(self.duplicate(index, row).into()) }
    }

    fn encode(&mut self, row: &StoredRow) -> Result<Bytes> {
        encode_row(&mut self.encoder, self.table, &row.values)
    }
}

/// The record of a row: neither its handle nor what is computed when it is read.
pub fn encode_row(encoder: &mut RowEncoder, table: &TableInfo, values: &[Value]) -> Result<Bytes> {
    let handle_id = table.handle_column().map(|column| column.id);
    let columns = table
        .columns
        .iter()
        .zip(values)
        .filter(|(column, _)| {
            Some(column.id) != handle_id && column.state.is_writable() && !column.is_virtual()
        })
        .map(|(column, value)| RowColumn { id: column.id, value, ty: &column.ty });
    let mut encoded = Vec::new();
    encoder.encode(columns, &mut encoded)?;
    Ok(Bytes::from(encoded))
}

fn is_free(reserved: Result<()>) -> Result<bool> {
    match reserved {
        Ok(()) => Ok(true),
        Err(Error::Store(StoreError::AlreadyExists { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}

fn put_entry(transaction: &mut Transaction, entry: IndexEntry) {
    let key = Bytes::from(entry.key);
    if !entry.distinct {
        transaction.guarded_by_lock(key.clone());
    }
    transaction.put(key, Bytes::from(entry.value));
}

fn delete_entry(transaction: &mut Transaction, entry: IndexEntry) {
    let key = Bytes::from(entry.key);
    if !entry.distinct {
        transaction.guarded_by_lock(key.clone());
    }
    transaction.delete(key);
}
