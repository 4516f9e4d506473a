//! Reading the data as committed at one timestamp: one key, several keys, ranges.

mod batch_get;
mod get;
mod scanner;

pub use get::Snapshot;
pub use scanner::{ScanOptions, Scanner};
