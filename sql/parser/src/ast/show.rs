//! SHOW, DESCRIBE of a table.

use super::{Account, Expr, Ident, Limit, ObjectName};

/// `LIKE 'pattern'` or `WHERE condition` over the output columns.
#[derive(Clone, Debug, PartialEq)]
pub enum ShowFilter {
    Like(String),
    Where(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShowScope {
    Global,
    /// `SESSION`, `LOCAL`, or nothing
    Session,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Show {
    Databases {
        filter: Option<ShowFilter>,
    },
    Tables {
        extended: bool,
        full: bool,
        database: Option<Ident>,
        filter: Option<ShowFilter>,
    },
    TableStatus {
        database: Option<Ident>,
        filter: Option<ShowFilter>,
    },
    OpenTables {
        database: Option<Ident>,
        filter: Option<ShowFilter>,
    },
    /// SHOW COLUMNS|FIELDS, and `DESCRIBE t [pattern]` (neither extended nor full)
    Columns {
        extended: bool,
        full: bool,
        table: ObjectName,
        filter: Option<ShowFilter>,
    },
    /// SHOW INDEX|INDEXES|KEYS; MySQL has no LIKE here
    Index {
        extended: bool,
        table: ObjectName,
        condition: Option<Expr>,
    },
    CreateTable(ObjectName),
    CreateView(ObjectName),
    CreateDatabase {
        if_not_exists: bool,
        name: Ident,
    },
    CreateUser(Account),
    CreateTrigger(ObjectName),
    CreateProcedure(ObjectName),
    CreateFunction(ObjectName),
    CreateEvent(ObjectName),
    Variables {
        scope: ShowScope,
        filter: Option<ShowFilter>,
    },
    Status {
        scope: ShowScope,
        filter: Option<ShowFilter>,
    },
    Warnings {
        limit: Option<Limit>,
    },
    Errors {
        limit: Option<Limit>,
    },
    CountWarnings,
    CountErrors,
    Engines,
    /// `SHOW ENGINE name STATUS|MUTEX|LOGS`
    Engine {
        name: String,
        what: EngineReport,
    },
    Plugins,
    Processlist {
        full: bool,
    },
    Grants {
        account: Option<Account>,
        using: Vec<Account>,
    },
    Privileges,
    CharacterSet {
        filter: Option<ShowFilter>,
    },
    Collation {
        filter: Option<ShowFilter>,
    },
    Triggers {
        full: bool,
        database: Option<Ident>,
        filter: Option<ShowFilter>,
    },
    Events {
        database: Option<Ident>,
        filter: Option<ShowFilter>,
    },
    ProcedureStatus {
        filter: Option<ShowFilter>,
    },
    FunctionStatus {
        filter: Option<ShowFilter>,
    },
    ProcedureCode(ObjectName),
    FunctionCode(ObjectName),
    /// SHOW BINARY LOG STATUS and SHOW MASTER STATUS
    BinaryLogStatus,
    /// SHOW BINARY LOGS and SHOW MASTER LOGS
    BinaryLogs,
    BinlogEvents {
        relay: bool,
        log: Option<String>,
        position: Option<u64>,
        limit: Option<Limit>,
    },
    /// SHOW REPLICA STATUS and SHOW SLAVE STATUS
    ReplicaStatus {
        channel: Option<String>,
    },
    /// SHOW REPLICAS and SHOW SLAVE HOSTS
    Replicas,
    Profiles,
    Profile {
        query: Option<u64>,
        limit: Option<Limit>,
    },
    /// `SHOW TABLE t [INDEX i] REGIONS`
    TableRegions {
        table: ObjectName,
        index: Option<Ident>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineReport {
    Status,
    Mutex,
    Logs,
}
