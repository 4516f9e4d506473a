//! Why stored bytes could not be read.

/// Bytes in the store that do not follow the format: always damage or a newer format, never the
/// user's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("stored {what} ends early")]
    Truncated { what: &'static str },
    #[error("stored {what} is malformed: {detail}")]
    Malformed { what: &'static str, detail: String },
    #[error("{what} cannot be part of a key")]
    NotKeyable { what: &'static str },
}

impl CodecError {
    pub(crate) fn malformed(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Malformed { what, detail: detail.into() }
    }
}

pub type Result<T> = std::result::Result<T, CodecError>;
