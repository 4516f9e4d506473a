//! A handler that knows no SQL: it echoes, and has a few words that make each shape of reply.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use rutile_server_wire::{
    Account, Accounts, Column, ColumnFlags, ColumnType, ErrorPacket, Field, Handler, Login, Ok, Parameter,
    ParameterValue, Prepared, Reply, Result, Row, ServerStatus, SessionChange, Timeouts, Verifier,
};
use tokio::sync::Notify;

/// `root` without a password, `sha` and `native` with one.
pub struct EchoAccounts {
    sha: Verifier,
    native: Verifier,
}

impl EchoAccounts {
    pub fn new(password: &[u8]) -> Result<Self> {
        Ok(Self { sha: Verifier::caching_sha2(password)?, native: Verifier::native(password) })
    }
}

#[async_trait]
impl Accounts for EchoAccounts {
    async fn find(&self, user: &str, _host: &str) -> Result<Option<Account>> {
        let verifier = match user {
            "root" => Verifier::Empty,
            "sha" => self.sha.clone(),
            "native" => self.native.clone(),
            _ => return Ok(None),
        };
        Ok(Some(Account { user: user.to_owned(), host: "%".to_owned(), verifier }))
    }
}

#[derive(Default)]
pub struct EchoHandler {
    pub login: Option<Login>,
    pub in_transaction: bool,
    pub next_statement: u32,
    pub statements: Vec<(u32, Bytes)>,
    /// Statement, next row, number of rows.
    pub cursors: Vec<(u32, u32, u32)>,
    /// Set when a client left during `wait`.
    pub cancelled: Arc<AtomicBool>,
    pub wake: Arc<Notify>,
    /// Ends an idle connection.
    pub kill: Arc<Notify>,
    /// Connections that never said who they are.
    pub handshakes_failed: Arc<AtomicU64>,
}

fn text_column(name: &str) -> Column {
    Column { collation: 255, length: 1024, decimals: 31, ..Column::named(name, ColumnType::VarString) }
}

fn row_columns() -> Vec<Column> {
    let id = Column {
        length: 20,
        flags: ColumnFlags::NOT_NULL.with(ColumnFlags::PRI_KEY, true),
        ..Column::named("id", ColumnType::LongLong)
    };
    let ratio = Column { length: 22, decimals: 31, ..Column::named("ratio", ColumnType::Double) };
    let at = Column {
        length: 26,
        decimals: 6,
        flags: ColumnFlags::BINARY,
        ..Column::named("at", ColumnType::Datetime)
    };
    vec![id, text_column("name"), ratio, at]
}

fn write_row(row: &mut Row<'_>, number: u32) {
    row.int(i64::from(number));
    if number % 10 == 9 {
        row.null()
    } else {
        row.bytes(format!("row {number}").as_bytes())
    }
    row.double(f64::from(number) / 2.0);
    row.datetime(2024, 2, 29, 23, 59, 58, number % 1_000_000, 6);
}

impl EchoHandler {
    /// `rows 5` prepared has five rows, anything else one.
    fn row_count(&self, statement: u32) -> u32 {
        let sql = self.statements.iter().find(|(id, _)| *id == statement).map(|(_, sql)| sql);
        let text = sql.map(|sql| String::from_utf8_lossy(sql).into_owned()).unwrap_or_default();
        text.strip_prefix("rows ").and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    async fn statement(&mut self, sql: &str, reply: &mut Reply<'_>) -> Result<()> {
        let status = self.status();
        match sql.trim().split_once(' ').unwrap_or((sql.trim(), "")) {
            ("begin", _) | ("commit", _) => {
                self.in_transaction = sql.trim() == "begin";
                reply.ok(&Ok { status: self.status(), ..Ok::default() })
            }
            ("SET" | "set" | "COMMIT" | "ROLLBACK", _) => reply.ok(&Ok { status, ..Ok::default() }),
            ("insert", _) => {
                let info = "Records: 3  Duplicates: 1  Warnings: 0";
                reply.ok(&Ok {
                    affected_rows: 3,
                    last_insert_id: 7,
                    status,
                    warnings: 1,
                    info,
                    ..Ok::default()
                })
            }
            ("fail", text) => {
                Err(ErrorPacket::new(1064, "42000", format!("You asked for it near '{text}' at line 1"))
                    .into())
            }
            ("rows", count) => {
                let columns = row_columns();
                let mut rows = reply.rows(&columns, status)?;
                for number in 0..count.parse().unwrap_or(1) {
                    rows.row(|row| {
                        write_row(row, number);
                        Result::Ok(())
                    })?;
                    rows.flush_if_full().await?;
                }
                rows.finish(status, 0)
            }
            ("blob", count) => {
                let bytes = vec![b'x'; count.parse().unwrap_or(1)];
                one_row(reply, status, "blob", &bytes)
            }
            ("load", file) => {
                let mut infile = reply.local_infile(file.as_bytes()).await?;
                let mut bytes = 0;
                while let Some(chunk) = infile.next().await? {
                    bytes += chunk.len() as u64;
                }
                reply.ok(&Ok { affected_rows: bytes, status, ..Ok::default() })
            }
            ("tls", _) => {
                let session = self.login.as_ref().and_then(|login| login.tls.as_ref());
                let text = session.map_or_else(String::new, |tls| format!("{} {}", tls.version, tls.cipher));
                one_row(reply, status, "tls", text.as_bytes())
            }
            ("wait", _) => {
                let (cancelled, wake) = (self.cancelled.clone(), self.wake.clone());
                let work = async { self.wake.notified().await };
                let on_hangup = move || {
                    cancelled.store(true, Ordering::SeqCst);
                    wake.notify_one();
                };
                reply.watch(work, on_hangup).await;
                reply.ok(&Ok { status, ..Ok::default() })
            }
            // The mysql client asks this to learn how `$$` is lexed, wants an error, and does not read a result.
            ("select", "$$") => {
                Err(ErrorPacket::new(1054, "42S22", "Unknown column '$$' in 'field list'").into())
            }
            _ => one_row(reply, status, sql.trim(), sql.trim().as_bytes()),
        }
    }
}

fn one_row(reply: &mut Reply<'_>, status: ServerStatus, name: &str, value: &[u8]) -> Result<()> {
    let columns = [text_column(name)];
    let mut rows = reply.rows(&columns, status)?;
    rows.row(|row| {
        row.bytes(value);
        Result::Ok(())
    })?;
    rows.finish(status, 0)
}

#[async_trait]
impl Handler for EchoHandler {
    fn status(&self) -> ServerStatus {
        ServerStatus::AUTOCOMMIT.with(ServerStatus::IN_TRANS, self.in_transaction)
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts::default()
    }

    fn killed(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let kill = self.kill.clone();
        Box::pin(async move { kill.notified().await })
    }

    fn handshake_failed(&mut self) {
        self.handshakes_failed.fetch_add(1, Ordering::Relaxed);
    }

    async fn open(&mut self, login: Login) -> Result<()> {
        if login.database.as_deref() == Some("missing") {
            return Err(ErrorPacket::new(1049, "42000", "Unknown database 'missing'").into());
        }
        self.login = Some(login);
        Ok(())
    }

    fn hold_long_data(&mut self, _bytes: usize) -> Result<()> {
        Ok(())
    }

    async fn close(&mut self) {
        self.statements.clear();
    }

    async fn change_user(&mut self, login: Login) -> Result<()> {
        self.reset_connection().await?;
        self.open(login).await
    }

    async fn reset_connection(&mut self) -> Result<()> {
        self.in_transaction = false;
        self.statements.clear();
        Ok(())
    }

    async fn use_database(&mut self, name: &[u8]) -> Result<Vec<SessionChange>> {
        if name == b"missing" {
            return Err(ErrorPacket::new(1049, "42000", "Unknown database 'missing'").into());
        }
        Result::Ok(vec![SessionChange::Schema(String::from_utf8_lossy(name).into_owned())])
    }

    async fn query(&mut self, sql: Bytes, reply: &mut Reply<'_>) -> Result<()> {
        let text = String::from_utf8_lossy(&sql).into_owned();
        let parts: Vec<&str> =
            if reply.allows_multi_statements() { text.split(';').collect() } else { vec![&text] };
        for (index, part) in parts.iter().enumerate() {
            reply.set_more_results(index + 1 < parts.len());
            self.statement(part, reply).await?;
        }
        Ok(())
    }

    async fn prepare(&mut self, sql: Bytes) -> Result<Prepared> {
        self.next_statement += 1;
        let id = self.next_statement;
        let count = sql.iter().filter(|byte| **byte == b'?').count();
        self.statements.push((id, sql));
        let columns = if count == 0 {
            row_columns()
        } else {
            (0..count).map(|index| text_column(&format!("p{index}"))).collect()
        };
        Ok(Prepared { id, parameters: vec![text_column("?"); count], columns, warnings: 0 })
    }

    async fn execute(
        &mut self,
        statement: u32,
        parameters: Vec<Parameter>,
        reply: &mut Reply<'_>,
    ) -> Result<()> {
        let status = self.status();
        let columns = if parameters.is_empty() {
            row_columns()
        } else {
            (0..parameters.len()).map(|index| text_column(&format!("p{index}"))).collect()
        };
        if reply.wants_cursor() && parameters.is_empty() {
            let count = self.row_count(statement);
            self.cursors.push((statement, 0, count));
            return reply.open_cursor(&columns, status);
        }
        let mut rows = reply.rows(&columns, status)?;
        rows.row(|row| {
            if parameters.is_empty() {
                write_row(row, 1);
            }
            for parameter in &parameters {
                write_parameter(row, &parameter.value);
            }
            Result::Ok(())
        })?;
        rows.finish(status, 0)
    }

    async fn fetch(&mut self, statement: u32, rows_max: u32, reply: &mut Reply<'_>) -> Result<()> {
        let status = self.status();
        let cursor = self.cursors.iter_mut().find(|(id, ..)| *id == statement);
        let Some((_, next, count)) = cursor else {
            return Err(ErrorPacket::new(1105, "HY000", "no such cursor").into());
        };
        let columns = row_columns();
        let mut rows = reply.fetched(&columns)?;
        let last = count.min(&mut next.saturating_add(rows_max)).to_owned();
        let sent = last - *next;
        for number in *next..last {
            rows.row(|row| {
                write_row(row, number);
                Result::Ok(())
            })?;
        }
        *next = last;
        rows.finish_fetch(status, sent < rows_max)
    }

    async fn close_cursor(&mut self, statement: u32) {
        self.cursors.retain(|(id, ..)| *id != statement);
    }

    async fn close_statement(&mut self, statement: u32) {
        self.close_cursor(statement).await;
        self.statements.retain(|(id, _)| *id != statement);
    }

    async fn field_list(&mut self, _table: &[u8], _wildcard: &[u8]) -> Result<Vec<Field>> {
        Ok(vec![Field { column: text_column("echo"), default: Some(b"none".to_vec()) }])
    }

    async fn statistics(&mut self) -> Result<String> {
        Ok("Uptime: 1  Threads: 1  Questions: 1".to_owned())
    }

    async fn kill(&mut self, connection_id: u32) -> Result<()> {
        Err(ErrorPacket::new(1094, "HY000", format!("Unknown thread id: {connection_id}")).into())
    }
}

fn write_parameter(row: &mut Row<'_>, value: &ParameterValue) {
    match value {
        ParameterValue::Null => row.null(),
        ParameterValue::Int(value) => row.int(*value),
        ParameterValue::UInt(value) => row.uint(*value),
        ParameterValue::Float(value) => row.float(*value),
        ParameterValue::Double(value) => row.double(*value),
        ParameterValue::Bytes(value) => row.bytes(value),
        ParameterValue::Datetime(at) => {
            row.datetime(at.year, at.month, at.day, at.hour, at.minute, at.second, at.micro, 6)
        }
        ParameterValue::Time(time) => {
            row.time(
                time.negative,
                time.days * 24 + u32::from(time.hour),
                time.minute,
                time.second,
                time.micro,
                6,
            );
        }
    }
}
