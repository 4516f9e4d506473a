//! What a statement answers.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use rutile_sql_types::{FieldType, Value};

use super::load::Load;
use crate::error::SqlError;

/// Description of one result column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnMeta {
    /// The title the client sees.
    pub name: Arc<str>,
    /// The column's name in its table; empty for expressions.
    pub org_name: Arc<str>,
    /// The alias of the table in the query.
    pub table: Arc<str>,
    pub org_table: Arc<str>,
    pub schema: Arc<str>,
    pub ty: FieldType,
    /// Key flags that do not follow from the type (`WireFlags`: PRI_KEY, UNIQUE_KEY, AUTO_INCREMENT …).
    pub flags: u16,
}

impl ColumnMeta {
    /// A column that comes from no table.
    pub fn computed(name: impl Into<Arc<str>>, ty: FieldType) -> Self {
        let empty: Arc<str> = Arc::from("");
        Self {
            name: name.into(),
            org_name: Arc::clone(&empty),
            table: Arc::clone(&empty),
            org_table: Arc::clone(&empty),
            schema: empty,
            ty,
            flags: 0,
        }
    }
}

/// Rows of a result.
pub enum Rows {
    Values(Vec<Vec<Value>>),
    /// Pulled as the client reads; an error ends the result.
    Batches(BoxStream<'static, Result<RecordBatch, SqlError>>),
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Values(rows) => f.debug_tuple("Values").field(rows).finish(),
            Self::Batches(_) => f.write_str("Batches(..)"),
        }
    }
}

#[derive(Debug)]
pub struct ResultSet {
    pub columns: Arc<[ColumnMeta]>,
    pub rows: Rows,
    /// Warnings known when the result starts.
    pub warnings: u16,
}

/// What one statement answered.
#[derive(Debug)]
pub enum Outcome {
    Ok {
        affected_rows: u64,
        last_insert_id: u64,
        /// `Rows matched: 1  Changed: 0  Warnings: 0` and the like.
        info: String,
        warnings: u16,
    },
    Rows(ResultSet),
    /// LOAD DATA LOCAL INFILE: the connection streams the file into the load and finishes it.
    LocalInfile(LoadRequest),
}

impl Outcome {
    /// OK without rows.
    pub fn done() -> Self {
        Self::affected(0)
    }

    pub fn affected(affected_rows: u64) -> Self {
        Self::Ok { affected_rows, last_insert_id: 0, info: String::new(), warnings: 0 }
    }

    /// Rows that are already there.
    pub fn values(columns: Vec<ColumnMeta>, rows: Vec<Vec<Value>>) -> Self {
        Self::Rows(ResultSet { columns: columns.into(), rows: Rows::Values(rows), warnings: 0 })
    }

    pub(super) fn set_warnings(&mut self, count: u16) {
        match self {
            Self::Ok { warnings, .. } | Self::Rows(ResultSet { warnings, .. }) => *warnings = count,
            Self::LocalInfile(_) => {}
        }
    }
}

/// A file the client is asked to send.
pub struct LoadRequest {
    pub file_name: String,
    pub load: Box<Load>,
}

impl std::fmt::Debug for LoadRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadRequest").field("file_name", &self.file_name).finish_non_exhaustive()
    }
}
