//! Commands: what a client may ask, and the state of its prepared statements that lives in the protocol.

mod parameter;
mod request;
mod statement;

pub use parameter::{DatetimeParts, Parameter, ParameterValue, TimeParts};

pub(crate) use parameter::Layout;
pub(crate) use request::Request;
pub(crate) use statement::Statements;
