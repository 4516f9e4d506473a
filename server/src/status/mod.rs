//! The status port: `/status` as JSON, `/metrics` for Prometheus, `/ready` for load balancers.
//!
//! Shows counters and versions, never statements or data. Deliberately missing: profiling and configuration pages.

mod http;

pub(crate) use http::{Facts, serve};
