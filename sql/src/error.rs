//! What can go wrong in the SQL layer, and the MySQL number each becomes.
//!
//! Inside the package errors keep their origin; the facade turns them into `SqlError`, the number,
//! SQLSTATE and text a client gets. This is the only place that maps storage errors to MySQL numbers.

use rutile_kv_client::Error as StoreError;
pub use rutile_sql_types::MySqlError as SqlError;

use crate::codec::CodecError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller may do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The statement, its data or its rights are at fault.
    TellUser,
    /// The transaction lost against another: the client may run it again.
    RetryTransaction,
    /// Nobody knows whether the transaction committed: the connection must close.
    Undetermined,
    /// Damage or a defect of the server.
    OurBug,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Sql(#[from] SqlError),
    #[error("storage: {0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Codec(#[from] CodecError),
    #[error("stored data is damaged: {what}")]
    Corrupt { what: String },
    #[error("the catalog has format {found}, this server supports {supported}")]
    CatalogFormat { found: i64, supported: i64 },
    /// Keys of ours and of another database would be the same.
    #[error("this cluster holds data of another database (TiDB, for one); Rutile needs one of its own")]
    ForeignData,
    /// Another session holds the table by LOCK TABLES; the statement has done nothing yet.
    #[error("the table is locked")]
    TableLocked,
    /// Another session wrote an explicit value that the statement had generated: it begins again with other ones.
    #[error("a generated value was written by another session")]
    GeneratedIdTaken,
    #[error("no AUTO_INCREMENT value is left")]
    AutoIncrementExhausted,
    #[error("{detail}")]
    Internal { detail: String },
}

impl Error {
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    pub fn internal(detail: impl Into<String>) -> Self {
        Self::Internal { detail: detail.into() }
    }

    /// Error 1235: the statement or clause is not there yet.
    pub fn unsupported(feature: impl std::fmt::Display) -> Self {
        Self::Sql(SqlError::not_supported_yet(feature))
    }

    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Sql(error) => match error.class() {
                rutile_sql_types::ErrorClass::User => ErrorClass::TellUser,
                rutile_sql_types::ErrorClass::Retry => ErrorClass::RetryTransaction,
                rutile_sql_types::ErrorClass::Internal => ErrorClass::OurBug,
            },
            Self::Store(StoreError::Undetermined { .. }) => ErrorClass::Undetermined,
            Self::Store(
                StoreError::WriteConflict { .. }
                | StoreError::Deadlock { .. }
                | StoreError::RolledBack { .. },
            )
            | Self::GeneratedIdTaken => ErrorClass::RetryTransaction,
            Self::Store(
                StoreError::LockWaitTimeout { .. }
                | StoreError::LockNoWait { .. }
                | StoreError::Interrupted { .. }
                | StoreError::CommitLimit { .. },
            )
            | Self::TableLocked
            | Self::AutoIncrementExhausted => ErrorClass::TellUser,
            Self::Store(_)
            | Self::Codec(_)
            | Self::Corrupt { .. }
            | Self::CatalogFormat { .. }
            | Self::ForeignData => ErrorClass::OurBug,
            Self::Internal { .. } => ErrorClass::OurBug,
        }
    }

    /// The error as a MySQL client sees it.
    pub fn into_sql(self) -> SqlError {
        match self {
            Self::Sql(error) => error,
            Self::Store(error) => store_error(error),
            Self::TableLocked => SqlError::lock_wait_timeout(),
            Self::GeneratedIdTaken => SqlError::deadlock(),
            // 1467: MySQL's "Failed to read auto-increment value from storage engine".
            Self::AutoIncrementExhausted => {
                SqlError::new(1467, "HY000", "Failed to read auto-increment value from storage engine")
            }
            other => SqlError::internal(other),
        }
    }
}

impl From<Error> for SqlError {
    fn from(error: Error) -> Self {
        error.into_sql()
    }
}

impl From<rutile_sql_parser::ParseError> for Error {
    fn from(error: rutile_sql_parser::ParseError) -> Self {
        Self::Sql(SqlError::new(error.code(), error.sqlstate(), error.to_string()))
    }
}

fn store_error(error: StoreError) -> SqlError {
    match error {
        // A lost optimistic transaction is to the client what a deadlock is: run it again.
        StoreError::WriteConflict { .. } | StoreError::Deadlock { .. } | StoreError::RolledBack { .. } => {
            SqlError::deadlock()
        }
        StoreError::LockWaitTimeout { .. } | StoreError::KeyLocked { .. } => SqlError::lock_wait_timeout(),
        StoreError::Interrupted { .. } => SqlError::query_interrupted(),
        StoreError::LockNoWait { .. } => SqlError::lock_nowait(),
        StoreError::Undetermined { .. } => SqlError::undetermined_commit(),
        // The transaction began under a catalog that others do not wait for any more.
        StoreError::CommitLimit { .. } => SqlError::schema_lease_expired(),
        StoreError::TransactionTooLarge { size, .. } => SqlError::transaction_too_large(size),
        // 1021: MySQL's ER_DISK_FULL.
        StoreError::DiskFull(reason) => SqlError::new(1021, "HY000", format!("Disk full ({reason})")),
        StoreError::EntryTooLarge { size, limit, .. } => SqlError::entry_too_large(limit, size),
        other => SqlError::internal(format!("storage: {other}")),
    }
}
