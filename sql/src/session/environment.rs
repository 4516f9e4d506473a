//! The surroundings of expressions: what a statement's evaluation needs of its session.

use std::sync::Arc;

use futures::future::BoxFuture;
use rutile_sql_functions::{EvalContext, SessionConstants};
use rutile_sql_types::MySqlError;

use super::instance::Instance;
use super::processlist::Process;
use super::session_values::SessionView;
use super::state::SessionInfo;
use super::statement_context::StatementContext;
use crate::binder::BindContext;
use crate::cluster::Membership;
use crate::expression::{Evaluation, Interruption};
use crate::memory::StatementMemory;

/// Stops a statement that was killed or has run longer than `max_execution_time`.
struct SessionInterruption {
    process: Arc<Process>,
    clock: Arc<dyn rutile_kv_env::Clock>,
    deadline: Option<rutile_kv_env::Monotonic>,
    /// Of a node that is one of several.
    membership: Option<Arc<Membership>>,
}

impl Interruption for SessionInterruption {
    fn check(&self) -> Result<(), MySqlError> {
        if self.process.is_query_killed() {
            return Err(MySqlError::query_interrupted());
        }
        if self.membership.as_ref().is_some_and(|membership| !membership.is_valid()) {
            return Err(MySqlError::schema_lease_expired());
        }
        match self.deadline {
            Some(deadline) if self.clock.now() >= deadline => Err(MySqlError::query_timeout()),
            _ => Ok(()),
        }
    }

    fn clock_nanos(&self) -> u64 {
        u64::try_from(self.clock.now().since_origin().as_nanos()).unwrap_or(u64::MAX)
    }

    fn expiry(&self) -> Option<BoxFuture<'static, ()>> {
        let left = self.deadline?.saturating_since(self.clock.now());
        Some(self.clock.sleep(left))
    }

    fn killed(&self) -> BoxFuture<'static, ()> {
        let process = Arc::clone(&self.process);
        Box::pin(async move { process.killed().await })
    }
}

/// What the expressions of a new session may ask of it.
pub(super) fn constants(instance: &Instance, info: &SessionInfo, process: &Process) -> SessionConstants {
    let account = format!("{}@{}", info.user, info.host);
    let (clock, random) = (Arc::clone(&instance.env().clock), Arc::clone(&instance.env().random));
    SessionConstants {
        connection_id: info.connection_id,
        user: account.clone(),
        current_user: account,
        version: instance.config().facts.version.clone(),
        wall_clock: Some(Box::new(move || i64::try_from(clock.unix_micros()).unwrap_or(i64::MAX))),
        entropy: Box::new(move |bytes| random.fill(bytes)),
        killed: process.kill_flag(),
        ..SessionConstants::default()
    }
}

impl StatementContext<'_> {
    /// What all expressions of this statement share. `changes_data` makes division by zero an error under
    /// strict mode; `max_execution_time` counts for statements that only read (MySQL manual).
    pub fn evaluation(&self, changes_data: bool) -> Arc<Evaluation> {
        self.evaluation_for(changes_data, None)
    }

    /// The same of a statement that only reads, with a time limit of its own, if it has one.
    pub fn evaluation_within(&self, limit_ms: Option<u64>) -> Arc<Evaluation> {
        self.evaluation_for(false, limit_ms)
    }

    fn evaluation_for(&self, changes_data: bool, limit_ms: Option<u64>) -> Arc<Evaluation> {
        let clock = Arc::clone(&self.instance.env().clock);
        let session_limit_ms = if changes_data { 0 } else { self.settings().max_execution_time_ms };
        let limit_ms = limit_ms.unwrap_or(session_limit_ms);
        let deadline = (limit_ms > 0).then(|| clock.now() + std::time::Duration::from_millis(limit_ms));
        let interruption = SessionInterruption {
            process: Arc::clone(self.session.process()),
            clock,
            deadline,
            membership: self.instance.membership().map(Arc::clone),
        };
        Arc::new(Evaluation::unshared(
            self.eval_context(changes_data),
            self.settings().collation_connection,
            Arc::new(interruption),
            self.settings().pushdown,
            Arc::new(self.memory()),
        ))
    }

    /// An account for this statement.
    fn memory(&self) -> StatementMemory {
        let quota = match self.settings().mem_quota_query_bytes {
            0 => usize::MAX,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        };
        StatementMemory::new(Arc::clone(self.instance.memory()), quota)
    }

    fn eval_context(&self, changes_data: bool) -> EvalContext {
        let settings = self.settings();
        let state = &*self.session;
        let mut context = EvalContext {
            database: state.database.clone(),
            last_insert_id: state.last_insert_id,
            row_count: state.row_count,
            found_rows: state.found_rows(),
            div_precision_increment: settings.div_precision_increment,
            group_concat_max_len: settings.group_concat_max_len,
            max_allowed_packet: usize::try_from(settings.max_allowed_packet).unwrap_or(usize::MAX),
            default_week_format: i64::from(settings.default_week_format),
            changes_data,
            ..EvalContext::of(Arc::clone(&state.constants))
        };
        context.convert.sql_mode = settings.sql_mode;
        context.set_time(i64::try_from(state.statement_micros).unwrap_or(i64::MAX), settings.time_zone);
        context
    }

    /// The session as the binder of this statement sees it.
    pub fn view(&self) -> SessionView<'_> {
        SessionView::new(self.instance, self.session).with_infoschema(Arc::clone(&self.infoschema))
    }

    /// Names and variables for binding; `view` is [`Self::view`].
    pub fn bind_context<'a>(
        &'a self,
        view: &'a SessionView<'a>,
        evaluation: &Arc<Evaluation>,
    ) -> BindContext<'a> {
        BindContext {
            catalog: &self.infoschema,
            current_database: self.session.database.as_deref(),
            session: view,
            virtual_tables: view,
            parameters: Some(self.parameters),
            keeps_placeholders: false,
            statement: Arc::clone(evaluation),
        }
    }
}
