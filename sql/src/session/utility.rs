//! KILL, FLUSH, DO, and the table maintenance statements.

use rutile_sql_parser::ast::{self, FlushTarget, MaintenanceKind};
use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use super::outcome::{ColumnMeta, Outcome};
use super::session::Session;
use super::{evaluate, transaction_control};
use crate::error::{Error, Result};

pub(super) async fn kill(
    session: &mut Session,
    kill: &ast::Kill,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    let (value, _) = evaluate::constant(session, &kill.id, text, parameters).await?;
    let id = match value {
        Value::Int(id) => u64::try_from(id).unwrap_or(0),
        Value::UInt(id) => id,
        _ => 0,
    };
    if !session.instance.processes().kill(id, kill.query_only) {
        return Err(MySqlError::no_such_thread(id).into());
    }
    if id == session.state.info.connection_id {
        return Err(MySqlError::query_interrupted().into());
    }
    Ok(Outcome::done())
}

/// DO: evaluates and forgets.
pub(super) async fn evaluate_all(
    session: &mut Session,
    expressions: &[ast::Expr],
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    for expression in expressions {
        evaluate::constant(session, expression, text, parameters).await?;
    }
    Ok(Outcome::done())
}

/// There are no caches, logs or grant tables to flush; what would lock or export is refused.
pub(super) async fn flush(session: &mut Session, flush: &ast::Flush) -> Result<Outcome> {
    match &flush.what {
        FlushTarget::Tables { read_lock: true, .. } => Err(Error::unsupported("FLUSH TABLES WITH READ LOCK")),
        FlushTarget::Tables { for_export: true, .. } => Err(Error::unsupported("FLUSH TABLES FOR EXPORT")),
        FlushTarget::Tables { .. } | FlushTarget::Options(_) => {
            transaction_control::implicit_commit(session).await?;
            Ok(Outcome::done())
        }
    }
}

/// OPTIMIZE, ANALYZE, CHECK, REPAIR: what MySQL answers for a table without anything to do.
pub(super) async fn table_maintenance(
    session: &mut Session,
    maintenance: &ast::TableMaintenance,
) -> Result<Outcome> {
    let operation = match maintenance.kind {
        MaintenanceKind::Analyze if maintenance.histogram.is_some() => {
            return Err(Error::unsupported("ANALYZE TABLE ... HISTOGRAM"));
        }
        MaintenanceKind::Analyze => "analyze",
        MaintenanceKind::Optimize => "optimize",
        MaintenanceKind::Check => return Err(Error::unsupported("CHECK TABLE")),
        MaintenanceKind::Repair => "repair",
        MaintenanceKind::Checksum => return Err(Error::unsupported("CHECKSUM TABLE")),
    };
    transaction_control::implicit_commit(session).await?;
    let schema = session.instance.infoschema();
    let mut rows = Vec::new();
    for name in &maintenance.tables {
        let database = match &name.database {
            Some(database) => database.value.clone(),
            None => session.state.database.clone().ok_or_else(MySqlError::no_database_selected)?,
        };
        let full = format!("{database}.{}", name.name);
        let line = |kind: &str, message: &str| {
            vec![Value::text(&full), Value::text(operation), Value::text(kind), Value::text(message)]
        };
        if schema.table(&database, name.name.as_str()).is_none() {
            rows.push(line("Error", &format!("Table '{full}' doesn't exist")));
            rows.push(line("status", "Operation failed"));
            continue;
        }
        match maintenance.kind {
            MaintenanceKind::Optimize => {
                rows.push(line("note", "Table does not support optimize, doing recreate + analyze instead"));
                rows.push(line("status", "OK"));
            }
            MaintenanceKind::Repair => {
                rows.push(line("note", "The storage engine for the table doesn't support repair"));
            }
            _ => rows.push(line("status", "OK")),
        }
    }
    Ok(Outcome::values(maintenance_columns(), rows))
}

/// The four columns of these statements.
pub(super) fn maintenance_columns() -> Vec<ColumnMeta> {
    const TEXT_CHARS: u32 = 393_216;
    let short =
        |name: &'static str, chars| ColumnMeta::computed(name, FieldType::varchar(chars, Collation::DEFAULT));
    vec![
        short("Table", 128),
        short("Op", 10),
        short("Msg_type", 10),
        ColumnMeta::computed("Msg_text", FieldType::varchar(TEXT_CHARS, Collation::DEFAULT)),
    ]
}
