//! Errors of the placement driver client.

use rutile_kv_proto::{Status, pdpb};
use rutile_kv_types::ErrorClass;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The call itself failed, also after waiting for a leader.
    #[error("PD call {call} failed: {status}")]
    Call { call: &'static str, status: Status },
    /// PD ran the call and refused.
    #[error("PD refused {call}: {kind:?}: {message}")]
    Refused { call: &'static str, kind: pdpb::ErrorType, message: String },
    /// PD answered without something the protocol requires.
    #[error("PD answered {call} without {missing}")]
    Incomplete { call: &'static str, missing: &'static str },
}

impl Error {
    pub fn class(&self) -> ErrorClass {
        match self {
            Error::Call { .. } => ErrorClass::Retry,
            Error::Refused { kind: pdpb::ErrorType::RegionNotFound, .. } => ErrorClass::RefreshRegion,
            Error::Refused { .. } => ErrorClass::User,
            Error::Incomplete { .. } => ErrorClass::Bug,
        }
    }
}
