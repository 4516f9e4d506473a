//! From bound query to rows: plan (`planner.rs`), execute, and turn failures into MySQL's errors.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::Poll;

use arrow::array::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::{DataFusionError, Result as PlanResult};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use futures::stream::BoxStream;
use rutile_kv_env::Env;
use rutile_sql_types::{FieldType, MySqlError, Value};
use tokio::sync::Semaphore;

use super::materialize::{self, Materializer};
use super::planner::{PlannedQuery, Planner};
use super::watched::{ISOLATED_MAX, isolated, needs_isolation};
use super::{StoredTable, row};
use crate::binder::relation::{TableScan, VirtualScan};
use crate::binder::{BoundQuery, Relation};
use crate::config::Spill;
use crate::distsql::ReadView;
use crate::expression::datafusion::to_plan_error;
use crate::expression::{Evaluation, Expr, evaluate, vector};
use crate::planner::logical::{Sources, schema_of};
use crate::planner::statistics::TableRows;
use crate::session::Rows;
use crate::storeside::batch_of;

/// Plans and runs queries; one per server.
pub struct QueryEngine {
    env: Env,
    planner: Planner,
    /// For batches that are long in coming.
    threads: Arc<Semaphore>,
}

impl QueryEngine {
    pub fn new(env: Env, spill: &Spill) -> Result<Self, MySqlError> {
        let mode = match &spill.directory {
            Some(directory) => DiskManagerMode::Directories(vec![directory.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let disk =
            DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(spill.bytes_max);
        let runtime = RuntimeEnvBuilder::new()
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(MySqlError::internal)?;
        let planner = Planner::new(env.clone(), runtime);
        Ok(Self { env, planner, threads: Arc::new(Semaphore::new(ISOLATED_MAX)) })
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
        let relation = if materialize::is_needed(relation) {
            let first = Materializer { engine: self, view, statement };
            Cow::Owned(first.settle(relation.clone()).await?)
        } else {
            Cow::Borrowed(relation)
        };
        self.planner.plan(relation, view, statement).await
    }

    /// Starts a planned query.
    pub fn execute(&self, planned: &PlannedQuery, statement: &Arc<Evaluation>) -> Result<Rows, MySqlError> {
        let stream =
            execute_stream(Arc::clone(&planned.plan), Arc::clone(&planned.task)).map_err(to_mysql_error)?;
        let stream = if needs_isolation(&planned.plan) {
            isolated(&self.env, &self.threads, stream, Arc::clone(statement))
        } else {
            stream.boxed()
        };
        let stream = in_time(stream, statement);
        let statement = Arc::clone(statement);
        let stream = stream.map(move |batch| {
            statement.check_alive()?;
            batch.map_err(to_mysql_error)
        });
        Ok(Rows::Batches(stream.boxed()))
    }
}

/// Ends with an error when `max_execution_time` is over, also while nothing comes.
fn in_time(
    mut stream: BoxStream<'static, PlanResult<RecordBatch>>,
    statement: &Arc<Evaluation>,
) -> BoxStream<'static, PlanResult<RecordBatch>> {
    let Some(mut expired) = statement.expiry() else {
        return stream;
    };
    futures::stream::poll_fn(move |context| match expired.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(Some(Err(to_plan_error(MySqlError::query_timeout())))),
        Poll::Pending => stream.poll_next_unpin(context),
    })
    .boxed()
}

/// The tables of one query.
pub(super) struct QuerySources<'a> {
    pub view: Option<&'a ReadView>,
    pub statement: &'a Arc<Evaluation>,
    pub rows: &'a Arc<TableRows>,
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

/// The MySQL error behind a DataFusion error: our own one whole, a full memory pool as 3170, anything
/// else as an internal error.
pub fn to_mysql_error(error: DataFusionError) -> MySqlError {
    match find_mysql_error(&error) {
        Some(error) => error,
        None => match error.find_root() {
            DataFusionError::ResourcesExhausted(message) => out_of_memory(message),
            root => MySqlError::internal(root),
        },
    }
}

/// Operators put their own words around what the quota said. The disk has one too, which DataFusion knows by the name of
/// a setting that is not ours.
fn out_of_memory(message: &str) -> MySqlError {
    if message.contains("max_temp_directory_size") {
        return MySqlError::new(
            1114,
            "HY000",
            "The temporary files of all statements are full (spill_limit)",
        );
    }
    let said = message.find("Memory capacity of").and_then(|at| message.get(at..));
    MySqlError::new(3170, "HY000", said.unwrap_or(message))
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
