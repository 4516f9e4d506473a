//! An index of a table, also the one that is the primary key.

use serde::{Deserialize, Serialize};

use super::{IndexId, SchemaState};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexInfo {
    pub id: IndexId,
    pub name: String,
    pub columns: Vec<IndexColumn>,
    pub unique: bool,
    pub primary: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    #[serde(default)]
    pub state: SchemaState,
}

/// One part of an index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexColumn {
    /// Position in `TableInfo::columns`.
    pub offset: usize,
    pub name: String,
    /// Characters (bytes of a binary string) that are indexed; `None` is the whole value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Declared DESC. Entries are stored ascending all the same: an index is read from either end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
}

impl IndexInfo {
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}
