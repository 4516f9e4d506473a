//! What the owner of a connection implements: one method per command.
//!
//! No method has a default body: a command is either implemented or refused in so many words.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::capability::Capabilities;
use crate::column::Column;
use crate::command::Parameter;
use crate::error::Result;
use crate::reply::{Reply, SessionChange};
use crate::status::ServerStatus;
use crate::tls::TlsSession;

/// Who logged in, with what.
#[derive(Clone, Debug)]
pub struct Login {
    pub connection_id: u32,
    /// Name as the client gave it.
    pub user: String,
    pub client_host: String,
    /// The account that matched: `USER()` and `CURRENT_USER()` may differ.
    pub account_user: String,
    pub account_host: String,
    pub database: Option<String>,
    pub capabilities: Capabilities,
    /// Collation id the client chose for the session's character set.
    pub collation: u16,
    pub attributes: Vec<(String, String)>,
    /// What protects the connection; `None` for plain TCP.
    pub tls: Option<TlsSession>,
}

/// How long a client is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Between commands (`wait_timeout`, `interactive_timeout`).
    pub idle: Duration,
    /// For the next bytes of a packet that has begun, or of a file that the server asked for (`net_read_timeout`).
    pub read: Duration,
    /// For taking part of a reply (`net_write_timeout`).
    pub write: Duration,
}

impl Default for Timeouts {
    /// Those of MySQL.
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(28_800),
            read: Duration::from_secs(30),
            write: Duration::from_secs(60),
        }
    }
}

/// A prepared statement as the client is told of it.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    pub id: u32,
    pub parameters: Vec<Column>,
    /// Empty for a statement without a result set.
    pub columns: Vec<Column>,
    pub warnings: u16,
}

/// A column of COM_FIELD_LIST with its default value, `None` for NULL.
#[derive(Clone, Debug)]
pub struct Field {
    pub column: Column,
    pub default: Option<Vec<u8>>,
}

/// The session behind one connection. Methods run one at a time; an `Err` of class `TellClient` becomes an ERR packet and
/// the connection goes on.
#[async_trait]
pub trait Handler: Send {
    /// Status flags as of now; asked whenever an OK or EOF is written that no method wrote itself.
    fn status(&self) -> ServerStatus;

    /// How long the client is waited for; asked before every command.
    fn timeouts(&self) -> Timeouts;

    /// Resolves when the connection was killed; asked for while the client is silent. A running statement learns of it
    /// in its own way.
    fn killed(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// There will be no login: the client went, stopped or sent what is no handshake before it said who it is. A password
    /// that is refused is something else.
    fn handshake_failed(&mut self);

    /// The login succeeded. An error (unknown database, too many connections of the user) ends the connection.
    async fn open(&mut self, login: Login) -> Result<()>;

    /// The session ends, whatever the reason; called once after `open` was.
    async fn close(&mut self);

    /// COM_CHANGE_USER after its authentication: as if the connection were new.
    async fn change_user(&mut self, login: Login) -> Result<()>;

    /// COM_RESET_CONNECTION: rolls back and forgets all session state but user and database.
    async fn reset_connection(&mut self) -> Result<()>;

    /// COM_INIT_DB. Answers what a client that follows the session is told.
    async fn use_database(&mut self, name: &[u8]) -> Result<Vec<SessionChange>>;

    /// COM_QUERY: bytes in the client's character set, possibly several statements.
    async fn query(&mut self, sql: Bytes, reply: &mut Reply<'_>) -> Result<()>;

    async fn prepare(&mut self, sql: Bytes) -> Result<Prepared>;

    /// The statements of this connection keep so many bytes that COM_STMT_SEND_LONG_DATA brought, until they are executed,
    /// reset or closed. An error is that of the next execution of the statement that wanted more; fewer never fail.
    fn hold_long_data(&mut self, bytes: usize) -> Result<()>;

    /// COM_STMT_EXECUTE; with [`Reply::wants_cursor`] it may open a cursor instead of sending the rows.
    async fn execute(
        &mut self,
        statement: u32,
        parameters: Vec<Parameter>,
        reply: &mut Reply<'_>,
    ) -> Result<()>;

    /// COM_STMT_FETCH: up to `rows_max` rows of the cursor that `execute` opened for this statement, through
    /// [`Reply::fetched`]. After an `Err` the cursor is closed.
    async fn fetch(&mut self, statement: u32, rows_max: u32, reply: &mut Reply<'_>) -> Result<()>;

    /// The statement's open cursor is not wanted any more: it is reset or executed again.
    async fn close_cursor(&mut self, statement: u32);

    /// The statement, and its cursor if one is open, are not wanted any more.
    async fn close_statement(&mut self, statement: u32);

    async fn field_list(&mut self, table: &[u8], wildcard: &[u8]) -> Result<Vec<Field>>;

    /// The one-line text of COM_STATISTICS.
    async fn statistics(&mut self) -> Result<String>;

    /// COM_PROCESS_KILL.
    async fn kill(&mut self, connection_id: u32) -> Result<()>;
}
