//! The snapshot of one schema version.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{DatabaseInfo, TableId, TableInfo};

/// One database and its tables by name.
#[derive(Debug, Clone)]
pub struct DatabaseSchema {
    pub info: DatabaseInfo,
    pub tables: BTreeMap<String, Arc<TableInfo>>,
}

/// All databases of one schema version; never changed once shared.
#[derive(Debug, Clone, Default)]
pub struct InfoSchema {
    version: i64,
    databases: BTreeMap<String, Arc<DatabaseSchema>>,
    by_id: HashMap<TableId, (Arc<DatabaseSchema>, Arc<TableInfo>)>,
}

impl InfoSchema {
    pub fn new(version: i64, databases: impl IntoIterator<Item = DatabaseSchema>) -> Self {
        let databases: BTreeMap<_, _> =
            databases.into_iter().map(|schema| (schema.info.name.clone(), Arc::new(schema))).collect();
        let mut snapshot = Self { version, databases, by_id: HashMap::new() };
        snapshot.index_by_id();
        snapshot
    }

    /// The snapshot of a later version in which some databases changed (`Some`) or went away (`None`).
    #[must_use]
    pub fn with_changes(
        &self,
        version: i64,
        changes: impl IntoIterator<Item = (String, Option<DatabaseSchema>)>,
    ) -> Self {
        let mut databases = self.databases.clone();
        for (name, schema) in changes {
            match schema {
                Some(schema) => databases.insert(name, Arc::new(schema)),
                None => databases.remove(&name),
            };
        }
        let mut snapshot = Self { version, databases, by_id: HashMap::new() };
        snapshot.index_by_id();
        snapshot
    }

    fn index_by_id(&mut self) {
        for schema in self.databases.values() {
            for table in schema.tables.values() {
                self.by_id.insert(table.id, (Arc::clone(schema), Arc::clone(table)));
            }
        }
    }

    pub fn version(&self) -> i64 {
        self.version
    }

    pub fn databases(&self) -> impl Iterator<Item = &Arc<DatabaseSchema>> {
        self.databases.values()
    }

    pub fn database(&self, name: &str) -> Option<&Arc<DatabaseSchema>> {
        self.databases.get(name)
    }

    pub fn table(&self, database: &str, table: &str) -> Option<&Arc<TableInfo>> {
        self.databases.get(database)?.tables.get(table)
    }

    pub fn table_by_id(&self, id: TableId) -> Option<&Arc<TableInfo>> {
        self.by_id.get(&id).map(|(_, table)| table)
    }

    /// The database a table belongs to.
    pub fn database_of(&self, id: TableId) -> Option<&Arc<DatabaseSchema>> {
        self.by_id.get(&id).map(|(schema, _)| schema)
    }
}
