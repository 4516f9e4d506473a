//! The coprocessor endpoint: the part of a query that runs where the rows are.
//!
//! The store calls [`SqlEndpoint`] with a scanner over one region's part of the key ranges. Rows are
//! decoded straight into Arrow columns (only those the plan needs), filtered in chunks by the same
//! functions the SQL side uses, and sent back as one batch per page: the rows, the groups that they make, or
//! the first of them in an order.
//!
//! `endpoint.rs` the loop with paging and cancellation, `row_decoder.rs` row format v2 to Arrow,
//! `decimal.rs` the hot part of it,
//! `scan.rs` filter and projection of a chunk, shared with the reader of a transaction's own writes,
//! `partial_aggregate.rs` groups and aggregate states, `top_rows.rs` ORDER BY with LIMIT.
//! Missing: plans in byte form, index entries.

mod decimal;
mod endpoint;
mod partial_aggregate;
mod row_decoder;
mod scan;
mod top_rows;

pub use endpoint::SqlEndpoint;
pub use row_decoder::RowDecoder;
pub use scan::{ScanPipeline, batch_of};
