//! One client: the wire's commands on one side, its SQL session on the other.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rutile_kv_env::{Clock, Monotonic};
use rutile_server_wire::{
    Capabilities, Error, ErrorPacket, Field, Handler, Login, Parameter, Prepared, Reply, Result,
    ServerStatus, SessionChange, Timeouts,
};
use rutile_sql::SqlError;
use rutile_sql::session::{
    Instance, Outcome, Process, Script, Session, SessionInfo, StatementClass, TlsFacts,
};
use rutile_sql_types::{Collation, SqlMode};

use crate::accounts::ROOT;
use crate::connection::Connections;
use crate::connection::cursor::Cursors;
use crate::connection::logins::Arrival;
use crate::connection::{column, field_list, parameter, result, tracking};

/// The handler of one connection.
pub(crate) struct Client {
    instance: Instance,
    connections: Arc<Connections>,
    address: IpAddr,
    /// Until the client is logged in.
    arrival: Option<Arrival>,
    /// Only an administrator may have this place.
    reserved: bool,
    /// From login to close.
    open: Option<Open>,
}

/// A session and what its client knows of it.
struct Open {
    session: Session,
    cursors: Cursors,
}

/// What a reply needs to know of its session, taken before the session is busy with a statement.
pub(crate) struct SessionFacts {
    pub(crate) status: ServerStatus,
    /// Collation results are sent in; `None` leaves each column in its own.
    pub(crate) results: Option<Collation>,
    pub(crate) time_zone: rutile_sql_types::TimeZone,
}

impl Client {
    pub(crate) fn new(
        instance: Instance,
        connections: Arc<Connections>,
        address: IpAddr,
        arrival: Arrival,
        reserved: bool,
    ) -> Self {
        Self { instance, connections, address, arrival: Some(arrival), reserved, open: None }
    }

    /// The session, ready to look at tables.
    async fn settled_session(&mut self) -> Result<&mut Session> {
        let Open { session, cursors } = open(&mut self.open)?;
        cursors.settle(session).await;
        Ok(session)
    }

    fn start(&self, login: Login) -> Result<Session> {
        let info = SessionInfo {
            connection_id: u64::from(login.connection_id),
            user: login.user,
            host: login.client_host,
            database: login.database,
            charset_id: login.collation,
            found_rows: login.capabilities.contains(Capabilities::FOUND_ROWS),
            interactive: login.capabilities.contains(Capabilities::INTERACTIVE),
            local_files: login.capabilities.contains(Capabilities::LOCAL_FILES),
            multi_statements: login.capabilities.contains(Capabilities::MULTI_STATEMENTS),
            tls: login.tls.map(|tls| TlsFacts { version: tls.version, cipher: tls.cipher }),
        };
        self.instance.session(info).map_err(refused)
    }
}

fn open(open: &mut Option<Open>) -> Result<&mut Open> {
    open.as_mut().ok_or(Error::Internal("a command without a session"))
}

/// An error of the SQL layer as a packet; the connection goes on.
pub(crate) fn refused(error: SqlError) -> Error {
    Error::Refused(packet(error))
}

fn packet(error: SqlError) -> ErrorPacket {
    ErrorPacket::new(error.code, error.sqlstate, error.message)
}

/// A failed statement. When nobody knows whether it committed, or the connection was killed, the error is the last word.
pub(crate) fn failed(session: &Session, error: SqlError) -> Error {
    if session.status().must_close { Error::Fatal(packet(error)) } else { refused(error) }
}

pub(crate) fn server_status(session: &Session) -> ServerStatus {
    let status = session.status();
    let escapes_off = session.state().settings().sql_mode.contains(SqlMode::NO_BACKSLASH_ESCAPES);
    ServerStatus::default()
        .with(ServerStatus::IN_TRANS, status.in_transaction)
        .with(ServerStatus::AUTOCOMMIT, status.autocommit)
        .with(ServerStatus::NO_BACKSLASH_ESCAPES, escapes_off)
}

pub(crate) fn facts(session: &Session) -> SessionFacts {
    let settings = session.state().settings();
    let results = settings.charset_results.map(|charset| {
        if charset == settings.collation_connection.charset() {
            settings.collation_connection
        } else {
            charset.default_collation()
        }
    });
    SessionFacts { status: server_status(session), results, time_zone: settings.time_zone }
}

/// Measures one statement.
struct Timer<'a> {
    connections: &'a Connections,
    clock: &'a dyn Clock,
    class: StatementClass,
    began: Monotonic,
}

impl<'a> Timer<'a> {
    fn start(connections: &'a Connections, instance: &'a Instance, class: StatementClass) -> Self {
        let clock = &*instance.env().clock;
        let began = clock.now();
        Self { connections, clock, class, began }
    }

    fn stop(self, succeeded: bool) {
        if let Some(histogram) = self.connections.statement_times().of(self.class, succeeded) {
            histogram.observe(self.clock.now().saturating_since(self.began));
        }
    }
}

/// Runs a statement to its outcome. A client that goes away meanwhile ends it, but for a COMMIT.
async fn run<F>(reply: &mut Reply<'_>, instance: &Instance, id: u64, work: F) -> F::Output
where
    F: Future<Output = std::result::Result<Outcome, SqlError>> + Send,
{
    reply.watch(work, || instance.processes().abandon(id)).await
}

#[async_trait]
impl Handler for Client {
    fn status(&self) -> ServerStatus {
        self.open.as_ref().map_or(ServerStatus::AUTOCOMMIT, |open| server_status(&open.session))
    }

    fn timeouts(&self) -> Timeouts {
        let Some(open) = &self.open else { return Timeouts::default() };
        let settings = open.session.state().settings();
        Timeouts {
            idle: Duration::from_secs(settings.wait_timeout_s),
            read: Duration::from_secs(settings.net_read_timeout_s),
            write: Duration::from_secs(settings.net_write_timeout_s),
        }
    }

    fn killed(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match &self.open {
            Some(Open { session, .. }) => Box::pin(connection_killed(session.process().clone())),
            None => Box::pin(std::future::pending()),
        }
    }

    fn handshake_failed(&mut self) {
        let known_max = self.instance.global_variables().number("host_cache_size");
        self.instance.host_cache().failed(self.address, known_max);
    }

    async fn open(&mut self, login: Login) -> Result<()> {
        self.arrival = None;
        self.instance.host_cache().logged_in(self.address);
        if self.reserved && login.account_user != ROOT {
            self.connections.count_refused();
            return Err(ErrorPacket::too_many_connections().into());
        }
        let mut session = self.start(login)?;
        // What the login asked for is nothing new to the client.
        session.take_changes();
        let cursors = Cursors::new(session.held());
        self.open = Some(Open { session, cursors });
        Ok(())
    }

    async fn close(&mut self) {
        if let Some(open) = self.open.take() {
            open.session.close().await;
        }
    }

    async fn change_user(&mut self, login: Login) -> Result<()> {
        self.close().await;
        self.open(login).await
    }

    async fn reset_connection(&mut self) -> Result<()> {
        let open = open(&mut self.open)?;
        open.cursors.clear();
        open.session.reset_connection().await.map_err(refused)?;
        open.session.take_changes();
        Ok(())
    }

    async fn use_database(&mut self, name: &[u8]) -> Result<Vec<SessionChange>> {
        let name = String::from_utf8_lossy(name).into_owned();
        let open = open(&mut self.open)?;
        open.session.use_database(&name).await.map_err(refused)?;
        Ok(tracking::changes(&mut open.session))
    }

    async fn query(&mut self, sql: Bytes, reply: &mut Reply<'_>) -> Result<()> {
        let instance = &self.instance;
        let Open { session, cursors } = open(&mut self.open)?;
        cursors.settle(session).await;
        let id = session.connection_id();
        let mut script = Script::new(sql, reply.allows_multi_statements());
        while let Some(statement) = session.next_statement(&mut script).map_err(refused)? {
            reply.set_more_results(script.has_more());
            let timer = Timer::start(&self.connections, instance, statement.class());
            let outcome = run(reply, instance, id, session.execute(&statement)).await;
            let sent = match outcome {
                Ok(outcome) => result::send(session, instance, outcome, reply).await,
                Err(error) => Err(failed(session, error)),
            };
            timer.stop(sent.is_ok());
            sent?;
        }
        Ok(())
    }

    async fn prepare(&mut self, sql: Bytes) -> Result<Prepared> {
        let session = self.settled_session().await?;
        let prepared = session.prepare(sql).await.map_err(refused)?;
        let results = facts(session).results;
        let columns = |metas: &[_]| metas.iter().map(|meta| column::column(meta, results)).collect();
        Ok(Prepared {
            id: prepared.id,
            parameters: columns(&prepared.params),
            columns: columns(&prepared.columns),
            warnings: session.warnings_count(),
        })
    }

    fn hold_long_data(&mut self, bytes: usize) -> Result<()> {
        open(&mut self.open)?.session.hold_long_data(bytes).map_err(refused)
    }

    async fn execute(
        &mut self,
        statement: u32,
        parameters: Vec<Parameter>,
        reply: &mut Reply<'_>,
    ) -> Result<()> {
        let instance = &self.instance;
        let Open { session, cursors } = open(&mut self.open)?;
        cursors.settle(session).await;
        let id = session.connection_id();
        let connection = session.state().settings().collation_connection;
        let values = parameter::values(parameters, connection).map_err(refused)?;
        let timer = Timer::start(&self.connections, instance, session.prepared_class(statement));
        let outcome = run(reply, instance, id, session.execute_prepared(statement, &values)).await;
        let sent = match outcome {
            Ok(Outcome::Rows(rows)) if reply.wants_cursor() => cursors.open(statement, session, rows, reply),
            Ok(outcome) => result::send(session, instance, outcome, reply).await,
            Err(error) => Err(failed(session, error)),
        };
        timer.stop(sent.is_ok());
        sent
    }

    async fn fetch(&mut self, statement: u32, rows_max: u32, reply: &mut Reply<'_>) -> Result<()> {
        let Open { session, cursors } = open(&mut self.open)?;
        cursors.fetch(statement, rows_max, session, &self.instance, reply).await
    }

    async fn close_cursor(&mut self, statement: u32) {
        if let Some(Open { cursors, .. }) = &mut self.open {
            cursors.close(statement);
        }
    }

    async fn close_statement(&mut self, statement: u32) {
        if let Some(Open { session, cursors, .. }) = &mut self.open {
            cursors.close(statement);
            session.close_prepared(statement);
        }
    }

    async fn field_list(&mut self, table: &[u8], wildcard: &[u8]) -> Result<Vec<Field>> {
        field_list::fields(self.settled_session().await?, table, wildcard).await
    }

    async fn statistics(&mut self) -> Result<String> {
        let uptime = self.instance.uptime_seconds();
        let counters = self.instance.status().list();
        let counter =
            |name: &str| counters.iter().find(|(found, _)| *found == name).map_or(0, |(_, value)| *value);
        let questions = counter("Queries");
        let per_second = questions as f64 / uptime.max(1) as f64;
        Ok(format!(
            "Uptime: {uptime}  Threads: {}  Questions: {questions}  Slow queries: {}  Opens: 0  Flush tables: 0  \
             Open tables: {}  Queries per second avg: {per_second:.3}",
            self.instance.processes().len(),
            counter("Slow_queries"),
            0,
        ))
    }

    async fn kill(&mut self, connection_id: u32) -> Result<()> {
        if self.instance.kill(u64::from(connection_id), false).await.map_err(refused)? {
            return Ok(());
        }
        Err(ErrorPacket::new(1094, "HY000", format!("Unknown thread id: {connection_id}")).into())
    }
}

async fn connection_killed(process: Arc<Process>) {
    process.connection_killed().await;
}
