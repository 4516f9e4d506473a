//! Reading and changing the catalog inside one transaction.
//!
//! Each change of a definition takes the next schema version; two DDL steps that race both write the
//! version key, so one of them meets a write conflict and starts again on the new state.

use std::collections::BTreeSet;

use bytes::Bytes;
use rutile_kv_client::{ScanOptions, Transaction};
use rutile_kv_types::KeyRange;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys;
use super::version::SchemaDiff;
use crate::catalog::{DatabaseId, DatabaseInfo, TableId, TableInfo};
use crate::codec::record_key::TABLE_PREFIX;
use crate::ddl::job::Job;
use crate::error::{Error, Result};

/// Ids below are kept for databases that exist without being created.
const FIRST_ID: i64 = 100;

/// A transaction over the catalog. Dropping it without `commit` changes nothing.
pub struct MetaTransaction {
    transaction: Transaction,
    touched_databases: BTreeSet<DatabaseId>,
    touched_tables: BTreeSet<TableId>,
    version: Option<i64>,
}

impl MetaTransaction {
    pub fn new(transaction: Transaction) -> Self {
        Self {
            transaction,
            touched_databases: BTreeSet::new(),
            touched_tables: BTreeSet::new(),
            version: None,
        }
    }

    /// The schema version in force.
    pub async fn schema_version(&self) -> Result<i64> {
        Ok(self.number(keys::schema_version()).await?.unwrap_or(0))
    }

    /// The version this transaction will publish.
    pub async fn next_version(&mut self) -> Result<i64> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        let version = self.schema_version().await? + 1;
        self.version = Some(version);
        Ok(version)
    }

    /// Reserves an id for a database, a table or a job.
    pub async fn allocate_id(&mut self) -> Result<i64> {
        let id = self.number(keys::next_global_id()).await?.unwrap_or(FIRST_ID) + 1;
        self.put_number(keys::next_global_id(), id);
        Ok(id)
    }

    pub async fn databases(&self) -> Result<Vec<DatabaseInfo>> {
        self.hash(keys::databases()).await
    }

    pub async fn database(&self, id: DatabaseId) -> Result<Option<DatabaseInfo>> {
        self.json(keys::database(id)).await
    }

    pub async fn tables(&self, database: DatabaseId) -> Result<Vec<TableInfo>> {
        self.hash(keys::tables(database)).await
    }

    pub async fn table(&self, database: DatabaseId, table: TableId) -> Result<Option<TableInfo>> {
        self.json(keys::table(database, table)).await
    }

    pub async fn put_database(&mut self, info: &DatabaseInfo) -> Result<()> {
        self.touched_databases.insert(info.id);
        self.put_json(keys::database(info.id), info)
    }

    pub async fn remove_database(&mut self, id: DatabaseId) -> Result<()> {
        self.touched_databases.insert(id);
        self.transaction.delete(keys::database(id));
        Ok(())
    }

    /// Writes a table and stamps it with the version of this transaction.
    pub async fn put_table(&mut self, database: DatabaseId, info: &mut TableInfo) -> Result<()> {
        info.version = self.next_version().await?;
        self.touched_databases.insert(database);
        self.touched_tables.insert(info.id);
        self.put_json(keys::table(database, info.id), info)
    }

    /// Removes a definition and its counters; the data is removed by whoever dropped the table.
    pub async fn remove_table(&mut self, database: DatabaseId, table: TableId) -> Result<()> {
        self.touched_databases.insert(database);
        self.touched_tables.insert(table);
        self.transaction.delete(keys::table(database, table));
        self.transaction.delete(keys::auto_increment(table));
        self.transaction.delete(keys::row_id(table));
        Ok(())
    }

    /// Moves a definition to another database without touching its id, data or counters.
    pub async fn move_table(&mut self, from: DatabaseId, to: DatabaseId, info: &mut TableInfo) -> Result<()> {
        self.touched_databases.insert(from);
        self.transaction.delete(keys::table(from, info.id));
        self.put_table(to, info).await
    }

    pub async fn jobs(&self) -> Result<Vec<Job>> {
        self.hash(keys::jobs()).await
    }

    pub fn put_job(&mut self, job: &Job) -> Result<()> {
        self.put_json(keys::job(job.id), job)
    }

    pub fn remove_job(&mut self, id: i64) {
        self.transaction.delete(keys::job(id));
    }

    pub async fn schema_diff(&self, version: i64) -> Result<Option<SchemaDiff>> {
        self.json(keys::schema_diff(version)).await
    }

    /// Global system variables that differ from their defaults, by name.
    pub async fn global_variables(&self) -> Result<Vec<(String, String)>> {
        let range = keys::global_variables();
        let mut variables = Vec::new();
        for (key, value) in self.scan(range.clone()).await? {
            let text = String::from_utf8(value.to_vec()).map_err(|_| Error::corrupt("global variable"))?;
            variables.push((keys::field_of(&range, &key)?, text));
        }
        Ok(variables)
    }

    pub fn put_global_variable(&mut self, name: &str, value: &str) {
        self.transaction.put(keys::global_variable(name), Bytes::copy_from_slice(value.as_bytes()));
    }

    /// Refuses a catalog written by a newer layout, and a store that another database keeps its own in (TiDB's is under
    /// the same first byte); stamps a new one.
    pub async fn check_format(&mut self) -> Result<()> {
        let wanted = i64::try_from(keys::FORMAT_VERSION).unwrap_or(i64::MAX);
        match self.number(keys::format_version()).await? {
            None => {
                if self.is_occupied().await? {
                    return Err(Error::ForeignData);
                }
                self.put_number(keys::format_version(), wanted);
            }
            Some(found) if found == wanted => {}
            Some(found) => {
                return Err(Error::CatalogFormat { found, supported: wanted });
            }
        }
        Ok(())
    }

    /// Whether anything is where catalog and rows would go.
    async fn is_occupied(&self) -> Result<bool> {
        for first in [keys::META_PREFIX, TABLE_PREFIX] {
            let options = ScanOptions { limit: Some(1), key_only: true, ..ScanOptions::default() };
            let mut scanner = self.transaction.scan(KeyRange::prefix(vec![first]), options);
            if scanner.next().await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Publishes the changes; answers the schema version in force afterwards.
    pub async fn commit(mut self) -> Result<i64> {
        let version = if self.touched_databases.is_empty() && self.touched_tables.is_empty() {
            self.schema_version().await?
        } else {
            let version = self.next_version().await?;
            let diff = SchemaDiff {
                version,
                databases: self.touched_databases.iter().copied().collect(),
                tables: self.touched_tables.iter().copied().collect(),
            };
            self.put_number(keys::schema_version(), version);
            self.put_json(keys::schema_diff(version), &diff)?;
            version
        };
        self.transaction.commit().await?;
        Ok(version)
    }

    async fn number(&self, key: Bytes) -> Result<Option<i64>> {
        let Some(bytes) = self.transaction.get(&key).await? else {
            return Ok(None);
        };
        let number = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
        number.map(Some).ok_or_else(|| Error::corrupt("catalog number"))
    }

    fn put_number(&mut self, key: Bytes, number: i64) {
        self.transaction.put(key, Bytes::from(number.to_string()));
    }

    async fn json<T: DeserializeOwned>(&self, key: Bytes) -> Result<Option<T>> {
        match self.transaction.get(&key).await? {
            Some(bytes) => Ok(Some(decode_json(&bytes)?)),
            None => Ok(None),
        }
    }

    fn put_json<T: Serialize>(&mut self, key: Bytes, value: &T) -> Result<()> {
        let bytes = serde_json::to_vec(value).map_err(|error| Error::internal(error.to_string()))?;
        self.transaction.put(key, Bytes::from(bytes));
        Ok(())
    }

    async fn hash<T: DeserializeOwned>(&self, range: KeyRange) -> Result<Vec<T>> {
        self.scan(range).await?.iter().map(|(_, value)| decode_json(value)).collect()
    }

    async fn scan(&self, range: KeyRange) -> Result<Vec<(Bytes, Bytes)>> {
        let mut scanner = self.transaction.scan(range, ScanOptions::default());
        let mut pairs = Vec::new();
        while let Some(pair) = scanner.next().await? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

fn decode_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::corrupt(format!("catalog entry: {error}")))
}
