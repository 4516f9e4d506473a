//! Operators that DataFusion does not have, and running a whole plan.
//!
//! `provider.rs` a stored table as a DataFusion table: takes filters, chooses the access path;
//! `table_reader.rs` the scan operator, over record ranges or through an index (`index_lookup.rs`),
//! with the transaction's own writes merged in (`union_scan.rs`); `sequential_union.rs` UNION in written order; `row.rs` (`row_order.rs`,
//! `row_group.rs`) queries evaluated row by row, without tables or over the few rows that `short_read.rs` reads by
//! their keys (`row_walk.rs`, `snapshot_reader.rs`), which prepared statements bind once (`read_template.rs`); `run.rs` everything from bound query to result stream (`planner.rs`: plans, large ones beside the session), `materialize.rs` what must run before it; `statement.rs` whole statements for the session.
//!
//! Statements that write, without DataFusion: `dml.rs` chooses and binds, `insert.rs` (`insert_rows.rs`,
//! `insert_conflict.rs`), `update.rs`, `delete.rs` run; `row_source.rs` chooses rows with the same `row_walk.rs`,
//! `column_values.rs` converts values and fills defaults (`strict.rs`: what strict mode makes of warnings), `write_row.rs` keeps records and index entries together.
//! `locking_read.rs` is SELECT ... FOR UPDATE. `check_table.rs` compares indexes with their table, `split_table.rs` cuts regions. Missing: multi-table forms, subqueries in them, UPDATE IGNORE.

mod check_table;
pub(crate) mod column_values;
mod delete;
mod dml;
mod index_lookup;
mod insert;
mod insert_conflict;
mod insert_rows;
mod joined_update;
mod joined_write;
mod locking_join;
mod locking_read;
mod materialize;
mod planner;
mod provider;
mod read_template;
mod row;
mod row_group;
mod row_order;
mod row_source;
mod row_walk;
mod run;
mod sequential_union;
mod short_read;
mod snapshot_reader;
mod split_table;
mod statement;
pub(crate) mod strict;
mod table_reader;
mod union_scan;
pub(crate) mod update;
mod watched;
pub(crate) mod write_row;

pub use check_table::check_table;
pub use dml::{check_dml, run_dml};
pub use planner::PlannedQuery;
pub use provider::StoredTable;
pub use read_template::TemplateCache;
pub use run::{QueryEngine, to_mysql_error};
pub use sequential_union::OrderUnions;
pub use short_read::ShortRead;
pub use split_table::{Cuts, split_table};
pub use statement::{
    collect, describe_explain, describe_query, evaluate_expression, explain, filter_rows, output_columns,
    read_view, run_prepared_query, run_query, stored_tables_of, view_columns,
};
pub use table_reader::TableReader;
pub use watched::Watched;
