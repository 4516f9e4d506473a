//! The status port: `/status` as JSON, `/metrics` for Prometheus, `/ready` for load balancers, `/config` as TOML.
//!
//! ```text
//! http      the pages          door      how many clients, for how long, how much they may send
//! settings  port and limits      process  memory, processor time, files
//! part      the pages of a store and of a placement driver, on their own port
//! ```
//! Shows counters, settings and versions, never statements or data. Deliberately missing: profiling; changing anything.

mod door;
mod http;
pub(crate) mod part;
pub(crate) mod process;
mod settings;

pub(crate) use http::{Facts, serve};
pub(crate) use settings::StatusSettings;
