//! What one schema version changed, so that a node reloads only that.

use serde::{Deserialize, Serialize};

use crate::catalog::{DatabaseId, TableId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaDiff {
    pub version: i64,
    /// Databases whose own entry or set of tables changed.
    pub databases: Vec<DatabaseId>,
    /// Tables whose definition changed; plan caches drop what used them.
    pub tables: Vec<TableId>,
}
