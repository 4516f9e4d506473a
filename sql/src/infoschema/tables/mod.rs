//! Rows of the computed tables, one file per subject.

mod catalog;
mod charset;
mod columns;
mod keys;
pub(super) mod performance_schema;
mod server;

pub(super) use catalog::created;
pub(super) use charset::{pad_name, sorted as sorted_collations};
pub(super) use columns::PRIVILEGES;
pub(super) use keys::column_name;
pub(super) use server::ENGINE;

use super::registry::Producer;

/// What fills a table of INFORMATION_SCHEMA; `None` for tables that are always empty here.
pub(super) fn producer(name: &str) -> Option<Producer> {
    Some(match name {
        "SCHEMATA" => catalog::schemata,
        "TABLES" => catalog::tables,
        "PARTITIONS" => catalog::partitions,
        "VIEWS" => catalog::views,
        "COLUMNS" => columns::columns,
        "STATISTICS" => keys::statistics,
        "KEY_COLUMN_USAGE" => keys::key_column_usage,
        "TABLE_CONSTRAINTS" => keys::table_constraints,
        "CHARACTER_SETS" => charset::character_sets,
        "COLLATIONS" => charset::collations,
        "COLLATION_CHARACTER_SET_APPLICABILITY" => charset::applicability,
        "ENGINES" => server::engines,
        "CLUSTER_PROCESSLIST" => server::cluster_processlist,
        "PROCESSLIST" => server::processlist,
        "USER_PRIVILEGES" => server::user_privileges,
        "PLUGINS" => server::plugins,
        _ => return None,
    })
}
