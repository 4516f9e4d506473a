//! From accept to authenticated: greeting, the client's response, and what COM_CHANGE_USER repeats of it.

mod change_user;
mod greeting;
mod response;

pub(crate) use change_user::ChangeUser;
pub(crate) use greeting::Greeting;
pub(crate) use response::{Response, is_ssl_request, old_protocol};
