//! What can go wrong on a connection, and what the client is told about it.

use std::borrow::Cow;
use std::fmt;
use std::io;

use thiserror::Error as ThisError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A MySQL error as it goes into an ERR packet: number, SQLSTATE, message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPacket {
    pub code: u16,
    pub sqlstate: Cow<'static, str>,
    pub message: String,
}

impl ErrorPacket {
    pub fn new(code: u16, sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { code, sqlstate: Cow::Borrowed(sqlstate), message: message.into() }
    }

    /// ER_ACCESS_DENIED_ERROR, the one answer to an unknown user and to a wrong password.
    pub fn access_denied(user: &str, host: &str, using_password: bool) -> Self {
        let using = if using_password { "YES" } else { "NO" };
        Self::new(
            1045,
            "28000",
            format!("Access denied for user '{user}'@'{host}' (using password: {using})"),
        )
    }

    /// ER_HOST_IS_BLOCKED
    pub fn host_is_blocked(host: &str) -> Self {
        let why = "is blocked because of many connection errors; unblock with 'mysqladmin flush-hosts'";
        Self::new(1129, "HY000", format!("Host '{host}' {why}"))
    }

    pub fn too_many_connections() -> Self {
        Self::new(1040, "08004", "Too many connections")
    }

    /// ER_HANDSHAKE_ERROR: whatever is wrong with a packet before the login is through.
    pub fn bad_handshake() -> Self {
        Self::new(1043, "08S01", "Bad handshake")
    }

    /// ER_SECURE_TRANSPORT_REQUIRED
    pub fn secure_transport_required() -> Self {
        let text = "Connections using insecure transport are prohibited while --require_secure_transport=ON.";
        Self::new(3159, "HY000", text)
    }

    pub fn unknown_command() -> Self {
        Self::new(1047, "08S01", "Unknown command")
    }

    /// MySQL checks the id in one place for all commands, and says so.
    pub fn unknown_statement(id: u32) -> Self {
        let text = format!("Unknown prepared statement handler ({id}) given to mysql_stmt_precheck");
        Self::new(1243, "HY000", text)
    }

    pub fn server_shutdown() -> Self {
        Self::new(1053, "08S01", "Server shutdown in progress")
    }
}

impl fmt::Display for ErrorPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERROR {} ({}): {}", self.code, self.sqlstate, self.message)
    }
}

/// What the connection loop does about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Send an ERR packet and wait for the next command.
    TellClient,
    /// Send an ERR packet, then close.
    TellClientAndClose,
    /// Nobody is listening any more.
    Close,
}

/// Every failure of this package.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The statement failed; the connection lives on.
    #[error("{0}")]
    Refused(ErrorPacket),
    /// The statement or the login failed and the connection must end.
    #[error("{0}")]
    Fatal(ErrorPacket),
    /// Bytes that are no valid packet of the protocol.
    #[error("malformed packet: {0}")]
    Malformed(&'static str),
    #[error("packet sequence id {got}, expected {expected}")]
    OutOfOrder { expected: u8, got: u8 },
    #[error("packet of {size} bytes is over the limit of {limit}")]
    TooLarge { size: usize, limit: usize },
    #[error("no login within the connect timeout")]
    ConnectTimeout,
    #[error("client did not go on within the read timeout")]
    ReadTimeout,
    #[error("client did not take the reply within the write timeout")]
    WriteTimeout,
    #[error("client closed the connection")]
    Closed,
    /// The caller's handler broke a rule of [`crate::Reply`].
    #[error("internal: {0}")]
    Internal(&'static str),
    /// The operator's certificate or key cannot be used.
    #[error("{0}")]
    Certificate(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Error {
    pub fn class(&self) -> Class {
        match self {
            Self::Refused(_) => Class::TellClient,
            Self::Fatal(_)
            | Self::Malformed(_)
            | Self::OutOfOrder { .. }
            | Self::TooLarge { .. }
            | Self::ReadTimeout
            | Self::Internal(_) => Class::TellClientAndClose,
            Self::ConnectTimeout | Self::WriteTimeout | Self::Closed | Self::Certificate(_) | Self::Io(_) => {
                Class::Close
            }
        }
    }

    /// The ERR packet for the client, where one makes sense.
    pub fn packet(&self) -> Option<ErrorPacket> {
        match self {
            Self::Refused(packet) | Self::Fatal(packet) => Some(packet.clone()),
            Self::Malformed(_) => Some(ErrorPacket::new(1835, "HY000", "Malformed communication packet.")),
            Self::OutOfOrder { .. } => Some(ErrorPacket::new(1156, "08S01", "Got packets out of order")),
            Self::TooLarge { .. } => {
                Some(ErrorPacket::new(1153, "08S01", "Got a packet bigger than 'max_allowed_packet' bytes"))
            }
            Self::ReadTimeout => {
                Some(ErrorPacket::new(1159, "08S01", "Got timeout reading communication packets"))
            }
            Self::Internal(what) => Some(ErrorPacket::new(1105, "HY000", format!("Internal error: {what}"))),
            Self::ConnectTimeout | Self::WriteTimeout | Self::Closed | Self::Certificate(_) | Self::Io(_) => {
                None
            }
        }
    }
}

impl From<ErrorPacket> for Error {
    fn from(packet: ErrorPacket) -> Self {
        Self::Refused(packet)
    }
}
