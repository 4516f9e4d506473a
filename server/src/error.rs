//! Why the process does not start or stops; each is one line for the operator.

use std::io;
use std::path::PathBuf;

use thiserror::Error as ThisError;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What an operator does about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Start it differently.
    Usage,
    /// Look at the machine: disk, ports, memory.
    Environment,
    /// Report it.
    OurBug,
}

/// Every way the process fails as a whole.
#[derive(Debug, ThisError)]
pub enum Error {
    #[error("cannot listen on {address}: {source}")]
    Listen { address: String, source: io::Error },
    #[error(
        "refusing to listen on {host}, which other machines can reach, while root has no password: \
         give one with --root-password-file or RUTILE_ROOT_PASSWORD, or use --host 127.0.0.1"
    )]
    OpenToNetwork { host: String },
    #[error("refusing to take the password of the cluster's root away: give the one it has, or a new one")]
    PasswordTakenAway,
    #[error(
        "refusing to listen on {host}, where whoever can dial may read and write everything: \
         give --cacert, --cert and --key, or --insecure"
    )]
    OpenToPeers { host: String },
    #[error("cannot read the root password from {}: {source}", path.display())]
    PasswordFile { path: PathBuf, source: io::Error },
    #[error("the root password is not UTF-8")]
    PasswordText,
    #[error("{} is damaged or of a newer release: {what}", path.display())]
    AccountFile { path: PathBuf, what: &'static str },
    #[error("TLS with {} and {}: {reason}", certificate.display(), key.display())]
    Tls { certificate: PathBuf, key: PathBuf, reason: String },
    #[error("{}: {reason}", path.display())]
    ConfigFile { path: PathBuf, reason: String },
    #[error("{name}: {reason}")]
    Setting { name: String, reason: String },
    #[error("--log-level {text:?}: {reason}")]
    LogLevel { text: String, reason: String },
    #[error("{} is a link of another user: it is not followed", path.display())]
    StrangeLink { path: PathBuf },
    #[error("{} is part of a cluster: start it with --pd-port and --kv-port", path.display())]
    PartOfCluster { path: PathBuf },
    #[error("{0}")]
    Engine(#[from] rutile_kv_engine::Error),
    #[error("placement driver: {0}")]
    Pd(#[from] rutile_pd::Error),
    #[error("placement driver: {0}")]
    PdClient(#[from] rutile_pd_client::Error),
    #[error("store: {0}")]
    Store(#[from] rutile_kv::Error),
    #[error("sql: {0}")]
    Sql(#[from] rutile_sql::Error),
    #[error("accounts: {0}")]
    Wire(#[from] rutile_server_wire::Error),
    #[error("{what}: {source}")]
    Io { what: &'static str, source: io::Error },
    #[error("{what} stopped unexpectedly")]
    TaskLost { what: &'static str },
}

impl Error {
    pub fn class(&self) -> Class {
        match self {
            Self::OpenToNetwork { .. }
            | Self::PasswordTakenAway
            | Self::OpenToPeers { .. }
            | Self::PasswordFile { .. }
            | Self::PasswordText
            | Self::StrangeLink { .. }
            | Self::PartOfCluster { .. }
            | Self::Tls { .. }
            | Self::ConfigFile { .. }
            | Self::Setting { .. }
            | Self::LogLevel { .. } => Class::Usage,
            Self::Listen { .. } | Self::AccountFile { .. } | Self::Engine(_) | Self::Io { .. } => {
                Class::Environment
            }
            Self::Pd(_)
            | Self::PdClient(_)
            | Self::Store(_)
            | Self::Sql(_)
            | Self::Wire(_)
            | Self::TaskLost { .. } => Class::OurBug,
        }
    }
}
