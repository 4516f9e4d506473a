//! What a store makes of a page of rows: partial aggregates, or the first rows of an order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;

use crate::expression::pushed::PushedExpr;

/// Groups of the rows, with the state of every aggregate.
pub struct PartialAggregate {
    /// Over the decoded columns.
    pub keys: Vec<PushedExpr>,
    pub calls: Vec<PartialCall>,
    /// The keys alone.
    pub key_schema: SchemaRef,
    /// Of values that compare as equal the first is shown, so pages must be merged in order.
    pub keeps_first: bool,
}

/// One aggregate: its arguments at the store, and the function whose states both sides understand.
pub struct PartialCall {
    pub args: Vec<PushedExpr>,
    pub function: Arc<AggregateFunctionExpr>,
}

/// The first `count` rows in the order of the keys; of equal ones those with the smaller record keys.
pub struct TopRows {
    pub keys: Vec<(PushedExpr, SortOptions)>,
    pub count: usize,
}

/// What stores have done for one scan.
#[derive(Debug, Default)]
pub struct ScanWork {
    pages: AtomicU64,
    scanned: AtomicU64,
    kept: AtomicU64,
    sent: AtomicU64,
    nanos: AtomicU64,
}

/// The numbers of [`ScanWork`] at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkDone {
    pub pages: u64,
    /// Rows read.
    pub scanned: u64,
    /// Rows that satisfied the filters.
    pub kept: u64,
    /// Rows that were sent.
    pub sent: u64,
    pub nanos: u64,
}

impl ScanWork {
    pub fn add(&self, done: WorkDone) {
        self.pages.fetch_add(done.pages, Ordering::Relaxed);
        self.scanned.fetch_add(done.scanned, Ordering::Relaxed);
        self.kept.fetch_add(done.kept, Ordering::Relaxed);
        self.sent.fetch_add(done.sent, Ordering::Relaxed);
        self.nanos.fetch_add(done.nanos, Ordering::Relaxed);
    }

    pub fn read(&self) -> WorkDone {
        WorkDone {
            pages: self.pages.load(Ordering::Relaxed),
            scanned: self.scanned.load(Ordering::Relaxed),
            kept: self.kept.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            nanos: self.nanos.load(Ordering::Relaxed),
        }
    }
}
