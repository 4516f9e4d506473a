//! A table: columns, indexes, and how its rows are named.

use std::sync::Arc;

use bytes::Bytes;
use rutile_sql_types::{Collation, MySqlError, Value};
use serde::{Deserialize, Serialize};

use super::{
    ColumnId, ColumnInfo, GenerationCell, IndexId, IndexInfo, PartitionInfo, TableId, ViewInfo, stored,
};
use crate::codec::{CodecError, Handle, datum};
use crate::generation::Generation;

/// What names a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandleKind {
    /// Clustered on this one integer column, whose value is the handle and is not in the row.
    Integer { offset: usize },
    /// Clustered on any other primary key: its memcomparable datums are the handle.
    Common,
    /// No primary key: a hidden row id, given by the table's allocator.
    RowId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableInfo {
    pub id: TableId,
    pub name: String,
    /// By offset. Columns that are not public stand behind the public ones.
    pub columns: Vec<ColumnInfo>,
    /// In MySQL's order: the primary key, unique keys without NULLs, other unique keys, the rest; in each of these the
    /// keys with virtual columns last.
    pub indexes: Vec<IndexInfo>,
    pub handle: HandleKind,
    #[serde(with = "stored::collation")]
    pub collation: Collation,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// `AUTO_INCREMENT=n` of CREATE or ALTER: the allocator starts here; 0 and 1 both mean 1.
    #[serde(default)]
    pub auto_increment_start: u64,
    /// The next id a new column gets; ids are never used twice.
    pub next_column_id: ColumnId,
    pub next_index_id: IndexId,
    /// Milliseconds since 1970, shown as `Create_time`.
    #[serde(default)]
    pub created_ms: u64,
    /// Schema version of the last change, for plan caches and commit checks.
    #[serde(default)]
    pub version: i64,
    /// Set for a view, which has columns but no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<ViewInfo>,
    /// `PARTITION BY RANGE`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitioning: Option<PartitionInfo>,
    #[serde(skip)]
    pub bound: GenerationCell,
}

impl TableInfo {
    pub fn is_common_handle(&self) -> bool {
        self.handle == HandleKind::Common
    }

    /// The expressions of the generated columns and of partitions, bound once for this definition; `None` if there are
    /// none.
    pub fn generation(&self) -> Result<Option<&Arc<Generation>>, MySqlError> {
        self.bound.get_or_bind(|| Generation::of(self))
    }

    /// The columns a query can name, in order.
    pub fn public_columns(&self) -> impl Iterator<Item = &ColumnInfo> {
        self.columns.iter().filter(|column| column.state.is_public())
    }

    /// A public column by name, in any case.
    pub fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.public_columns().find(|column| column.is_named(name))
    }

    /// The indexes a plan can use, the primary key among them.
    pub fn public_indexes(&self) -> impl Iterator<Item = &IndexInfo> {
        self.indexes.iter().filter(|index| index.state.is_public())
    }

    pub fn index(&self, name: &str) -> Option<&IndexInfo> {
        self.public_indexes().find(|index| index.is_named(name))
    }

    pub fn primary_key(&self) -> Option<&IndexInfo> {
        self.public_indexes().find(|index| index.primary)
    }

    /// The primary key is the row itself: it has no entries of its own.
    pub fn is_clustered(&self, index: &IndexInfo) -> bool {
        index.primary && self.handle != HandleKind::RowId
    }

    /// The indexes whose entries an INSERT writes.
    pub fn writable_indexes(&self) -> impl Iterator<Item = &IndexInfo> {
        self.deletable_indexes().filter(|index| index.state.is_writable())
    }

    /// The indexes whose entries a DELETE removes.
    pub fn deletable_indexes(&self) -> impl Iterator<Item = &IndexInfo> {
        self.indexes.iter().filter(|index| !self.is_clustered(index))
    }

    pub fn auto_increment_column(&self) -> Option<&ColumnInfo> {
        self.public_columns().find(|column| column.auto_increment)
    }

    /// The column whose value is the integer handle; it is not stored in the row.
    pub fn handle_column(&self) -> Option<&ColumnInfo> {
        match self.handle {
            HandleKind::Integer { offset } => self.columns.get(offset),
            HandleKind::Common | HandleKind::RowId => None,
        }
    }

    /// The handle of a row from its values (by column offset); `None` when the table has hidden row ids.
    pub fn handle_of(&self, row: &[Value]) -> Result<Option<Handle>, CodecError> {
        match self.handle {
            HandleKind::RowId => Ok(None),
            HandleKind::Integer { offset } => match row.get(offset) {
                Some(Value::Int(value)) => Ok(Some(Handle::Int(*value))),
                Some(Value::UInt(value)) => Ok(Some(Handle::Int(value.cast_signed()))),
                other => Err(CodecError::malformed("handle", format!("{other:?} in the key column"))),
            },
            HandleKind::Common => {
                let primary = self
                    .indexes
                    .iter()
                    .find(|index| index.primary)
                    .ok_or_else(|| CodecError::malformed("table", "clustered without a primary key"))?;
                let mut encoded = Vec::new();
                for part in &primary.columns {
                    let (column, value) =
                        self.columns.get(part.offset).zip(row.get(part.offset)).ok_or_else(|| {
                            CodecError::malformed("handle", format!("column offset {}", part.offset))
                        })?;
                    datum::append_prefix(&mut encoded, value, &column.ty, part.length)?;
                }
                Ok(Some(Handle::Common(Bytes::from(encoded))))
            }
        }
    }

    /// The value of an integer handle in the type of its column.
    pub fn handle_value(&self, handle: i64) -> Value {
        match self.handle_column() {
            Some(column) if column.ty.unsigned => Value::UInt(handle.cast_unsigned()),
            _ => Value::Int(handle),
        }
    }

    /// Orders the indexes as MySQL lists and numbers them.
    pub fn sort_indexes(&mut self) {
        let columns = &self.columns;
        let nullable = |index: &IndexInfo| {
            index.columns.iter().any(|part| columns.get(part.offset).is_none_or(|c| !c.ty.not_null))
        };
        let computed = |index: &IndexInfo| {
            index.columns.iter().any(|part| columns.get(part.offset).is_some_and(ColumnInfo::is_virtual))
        };
        self.indexes.sort_by_key(|index| {
            let kind = match (index.primary, index.unique) {
                (true, _) => 0,
                (false, true) => 1 + u8::from(nullable(index)),
                (false, false) => 3,
            };
            (kind, computed(index))
        });
    }

    /// MySQL's `PRI`, `UNI`, `MUL` or nothing, as DESCRIBE and information_schema show it.
    pub fn key_mark(&self, column: &ColumnInfo) -> &'static str {
        let leading = |index: &&IndexInfo| index.columns.first().is_some_and(|p| p.offset == column.offset);
        if self.primary_key().is_some_and(|key| key.columns.iter().any(|p| p.offset == column.offset)) {
            return "PRI";
        }
        // A unique key without NULLs stands in for a missing primary key (MySQL manual, SHOW COLUMNS).
        let promoted = self.promoted_unique_key();
        if promoted.is_some_and(|key| key.columns.iter().any(|p| p.offset == column.offset)) {
            return "PRI";
        }
        if self.public_indexes().any(|index| index.unique && index.columns.len() == 1 && leading(&index)) {
            return "UNI";
        }
        if self.public_indexes().any(|index| leading(&index)) { "MUL" } else { "" }
    }

    fn promoted_unique_key(&self) -> Option<&IndexInfo> {
        if self.primary_key().is_some() {
            return None;
        }
        self.public_indexes().find(|index| {
            index.unique
                && index.columns.iter().all(|part| {
                    part.length.is_none()
                        && self.columns.get(part.offset).is_some_and(|column| column.ty.not_null)
                })
        })
    }
}
