//! The protocol layer from the outside: a scripted client against the echo server over an in-memory pipe.

#[path = "../../examples/echo/handler.rs"]
mod echo;

mod alike;
mod client;
mod commands;
mod golden;
mod hostile;
mod limits;
mod login;
mod tls;
