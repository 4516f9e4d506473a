//! The output columns of every SHOW, with MySQL 9.7's names, order and types.

use rutile_sql_parser::ast::{Ident, Show, ShowFilter};
use rutile_sql_types::{Collation, FieldType, TypeKind};

use super::filter_of;
use crate::error::{Error, Result};
use crate::session::{ColumnMeta, StatementContext};

fn text(name: &str, chars: u32) -> ColumnMeta {
    ColumnMeta::computed(name, FieldType::varchar(chars, Collation::DEFAULT))
}

fn required(name: &str, chars: u32) -> ColumnMeta {
    ColumnMeta::computed(name, FieldType::varchar(chars, Collation::DEFAULT).with_not_null())
}

fn long_text(name: &str) -> ColumnMeta {
    ColumnMeta::computed(name, FieldType::text(Collation::DEFAULT))
}

fn number(name: &str) -> ColumnMeta {
    ColumnMeta::computed(name, FieldType::bigint())
}

fn unsigned(name: &str) -> ColumnMeta {
    ColumnMeta::computed(name, FieldType::ubigint())
}

fn integer(name: &str) -> ColumnMeta {
    ColumnMeta::computed(name, FieldType::int().with_not_null())
}

fn time(name: &str, kind: TypeKind) -> ColumnMeta {
    ColumnMeta::computed(name, FieldType::new(kind))
}

const NAME: u32 = 64;

fn create_view() -> Vec<ColumnMeta> {
    vec![
        required("View", NAME),
        required("Create View", 1024),
        required("character_set_client", NAME),
        required("collation_connection", NAME),
    ]
}

/// TiDB's columns.
fn table_regions() -> Vec<ColumnMeta> {
    vec![
        unsigned("REGION_ID"),
        text("START_KEY", 64),
        text("END_KEY", 64),
        unsigned("LEADER_ID"),
        unsigned("LEADER_STORE_ID"),
        text("PEERS", 64),
        number("SCATTERING"),
        number("WRITTEN_BYTES"),
        number("READ_BYTES"),
        number("APPROXIMATE_SIZE(MB)"),
        number("APPROXIMATE_KEYS"),
        text("SCHEDULING_CONSTRAINTS", 256),
        text("SCHEDULING_STATE", 16),
    ]
}

pub(super) fn columns(context: &StatementContext<'_>, show: &Show) -> Result<Vec<ColumnMeta>> {
    Ok(match show {
        Show::Databases { filter } => vec![required(&titled("Database", filter.as_ref()), NAME)],
        Show::Tables { full, database, .. } => tables(context, show, database.as_ref(), *full)?,
        Show::TableStatus { .. } => table_status(),
        Show::TableRegions { .. } => table_regions(),
        Show::OpenTables { .. } => {
            vec![required("Database", NAME), required("Table", NAME), number("In_use"), number("Name_locked")]
        }
        Show::Columns { full, .. } => table_columns(*full),
        Show::Index { .. } => indexes(),
        Show::CreateTable(name) => match context.find_relation(name) {
            Ok((_, table)) if table.view.is_some() => create_view(),
            _ => vec![required("Table", NAME), required("Create Table", 1024)],
        },
        Show::CreateView(_) => create_view(),
        Show::CreateDatabase { .. } => vec![required("Database", NAME), required("Create Database", 1024)],
        Show::Variables { .. } | Show::Status { .. } => {
            vec![required("Variable_name", NAME), text("Value", 1024)]
        }
        Show::Warnings { .. } | Show::Errors { .. } => {
            vec![required("Level", 7), integer("Code"), required("Message", 512)]
        }
        Show::CountWarnings => vec![unsigned("@@session.warning_count")],
        Show::CountErrors => vec![unsigned("@@session.error_count")],
        Show::Engines => vec![
            required("Engine", NAME),
            required("Support", 8),
            required("Comment", 80),
            text("Transactions", 3),
            text("XA", 3),
            text("Savepoints", 3),
        ],
        Show::Plugins => vec![
            required("Name", NAME),
            required("Status", 10),
            required("Type", 80),
            text("Library", NAME),
            text("License", 80),
        ],
        Show::Processlist { .. } => processlist(),
        Show::Grants { .. } => {
            let info = &context.session.info;
            vec![required(&format!("Grants for {}@{}", info.user, info.host), 1024)]
        }
        Show::Privileges => {
            vec![required("Privilege", 10), required("Context", 15), required("Comment", NAME)]
        }
        Show::CharacterSet { .. } => vec![
            required("Charset", NAME),
            required("Description", 2048),
            required("Default collation", NAME),
            integer("Maxlen"),
        ],
        Show::Collation { .. } => collations(),
        Show::Triggers { .. } => triggers(),
        Show::Events { .. } => events(),
        Show::ProcedureStatus { .. } | Show::FunctionStatus { .. } => routines(),
        Show::BinaryLogStatus => binary_log_status(),
        Show::ReplicaStatus { .. } => replica_status(),
        Show::Replicas => replicas(),
        Show::Profiles => {
            vec![integer("Query_ID"), time("Duration", TypeKind::Double), required("Query", 40)]
        }
        other => return Err(unsupported(other)),
    })
}

fn binary_log_status() -> Vec<ColumnMeta> {
    vec![
        required("File", 512),
        unsigned("Position"),
        required("Binlog_Do_DB", 255),
        required("Binlog_Ignore_DB", 255),
        required("Executed_Gtid_Set", 42),
    ]
}

fn replicas() -> Vec<ColumnMeta> {
    vec![
        integer("Server_Id"),
        required("Host", 255),
        integer("Port"),
        integer("Source_Id"),
        required("Replica_UUID", 36),
    ]
}

/// `Database (pattern)`: MySQL puts the pattern into the title.
fn titled(name: &str, filter: Option<&ShowFilter>) -> String {
    match filter {
        Some(ShowFilter::Like(pattern)) => format!("{name} ({pattern})"),
        _ => name.to_owned(),
    }
}

fn tables(
    context: &StatementContext<'_>,
    show: &Show,
    database: Option<&Ident>,
    full: bool,
) -> Result<Vec<ColumnMeta>> {
    let database = match database {
        Some(name) => name.as_str(),
        None => context.current_database()?,
    };
    let title = titled(&format!("Tables_in_{database}"), filter_of(show));
    let mut columns = vec![required(&title, NAME)];
    if full {
        columns.push(required("Table_type", 11));
    }
    Ok(columns)
}

fn table_status() -> Vec<ColumnMeta> {
    vec![
        required("Name", NAME),
        text("Engine", NAME),
        integer("Version"),
        text("Row_format", 10),
        unsigned("Rows"),
        unsigned("Avg_row_length"),
        unsigned("Data_length"),
        unsigned("Max_data_length"),
        unsigned("Index_length"),
        unsigned("Data_free"),
        unsigned("Auto_increment"),
        time("Create_time", TypeKind::Timestamp),
        time("Update_time", TypeKind::Datetime),
        time("Check_time", TypeKind::Datetime),
        text("Collation", NAME),
        number("Checksum"),
        text("Create_options", 256),
        text("Comment", 2048),
    ]
}

fn table_columns(full: bool) -> Vec<ColumnMeta> {
    let mut columns = vec![text("Field", NAME), long_text("Type")];
    if full {
        columns.push(text("Collation", NAME));
    }
    columns.extend([required("Null", 3), required("Key", 3), long_text("Default"), text("Extra", 256)]);
    if full {
        columns.extend([text("Privileges", 154), long_text("Comment")]);
    }
    columns
}

fn indexes() -> Vec<ColumnMeta> {
    vec![
        required("Table", NAME),
        integer("Non_unique"),
        text("Key_name", NAME),
        integer("Seq_in_index"),
        text("Column_name", NAME),
        text("Collation", 1),
        number("Cardinality"),
        number("Sub_part"),
        ColumnMeta::computed("Packed", FieldType::null()),
        required("Null", 3),
        required("Index_type", 11),
        required("Comment", 8),
        required("Index_comment", 2048),
        required("Visible", 3),
        long_text("Expression"),
    ]
}

fn processlist() -> Vec<ColumnMeta> {
    vec![
        unsigned("Id"),
        required("User", 32),
        required("Host", 255),
        text("db", NAME),
        required("Command", 16),
        integer("Time"),
        text("State", 30),
        text("Info", 65_535),
    ]
}

fn collations() -> Vec<ColumnMeta> {
    vec![
        required("Collation", NAME),
        required("Charset", NAME),
        unsigned("Id"),
        required("Default", 3),
        required("Compiled", 3),
        integer("Sortlen"),
        required("Pad_attribute", 9),
    ]
}

fn triggers() -> Vec<ColumnMeta> {
    vec![
        required("Trigger", NAME),
        required("Event", 6),
        required("Table", NAME),
        long_text("Statement"),
        required("Timing", 6),
        time("Created", TypeKind::Timestamp),
        required("sql_mode", 546),
        required("Definer", 288),
        required("character_set_client", NAME),
        required("collation_connection", NAME),
        required("Database Collation", NAME),
    ]
}

fn events() -> Vec<ColumnMeta> {
    vec![
        required("Db", NAME),
        required("Name", NAME),
        required("Definer", 288),
        required("Time zone", NAME),
        required("Type", 9),
        time("Execute at", TypeKind::Datetime),
        text("Interval value", 256),
        text("Interval field", 18),
        time("Starts", TypeKind::Datetime),
        time("Ends", TypeKind::Datetime),
        required("Status", 21),
        integer("Originator"),
        required("character_set_client", NAME),
        required("collation_connection", NAME),
        required("Database Collation", NAME),
    ]
}

fn routines() -> Vec<ColumnMeta> {
    vec![
        required("Db", NAME),
        required("Name", NAME),
        required("Type", 9),
        required("Language", NAME),
        required("Definer", 288),
        time("Modified", TypeKind::Timestamp),
        time("Created", TypeKind::Timestamp),
        required("Security_type", 7),
        long_text("Comment"),
        required("character_set_client", NAME),
        required("collation_connection", NAME),
        required("Database Collation", NAME),
    ]
}

/// The leading columns; there is never a row.
fn replica_status() -> Vec<ColumnMeta> {
    vec![
        required("Replica_IO_State", 14),
        required("Source_Host", 256),
        required("Source_User", 97),
        integer("Source_Port"),
        integer("Connect_Retry"),
    ]
}

/// Error 1235 with the statement's own words.
pub(super) fn unsupported(show: &Show) -> Error {
    Error::unsupported(match show {
        Show::CreateUser(_) => "SHOW CREATE USER",
        Show::CreateTrigger(_) => "SHOW CREATE TRIGGER",
        Show::CreateProcedure(_) => "SHOW CREATE PROCEDURE",
        Show::CreateFunction(_) => "SHOW CREATE FUNCTION",
        Show::CreateEvent(_) => "SHOW CREATE EVENT",
        Show::Engine { .. } => "SHOW ENGINE",
        Show::ProcedureCode(_) => "SHOW PROCEDURE CODE",
        Show::FunctionCode(_) => "SHOW FUNCTION CODE",
        Show::BinaryLogs => "SHOW BINARY LOGS",
        Show::BinlogEvents { .. } => "SHOW BINLOG EVENTS",
        Show::Profile { .. } => "SHOW PROFILE",
        _ => "this SHOW statement",
    })
}
