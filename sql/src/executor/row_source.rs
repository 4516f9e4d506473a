//! The rows that a single-table UPDATE or DELETE is about, found by keys and tested row by row.
//!
//! Point conditions become gets, intervals of the primary key scans of records, conditions on an index
//! scans of its entries. Own writes of the transaction are seen, because reads go through it.

use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_client::{ScanOptions, Transaction};
use rutile_kv_types::KeyRange;
use rutile_sql_functions::EvalContext;

use super::write_row::StoredRow;
use crate::binder::relation::{IndexHint, TableScan};
use crate::catalog::{IndexInfo, TableInfo};
use crate::codec::table_row::decode_row;
use crate::codec::{Handle, index_entry, record_key};
use crate::error::{Error, Result};
use crate::expression::{Expr, evaluate, is_true};
use crate::planner::access_path::{AccessPath, choose};
use crate::session::Cancellation;

/// Index entries whose rows are fetched together.
const LOOKUP_BATCH: usize = 256;

/// A table, the conditions on its rows, and how to get at them.
pub struct RowSource {
    table: Arc<TableInfo>,
    /// Over the row of public columns, which come first.
    conditions: Vec<Expr>,
    path: AccessPath,
    /// Rows after which the search ends; only without an order.
    limit: Option<usize>,
}

impl RowSource {
    pub fn new(
        database: Arc<str>,
        table: Arc<TableInfo>,
        alias: Arc<str>,
        index_hints: Vec<IndexHint>,
        conditions: Vec<Expr>,
    ) -> Self {
        let columns: Vec<usize> = table.public_columns().map(|column| column.offset).collect();
        let types = table.public_columns().map(|column| column.ty.clone()).collect();
        let scan = TableScan { database, table: Arc::clone(&table), alias, columns, types, index_hints };
        let path = choose(&scan, &conditions);
        Self { table, conditions, path, limit: None }
    }

    #[must_use]
    pub fn with_limit(mut self, limit: Option<usize>) -> Self {
        self.limit = limit;
        self
    }

    /// All rows that satisfy the conditions, in key order of the access path.
    pub async fn collect(
        &self,
        transaction: &Transaction,
        context: &mut EvalContext,
        cancellation: &Cancellation,
    ) -> Result<Vec<StoredRow>> {
        let mut found = Vec::new();
        match &self.path {
            AccessPath::Records { ranges } if ranges.is_all_points() => {
                let keys: Vec<Bytes> = ranges.ranges.iter().map(|range| range.start.clone()).collect();
                self.fetch(transaction, &keys, context, &mut found).await?;
            }
            AccessPath::Full { .. } | AccessPath::Records { .. } => {
                for range in self.path.ranges() {
                    self.scan_records(transaction, range, context, cancellation, &mut found).await?;
                }
            }
            AccessPath::Index { index, ranges } => {
                let index =
                    self.table.indexes.get(*index).ok_or_else(|| {
                        Error::internal("an access path through an index that is not there")
                    })?;
                for range in &ranges.ranges {
                    self.scan_index(transaction, index, range.clone(), context, cancellation, &mut found)
                        .await?;
                }
            }
        }
        Ok(found)
    }

    fn is_full(&self, found: &[StoredRow]) -> bool {
        self.limit.is_some_and(|limit| found.len() >= limit)
    }

    async fn scan_records(
        &self,
        transaction: &Transaction,
        range: KeyRange,
        context: &mut EvalContext,
        cancellation: &Cancellation,
        found: &mut Vec<StoredRow>,
    ) -> Result<()> {
        let mut scanner = transaction.scan(range, ScanOptions::default());
        while !self.is_full(found) {
            let Some((key, stored)) = scanner.next().await? else {
                break;
            };
            check_cancelled(cancellation)?;
            self.test(&key, &stored, context, found)?;
        }
        Ok(())
    }

    async fn scan_index(
        &self,
        transaction: &Transaction,
        index: &IndexInfo,
        range: KeyRange,
        context: &mut EvalContext,
        cancellation: &Cancellation,
        found: &mut Vec<StoredRow>,
    ) -> Result<()> {
        let mut scanner = transaction.scan(range, ScanOptions::default());
        let mut ended = false;
        while !ended && !self.is_full(found) {
            check_cancelled(cancellation)?;
            let mut keys = Vec::with_capacity(LOOKUP_BATCH.min(16));
            while keys.len() < LOOKUP_BATCH {
                let Some((key, value)) = scanner.next().await? else {
                    ended = true;
                    break;
                };
                let handle = index_entry::handle_of_entry(&self.table, index, &key, &value)?;
                keys.push(Bytes::from(record_key::record_key(self.table.id, &handle)));
            }
            self.fetch(transaction, &keys, context, found).await?;
        }
        Ok(())
    }

    /// Rows by their record keys, in the order of the keys.
    async fn fetch(
        &self,
        transaction: &Transaction,
        keys: &[Bytes],
        context: &mut EvalContext,
        found: &mut Vec<StoredRow>,
    ) -> Result<()> {
        if let [key] = keys {
            if let Some(stored) = transaction.get(key).await? {
                self.test(key, &stored, context, found)?;
            }
            return Ok(());
        }
        let rows = transaction.batch_get(keys).await?;
        for key in keys {
            if self.is_full(found) {
                break;
            }
            if let Some(stored) = rows.get(key) {
                self.test(key, stored, context, found)?;
            }
        }
        Ok(())
    }

    fn test(
        &self,
        key: &[u8],
        stored: &[u8],
        context: &mut EvalContext,
        found: &mut Vec<StoredRow>,
    ) -> Result<()> {
        let (_, suffix) = record_key::split_record_key(key)?;
        let handle = Handle::from_record_suffix(suffix, self.table.is_common_handle())?;
        let values = decode_row(&self.table, &handle, stored)?;
        for condition in &self.conditions {
            if !is_true(&evaluate(condition, &values, context)?, condition.ty()) {
                return Ok(());
            }
        }
        found.push(StoredRow { handle, values });
        Ok(())
    }
}

fn check_cancelled(cancellation: &Cancellation) -> Result<()> {
    if cancellation.is_cancelled() {
        return Err(rutile_sql_types::MySqlError::query_interrupted().into());
    }
    Ok(())
}
