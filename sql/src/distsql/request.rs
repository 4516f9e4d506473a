//! The plan of a table scan, as the store sees it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;

use crate::catalog::TableInfo;
use crate::expression::{Evaluation, Expr};

/// The kind number of [`ScanRequest`] plans in coprocessor requests.
pub const TABLE_SCAN: u32 = 103;

/// Reads rows of a table, keeps those that satisfy the filters, and sends some of their columns.
pub struct ScanRequest {
    pub table: Arc<TableInfo>,
    /// Columns to decode, as positions in `table.columns`.
    pub columns: Vec<usize>,
    /// Conditions over the decoded columns; a row must satisfy all.
    pub filters: Vec<Expr>,
    /// The columns to send, as positions in `columns`.
    pub output: Vec<usize>,
    /// Schema of the columns that are sent.
    pub schema: SchemaRef,
    /// No more rows than this are wanted in all.
    pub limit: Option<usize>,
    /// Record keys to leave out: the transaction has its own newer version of these rows.
    pub overridden: Arc<HashSet<Bytes>>,
    pub statement: Arc<Evaluation>,
}

impl ScanRequest {
    /// The same scan of other columns of the same rows.
    pub fn schema_of(full: &Schema, columns: &[usize]) -> SchemaRef {
        let fields: Vec<_> =
            columns.iter().filter_map(|column| full.fields().get(*column).cloned()).collect();
        Arc::new(Schema::new(fields))
    }
}

impl fmt::Debug for ScanRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanRequest")
            .field("table", &self.table.name)
            .field("columns", &self.columns)
            .field("filters", &self.filters.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
