//! A column of a table.

use rutile_sql_types::{FieldType, Value};
use serde::{Deserialize, Serialize};

use super::stored::StoredColumn;
use super::{ColumnId, GeneratedColumn, SchemaState};

/// What a column holds when an INSERT does not name it.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ColumnDefault {
    /// No DEFAULT clause: NULL, or error 1364 when the column is NOT NULL.
    #[default]
    Absent,
    /// `DEFAULT NULL`, written out.
    Null,
    /// Already converted to the type of the column.
    Literal(Value),
    /// `CURRENT_TIMESTAMP[(fsp)]` in the column's own precision.
    CurrentTimestamp,
    /// `DEFAULT (expr)`: the text of the expression, evaluated per row.
    Expression(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "StoredColumn", try_from = "StoredColumn")]
pub struct ColumnInfo {
    pub id: ColumnId,
    pub name: String,
    /// Position in `TableInfo::columns`.
    pub offset: usize,
    pub ty: FieldType,
    pub default: ColumnDefault,
    /// `ON UPDATE CURRENT_TIMESTAMP`.
    pub on_update_now: bool,
    pub auto_increment: bool,
    pub comment: String,
    pub state: SchemaState,
    /// The value of rows that were written before the column was added and so do not hold it.
    pub original_default: Value,
    /// `AS (expression)`
    pub generated: Option<GeneratedColumn>,
}

impl ColumnInfo {
    /// Its value is computed when a row is read and is not in the row.
    pub fn is_virtual(&self) -> bool {
        self.generated.as_ref().is_some_and(|generated| !generated.stored)
    }

    pub fn is_named(&self, name: &str) -> bool {
        // MySQL folds column names by utf8mb3_general_ci; ASCII folding plus Unicode lower case agrees
        // for the names that occur.
        self.name.eq_ignore_ascii_case(name)
            || (!self.name.is_ascii() && self.name.to_lowercase() == name.to_lowercase())
    }
}
