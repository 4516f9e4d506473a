//! The rows that a single-table UPDATE, DELETE or locking read is about: found by `row_walk.rs`, tested one by one.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use rutile_kv_client::ScanOptions;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{MySqlError, TimeZone};

use super::row;
use super::row_walk::RowWalk;
use super::snapshot_reader::SnapshotReader;
use super::write_row::StoredRow;
use crate::binder::relation::TableScan;
use crate::catalog::TableInfo;
use crate::codec::{Handle, record_key};
use crate::error::Result;
use crate::expression::Expr;
use crate::generation::decode_row;
use crate::memory::Held;
use crate::planner::access_path::{AccessPath, choose};
use crate::session::Cancellation;

/// A table, the conditions on its rows, and how to get at them.
pub struct RowSource {
    table: Arc<TableInfo>,
    /// Over the row of public columns, which come first.
    conditions: Vec<Expr>,
    path: AccessPath,
    /// From the last key to the first; only for paths over records.
    reverse: bool,
}

impl RowSource {
    /// `scan` has all public columns.
    pub fn new(scan: &TableScan, conditions: Vec<Expr>) -> Self {
        let path = choose(scan, &conditions);
        Self { table: Arc::clone(&scan.table), conditions, path, reverse: false }
    }

    #[must_use]
    pub fn in_reverse(mut self, reverse: bool) -> Self {
        self.reverse = reverse;
        self
    }

    pub fn path(&self) -> &AccessPath {
        &self.path
    }

    /// The record keys that can satisfy the conditions, if they name whole primary keys.
    pub fn points(&self) -> Option<Vec<Bytes>> {
        match &self.path {
            AccessPath::Records { ranges } if ranges.is_all_points() => {
                Some(ranges.ranges.iter().map(|range| range.start.clone()).collect())
            }
            _ => None,
        }
    }

    /// The rows that satisfy the conditions among those of `keys`, whose values have been read.
    pub fn choose(
        &self,
        keys: &[Bytes],
        values: &HashMap<Bytes, Bytes>,
        context: &mut EvalContext,
    ) -> Result<Vec<StoredRow>> {
        let mut found = Vec::new();
        for key in keys {
            if let Some(stored) = values.get(key) {
                self.visit(key, stored, context, &mut found)?;
            }
        }
        Ok(found)
    }

    /// The first `limit` rows that satisfy the conditions, in key order of the access path. They count as `held`.
    pub async fn collect(
        &self,
        reader: &SnapshotReader<'_>,
        limit: Option<usize>,
        context: &mut EvalContext,
        cancellation: &Cancellation,
        held: &mut Held,
    ) -> Result<Vec<StoredRow>> {
        let mut found = Vec::new();
        if limit == Some(0) {
            return Ok(found);
        }
        let records = ScanOptions { reverse: self.reverse, ..ScanOptions::default() };
        let walk = RowWalk { table: &self.table, path: &self.path, records };
        let mut visit = |key: &Bytes, stored: &Bytes| {
            if cancellation.is_cancelled() {
                return Err(MySqlError::query_interrupted());
            }
            let before = found.len();
            self.visit(key, stored, context, &mut found)?;
            if let Some(row) = found.get(before) {
                held.grow_by_row(&row.values)?;
            }
            let enough = limit.is_some_and(|limit| found.len() >= limit);
            Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        walk.run(reader, &mut visit).await?;
        Ok(found)
    }

    /// Keeps the row if it satisfies the conditions.
    fn visit(
        &self,
        key: &[u8],
        stored: &[u8],
        context: &mut EvalContext,
        found: &mut Vec<StoredRow>,
    ) -> Result<(), MySqlError> {
        let row = self.decode(key, stored, context.convert.time_zone)?;
        if row::keeps(&self.conditions, &row.values, context)? {
            found.push(row);
        }
        Ok(())
    }

    fn decode(&self, key: &[u8], stored: &[u8], zone: TimeZone) -> Result<StoredRow, MySqlError> {
        let (_, suffix) = record_key::split_record_key(key).map_err(MySqlError::internal)?;
        let handle = Handle::from_record_suffix(suffix, self.table.is_common_handle())
            .map_err(MySqlError::internal)?;
        let values = decode_row(&self.table, &handle, stored, zone)?;
        Ok(StoredRow { handle, values })
    }
}
