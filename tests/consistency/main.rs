//! What must survive: acknowledged rows across `kill -9`, exact sums under concurrent transfers, updates of locked rows,
//! an index that comes and goes while regions split.

#![expect(
    clippy::disallowed_methods,
    reason = "the clients run beside the server, outside of any environment"
)]

mod churn;
mod kill;
mod locks;
mod transfers;
