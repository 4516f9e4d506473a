//! Keeps operators that make many rows of few from running on by themselves.
//!
//! A join can turn two pages into billions of rows without ever waiting for anything. [`Watched`] stands above each
//! join: before every batch it looks whether the statement was killed or is out of time, and now and then it lets
//! other tasks run. A nested loop join whose condition keeps little also computes for long between two batches, so
//! a plan with one runs on threads of its own ([`isolated`]); the condition itself looks whether to go on.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use rutile_kv_env::Env;
use tokio::sync::{Semaphore, oneshot};

use crate::expression::Evaluation;
use crate::expression::datafusion::to_plan_error;

/// Batches that are computed on threads of their own at the same time: half of the threads there are, so that others who
/// need one, logins among them, do not wait for queries.
pub const ISOLATED_MAX: usize = 256;

/// An operator whose output is watched.
#[derive(Debug)]
pub struct Watched {
    input: Arc<dyn ExecutionPlan>,
    statement: Arc<Evaluation>,
}

impl Watched {
    pub const NAME: &'static str = "Watched";

    fn over(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { input, statement: Arc::clone(&self.statement) })),
            _ => Err(DataFusionError::Internal("a watched operator is one".to_owned())),
        }
    }
}

/// The plan with every join watched.
pub fn watch_joins(
    plan: Arc<dyn ExecutionPlan>,
    statement: &Arc<Evaluation>,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        let any: &dyn std::any::Any = plan.as_ref();
        let is_join = any.is::<CrossJoinExec>() || any.is::<NestedLoopJoinExec>() || any.is::<HashJoinExec>();
        if !is_join {
            return Ok(Transformed::no(plan));
        }
        let watched = Watched { input: plan, statement: Arc::clone(statement) };
        Ok(Transformed::yes(Arc::new(watched) as Arc<dyn ExecutionPlan>))
    })
    .data()
}

/// Whether the plan can compute for long without a batch.
pub fn needs_isolation(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let any: &dyn std::any::Any = plan.as_ref();
    any.is::<NestedLoopJoinExec>() || plan.children().into_iter().any(needs_isolation)
}

/// The same stream, each batch computed on a thread of its own: one of `threads`, which is another's again when the
/// batch is there, however long nobody fetches it. Dropping the stream ends the statement.
pub fn isolated(
    env: &Env,
    threads: &Arc<Semaphore>,
    stream: SendableRecordBatchStream,
    statement: Arc<Evaluation>,
) -> BoxStream<'static, Result<RecordBatch>> {
    let (env, threads) = (env.clone(), Arc::clone(threads));
    let isolated = Isolated { env, threads, stream: Some(stream), statement, ended: false };
    futures::stream::unfold(isolated, |mut isolated| async move {
        let next = isolated.next().await?;
        Some((next, isolated))
    })
    .boxed()
}

struct Isolated {
    env: Env,
    threads: Arc<Semaphore>,
    /// Not here while a batch is computed, and after the last one.
    stream: Option<SendableRecordBatchStream>,
    statement: Arc<Evaluation>,
    ended: bool,
}

impl Isolated {
    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        let next = self.computed().await;
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }

    async fn computed(&mut self) -> Option<Result<RecordBatch>> {
        let mut stream = self.stream.take()?;
        let turn = tokio::select! {
            turn = Arc::clone(&self.threads).acquire_owned() => turn.ok()?,
            error = self.statement.interrupted() => return Some(Err(to_plan_error(error))),
        };
        let (sender, receiver) = oneshot::channel();
        let work = move || {
            let next = futures::executor::block_on(stream.next());
            drop(turn);
            // Whoever asked may have gone.
            drop(sender.send((stream, next)));
        };
        self.env.spawn.spawn_blocking("query", Box::new(work));
        match receiver.await {
            Ok((stream, next)) => {
                self.stream = next.is_some().then_some(stream);
                next
            }
            Err(_) => Some(Err(DataFusionError::Internal("the thread of a query has stopped".to_owned()))),
        }
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        if !self.ended {
            self.statement.abandon();
        }
    }
}

impl DisplayAs for Watched {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)
    }
}

impl ExecutionPlan for Watched {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = make_cooperative(self.input.execute(partition, context)?);
        let statement = Arc::clone(&self.statement);
        let checked = input.and_then(move |batch| {
            futures::future::ready(statement.check_alive().map(|()| batch).map_err(to_plan_error))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), checked)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        self.input.metrics()
    }
}
