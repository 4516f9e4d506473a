//! What a query does and did: EXPLAIN and EXPLAIN ANALYZE; `explain_short_read.rs` of queries without a plan.
//!
//! Missing: the slow log, the statement summary, TRACE, EXPLAIN in TREE and JSON form.

mod explain;
mod explain_short_read;

pub use explain::{explain_columns, explain_rows};
pub use explain_short_read::explain_short_read;
