//! Pushed-down plans: what goes to each region and what comes back.
//!
//! ```text
//! ScanRequest (shared object) --kv client--> region's store --storeside endpoint--> RecordBatch (shared)
//! ```
//!
//! `request.rs` the plan of a table scan, `stage.rs` what a store makes of its rows, `select.rs` running it over
//! key ranges as a stream of batches; `wire` both as bytes, where stores are other processes, `scan_here.rs` the same in
//! this one, for the few plans that have no such form.

mod request;
mod scan_here;
mod select;
mod stage;
pub(crate) mod wire;

pub use request::{ScanRequest, Stage, TABLE_SCAN};
pub use select::{BatchStream, LockedScans, OwnWrites, ReadView, from_storage, select_rows};
pub use stage::{PartialAggregate, PartialCall, ScanWork, TopRows, WorkDone};
