//! EXPLAIN, prepared statements in SQL, table maintenance, FLUSH, ADMIN.

use super::{Ident, ObjectName, Statement};

#[derive(Clone, Debug, PartialEq)]
pub struct Explain {
    pub analyze: bool,
    /// Upper case: `TRADITIONAL`, `JSON`, `TREE`, or another word the executor may know.
    pub format: Option<String>,
    /// `INTO @var`
    pub into: Option<Box<str>>,
    /// `FOR SCHEMA|DATABASE name`
    pub schema: Option<Ident>,
    pub target: ExplainTarget,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExplainTarget {
    /// SELECT, TABLE, VALUES, INSERT, REPLACE, UPDATE, DELETE
    Statement(Box<Statement>),
    Connection(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareSource {
    Text(String),
    /// `FROM @name`, without `@`
    UserVariable(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaintenanceKind {
    Analyze,
    Optimize,
    Check,
    Repair,
    Checksum,
}

/// ANALYZE, OPTIMIZE, CHECK, REPAIR, CHECKSUM TABLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableMaintenance {
    pub kind: MaintenanceKind,
    /// `NO_WRITE_TO_BINLOG` and `LOCAL`
    pub local: bool,
    pub tables: Vec<ObjectName>,
    /// Trailing words (QUICK, EXTENDED, FOR UPGRADE, ...), upper case.
    pub options: Vec<String>,
    /// Of ANALYZE.
    pub histogram: Option<Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Histogram {
    Update { columns: Vec<Ident>, buckets: Option<u64>, data: Option<String>, auto_update: Option<bool> },
    Drop { columns: Vec<Ident> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flush {
    /// `NO_WRITE_TO_BINLOG` and `LOCAL`
    pub local: bool,
    pub what: FlushTarget,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlushTarget {
    /// `FLUSH TABLES [names] [WITH READ LOCK | FOR EXPORT]`
    Tables { tables: Vec<ObjectName>, read_lock: bool, for_export: bool },
    /// PRIVILEGES, STATUS, LOGS, BINARY LOGS, USER_RESOURCES, ...: upper case, in order
    Options(Vec<String>),
}

/// `ADMIN ...`: TiDB's operator statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admin {
    ShowDdl,
    ShowDdlJobs { limit: Option<u64> },
    CancelDdlJobs(Vec<u64>),
    PauseDdlJobs(Vec<u64>),
    ResumeDdlJobs(Vec<u64>),
    CheckTables(Vec<ObjectName>),
    CheckIndex { table: ObjectName, index: Ident },
    ChecksumTables(Vec<ObjectName>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoutineKind {
    Procedure,
    Function,
    Trigger,
    Event,
}

/// `DROP PROCEDURE|FUNCTION|TRIGGER|EVENT [IF EXISTS] name`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropRoutine {
    pub kind: RoutineKind,
    pub if_exists: bool,
    pub name: ObjectName,
}
