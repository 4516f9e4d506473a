//! What all evaluation of one statement shares: time, modes, the session's facts, warnings, the kill flag.
//!
//! Expressions of one statement run in many places at once (operators, stores); each takes its own
//! `EvalContext` from here and leaves its warnings here.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use rutile_sql_functions::{EvalContext, InferContext, MemoryCheck};
use rutile_sql_types::{Collation, ConvertContext, MySqlError, SqlMode, TimeZone, Warning};

use crate::memory::StatementMemory;

/// Warnings kept per statement; MySQL's `max_error_count` is at most this.
const MAX_WARNINGS: usize = 65_535;

/// Says whether the statement must stop: 1317 for KILL, 3024 for `max_execution_time`.
pub trait Interruption: Send + Sync {
    fn check(&self) -> Result<(), MySqlError>;

    /// A clock that never goes back, for what EXPLAIN ANALYZE measures.
    fn clock_nanos(&self) -> u64;

    /// Completes when the statement is out of time; `None` if it has as much as it wants.
    fn expiry(&self) -> Option<BoxFuture<'static, ()>>;

    /// Completes when the statement is killed.
    fn killed(&self) -> BoxFuture<'static, ()>;
}

/// The shared part.
pub struct Evaluation {
    template: EvalContext,
    connection_collation: Collation,
    interruption: Arc<dyn Interruption>,
    /// Whether stores may aggregate and sort (`rutile_pushdown`).
    pushdown: bool,
    memory: Arc<StatementMemory>,
    abandoned: AtomicBool,
    left: Mutex<Left>,
}

/// What contexts left behind.
#[derive(Debug, Default)]
struct Left {
    warnings: Vec<Warning>,
    /// The last value of `LAST_INSERT_ID(expr)`.
    last_insert_id: Option<u64>,
}

impl fmt::Debug for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evaluation")
    }
}

impl Evaluation {
    pub fn new(
        template: EvalContext,
        connection_collation: Collation,
        interruption: Arc<dyn Interruption>,
    ) -> Arc<Self> {
        let memory = Arc::new(StatementMemory::unlimited());
        Arc::new(Self::unshared(template, connection_collation, interruption, true, memory))
    }

    /// The same, for the caller to share.
    pub fn unshared(
        mut template: EvalContext,
        connection_collation: Collation,
        interruption: Arc<dyn Interruption>,
        pushdown: bool,
        memory: Arc<StatementMemory>,
    ) -> Self {
        template.memory = Some(Arc::clone(&memory) as Arc<dyn MemoryCheck>);
        Self {
            template,
            connection_collation,
            interruption,
            pushdown,
            memory,
            abandoned: AtomicBool::new(false),
            left: Mutex::default(),
        }
    }

    /// What the statement holds, and how much it may.
    pub fn memory(&self) -> &Arc<StatementMemory> {
        &self.memory
    }

    pub fn pushdown(&self) -> bool {
        self.pushdown
    }

    /// A context of its own for one piece of work; give it back to [`Self::absorb`].
    pub fn eval_context(&self) -> EvalContext {
        self.template.clone()
    }

    /// Modes and zone for conversions, with an empty warning list.
    pub fn convert_context(&self) -> ConvertContext {
        self.template.convert.clone()
    }

    /// What type inference asks for.
    pub fn infer_context(&self) -> InferContext {
        InferContext {
            sql_mode: self.template.convert.sql_mode,
            div_precision_increment: self.template.div_precision_increment,
            group_concat_max_len: self.template.group_concat_max_len,
            connection_collation: self.connection_collation,
            ..InferContext::default()
        }
    }

    /// Takes over what a context has gathered for the session.
    pub fn absorb(&self, mut context: EvalContext) {
        if context.convert.warnings.is_empty() && context.new_last_insert_id.is_none() {
            return;
        }
        let mut left = self.left.lock();
        let room = MAX_WARNINGS.saturating_sub(left.warnings.len());
        left.warnings.extend(context.convert.warnings.take().into_iter().take(room));
        left.last_insert_id = context.new_last_insert_id.or(left.last_insert_id);
    }

    /// Takes over warnings that were raised elsewhere.
    pub fn raise(&self, warnings: Vec<Warning>) {
        let mut left = self.left.lock();
        let room = MAX_WARNINGS.saturating_sub(left.warnings.len());
        left.warnings.extend(warnings.into_iter().take(room));
    }

    /// The warnings raised so far, leaving none.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut self.left.lock().warnings)
    }

    /// Warnings raised so far.
    pub fn warning_count(&self) -> u64 {
        self.left.lock().warnings.len() as u64
    }

    /// What `LAST_INSERT_ID(expr)` was given last, if it was called.
    pub fn last_insert_id(&self) -> Option<u64> {
        self.left.lock().last_insert_id
    }

    pub fn sql_mode(&self) -> SqlMode {
        self.template.convert.sql_mode
    }

    /// The session's.
    pub fn time_zone(&self) -> TimeZone {
        self.template.convert.time_zone
    }

    /// The collation of string literals.
    pub fn connection_collation(&self) -> Collation {
        self.connection_collation
    }

    /// Fails if the statement was killed or ran too long.
    pub fn check_alive(&self) -> Result<(), MySqlError> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(MySqlError::query_interrupted());
        }
        self.interruption.check()
    }

    /// Nobody waits for the answer any more.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Completes when the statement is out of time.
    pub fn expiry(&self) -> Option<BoxFuture<'static, ()>> {
        self.interruption.expiry()
    }

    /// Completes with the error of the statement when it is killed or out of time.
    pub async fn interrupted(&self) -> MySqlError {
        let killed = self.interruption.killed();
        let Some(expired) = self.expiry() else {
            killed.await;
            return MySqlError::query_interrupted();
        };
        tokio::select! {
            () = killed => MySqlError::query_interrupted(),
            () = expired => MySqlError::query_timeout(),
        }
    }

    pub fn clock_nanos(&self) -> u64 {
        self.interruption.clock_nanos()
    }
}

/// A statement nobody can interrupt: binding outside of a session, tests.
#[derive(Debug, Default)]
pub struct Uninterrupted;

impl Interruption for Uninterrupted {
    fn check(&self) -> Result<(), MySqlError> {
        Ok(())
    }

    fn clock_nanos(&self) -> u64 {
        0
    }

    fn expiry(&self) -> Option<BoxFuture<'static, ()>> {
        None
    }

    fn killed(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
