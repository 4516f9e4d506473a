//! A real driver and hostile bytes over the wire, and what an operator sees at start and stop.

#![expect(
    clippy::disallowed_methods,
    reason = "the clients run beside the server, outside of any environment"
)]

mod cursor;
mod driver;
mod drivers;
mod errors;
mod hostile;
mod kept;
mod metadata;
mod process;
mod raw;
mod status;
mod tracking;
