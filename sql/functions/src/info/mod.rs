//! The information functions: of the session (`session.rs`), of a value (`value.rs`), of addresses (`address.rs`),
//! UUIDs (`uuid.rs`), and SLEEP and BENCHMARK (`delay.rs`).
//! Missing on purpose: named locks, which need the cluster, and ICU_VERSION.

mod address;
mod delay;
mod session;
mod uuid;
mod value;

use crate::call::Function;

pub(crate) const FAMILIES: &[&[Function]] =
    &[session::FUNCTIONS, value::FUNCTIONS, address::FUNCTIONS, uuid::FUNCTIONS, delay::FUNCTIONS];

/// What only the session's own server can answer, or would wait for.
pub(crate) const OF_SESSION: &[&[Function]] = &[session::FUNCTIONS, uuid::FUNCTIONS, delay::FUNCTIONS];
