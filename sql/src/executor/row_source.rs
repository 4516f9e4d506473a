//! The rows that a single-table UPDATE or DELETE is about: found by `row_walk.rs`, tested one by one.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_client::ScanOptions;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::MySqlError;

use super::row;
use super::row_walk::RowWalk;
use super::snapshot_reader::SnapshotReader;
use super::write_row::StoredRow;
use crate::binder::relation::{IndexHint, TableScan};
use crate::catalog::TableInfo;
use crate::codec::table_row::decode_row;
use crate::codec::{CodecError, Handle, record_key};
use crate::error::Result;
use crate::expression::Expr;
use crate::planner::access_path::{AccessPath, choose};
use crate::session::Cancellation;

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
        reader: &SnapshotReader<'_>,
        context: &mut EvalContext,
        cancellation: &Cancellation,
    ) -> Result<Vec<StoredRow>> {
        let mut found = Vec::new();
        if self.limit == Some(0) {
            return Ok(found);
        }
        let walk = RowWalk { table: &self.table, path: &self.path, records: ScanOptions::default() };
        let mut visit = |key: &Bytes, stored: &Bytes| {
            if cancellation.is_cancelled() {
                return Err(MySqlError::query_interrupted());
            }
            let row = self.decode(key, stored).map_err(MySqlError::internal)?;
            if row::keeps(&self.conditions, &row.values, context)? {
                found.push(row);
            }
            let enough = self.limit.is_some_and(|limit| found.len() >= limit);
            Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        walk.run(reader, &mut visit).await?;
        Ok(found)
    }

    fn decode(&self, key: &[u8], stored: &[u8]) -> Result<StoredRow, CodecError> {
        let (_, suffix) = record_key::split_record_key(key)?;
        let handle = Handle::from_record_suffix(suffix, self.table.is_common_handle())?;
        let values = decode_row(&self.table, &handle, stored)?;
        Ok(StoredRow { handle, values })
    }
}
