//! The life of a connection: greeting, login, commands one after another, close.

use std::future::{Future as _, poll_fn};
use std::task::Poll;

use bytes::Bytes;
use tokio::time::timeout;

use crate::auth::{Accounts, Attempt, Authenticator, SCRAMBLE_BYTES};
use crate::capability::Capabilities;
use crate::command::{Layout, Request, Statements};
use crate::config::{ConnectionConfig, PRE_AUTH_PACKET_BYTES_MAX};
use crate::error::{Class, Error, ErrorPacket, Result};
use crate::handler::{Handler, Login};
use crate::handshake::{ChangeUser, Greeting, Response, is_ssl_request};
use crate::metrics::Metrics;
use crate::packet::{Algorithm, Channel, put};
use crate::reply::{CursorState, Ok, Reply, SessionChange, encode_eof, encode_error, encode_ok};
use crate::row::RowFormat;
use crate::silence::Silence;
use crate::transport::Transport;

/// Flags of COM_STMT_EXECUTE: cursor types. The other kinds than the read-only one MySQL has never had.
const CURSOR_READ_ONLY: u8 = 1;
const CURSOR_FOR_UPDATE: u8 = 2;
const CURSOR_SCROLLABLE: u8 = 4;
/// Not a cursor type: the number of parameters is in the packet, see [`Layout`].
const PARAMETER_COUNT_AVAILABLE: u8 = 8;

/// Serves one client from greeting to close. `Ok` is a client that left by itself or was stopped by the server; every
/// other end is returned for the log, the client having been told where that was possible.
pub async fn serve_connection(
    stream: Box<dyn Transport>,
    handler: &mut dyn Handler,
    accounts: &dyn Accounts,
    authenticator: &Authenticator,
    config: ConnectionConfig,
) -> Result<()> {
    let channel =
        Channel::new(stream, PRE_AUTH_PACKET_BYTES_MAX, config.write_timeout, config.metrics.clone());
    let mut connection = Connection {
        channel,
        handler,
        accounts,
        authenticator,
        config,
        statements: Statements::default(),
        capabilities: Capabilities::default(),
        scramble: [0; SCRAMBLE_BYTES],
        collation: 0,
        compression: None,
        greeted: false,
        answered: false,
        opened: false,
        silence: None,
    };
    let result = connection.run().await;
    if connection.opened {
        connection.handler.close().await;
    }
    connection.finish(result).await
}

/// Turns a client away before the greeting, as for ER_CON_COUNT_ERROR.
pub async fn refuse(
    stream: Box<dyn Transport>,
    error: &ErrorPacket,
    config: &ConnectionConfig,
) -> Result<()> {
    let mut channel =
        Channel::new(stream, PRE_AUTH_PACKET_BYTES_MAX, config.write_timeout, config.metrics.clone());
    channel.packet(|out| encode_error(out, error, false));
    channel.flush().await?;
    channel.close(false).await;
    Result::Ok(())
}

struct Connection<'a> {
    channel: Channel,
    handler: &'a mut dyn Handler,
    accounts: &'a dyn Accounts,
    authenticator: &'a Authenticator,
    config: ConnectionConfig,
    statements: Statements,
    capabilities: Capabilities,
    scramble: [u8; SCRAMBLE_BYTES],
    collation: u16,
    /// Asked for by the client; begins behind the OK of the login.
    compression: Option<Algorithm>,
    greeted: bool,
    /// The client has said who it is.
    answered: bool,
    opened: bool,
    /// Made when the session first waits for its client.
    silence: Option<Silence>,
}

impl Connection<'_> {
    async fn run(&mut self) -> Result<()> {
        let login =
            timeout(self.config.connect_timeout, self.log_in()).await.unwrap_or(Err(Error::ConnectTimeout));
        if login.as_ref().is_err_and(|error| self.is_no_handshake(error)) {
            self.handler.handshake_failed();
        }
        let login = login.map_err(|error| self.unlogged(error));
        let counter =
            if login.is_ok() { &self.config.metrics.logins } else { &self.config.metrics.logins_refused };
        Metrics::add(counter, 1);
        let login = login?;
        self.open(login).await?;
        self.channel.set_packet_bytes_max(self.config.allowed_packet_bytes_max);
        loop {
            self.channel.restart_sequence();
            let packet = match self.next_packet().await? {
                Some(packet) => packet,
                None => return Result::Ok(()),
            };
            Metrics::add(&self.config.metrics.commands, 1);
            let request = Request::decode(packet, self.capabilities)?;
            if request == Request::Quit {
                return Result::Ok(());
            }
            if let Err(error) = self.command(request).await {
                if error.class() != Class::TellClient {
                    return Err(error);
                }
                self.send_error(&error);
            }
            // What an execution used is given back.
            self.handler.hold_long_data(self.statements.long_data_bytes())?;
            self.flush().await?;
        }
    }

    /// Whether a login failed by what `max_connect_errors` counts. A client that goes while its password is looked at is
    /// none of those: it may have been made to wait for others' failures.
    fn is_no_handshake(&self, error: &Error) -> bool {
        match error {
            Error::Malformed(_) | Error::TooLarge { .. } | Error::OutOfOrder { .. } => true,
            Error::Refused(_) | Error::Internal(_) => false,
            Error::ConnectTimeout
            | Error::ReadTimeout
            | Error::WriteTimeout
            | Error::Closed
            | Error::Certificate(_)
            | Error::Fatal(_)
            | Error::Io(_) => !self.answered,
        }
    }

    /// What MySQL calls it before the login is through.
    fn unlogged(&self, error: Error) -> Error {
        match error {
            Error::Malformed(_) | Error::TooLarge { .. } => {
                Metrics::add(&self.config.metrics.malformed_packets, 1);
                Error::Fatal(ErrorPacket::bad_handshake())
            }
            other => other,
        }
    }

    /// Sends what is buffered. A KILL does not wait for a client that does not read.
    async fn flush(&mut self) -> Result<()> {
        let flushing = self.channel.flush();
        tokio::pin!(flushing);
        if let Poll::Ready(flushed) = poll_fn(|context| Poll::Ready(flushing.as_mut().poll(context))).await {
            return flushed;
        }
        tokio::select! {
            biased;
            flushed = flushing => flushed,
            () = self.handler.killed() => Err(Error::Closed),
        }
    }

    /// The next command, or `None` when the client went.
    async fn next_packet(&mut self) -> Result<Option<Bytes>> {
        let timeouts = self.handler.timeouts();
        self.channel.set_timeouts(timeouts.read, timeouts.write);
        let silence =
            self.silence.get_or_insert_with(|| Silence::new(self.config.stop.clone(), self.handler.killed()));
        match silence.until(timeouts.idle, self.channel.read_packet()).await? {
            Result::Ok(packet) => Result::Ok(Some(packet)),
            // Between commands a client may simply go.
            Err(Error::Closed) => Result::Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Greeting, optional TLS, response, authentication. The OK packet waits for the handler to open the session.
    async fn log_in(&mut self) -> Result<Login> {
        (self.config.nonce)(&mut self.scramble)?;
        let offered = Capabilities::offered(self.config.tls.is_some());
        let greeting = Greeting {
            server_version: &self.config.server_version,
            connection_id: self.config.connection_id,
            scramble: &self.scramble,
            capabilities: offered,
            collation: self.config.collation,
        };
        self.channel.packet(|out| greeting.encode(out));
        self.channel.flush().await?;
        let mut packet = self.channel.read_packet().await?;
        self.greeted = true;
        if let Some(tls) = self.config.tls.clone().filter(|_| is_ssl_request(&packet)) {
            self.channel.upgrade(&tls).await?;
            packet = self.channel.read_packet().await?;
        }
        let response = Response::decode(&packet, offered)?;
        self.answered = true;
        // Before anything that a password could be learned from.
        if self.config.tls_required && !self.channel.is_secure() {
            return Err(Error::Fatal(ErrorPacket::secure_transport_required()));
        }
        self.capabilities = response.capabilities;
        self.collation = response.collation;
        self.compression = response.compression;
        let attempt = Attempt {
            user: &response.user,
            plugin: response.plugin.as_deref(),
            response: response.auth_response,
            scramble: self.scramble,
            capabilities: response.capabilities,
            again: false,
        };
        let account =
            self.authenticator.login(&mut self.channel, self.accounts, attempt, &self.config).await?;
        Result::Ok(Login {
            connection_id: self.config.connection_id,
            client_host: self.config.client_host.clone(),
            user: response.user,
            account_user: account.user,
            account_host: account.host,
            database: response.database,
            capabilities: response.capabilities,
            collation: response.collation,
            attributes: response.attributes,
            tls: self.channel.tls_session().cloned(),
        })
    }

    async fn open(&mut self, login: Login) -> Result<()> {
        self.opened = true;
        self.handler.open(login).await.map_err(fatal)?;
        self.send_ok(&[]);
        self.channel.flush().await?;
        if let Some(algorithm) = self.compression {
            self.channel.compress(algorithm);
        }
        Result::Ok(())
    }

    async fn command(&mut self, request: Request) -> Result<()> {
        match request {
            Request::Query(sql) => {
                let mut reply = Reply::new(&mut self.channel, self.capabilities, RowFormat::Text);
                self.handler.query(sql, &mut reply).await?;
                complete(&reply)
            }
            Request::Execute { statement, flags, body } => self.execute(statement, flags, &body).await,
            Request::Prepare(sql) => self.prepare(sql).await,
            Request::SendLongData { statement, parameter, data } => {
                self.collect_long_data(statement, parameter, &data);
                Result::Ok(())
            }
            Request::CloseStatement(statement) => {
                if self.statements.remove(statement) {
                    self.handler.close_statement(statement).await;
                }
                Result::Ok(())
            }
            Request::ResetStatement(statement) => {
                self.statements.reset(statement)?;
                self.close_cursor(statement).await;
                self.send_ok(&[]);
                Result::Ok(())
            }
            Request::Fetch { statement, rows_max } => self.fetch(statement, rows_max).await,
            Request::Ping => {
                self.send_ok(&[]);
                Result::Ok(())
            }
            Request::InitDb(name) => self.use_database(&name).await,
            Request::FieldList { table, wildcard } => self.field_list(&table, &wildcard).await,
            Request::Statistics => {
                let text = self.handler.statistics().await?;
                self.channel.packet(|out| out.extend_from_slice(text.as_bytes()));
                Result::Ok(())
            }
            Request::ProcessKill(id) => {
                self.handler.kill(id).await?;
                self.send_ok(&[]);
                Result::Ok(())
            }
            Request::SetOption(option) => self.set_option(option),
            Request::ResetConnection => {
                self.handler.reset_connection().await?;
                self.statements.clear();
                self.send_ok(&[]);
                Result::Ok(())
            }
            Request::ChangeUser(body) => self.change_user(&body).await,
            Request::Quit => Err(Error::Closed),
            Request::Unknown => Err(ErrorPacket::unknown_command().into()),
        }
    }

    fn collect_long_data(&mut self, statement: u32, parameter: u16, data: &[u8]) {
        let (held, bytes_max) = (self.statements.long_data_bytes(), self.config.allowed_packet_bytes_max);
        if held + data.len() <= bytes_max
            && let Err(error) = self.handler.hold_long_data(held + data.len())
        {
            let text = "There is no memory for the data of mysql_send_long_data()";
            let error = error.packet().unwrap_or_else(|| ErrorPacket::new(1105, "HY000", text));
            return self.statements.refuse_long_data(statement, error);
        }
        self.statements.append_long_data(statement, parameter, data, bytes_max);
    }

    async fn use_database(&mut self, name: &[u8]) -> Result<()> {
        let changes = self.handler.use_database(name).await?;
        self.send_ok(&changes);
        Result::Ok(())
    }

    async fn close_cursor(&mut self, statement: u32) {
        if self.statements.set_cursor(statement, false) {
            self.handler.close_cursor(statement).await;
        }
    }

    async fn fetch(&mut self, statement: u32, rows_max: u32) -> Result<()> {
        self.statements.check_cursor(statement)?;
        let mut reply = Reply::new(&mut self.channel, self.capabilities, RowFormat::Binary);
        let fetched = self.handler.fetch(statement, rows_max, &mut reply).await;
        let open = fetched.is_ok() && reply.cursor() == Some(CursorState::Open);
        self.statements.set_cursor(statement, open);
        fetched?;
        complete(&reply)
    }

    async fn prepare(&mut self, sql: Bytes) -> Result<()> {
        // A statement lives long; it must not hold the whole read buffer it arrived in.
        let prepared = self.handler.prepare(Bytes::copy_from_slice(&sql)).await?;
        let parameters = u16::try_from(prepared.parameters.len()).map_err(|_| {
            ErrorPacket::new(1390, "HY000", "Prepared statement contains too many placeholders")
        })?;
        let columns = u16::try_from(prepared.columns.len())
            .map_err(|_| ErrorPacket::new(1117, "HY000", "Too many columns"))?;
        self.statements.insert(prepared.id, prepared.parameters.len());
        self.channel.packet(|out| {
            out.push(0);
            out.extend_from_slice(&prepared.id.to_le_bytes());
            out.extend_from_slice(&columns.to_le_bytes());
            out.extend_from_slice(&parameters.to_le_bytes());
            out.push(0);
            out.extend_from_slice(&prepared.warnings.to_le_bytes());
        });
        for definitions in [&prepared.parameters, &prepared.columns] {
            for column in definitions {
                self.channel.packet(|out| column.encode(out));
            }
            if !definitions.is_empty() && !self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
                let status = self.handler.status();
                self.channel.packet(|out| encode_eof(out, status, 0));
            }
        }
        Result::Ok(())
    }

    async fn execute(&mut self, statement: u32, flags: u8, body: &Bytes) -> Result<()> {
        if flags & (CURSOR_FOR_UPDATE | CURSOR_SCROLLABLE) != 0 {
            let text = "This version of MySQL doesn't yet support 'cursors other than CURSOR_TYPE_READ_ONLY'";
            return Err(ErrorPacket::new(1235, "42000", text).into());
        }
        let layout = Layout {
            named: self.capabilities.contains(Capabilities::QUERY_ATTRIBUTES),
            counted: flags & PARAMETER_COUNT_AVAILABLE != 0,
        };
        let parameters = self.statements.parameters(statement, body, layout)?;
        self.close_cursor(statement).await;
        let mut reply = Reply::new(&mut self.channel, self.capabilities, RowFormat::Binary)
            .for_cursor(flags & CURSOR_READ_ONLY != 0);
        self.handler.execute(statement, parameters, &mut reply).await?;
        self.statements.set_cursor(statement, reply.cursor().is_some());
        complete(&reply)
    }

    async fn field_list(&mut self, table: &[u8], wildcard: &[u8]) -> Result<()> {
        for field in self.handler.field_list(table, wildcard).await? {
            self.channel.packet(|out| {
                field.column.encode(out);
                match &field.default {
                    Some(text) => put::lenenc_bytes(out, text),
                    None => out.push(0xfb),
                }
            });
        }
        self.send_eof();
        Result::Ok(())
    }

    fn set_option(&mut self, option: u16) -> Result<()> {
        match option {
            0 => self.capabilities.set(Capabilities::MULTI_STATEMENTS, true),
            1 => self.capabilities.set(Capabilities::MULTI_STATEMENTS, false),
            _ => return Err(ErrorPacket::unknown_command().into()),
        }
        self.send_eof();
        Result::Ok(())
    }

    /// A full login again; a failure ends the connection, as its session is no longer anybody's.
    async fn change_user(&mut self, body: &[u8]) -> Result<()> {
        let change = ChangeUser::decode(body, self.capabilities)?;
        let attempt = Attempt {
            user: &change.user,
            plugin: change.plugin.as_deref(),
            response: change.auth_response,
            scramble: self.scramble,
            capabilities: self.capabilities,
            again: true,
        };
        let conversation = self.authenticator.login(&mut self.channel, self.accounts, attempt, &self.config);
        let account = timeout(self.config.connect_timeout, conversation)
            .await
            .unwrap_or(Err(Error::ConnectTimeout))
            .map_err(fatal)?;
        self.collation = change.collation.unwrap_or(self.collation);
        let login = Login {
            connection_id: self.config.connection_id,
            client_host: self.config.client_host.clone(),
            user: change.user,
            account_user: account.user,
            account_host: account.host,
            database: change.database,
            capabilities: self.capabilities,
            collation: self.collation,
            attributes: change.attributes,
            tls: self.channel.tls_session().cloned(),
        };
        self.statements.clear();
        // It waited for a KILL of the session that ends here.
        self.silence = None;
        self.handler.change_user(login).await.map_err(fatal)?;
        self.send_ok(&[]);
        Result::Ok(())
    }

    fn send_ok(&mut self, changes: &[SessionChange]) {
        let ok = Ok { status: self.handler.status(), changes, ..Ok::default() };
        let capabilities = self.capabilities;
        self.channel.packet(|out| encode_ok(out, 0x00, &ok, capabilities));
    }

    /// The end of a list that is no result set.
    fn send_eof(&mut self) {
        let status = self.handler.status();
        let capabilities = self.capabilities;
        if capabilities.contains(Capabilities::DEPRECATE_EOF) {
            let ok = Ok { status, ..Ok::default() };
            self.channel.packet(|out| encode_ok(out, 0xfe, &ok, capabilities));
        } else {
            self.channel.packet(|out| encode_eof(out, status, 0));
        }
    }

    fn send_error(&mut self, error: &Error) {
        if let Some(packet) = error.packet() {
            Metrics::add(&self.config.metrics.errors_sent, 1);
            let with_sqlstate = self.greeted;
            self.channel.packet(|out| encode_error(out, &packet, with_sqlstate));
        }
    }

    /// Tells the client why, as far as it still listens, and closes.
    async fn finish(&mut self, result: Result<()>) -> Result<()> {
        if let Err(error) = &result {
            if matches!(error, Error::Malformed(_) | Error::OutOfOrder { .. } | Error::TooLarge { .. }) {
                Metrics::add(&self.config.metrics.malformed_packets, 1);
            }
            if error.class() != Class::Close {
                self.send_error(error);
                // A client that is gone cannot be told; its own error is the one to report.
                let _ = self.channel.flush().await;
            }
        }
        let linger = self.opened && matches!(result, Err(Error::TooLarge { .. }));
        self.channel.close(linger).await;
        match result {
            Err(Error::Fatal(packet)) if packet == ErrorPacket::server_shutdown() => Result::Ok(()),
            other => other,
        }
    }
}

fn complete(reply: &Reply<'_>) -> Result<()> {
    if reply.is_complete() { Result::Ok(()) } else { Err(Error::Internal("a command without a reply")) }
}

/// Whatever a login refuses is the end of the connection.
fn fatal(error: Error) -> Error {
    match error {
        Error::Refused(packet) => Error::Fatal(packet),
        other => other,
    }
}
