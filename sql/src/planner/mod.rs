//! From bound query to DataFusion plans, and the choice of access paths.
//!
//! ```text
//! binder::Relation --logical.rs--> LogicalPlan --template.rs: rules--> LogicalPlan --> ExecutionPlan
//!                                                                        scans: access_path.rs, ranger.rs
//! ```
//!
//! `many_keys.rs` ORDER BY and GROUP BY of many keys; `aggregate.rs` MySQL's aggregates for DataFusion (`groups.rs` the fast
//! lane of sums, `any_value.rs`, `accumulator.rs`, `row_accumulator.rs` the rest), `window.rs` and `frame.rs` window functions, `pushdown.rs` partial
//! aggregates and first rows at the stores, `memory.rs` pool and quotas, `row_width.rs` what decides how many rows a batch has, `statistics.rs` row counts. Missing: plan cache, cost from real statistics, join order by
//! cost, index merge, order from indexes.

pub mod access_path;
mod accumulator;
pub(crate) mod aggregate;
mod any_value;
mod frame;
mod groups;
pub mod logical;
mod many_keys;
pub mod memory;
pub mod pushdown;
pub mod ranger;
mod row_accumulator;
pub mod row_width;
pub mod statistics;
pub mod template;
mod window;

pub use crate::executor::run_query;
