//! Transactions, savepoints, LOCK TABLES.

use super::{Ident, ObjectName};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begin {
    /// `READ ONLY` / `READ WRITE`
    pub read_only: Option<bool>,
    pub consistent_snapshot: bool,
}

/// The tail of COMMIT and ROLLBACK; `None` is the default of `completion_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    pub chain: Option<bool>,
    pub release: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// `SET [GLOBAL|SESSION] TRANSACTION ...`; at least one field is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionCharacteristics {
    pub isolation: Option<IsolationLevel>,
    pub read_only: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedTable {
    pub table: ObjectName,
    pub alias: Option<Ident>,
    pub mode: TableLockMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TableLockMode {
    Read,
    ReadLocal,
    /// also `LOW_PRIORITY WRITE`
    Write,
}
