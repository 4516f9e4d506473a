//! Changing the catalog while sessions go on working.
//!
//! ```text
//! change.rs        one catalog change as a transaction; one DDL at a time; publish the new version
//! database.rs      CREATE, ALTER, DROP DATABASE
//! create_table.rs  CREATE TABLE, CREATE TABLE LIKE;  column.rs  selected_columns.rs  index.rs  option.rs  default.rs  its parts
//! generated.rs     generated columns in both;  partition.rs  PARTITION BY RANGE
//! drop_table.rs    DROP and TRUNCATE TABLE;          rename_table.rs   view.rs
//! alter_table.rs   ALTER TABLE, CREATE and DROP INDEX: from the actions to the table that is wanted
//! alter_job.rs     from the table that is to the table that is wanted, through the F1 states
//! backfill.rs      index entries and stored columns of the rows that exist;  reclaim.rs  deleting data nobody can reach
//! job.rs           what of this survives a restart
//! ```
//!
//! An element of a table enters as delete-only, write-only, (backfilled), public, and leaves the other way
//! round (Rae et al., VLDB 2013). Between two states the statements and transactions that still use the
//! older one are waited for (`domain::MetadataLocks`).
//!
//! What is not there answers error 1235 by name and is never ignored: foreign keys, CHECK, other partitions,
//! temporary tables, DEFAULT (expression).

mod alter_job;
mod alter_table;
mod backfill;
mod change;
mod column;
mod create_table;
mod database;
mod default;
mod drop_table;
mod generated;
mod index;
pub mod job;
mod option;
mod partition;
mod reclaim;
mod rename_table;
mod resume;
mod row_size;
mod selected_columns;
mod view;

pub use alter_table::{alter_table, create_index, drop_index};
pub use create_table::create_table;
pub use database::{alter_database, create_database, drop_database};
pub(crate) use default::literal_value;
pub use drop_table::{drop_table, truncate_table};
pub(crate) use reclaim::finish_reclaims;
pub use rename_table::rename_table;
pub(crate) use resume::{finish_alters, has_alters};
pub use resume::{resume_jobs, unfinished_jobs};
pub use view::{create_view, drop_view};
