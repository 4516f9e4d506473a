//! The facade a connection calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use rutile_sql_parser::{Limits, ParseError, ParseOptions, Statement, StatementKind, ast, parse_next};
use rutile_sql_types::{Charset, Collation, FieldType, Level, MySqlError, Value, Warning, Warnings};

use super::instance::Instance;
use super::lock_tables::Patience;
use super::outcome::{Outcome, ResultSet, Rows};
use super::prepared::{Prepared, PreparedStatement, PreparedStatements};
use super::state::{SessionChanges, SessionInfo, SessionState, SessionStatus, Unreported};
use super::statement_context::StatementContext;
use super::status::StatementClass;
use super::{dispatch, environment, query, status, transaction_control};
use crate::catalog::InfoSchema;
use crate::domain::SchemaUse;
use crate::error::{Error, ErrorClass, Result, SqlError};
use crate::memory::{SessionHeld, StatementMemory};
use crate::txn::SessionTransaction;
use crate::variable::SessionVariables;

/// Bytes of a statement the process list keeps.
const PROCESS_TEXT_BYTES_MAX: usize = 64 * 1024;

/// What the tree of a statement takes for each of its tokens, at most.
const TOKEN_BYTES: usize = 128;

/// What a name, an operator or a call takes from the binder to the plan that is run, at most.
const OPERATOR_BYTES: usize = 1 << 10;

/// Statements and texts below this are not counted.
const STATEMENT_BYTES_FREE: usize = 256 << 10;

/// A statement of so few tokens is read whatever the limits are: one may be to raise them.
const TOKENS_FREE: u32 = 1_000;

/// What a statement takes: its text, its tree, and its plan unless it is evaluated row by row.
pub(super) fn statement_bytes(statement: &Statement, text: &[u8]) -> usize {
    let tree = (statement.tokens as usize).saturating_mul(TOKEN_BYTES);
    let plan = match &statement.kind {
        StatementKind::Insert(insert) if matches!(insert.source, ast::InsertSource::Values(_)) => 0,
        _ => (statement.operators as usize).saturating_mul(OPERATOR_BYTES),
    };
    text.len().saturating_add(tree).saturating_add(plan)
}

/// One statement of a COM_QUERY, ready to run.
#[derive(Debug, Clone)]
pub struct ParsedStatement {
    pub(super) statement: Arc<Statement>,
    /// The whole text; the statement's span points into it.
    pub(super) text: Bytes,
    /// Counted while the statement is there.
    _held: Option<Arc<SessionHeld>>,
}

/// The text of one COM_QUERY, and how far it has been parsed.
#[derive(Debug)]
pub struct Script {
    text: Bytes,
    at: usize,
    multi_statements: bool,
}

impl Script {
    /// Whether it may hold several statements is the connection's to know: COM_SET_OPTION changes it.
    pub fn new(text: Bytes, multi_statements: bool) -> Self {
        Self { text, at: 0, multi_statements }
    }

    /// Whether a statement follows those that were parsed.
    pub fn has_more(&self) -> bool {
        self.at < self.text.len()
    }
}

impl ParsedStatement {
    pub fn kind(&self) -> &StatementKind {
        &self.statement.kind
    }

    pub fn class(&self) -> StatementClass {
        StatementClass::of(&self.statement.kind)
    }
}

/// One client's session. Statements run one at a time.
pub struct Session {
    pub(super) instance: Instance,
    pub(super) state: SessionState,
    pub(super) transaction: SessionTransaction,
    pub(super) prepared: PreparedStatements,
}

impl Session {
    pub(super) fn new(instance: Instance, info: SessionInfo) -> Result<Self> {
        status::bump(&instance.status().connections);
        refuse_unsafe_charset(info.charset_id)?;
        let now = instance.env().clock.now();
        let user_max = instance.global_variables().number("max_user_connections");
        let process = instance.processes().register(&info, now, user_max)?;
        let mut state = SessionState {
            variables: SessionVariables::new(instance.global_variables()),
            database: None,
            constants: Arc::new(environment::constants(&instance, &info, &process)),
            user_variables: HashMap::new(),
            variables_held: SessionHeld::new(Arc::clone(instance.memory())),
            long_data_held: SessionHeld::new(Arc::clone(instance.memory())),
            last_insert_id: 0,
            given_ids: None,
            next_insert_id: None,
            row_count: 0,
            found_rows: Arc::new(AtomicU64::new(0)),
            warnings: Warnings::default(),
            streaming: None,
            cluster_processes: None,
            locked_tables: None,
            process,
            must_close: false,
            unreported: Unreported::default(),
            plans_every_query: false,
            statement_micros: instance.env().clock.unix_micros(),
            info,
        };
        set_handshake_charset(&mut state);
        let mut session = Self {
            instance,
            state,
            transaction: SessionTransaction::default(),
            prepared: PreparedStatements::default(),
        };
        if let Some(database) = session.state.info.database.clone() {
            session.set_database(&database)?;
        }
        Ok(session)
    }

    /// The next statement of a COM_QUERY, to be run before the one behind it is asked for; `None` at the end.
    pub fn next_statement(&mut self, script: &mut Script) -> Result<Option<ParsedStatement>, SqlError> {
        let options = self.parse_options(false, script.multi_statements);
        let parsed = match parse_next(&script.text, script.at, &options) {
            Ok(None) if script.at == 0 => Err(ParseError::Empty),
            other => other,
        };
        match parsed {
            Ok(None) => Ok(None),
            Ok(Some((statement, end))) => match self.hold_statement(&statement, &script.text) {
                Ok(held) => {
                    script.at = end;
                    let (statement, text) = (Arc::new(statement), script.text.clone());
                    Ok(Some(ParsedStatement { statement, text, _held: held.map(Arc::new) }))
                }
                Err(error) => {
                    self.start_diagnostics();
                    Err(self.failed(error.into()))
                }
            },
            Err(error) => {
                self.start_diagnostics();
                Err(self.failed(Error::from(error)))
            }
        }
    }

    /// Counts a statement and its text against the server's memory, if it is large enough to matter.
    pub(super) fn hold_statement(
        &self,
        statement: &Statement,
        text: &Bytes,
    ) -> Result<Option<SessionHeld>, MySqlError> {
        let bytes = statement_bytes(statement, text);
        if bytes < STATEMENT_BYTES_FREE {
            return Ok(None);
        }
        if bytes > self.quota_bytes() {
            return Err(
                StatementMemory::new(Arc::clone(self.instance.memory()), self.quota_bytes()).over_quota()
            );
        }
        let mut held = SessionHeld::new(Arc::clone(self.instance.memory()));
        held.replace(0, bytes)?;
        Ok(Some(held))
    }

    fn quota_bytes(&self) -> usize {
        match self.state.settings().mem_quota_query_bytes {
            0 => self.instance.memory().limit(),
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        }
    }

    /// What the tree of one statement may take: the quota, and what the server has left.
    fn tokens_max(&self) -> u32 {
        let server = self.instance.memory();
        let bytes = self.quota_bytes().min(server.limit().saturating_sub(server.used()));
        u32::try_from(bytes / TOKEN_BYTES).unwrap_or(u32::MAX).max(TOKENS_FREE)
    }

    pub(super) fn parse_options(&self, placeholders: bool, multi_statements: bool) -> ParseOptions {
        ParseOptions {
            sql_mode: rutile_sql_parser::SqlMode(self.state.settings().sql_mode.bits()),
            placeholders,
            multi_statements,
            limits: Limits { tokens: self.tokens_max(), ..Limits::default() },
        }
    }

    /// Runs one statement of a COM_QUERY.
    pub async fn execute(&mut self, statement: &ParsedStatement) -> Result<Outcome, SqlError> {
        self.run("Query", &statement.statement, &statement.text, &[]).await
    }

    /// COM_STMT_PREPARE
    pub async fn prepare(&mut self, sql: Bytes) -> Result<Prepared, SqlError> {
        self.start_diagnostics();
        match self.prepare_text(sql, None).await {
            Ok(prepared) => Ok(prepared),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// COM_STMT_EXECUTE; 1243 for an unknown id.
    pub async fn execute_prepared(
        &mut self,
        id: u32,
        parameters: &[(Value, FieldType)],
    ) -> Result<Outcome, SqlError> {
        let Some(prepared) = self.prepared.get(id) else {
            self.start_diagnostics();
            return Err(self.failed(MySqlError::unknown_statement_handler(id, "mysqld_stmt_execute").into()));
        };
        let PreparedStatement { statement, text, template, .. } = &*prepared;
        let StatementKind::Query(query) = &statement.kind else {
            return self.run("Execute", statement, text, parameters).await;
        };
        self.start_statement("Execute", statement, text);
        if let Err(error) = self.gather(text).await {
            return self.finish_statement(Err(error));
        }
        let mut patience = None;
        loop {
            let instance = self.instance.clone();
            let released = instance.table_locks().released();
            let result = Box::pin(query::select(self, query, text, parameters, Some(template))).await;
            if let Some(result) = self.after_attempt(result, released, &mut patience).await {
                return self.finish_statement(result);
            }
        }
    }

    /// The client keeps so many bytes here that COM_STMT_SEND_LONG_DATA brought.
    pub fn hold_long_data(&mut self, bytes: usize) -> Result<(), SqlError> {
        self.state.long_data_held.set_idle(bytes)
    }

    /// An account of what the client's connection keeps besides, in the memory of the server.
    pub fn held(&self) -> SessionHeld {
        SessionHeld::new(Arc::clone(self.instance.memory()))
    }

    /// What a prepared statement is about; an unknown one is nothing in particular.
    pub fn prepared_class(&self, id: u32) -> StatementClass {
        let prepared = self.prepared.get(id);
        prepared.map_or(StatementClass::Other, |prepared| StatementClass::of(&prepared.statement.kind))
    }

    /// COM_STMT_CLOSE never answers, so an unknown id is nothing.
    pub fn close_prepared(&mut self, id: u32) {
        self.prepared.close(id);
    }

    pub fn status(&self) -> SessionStatus {
        SessionStatus {
            in_transaction: self.transaction.in_transaction(),
            autocommit: self.state.settings().autocommit,
            must_close: self.state.must_close || self.state.process.is_connection_killed(),
        }
    }

    /// COM_INIT_DB
    pub async fn use_database(&mut self, name: &str) -> Result<(), SqlError> {
        self.start_diagnostics();
        self.set_database(name).map_err(|error| self.failed(error))
    }

    /// COM_RESET_CONNECTION: as if just connected, with the same account and default database.
    pub async fn reset_connection(&mut self) -> Result<(), SqlError> {
        let rolled_back = transaction_control::rollback(self).await;
        super::lock_tables::release(self);
        self.prepared = PreparedStatements::default();
        self.state.variables.reset(self.instance.global_variables());
        set_handshake_charset(&mut self.state);
        self.state.clear_user_variables();
        self.state.last_insert_id = 0;
        self.state.next_insert_id = None;
        self.state.row_count = 0;
        self.state.set_found_rows(0);
        self.state.warnings.clear();
        rolled_back.map_err(SqlError::from)
    }

    /// What the client has not been told of the session yet, as far as it asked for it.
    pub fn take_changes(&mut self) -> SessionChanges {
        self.state.take_changes()
    }

    pub fn warnings_count(&self) -> u16 {
        self.state.warning_count()
    }

    pub fn connection_id(&self) -> u64 {
        self.state.info.connection_id
    }

    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    pub fn state(&self) -> &SessionState {
        &self.state
    }

    /// Makes every query go through a plan, also those that run without one: the two ways must agree.
    pub fn plan_every_query(&mut self, always: bool) {
        self.state.plans_every_query = always;
    }

    /// The client's default database, for replies that carry it.
    pub fn database(&self) -> Option<&str> {
        self.state.database.as_deref()
    }

    /// Completes when the connection or its statement is killed; for the loop that waits for the client.
    pub fn process(&self) -> &Arc<super::Process> {
        &self.state.process
    }

    /// The connection ended: nothing of an open transaction survives.
    pub async fn close(mut self) {
        if let Err(error) = transaction_control::rollback(&mut self).await {
            tracing::debug!(%error, "rollback at the end of a connection; its locks expire on their own");
        }
    }

    pub(super) async fn run(
        &mut self,
        command: &'static str,
        statement: &Statement,
        text: &Bytes,
        parameters: &[(Value, FieldType)],
    ) -> Result<Outcome, SqlError> {
        self.start_statement(command, statement, text);
        if let Err(error) = self.gather(text).await {
            return self.finish_statement(Err(error));
        }
        let mut patience = None;
        loop {
            let instance = self.instance.clone();
            let released = instance.table_locks().released();
            let result = Box::pin(dispatch::dispatch(self, statement, text, parameters)).await;
            if let Some(result) = self.after_attempt(result, released, &mut patience).await {
                return self.finish_statement(result);
            }
        }
    }

    /// What the statement needs of other SQL nodes.
    async fn gather(&mut self, text: &[u8]) -> Result<()> {
        self.state.cluster_processes = None;
        if self.instance.membership().is_none() || !crate::infoschema::names_cluster_processes(text) {
            return Ok(());
        }
        let found = crate::cluster::cluster_processes(&self.instance).await?;
        for node in found.silent {
            self.state.warnings.push(crate::cluster::silent_node(&node));
        }
        self.state.cluster_processes = Some(found.processes);
        Ok(())
    }

    /// The outcome of a statement; `None` if it came to a table that LOCK TABLES kept from it until now.
    async fn after_attempt(
        &self,
        result: Result<Outcome>,
        released: impl Future<Output = ()>,
        patience: &mut Option<Patience>,
    ) -> Option<Result<Outcome>> {
        match result {
            Err(Error::TableLocked) => {
                let patience = patience.get_or_insert_with(|| Patience::begin(self));
                patience.wait(self, released).await.err().map(Err)
            }
            result => Some(result),
        }
    }

    pub(super) fn finish_statement(&mut self, result: Result<Outcome>) -> Result<Outcome, SqlError> {
        // A streamed result runs until the client has read it, a load until it has sent its file.
        let goes_on = matches!(
            &result,
            Ok(Outcome::LocalInfile(_) | Outcome::Rows(ResultSet { rows: Rows::Batches(_), .. }))
        );
        if !goes_on {
            let now = self.instance.env().clock.now();
            self.state.process.finish(self.state.process.run(), now);
        }
        // What was read until now rests on the catalog this node knew; a commit has looked at that itself.
        let result = match result {
            Ok(Outcome::Rows(_)) if self.instance.check_lease().is_err() => {
                Err(SqlError::schema_lease_expired().into())
            }
            result => result,
        };
        match result {
            Ok(outcome) => Ok(self.succeeded(outcome)),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn start_statement(&mut self, command: &'static str, statement: &Statement, text: &Bytes) {
        self.instance.status().count(&statement.kind);
        self.state.collect_streamed_warnings();
        if !dispatch::keeps_diagnostics(&statement.kind) {
            self.start_diagnostics();
        }
        self.state.statement_micros = match self.state.settings().fixed_now_micros {
            Some(micros) => micros,
            None => self.instance.env().clock.unix_micros(),
        };
        let own = statement.span.slice(text);
        let shown = own.get(..PROCESS_TEXT_BYTES_MAX.min(own.len())).unwrap_or(own);
        let now = self.instance.env().clock.now();
        self.state.process.start(command, Some(text.slice_ref(shown)), now);
    }

    pub(super) fn start_diagnostics(&mut self) {
        let limit = usize::try_from(self.state.settings().max_error_count).unwrap_or(usize::MAX);
        self.state.warnings = Warnings::with_limit(limit);
    }

    fn succeeded(&mut self, mut outcome: Outcome) -> Outcome {
        self.state.row_count = match &outcome {
            Outcome::Ok { affected_rows, .. } => i64::try_from(*affected_rows).unwrap_or(i64::MAX),
            Outcome::Rows(_) | Outcome::LocalInfile(_) => -1,
        };
        if let Outcome::Rows(ResultSet { rows: Rows::Values(rows), .. }) = &outcome {
            self.state.set_found_rows(rows.len() as u64);
        }
        outcome.set_warnings(self.state.warning_count());
        outcome
    }

    /// Records the error where SHOW WARNINGS and SHOW ERRORS find it.
    pub(super) fn failed(&mut self, error: Error) -> SqlError {
        match error.class() {
            ErrorClass::Undetermined => self.state.must_close = true,
            ErrorClass::OurBug => {
                tracing::error!(connection = self.state.info.connection_id, %error, "statement failed");
            }
            ErrorClass::TellUser | ErrorClass::RetryTransaction => {}
        }
        let error = error.into_sql();
        self.state.row_count = -1;
        self.state.warnings.push(Warning {
            level: Level::Error,
            code: error.code,
            message: error.message.clone(),
        });
        error
    }

    /// Registers the session as a user of the catalog for one statement: of the newest, or of the one that its
    /// transaction keeps to.
    pub(super) fn enter(&mut self) -> (Arc<InfoSchema>, SchemaUse) {
        let (schema, schema_use) = self.enter_to_look();
        self.transaction.pin_schema(&schema);
        (schema, schema_use)
    }

    /// The same for PREPARE, which reads nothing: it must not decide which catalog the transaction keeps to, because
    /// DDL does not wait for tables that were only looked at.
    pub(super) fn enter_to_look(&mut self) -> (Arc<InfoSchema>, SchemaUse) {
        let pinned = self.transaction.pinned_schema().map(Arc::clone);
        let instance = &self.instance;
        let (schema, mut schema_use) = instance
            .metadata_locks()
            .enter(self.state.info.connection_id, || pinned.unwrap_or_else(|| instance.infoschema()));
        schema_use.set_transaction_open(self.transaction.in_transaction());
        (schema, schema_use)
    }

    pub(super) fn context<'a>(
        &'a mut self,
        infoschema: Arc<InfoSchema>,
        parameters: &'a [(Value, FieldType)],
        text: &'a [u8],
    ) -> StatementContext<'a> {
        StatementContext {
            instance: &self.instance,
            session: &mut self.state,
            transaction: &mut self.transaction,
            infoschema,
            parameters,
            text,
        }
    }

    /// USE: 1049 for an unknown database.
    pub(super) fn set_database(&mut self, name: &str) -> Result<()> {
        let schema = self.instance.infoschema();
        let (name, collation) = match schema.database(name) {
            Some(found) => (found.info.name.clone(), found.info.collation),
            None => match crate::infoschema::virtual_database(name) {
                Some(known) => (known.to_owned(), Collation::UTF8MB3_GENERAL_CI),
                None => return Err(MySqlError::unknown_database(name).into()),
            },
        };
        self.state.process.set_database(Some(name.clone()));
        self.state.unreported.schema = true;
        self.state.database = Some(name.into());
        self.state.variables.set_database_collation(collation);
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.instance.metadata_locks().release_transaction(self.state.info.connection_id);
        super::lock_tables::release(self);
        self.instance.processes().remove(self.state.info.connection_id);
    }
}

/// Character sets in which a byte of a character can be a backslash or a quote, by the ids of their collations. A client
/// that writes them quotes its strings for them: read in another character set, such a string can end too early, and
/// what is data becomes SQL.
const UNSAFE_CHARSETS: [(&str, &[u16]); 5] = [
    ("big5", &[1, 84]),
    ("sjis", &[13, 88]),
    ("gbk", &[28, 87]),
    ("cp932", &[95, 96]),
    ("gb18030", &[248, 249, 250]),
];

fn refuse_unsafe_charset(collation: u16) -> Result<(), MySqlError> {
    match UNSAFE_CHARSETS.iter().find(|(_, ids)| ids.contains(&collation)) {
        Some((name, _)) => Err(MySqlError::unknown_character_set(name)),
        None => Ok(()),
    }
}

/// The handshake's collation decides the client's character set, as SET NAMES would.
fn set_handshake_charset(state: &mut SessionState) {
    let collation = Collation::from_id(state.info.charset_id).unwrap_or(Collation::DEFAULT);
    let (charset, collation) = match collation.charset() {
        Charset::Binary => (Charset::Utf8mb4, Collation::DEFAULT),
        charset => (charset, collation),
    };
    state.variables.set_client_charset(charset, collation);
    if state.info.interactive
        && let Some((timeout, interactive)) =
            crate::variable::find("wait_timeout").zip(crate::variable::find("interactive_timeout"))
    {
        let value = state.variables.get(interactive);
        state.variables.follow(timeout, value);
    }
}
