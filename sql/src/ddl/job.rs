//! DDL work that outlives its statement: stored with the catalog, finished after a restart.

use serde::{Deserialize, Serialize};

use crate::catalog::{DatabaseId, IndexId, TableId, TableInfo};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: i64,
    pub work: Work,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Bring a table to its wanted form.
    Alter(Box<Alter>),
    /// Delete data that no definition refers to any more.
    Reclaim(Vec<Garbage>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alter {
    pub database: DatabaseId,
    /// The public form before the change.
    pub source: TableInfo,
    /// The public form after it.
    pub target: TableInfo,
    pub stage: Stage,
    /// How far a backfill has come; written with the entries of each batch.
    #[serde(default)]
    pub progress: Progress,
    /// Of the session: whether what does not fit into a generated column is an error. `None` is MySQL's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql_mode: Option<u64>,
}

/// The part of a table that a backfill has behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Record key to go on from; `None` at the start.
    pub next: Option<Vec<u8>>,
    pub rows: u64,
}

/// How far an `Alter` has come; the table in the catalog is the one of this stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// New elements: deletes only.
    EnterDeleteOnly,
    /// New elements: all writes.
    EnterWriteOnly,
    /// New elements are filled from the rows that exist.
    Backfill,
    /// New elements public, old ones: all writes.
    LeaveWriteOnly,
    /// Old elements: deletes only.
    LeaveDeleteOnly,
    Done,
}

/// Keys to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Garbage {
    /// Rows and index entries of a dropped table.
    Table(TableId),
    /// Entries of a dropped index.
    Index(TableId, IndexId),
}
