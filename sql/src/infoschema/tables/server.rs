//! ENGINES, PROCESSLIST, PLUGINS, USER_PRIVILEGES.

use rutile_sql_types::Value;

use super::super::registry::Sources;
use super::catalog::CATALOG;
use crate::cluster::{NodeProcess, own_processes};

/// Name, support, comment, transactions, XA, savepoints of the one engine; it answers to InnoDB's name.
pub(in crate::infoschema) const ENGINE: [&str; 6] =
    ["InnoDB", "DEFAULT", "Replicated, transactional key-value store", "YES", "NO", "YES"];

pub(super) fn engines(_sources: &Sources<'_>) -> Vec<Vec<Value>> {
    vec![ENGINE.map(Value::text).to_vec()]
}

pub(super) fn processlist(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    own_processes(sources.instance).iter().map(NodeProcess::row).collect()
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
    let with_node = |process: &NodeProcess| {
        let mut row = vec![Value::text(&process.node)];
        row.append(&mut process.row());
        row
    };
    processes.iter().map(with_node).collect()
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
