//! A real driver and hostile bytes over the wire, and what an operator sees at start and stop.

mod driver;
mod errors;
mod hostile;
mod metadata;
mod process;
