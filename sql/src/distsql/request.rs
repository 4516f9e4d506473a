//! The plan of a table scan, as the store sees it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;

use super::{LockedScans, PartialAggregate, ScanWork, TopRows};
use crate::catalog::TableInfo;
use crate::expression::{Evaluation, Expr};

/// The kind number of [`ScanRequest`] plans in coprocessor requests.
pub const TABLE_SCAN: u32 = 103;
/// Name of the column of order keys; no column of a plan is called so.
const ORDER_KEY: &str = "#key";

/// Reads rows of a table, keeps those that satisfy the filters, and sends some of their columns, or what a
/// [`Stage`] makes of them.
pub struct ScanRequest {
    pub table: Arc<TableInfo>,
    /// Columns to decode, as positions in `table.columns`.
    pub columns: Vec<usize>,
    /// Conditions over the decoded columns; a row must satisfy all.
    pub filters: Vec<Expr>,
    /// The columns to send, as positions in `columns`.
    pub output: Vec<usize>,
    /// Schema of what is sent, without the column of order keys.
    pub schema: SchemaRef,
    /// The key by which a row was found goes along as the last column, for whoever merges rows into the scan.
    pub sends_keys: bool,
    /// No more rows than this are wanted in all.
    pub limit: Option<usize>,
    /// What becomes of the rows of a page before they are sent.
    pub stage: Option<Stage>,
    /// Regions answer in the order of their keys.
    pub keep_order: bool,
    /// Record keys to leave out: the transaction has its own newer version of these rows.
    pub overridden: Arc<HashSet<Bytes>>,
    /// Gets the record keys of the rows, to lock them.
    pub locking: Option<Arc<LockedScans>>,
    pub statement: Arc<Evaluation>,
    /// What the stores have done, for EXPLAIN ANALYZE.
    pub work: Arc<ScanWork>,
}

/// The last step at the store. Its results of several pages and regions are merged in the SQL layer.
#[derive(Clone)]
pub enum Stage {
    Aggregate(Arc<PartialAggregate>),
    Top(Arc<TopRows>),
}

impl ScanRequest {
    /// Schema of a batch as the store sends it.
    pub fn sent_schema(&self) -> SchemaRef {
        if !self.sends_keys {
            return SchemaRef::clone(&self.schema);
        }
        let fields = self.schema.fields().iter().cloned();
        let key = Arc::new(Field::new(ORDER_KEY, DataType::Binary, false));
        Arc::new(Schema::new(fields.chain([key]).collect::<Vec<_>>()))
    }

    /// The same scan of other columns of the same rows.
    pub fn schema_of(full: &Schema, columns: &[usize]) -> SchemaRef {
        let fields: Vec<_> =
            columns.iter().filter_map(|column| full.fields().get(*column).cloned()).collect();
        Arc::new(Schema::new(fields))
    }

    /// The same rows handed to `stage`, which sends batches of `schema`.
    #[must_use]
    pub fn with_stage(&self, stage: Stage, schema: SchemaRef) -> Self {
        let keep_order = match &stage {
            Stage::Aggregate(aggregate) => aggregate.keeps_first,
            Stage::Top(_) => false,
        };
        Self { schema, sends_keys: false, stage: Some(stage), keep_order, ..self.again() }
    }

    /// The same rows in the order of their keys.
    #[must_use]
    pub fn in_order(&self) -> Self {
        Self { keep_order: true, ..self.again() }
    }

    fn again(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
            columns: self.columns.clone(),
            filters: self.filters.clone(),
            output: self.output.clone(),
            schema: SchemaRef::clone(&self.schema),
            sends_keys: self.sends_keys,
            limit: self.limit,
            stage: self.stage.clone(),
            keep_order: self.keep_order,
            overridden: Arc::clone(&self.overridden),
            locking: self.locking.clone(),
            statement: Arc::clone(&self.statement),
            work: Arc::default(),
        }
    }
}

impl fmt::Debug for ScanRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanRequest")
            .field("table", &self.table.name)
            .field("columns", &self.columns)
            .field("filters", &self.filters.len())
            .field("limit", &self.limit)
            .field("stage", &self.stage.is_some())
            .finish_non_exhaustive()
    }
}
