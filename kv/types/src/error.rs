//! Decoding errors, and the classes every package of the store sorts its errors into.

/// What the receiver of an error should do; every package's error enum answers one of these from `class()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The same request may succeed if sent again to the same place.
    Retry,
    /// The caller's idea of region, leader or store is out of date.
    RefreshRegion,
    /// Another transaction's lock stands in the way.
    ResolveLock,
    /// The request itself is at fault; the user must be told.
    User,
    /// The machine: disk, file system, permissions.
    Io,
    /// Stored bytes are not what was written.
    Corruption,
    /// The service is going away.
    Closed,
    /// An expectation of our own code did not hold.
    Bug,
}

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The input ended inside `what`.
    #[error("{what} is cut short: {needed} bytes needed, {left} left")]
    UnexpectedEnd { what: &'static str, needed: usize, left: usize },
    /// The bytes of `what` can not have been written by an encoder.
    #[error("{what} is malformed: {reason}")]
    Malformed { what: &'static str, reason: &'static str },
    /// A type byte that no known version writes.
    #[error("{what} has unknown type byte {byte:#04x}")]
    UnknownType { what: &'static str, byte: u8 },
}

impl Error {
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::UnexpectedEnd { .. } | Error::Malformed { .. } | Error::UnknownType { .. } => {
                ErrorClass::Corruption
            }
        }
    }
}
