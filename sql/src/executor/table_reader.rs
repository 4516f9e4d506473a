//! The scan operator: rows of one table by its access path, filtered and projected at the store.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{Stream, StreamExt, TryStreamExt};

use super::{index_lookup, union_scan};
use crate::distsql::{OwnWrites, ReadView, ScanRequest, Stage, select_rows};
use crate::expression::datafusion::to_plan_error;
use crate::planner::access_path::AccessPath;
use crate::planner::statistics::TableRows;

/// Reads one table.
pub struct TableReader {
    request: Arc<ScanRequest>,
    path: AccessPath,
    view: ReadView,
    own_writes: Option<Arc<OwnWrites>>,
    alias: Arc<str>,
    estimated_rows: u64,
    rows: Arc<TableRows>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl TableReader {
    pub fn new(
        request: Arc<ScanRequest>,
        path: AccessPath,
        view: ReadView,
        own_writes: Option<Arc<OwnWrites>>,
        alias: Arc<str>,
        estimated_rows: u64,
        rows: Arc<TableRows>,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(SchemaRef::clone(&request.schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let metrics = ExecutionPlanMetricsSet::new();
        Self {
            request,
            path,
            view,
            own_writes,
            alias,
            estimated_rows,
            rows,
            properties: Arc::new(properties),
            metrics,
        }
    }

    /// The same rows, as `stage` sends them in batches of `schema`; `None` where rows are not read at the store,
    /// or where a limit has already chosen among them.
    pub fn with_stage(&self, stage: Stage, schema: SchemaRef) -> Option<Self> {
        let request = &self.request;
        let at_store = matches!(self.path, AccessPath::Full { .. } | AccessPath::Records { .. });
        if !at_store || request.limit.is_some() || request.stage.is_some() || request.locking.is_some() {
            return None;
        }
        Some(self.with_request(request.with_stage(stage, schema)))
    }

    /// The same rows in the order of their keys.
    pub fn in_order(&self) -> Self {
        self.with_request(self.request.in_order())
    }

    fn with_request(&self, request: ScanRequest) -> Self {
        Self::new(
            Arc::new(request),
            self.path.clone(),
            self.view.clone(),
            self.own_writes.clone(),
            Arc::clone(&self.alias),
            self.estimated_rows,
            Arc::clone(&self.rows),
        )
    }

    pub fn request(&self) -> &ScanRequest {
        &self.request
    }

    pub fn path(&self) -> &AccessPath {
        &self.path
    }

    pub fn alias(&self) -> &str {
        &self.alias
    }

    pub fn estimated_rows(&self) -> u64 {
        self.estimated_rows
    }

    pub fn merges_own_writes(&self) -> bool {
        self.own_writes.is_some()
    }

    /// Rows that come out after the filters; each filter is taken to keep a fifth.
    fn estimated_output(&self) -> u64 {
        const KEPT: u64 = 5;
        let divisor = KEPT.saturating_pow(u32::try_from(self.request.filters.len().min(3)).unwrap_or(0));
        match &self.path {
            AccessPath::Full { .. } => (self.estimated_rows / divisor).max(1),
            _ => self.estimated_rows.max(1),
        }
    }
}

impl fmt::Debug for TableReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableReader")
            .field("request", &self.request)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for TableReader {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: table={}", self.name(), self.alias)
    }
}

impl ExecutionPlan for TableReader {
    fn name(&self) -> &str {
        match self.path {
            AccessPath::Full { .. } | AccessPath::Records { .. } => "TableReader",
            AccessPath::Index { .. } => "IndexLookUp",
        }
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return Err(DataFusionError::Internal(format!("partition {partition} of a table reader")));
        }
        let stored = match &self.path {
            AccessPath::Full { range } => {
                select_rows(&self.view, Arc::clone(&self.request), vec![range.clone()])
            }
            AccessPath::Records { ranges } if ranges.ranges.is_empty() => futures::stream::empty().boxed(),
            AccessPath::Records { ranges } => {
                select_rows(&self.view, Arc::clone(&self.request), ranges.ranges.clone())
            }
            AccessPath::Index { index, ranges } => {
                index_lookup::lookup(&self.view, Arc::clone(&self.request), *index, ranges.ranges.clone())
            }
        };
        let merged = match &self.own_writes {
            Some(writes) => {
                union_scan::merge(stored, Arc::clone(&self.request), self.path.index(), Arc::clone(writes))
            }
            None => stored,
        };
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let statement = Arc::clone(&self.request.statement);
        let seen = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&seen);
        let stream = merged
            .and_then(move |batch| futures::future::ready(statement.check_alive().map(|()| batch)))
            .map_err(to_plan_error)
            .inspect_ok(move |batch| {
                metrics.record_output(batch.num_rows());
                counted.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            });
        let stream = stream.chain(self.learn_rows(seen));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let rows = usize::try_from(self.estimated_output()).unwrap_or(usize::MAX);
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = Precision::Inexact(rows);
        Ok(Arc::new(statistics))
    }
}

impl TableReader {
    /// At the end of a full scan without a filter, remembers how many rows the table has.
    fn learn_rows(&self, seen: Arc<AtomicU64>) -> impl Stream<Item = Result<RecordBatch>> + use<> {
        let learns = matches!(self.path, AccessPath::Full { .. })
            && self.request.filters.is_empty()
            && self.request.stage.is_none()
            && self.request.limit.is_none();
        let (table, rows) = (self.request.table.id, Arc::clone(&self.rows));
        futures::stream::once(async move {
            if learns {
                rows.observe(table, seen.load(Ordering::Relaxed));
            }
            None
        })
        .filter_map(futures::future::ready)
    }
}
