//! From relation to physical plan, beside the session if that may take long.
//!
//! DataFusion plans without ever looking whether anybody still waits. A query of many operators or expressions is
//! therefore planned on a thread of its own: KILL and `max_execution_time` end the statement at once, and what is left
//! of its planning ends by itself, at the next operator or rule of ours that looks. Not more than [`ASIDE_MAX`] plans
//! are made that way at a time, also of those nobody waits for; statements that come later wait for one of them.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::common::Result as PlanResult;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use rutile_kv_env::Env;
use rutile_sql_types::MySqlError;
use tokio::sync::{Semaphore, oneshot};

use super::run::{QuerySources, to_mysql_error};
use super::watched::watch_joins;
use crate::binder::Relation;
use crate::distsql::ReadView;
use crate::expression::Evaluation;
use crate::planner::logical::LogicalBuilder;
use crate::planner::memory::runtime_with_quota;
use crate::planner::pushdown::push_down;
use crate::planner::row_width::row_bytes;
use crate::planner::statistics::TableRows;
use crate::planner::template::{BATCH_ROWS, batch_rows, session_template};

/// Threads one query can use at a time.
const PARTITIONS: usize = 1;
/// Plans of large queries that are made at the same time.
const ASIDE_MAX: usize = 8;
/// What planning a query may weigh that is done where the session runs: some milliseconds.
const WEIGHT_HERE_MAX: usize = 1_000;
/// An operator takes the time of so many expressions.
const OPERATOR_WEIGHT: usize = 8;

/// A query ready to run.
pub struct PlannedQuery {
    pub plan: Arc<dyn ExecutionPlan>,
    pub(super) task: Arc<TaskContext>,
}

/// Plans queries; one per server.
pub(super) struct Planner {
    env: Env,
    rules: Arc<Rules>,
    aside: Arc<Semaphore>,
}

/// What every plan is made with.
struct Rules {
    template: SessionState,
    runtime: Arc<RuntimeEnv>,
    rows: Arc<TableRows>,
}

impl Planner {
    pub fn new(env: Env, runtime: Arc<RuntimeEnv>) -> Self {
        let template = session_template(PARTITIONS, Arc::clone(&runtime));
        let rules = Arc::new(Rules { template, runtime, rows: Arc::default() });
        Self { env, rules, aside: Arc::new(Semaphore::new(ASIDE_MAX)) }
    }

    /// The physical plan of a relation in which nothing has to run first.
    pub async fn plan(
        &self,
        relation: Cow<'_, Relation>,
        view: Option<&ReadView>,
        statement: &Arc<Evaluation>,
    ) -> Result<PlannedQuery, MySqlError> {
        if weight(&relation) <= WEIGHT_HERE_MAX {
            return self.rules.plan(&relation, view, statement).await;
        }
        self.plan_aside(relation.into_owned(), view.cloned(), statement).await
    }

    async fn plan_aside(
        &self,
        relation: Relation,
        view: Option<ReadView>,
        statement: &Arc<Evaluation>,
    ) -> Result<PlannedQuery, MySqlError> {
        let mut waiting = Waiting { statement, answered: false };
        let planned = async {
            let place = Arc::clone(&self.aside).acquire_owned().await.map_err(MySqlError::internal)?;
            let (sender, receiver) = oneshot::channel();
            let (rules, statement) = (Arc::clone(&self.rules), Arc::clone(statement));
            let work = move || {
                let planning = rules.plan(&relation, view.as_ref(), &statement);
                // Whoever asked may have gone.
                drop(sender.send(futures::executor::block_on(planning)));
                drop(place);
            };
            self.env.spawn.spawn_blocking("plan", Box::new(work));
            receiver.await.map_err(|_| MySqlError::internal("planning has stopped"))?
        };
        tokio::select! {
            biased;
            error = statement.interrupted() => Err(error),
            planned = planned => {
                waiting.answered = true;
                planned
            }
        }
    }
}

/// The wait for a plan. When it ends without one, planning need not go on.
struct Waiting<'s> {
    statement: &'s Arc<Evaluation>,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.statement.abandon();
        }
    }
}

impl Rules {
    async fn plan(
        &self,
        relation: &Relation,
        view: Option<&ReadView>,
        statement: &Arc<Evaluation>,
    ) -> Result<PlannedQuery, MySqlError> {
        let sources = QuerySources { view, statement, rows: &self.rows };
        let logical =
            LogicalBuilder::new(&sources, Arc::clone(statement)).build(relation).map_err(to_mysql_error)?;
        let optimized = self.template.optimize(&logical).map_err(to_mysql_error)?;
        statement.check_alive()?;
        let state = self.state_for(&optimized, statement).map_err(to_mysql_error)?;
        let state: &SessionState = &state;
        let plan = state.query_planner().create_physical_plan(&optimized, state).await;
        let plan = plan.map_err(to_mysql_error)?;
        statement.check_alive()?;
        let plan = push_down(plan, statement.pushdown()).map_err(to_mysql_error)?;
        let plan = watch_joins(plan, statement).map_err(to_mysql_error)?;
        let task = TaskContext::default()
            .with_session_config(state.config().clone())
            .with_runtime(runtime_with_quota(&self.runtime, statement.memory()));
        Ok(PlannedQuery { plan, task: Arc::new(task) })
    }

    /// The session to plan with: rows that are wide come in smaller batches.
    fn state_for(&self, plan: &LogicalPlan, statement: &Evaluation) -> PlanResult<Cow<'_, SessionState>> {
        let rows = batch_rows(row_bytes(plan)?, statement.memory().server().limit());
        if rows == BATCH_ROWS {
            return Ok(Cow::Borrowed(&self.template));
        }
        let mut state = self.template.clone();
        *state.config_mut() = state.config().clone().with_batch_size(rows);
        Ok(Cow::Owned(state))
    }
}

/// How much there is to plan.
fn weight(relation: &Relation) -> usize {
    let (mut pending, mut operators) = (vec![relation], 0);
    while let Some(relation) = pending.pop() {
        operators += 1;
        pending.extend(relation.inputs());
    }
    let mut expressions = 0;
    relation.visit_exprs(&mut |_| expressions += 1);
    operators * OPERATOR_WEIGHT + expressions
}
