//! ENGINES, PROCESSLIST, PLUGINS, USER_PRIVILEGES.

use rutile_sql_types::Value;

use super::super::registry::Sources;
use super::catalog::CATALOG;
use crate::cluster::own_processes;

/// Name, support, comment, transactions, XA, savepoints of the one engine; it answers to InnoDB's name.
pub(in crate::infoschema) const ENGINE: [&str; 6] =
    ["InnoDB", "DEFAULT", "Replicated, transactional key-value store", "YES", "NO", "YES"];

pub(super) fn engines(_sources: &Sources<'_>) -> Vec<Vec<Value>> {
    vec![ENGINE.map(Value::text).to_vec()]
}

pub(super) fn processlist(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let now = sources.instance.env().clock.now();
    let processes = sources.instance.processes().snapshot(now);
    processes
        .into_iter()
        .map(|process| {
            vec![
                Value::UInt(process.id),
                Value::from(process.user),
                Value::from(process.host),
                process.database.map_or(Value::Null, Value::from),
                Value::text(process.command),
                Value::Int(i64::try_from(process.seconds).unwrap_or(i64::MAX)),
                Value::text(if process.statement.is_some() { "executing" } else { "" }),
                process.statement.map_or(Value::Null, Value::from),
            ]
        })
        .collect()
}

/// The connections of all SQL nodes, as the statement gathered them before it was bound.
pub(super) fn cluster_processlist(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let own;
    let processes = match &sources.session.cluster_processes {
        Some(gathered) => gathered,
        None => {
            own = own_processes(sources.instance);
            &own
        }
    };
    let rows = processes.iter().map(|process| {
        vec![
            Value::text(&process.node),
            Value::UInt(process.id),
            Value::text(&process.user),
            Value::text(&process.host),
            process.database.as_deref().map_or(Value::Null, Value::text),
            Value::text(&process.command),
            Value::Int(i64::try_from(process.seconds).unwrap_or(i64::MAX)),
            Value::text(if process.statement.is_some() { "executing" } else { "" }),
            process.statement.as_deref().map_or(Value::Null, Value::text),
        ]
    });
    rows.collect()
}

pub(super) fn plugins(_sources: &Sources<'_>) -> Vec<Vec<Value>> {
    Vec::new()
}

/// The one account there is may do everything.
pub(super) fn user_privileges(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let info = &sources.session.info;
    let grantee = format!("'{}'@'{}'", info.user, info.host);
    [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "CREATE",
        "DROP",
        "RELOAD",
        "PROCESS",
        "INDEX",
        "ALTER",
        "SHOW DATABASES",
        "SUPER",
    ]
    .into_iter()
    .map(|privilege| {
        vec![Value::from(grantee.clone()), Value::text(CATALOG), Value::text(privilege), Value::text("YES")]
    })
    .collect()
}
