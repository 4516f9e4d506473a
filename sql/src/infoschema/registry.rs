//! Computed tables by name.

use std::sync::Arc;

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::columns_of_tables::TABLES;
use super::definition::ColumnDefinition;
use super::tables;
use crate::binder::VirtualTable;
use crate::catalog::InfoSchema;
use crate::session::{Instance, SessionState};

pub(super) const INFORMATION_SCHEMA: &str = "information_schema";
/// Connections of all SQL nodes.
const CLUSTER_PROCESSLIST: &str = "CLUSTER_PROCESSLIST";
pub(super) const PERFORMANCE_SCHEMA: &str = "performance_schema";

/// Databases that exist without being created, in the order SHOW DATABASES merges them.
pub fn virtual_databases() -> [&'static str; 2] {
    [INFORMATION_SCHEMA, PERFORMANCE_SCHEMA]
}

/// The proper name of a computed database; its names compare in any case.
pub fn virtual_database(name: &str) -> Option<&'static str> {
    virtual_databases().into_iter().find(|known| name.eq_ignore_ascii_case(known))
}

pub fn is_virtual_database(name: &str) -> bool {
    virtual_database(name).is_some()
}

/// Whether the table is the one that can be truncated.
pub fn is_host_cache(database: &str, table: &str) -> bool {
    virtual_database(database) == Some(PERFORMANCE_SCHEMA)
        && table.eq_ignore_ascii_case(tables::performance_schema::HOST_CACHE)
}

/// Whether a statement may ask for the connections of other nodes, which have to be gathered first.
pub fn names_cluster_processes(text: &[u8]) -> bool {
    text.windows(CLUSTER_PROCESSLIST.len())
        .any(|part| part.eq_ignore_ascii_case(CLUSTER_PROCESSLIST.as_bytes()))
}

/// Names of the tables of a computed database.
pub fn virtual_tables_of(database: &str) -> Vec<&'static str> {
    match virtual_database(database) {
        Some(INFORMATION_SCHEMA) => TABLES.iter().map(|(name, _)| *name).collect(),
        Some(_) => tables::performance_schema::NAMES.to_vec(),
        None => Vec::new(),
    }
}

/// What a computed table may look at.
pub(super) struct Sources<'a> {
    pub instance: &'a Instance,
    pub session: &'a SessionState,
    pub schema: Arc<InfoSchema>,
}

/// Computes the rows of one table.
pub(super) type Producer = fn(&Sources<'_>) -> Vec<Vec<Value>>;

/// A computed table with its rows.
#[derive(Debug)]
struct ComputedTable {
    name: &'static str,
    columns: &'static [ColumnDefinition],
    rows: Vec<Vec<Value>>,
    /// Why there are no rows to show.
    problem: Option<MySqlError>,
}

impl VirtualTable for ComputedTable {
    fn name(&self) -> &str {
        self.name
    }

    fn columns(&self) -> Vec<(Arc<str>, FieldType)> {
        self.columns.iter().map(|column| (Arc::from(column.name), column.ty())).collect()
    }

    fn rows(&self) -> Result<Vec<Vec<Value>>, MySqlError> {
        match &self.problem {
            Some(problem) => Err(problem.clone()),
            None => Ok(self.rows.clone()),
        }
    }
}

/// The columns of a computed table.
pub(super) fn definition(database: &str, table: &str) -> Option<(&'static str, &'static [ColumnDefinition])> {
    let list: &'static [(&'static str, &'static [ColumnDefinition])] = match virtual_database(database)? {
        INFORMATION_SCHEMA => TABLES,
        _ => tables::performance_schema::TABLES,
    };
    list.iter().find(|(name, _)| name.eq_ignore_ascii_case(table)).copied()
}

/// A computed table as `session` may see it.
pub fn virtual_table(
    database: &str,
    table: &str,
    instance: &Instance,
    session: &SessionState,
    schema: Arc<InfoSchema>,
) -> Option<Arc<dyn VirtualTable>> {
    let (name, columns) = definition(database, table)?;
    // Gathered from the other nodes before binding, if the statement names the table.
    let not_gathered =
        name == CLUSTER_PROCESSLIST && instance.membership().is_some() && session.cluster_processes.is_none();
    let problem = not_gathered.then(|| MySqlError::not_supported_yet("CLUSTER_PROCESSLIST through a view"));
    let sources = Sources { instance, session, schema };
    let producer = match virtual_database(database)? {
        INFORMATION_SCHEMA => tables::producer(name),
        _ => tables::performance_schema::producer(name),
    };
    let rows = producer.map(|produce| produce(&sources)).unwrap_or_default();
    Some(Arc::new(ComputedTable { name, columns, rows, problem }))
}
