//! From bound query to rows: plan, optimise, execute, and turn failures into MySQL's errors.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::{DataFusionError, Result as PlanResult};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::materialize::{self, Materializer};
use super::{StoredTable, row};
use crate::binder::relation::{TableScan, VirtualScan};
use crate::binder::{BoundQuery, Relation};
use crate::distsql::ReadView;
use crate::expression::{Evaluation, Expr, evaluate, vector};
use crate::planner::logical::{LogicalBuilder, Sources, schema_of};
use crate::planner::memory::{QueryQuota, runtime_with_quota};
use crate::planner::pushdown::push_down;
use crate::planner::statistics::TableRows;
use crate::planner::template::session_template;
use crate::session::Rows;
use crate::storeside::batch_of;

/// Memory of queries and their parallelism.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// All queries of the server together.
    pub server_memory_bytes: usize,
    /// One query.
    pub query_memory_bytes: usize,
    /// Threads one query can use at a time.
    pub partitions: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { server_memory_bytes: 1 << 30, query_memory_bytes: 512 << 20, partitions: 1 }
    }
}

/// Plans and runs queries; one per server.
pub struct QueryEngine {
    template: SessionState,
    runtime: Arc<RuntimeEnv>,
    limits: QueryLimits,
    rows: Arc<TableRows>,
}

/// A query ready to run.
pub struct PlannedQuery {
    pub plan: Arc<dyn ExecutionPlan>,
    pub quota: Arc<QueryQuota>,
    task: Arc<TaskContext>,
}

impl QueryEngine {
    pub fn new(limits: QueryLimits) -> Result<Self, MySqlError> {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(limits.server_memory_bytes));
        let runtime =
            RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().map_err(MySqlError::internal)?;
        let template = session_template(limits.partitions, Arc::clone(&runtime));
        Ok(Self { template, runtime, limits, rows: Arc::default() })
    }

    /// What running queries hold of the memory limit.
    pub fn memory_bytes(&self) -> usize {
        self.runtime.memory_pool.reserved()
    }

    /// The rows of a query. Without a view the query must not read stored tables.
    pub async fn run(
        &self,
        query: &BoundQuery,
        view: Option<&ReadView>,
        statement: &Arc<Evaluation>,
    ) -> Result<Rows, MySqlError> {
        self.run_relation(&query.relation, view, statement).await
    }

    pub(super) async fn run_relation(
        &self,
        relation: &Relation,
        view: Option<&ReadView>,
        statement: &Arc<Evaluation>,
    ) -> Result<Rows, MySqlError> {
        if let Some(rows) = row::rows(relation, statement)? {
            return Ok(Rows::Values(rows));
        }
        let planned = self.plan(relation, view, statement).await?;
        self.execute(&planned, statement)
    }

    /// The physical plan of a relation.
    pub async fn plan(
        &self,
        relation: &Relation,
        view: Option<&ReadView>,
        statement: &Arc<Evaluation>,
    ) -> Result<PlannedQuery, MySqlError> {
        let settled;
        let relation = if materialize::is_needed(relation) {
            let quota_bytes = self.limits.query_memory_bytes;
            let first = Materializer { engine: self, view, statement, quota_bytes };
            settled = first.settle(relation.clone()).await?;
            &settled
        } else {
            relation
        };
        let sources = QuerySources { view, statement, rows: &self.rows };
        let logical =
            LogicalBuilder::new(&sources, Arc::clone(statement)).build(relation).map_err(to_mysql_error)?;
        let optimized = self.template.optimize(&logical).map_err(to_mysql_error)?;
        let plan = self
            .template
            .query_planner()
            .create_physical_plan(&optimized, &self.template)
            .await
            .map_err(to_mysql_error)?;
        let plan = push_down(plan, statement.pushdown()).map_err(to_mysql_error)?;
        let quota =
            Arc::new(QueryQuota::new(Arc::clone(&self.runtime.memory_pool), self.limits.query_memory_bytes));
        let task = TaskContext::default()
            .with_session_config(self.template.config().clone())
            .with_runtime(runtime_with_quota(&self.runtime, Arc::clone(&quota)));
        Ok(PlannedQuery { plan, quota, task: Arc::new(task) })
    }

    /// Starts a planned query.
    pub fn execute(&self, planned: &PlannedQuery, statement: &Arc<Evaluation>) -> Result<Rows, MySqlError> {
        let stream =
            execute_stream(Arc::clone(&planned.plan), Arc::clone(&planned.task)).map_err(to_mysql_error)?;
        let statement = Arc::clone(statement);
        let stream = stream.map(move |batch| {
            statement.check_alive()?;
            batch.map_err(to_mysql_error)
        });
        Ok(Rows::Batches(stream.boxed()))
    }
}

/// The tables of one query.
struct QuerySources<'a> {
    view: Option<&'a ReadView>,
    statement: &'a Arc<Evaluation>,
    rows: &'a Arc<TableRows>,
}

impl Sources for QuerySources<'_> {
    fn stored(&self, scan: &TableScan) -> PlanResult<Arc<dyn TableProvider>> {
        let view = self.view.ok_or_else(|| {
            DataFusionError::Internal(format!("no snapshot to read table {} from", scan.table.name))
        })?;
        let table = StoredTable::new(scan, view.clone(), Arc::clone(self.statement), Arc::clone(self.rows));
        Ok(Arc::new(table))
    }

    fn rows(&self, scan: &VirtualScan) -> PlanResult<Arc<dyn TableProvider>> {
        memory_table(&scan.rows, &scan.types)
    }

    fn values(&self, rows: &[Vec<Expr>], types: &[FieldType]) -> PlanResult<Arc<dyn TableProvider>> {
        let mut context = self.statement.eval_context();
        let mut values = Vec::with_capacity(rows.len());
        for row in rows {
            let row: Result<Vec<Value>, MySqlError> =
                row.iter().map(|expr| evaluate(expr, &[], &mut context)).collect();
            values.push(row.map_err(|error| DataFusionError::External(Box::new(error)))?);
        }
        memory_table(&values, types)
    }
}

/// Rows in memory as a table.
fn memory_table(rows: &[Vec<Value>], types: &[FieldType]) -> PlanResult<Arc<dyn TableProvider>> {
    let schema = schema_of(types);
    let batch: Result<RecordBatch, MySqlError> = types
        .iter()
        .enumerate()
        .map(|(column, ty)| {
            vector::array_of(rows.iter().map(|row| row.get(column).unwrap_or(&Value::Null)), ty)
        })
        .collect::<Result<Vec<_>, _>>()
        .and_then(|columns| batch_of(&schema, columns, rows.len()));
    let batch = batch.map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}

/// The MySQL error behind a DataFusion error: our own one whole, a full memory pool as 1038, anything
/// else as an internal error.
pub fn to_mysql_error(error: DataFusionError) -> MySqlError {
    match find_mysql_error(&error) {
        Some(error) => error,
        None => match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => MySqlError::out_of_sort_memory(),
            root => MySqlError::internal(root),
        },
    }
}

fn find_mysql_error(error: &DataFusionError) -> Option<MySqlError> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref::<MySqlError>() {
            return Some(found.clone());
        }
        source = error.source();
    }
    None
}
