//! What a session remembers between statements.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rutile_sql_functions::SessionConstants;
use rutile_sql_types::{FieldType, MySqlError, Value, Warning, Warnings};

use super::processlist::Process;
use crate::cluster::NodeProcess;
use crate::expression::Evaluation;
use crate::memory::SessionHeld;
use crate::meta::auto_id::GivenIds;
use crate::variable::{SessionVariables, Settings};

/// What the handshake told about a connection.
#[derive(Debug, Clone, Default)]
pub struct SessionInfo {
    pub connection_id: u64,
    pub user: String,
    /// Client host, as the account sees it.
    pub host: String,
    /// Default database asked for at connect.
    pub database: Option<String>,
    /// Collation id of the handshake.
    pub charset_id: u16,
    /// CLIENT_FOUND_ROWS: UPDATE counts matched rows.
    pub found_rows: bool,
    /// CLIENT_INTERACTIVE
    pub interactive: bool,
    /// CLIENT_LOCAL_FILES
    pub local_files: bool,
    /// CLIENT_MULTI_STATEMENTS
    pub multi_statements: bool,
    /// `None` for a connection in the clear.
    pub tls: Option<TlsFacts>,
}

/// What protects a connection, as `SHOW STATUS LIKE 'Ssl%'` tells.
#[derive(Debug, Clone, Default)]
pub struct TlsFacts {
    pub version: String,
    pub cipher: String,
}

/// The flags of every reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionStatus {
    pub in_transaction: bool,
    pub autocommit: bool,
    /// The outcome of a commit is unknown (or the connection was killed): reply, then close.
    pub must_close: bool,
}

/// The variable by which a client asks whether anything has changed.
const STATE_CHANGE: &str = "session_track_state_change";

/// Changes of session state that no reply has told of yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unreported {
    /// USE, also of the same database.
    pub(super) schema: bool,
    /// User variables and prepared statements.
    pub(super) state: bool,
}

/// What a reply tells of the session, as the `session_track_*` variables ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionChanges {
    /// Name and value of assigned system variables, by name.
    pub variables: Vec<(&'static str, String)>,
    /// The database now, if USE chose it.
    pub schema: Option<String>,
    /// Anything of the session has changed.
    pub state: bool,
}

/// A session's memory.
#[derive(Debug)]
pub struct SessionState {
    pub info: SessionInfo,
    pub database: Option<Arc<str>>,
    /// What expressions may ask of the session.
    pub(super) constants: Arc<SessionConstants>,
    pub variables: SessionVariables,
    /// By lower-case name.
    pub(super) user_variables: HashMap<Box<str>, (Value, FieldType)>,
    /// The user variables on the server's account.
    pub(super) variables_held: SessionHeld,
    /// Parameters that came ahead of their execution.
    pub(super) long_data_held: SessionHeld,
    /// LAST_INSERT_ID(): the first generated value of the last statement that generated one.
    pub last_insert_id: u64,
    /// AUTO_INCREMENT values that the running statement got.
    pub(crate) given_ids: Option<GivenIds>,
    /// SET INSERT_ID: the value the next INSERT generates.
    pub next_insert_id: Option<u64>,
    /// ROW_COUNT(): -1 after a statement with rows or an error.
    pub row_count: i64,
    /// FOUND_ROWS(); counted while rows are streamed.
    pub found_rows: Arc<AtomicU64>,
    /// SHOW WARNINGS of the last statement.
    pub warnings: Warnings,
    /// A result that is still streamed raises its warnings here.
    pub(crate) streaming: Option<Arc<Evaluation>>,
    /// The connections of all SQL nodes, gathered for the running statement.
    pub(crate) cluster_processes: Option<Vec<NodeProcess>>,
    /// What LOCK TABLES holds, by table id, and whether to write.
    pub locked_tables: Option<HashMap<i64, bool>>,
    pub(super) process: Arc<Process>,
    pub(super) must_close: bool,
    /// What clients that follow the session are told next.
    pub(super) unreported: Unreported,
    /// Queries get a plan also when they could run without one.
    pub plans_every_query: bool,
    /// Wall clock at the start of the statement: NOW() is fixed within it.
    pub statement_micros: u64,
}

impl SessionState {
    pub fn settings(&self) -> &Settings {
        self.variables.settings()
    }

    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// What changed since the last call.
    pub(super) fn take_changes(&mut self) -> SessionChanges {
        let Unreported { schema, state } = std::mem::take(&mut self.unreported);
        let assigned = self.variables.take_assigned();
        if !schema && !state && assigned.is_empty() {
            return SessionChanges::default();
        }
        let is_on = |name: &str| {
            crate::variable::find(name)
                .is_some_and(|definition| self.variables.get(definition) == Value::Int(1))
        };
        // Asking to be told is nothing to tell.
        let changed = state || schema || assigned.iter().any(|name| *name != STATE_CHANGE);
        let state = changed && is_on(STATE_CHANGE);
        let tracked = assigned.into_iter().filter(|name| self.variables.is_tracked(name));
        let variables = tracked.filter_map(|name| {
            let definition = crate::variable::find(name)?;
            Some((definition.name, definition.show(&self.variables.get(definition))))
        });
        SessionChanges {
            variables: variables.collect(),
            schema: self
                .database
                .as_deref()
                .filter(|_| schema && is_on("session_track_schema"))
                .map(str::to_owned),
            state,
        }
    }

    pub fn user_variable(&self, name: &str) -> (Value, FieldType) {
        self.user_variables
            .get(name.to_lowercase().as_str())
            .cloned()
            .unwrap_or((Value::Null, FieldType::null()))
    }

    /// Error 3170 if the server has no memory left for the value.
    pub fn set_user_variable(&mut self, name: &str, value: Value, ty: FieldType) -> Result<(), MySqlError> {
        let name: Box<str> = name.to_lowercase().into();
        let old = self.user_variables.get(&name).map_or(0, |(old, _)| name.len() + old.memory_size());
        self.variables_held.replace(old, name.len() + value.memory_size())?;
        self.user_variables.insert(name, (value, ty));
        self.unreported.state = true;
        Ok(())
    }

    pub(super) fn clear_user_variables(&mut self) {
        self.user_variables.clear();
        self.variables_held.clear();
    }

    pub fn warn(&mut self, error: MySqlError) {
        self.warnings.warn(error);
    }

    /// A note is kept only while `sql_notes` is on.
    pub fn note(&mut self, error: MySqlError) {
        if self.settings().sql_notes {
            self.warnings.note(error);
        }
    }

    /// Takes over what the expressions of a statement have gathered: warnings, and `LAST_INSERT_ID(expr)`.
    pub(crate) fn keep(&mut self, evaluation: &Evaluation) {
        self.push_warnings(evaluation.take_warnings());
        self.keep_insert_id(evaluation);
    }

    fn keep_insert_id(&mut self, evaluation: &Evaluation) {
        self.last_insert_id = evaluation.last_insert_id().unwrap_or(self.last_insert_id);
    }

    pub fn push_warnings(&mut self, warnings: Vec<Warning>) {
        for warning in warnings {
            self.warnings.push(warning);
        }
    }

    /// The conditions a query has raised. A SELECT without tables keeps those of the statement before it, but
    /// only if it raises none itself (MySQL manual, "The MySQL Diagnostics Area").
    pub(crate) fn raise(&mut self, evaluation: &Evaluation) {
        let warnings = evaluation.take_warnings();
        if !warnings.is_empty() {
            self.warnings.clear();
            self.push_warnings(warnings);
        }
        self.keep_insert_id(evaluation);
    }

    /// The warning count of a reply, with those that a streamed result has raised up to now.
    pub fn warning_count(&self) -> u16 {
        let streamed = self.streaming.as_ref().map_or(0, |evaluation| evaluation.warning_count());
        u16::try_from(self.warnings.total() + streamed).unwrap_or(u16::MAX)
    }

    /// Takes over the warnings of the last streamed result, which has been read by now.
    pub(super) fn collect_streamed_warnings(&mut self) {
        if let Some(evaluation) = self.streaming.take() {
            self.keep(&evaluation);
        }
    }

    pub fn found_rows(&self) -> u64 {
        self.found_rows.load(Ordering::Relaxed)
    }

    /// A new statement counts its rows from zero; streams of earlier ones keep their own counter.
    pub fn reset_found_rows(&mut self) -> Arc<AtomicU64> {
        self.found_rows = Arc::new(AtomicU64::new(0));
        Arc::clone(&self.found_rows)
    }

    pub fn set_found_rows(&mut self, rows: u64) {
        match Arc::get_mut(&mut self.found_rows) {
            Some(counter) => *counter.get_mut() = rows,
            // A stream of an earlier statement counts on.
            None => self.found_rows = Arc::new(AtomicU64::new(rows)),
        }
    }
}
