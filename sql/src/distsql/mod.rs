//! Pushed-down plans: what goes to each region and what comes back.
//!
//! ```text
//! ScanRequest (shared object) --kv client--> region's store --storeside endpoint--> RecordBatch (shared)
//! ```
//!
//! `request.rs` the plan of a table scan, `stage.rs` what a store makes of its rows, `select.rs` running it over
//! key ranges as a stream of batches. Missing: the byte form of both for stores in other processes.

mod request;
mod select;
mod stage;

pub use request::{ScanRequest, Stage, TABLE_SCAN};
pub use select::{BatchStream, LockedScans, OwnWrites, ReadView, from_storage, select_rows};
pub use stage::{PartialAggregate, PartialCall, ScanWork, TopRows, WorkDone};
