//! The catalog: what databases, tables, columns and indexes exist.
//!
//! `InfoSchema` is an immutable snapshot of one schema version. A statement takes one `Arc` of it and
//! sees the same objects to its end, however many DDL statements finish meanwhile; a DDL publishes
//! a new snapshot that shares every unchanged table with the old one.
//!
//! Objects being added or removed carry a `SchemaState` and are invisible to queries until public.
//! Names: database and table names are case sensitive (`lower_case_table_names=0`), column and
//! index names are not.
//!
//! Missing on purpose: foreign keys, CHECK constraints, partitions other than by RANGE. The DDL
//! refuses them with error 1235, so no table here can have one.

mod column;
mod database;
mod generated;
mod index;
mod info_schema;
mod partition;
mod state;
pub(crate) mod stored;
mod table;
mod view;

pub use column::{ColumnDefault, ColumnInfo};
pub use database::DatabaseInfo;
pub use generated::{GeneratedColumn, GenerationCell};
pub use index::{IndexColumn, IndexInfo};
pub use info_schema::{DatabaseSchema, InfoSchema};
pub use partition::{PartitionInfo, RangePartition};
pub use state::SchemaState;
pub use table::{HandleKind, TableInfo};
pub use view::ViewInfo;

/// Databases, tables (and later partitions) share one id space; ids are never reused.
pub type TableId = i64;
pub type DatabaseId = i64;
/// Unique inside a table, never reused, so stored rows cannot be misread after a column is dropped.
pub type ColumnId = i64;
pub type IndexId = i64;
