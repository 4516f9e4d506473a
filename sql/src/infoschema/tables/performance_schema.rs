//! The tables of PERFORMANCE_SCHEMA that clients read: variables and status as tables, hosts that are blocked.

use rutile_sql_types::Value;

use super::super::definition::Shape::{BigInt, Text};
use super::super::definition::{ColumnDefinition, column};
use super::super::registry::{Producer, Sources};
use crate::session::{FailedHost, SessionView};
use crate::variable;

const NAME_AND_VALUE: &[ColumnDefinition] =
    &[column("VARIABLE_NAME", Text(64), true), column("VARIABLE_VALUE", Text(1024), false)];

/// Counts are of what can happen here: names of addresses are never looked up.
const HOSTS: &[ColumnDefinition] = &[
    column("IP", Text(64), true),
    column("HOST", Text(255), false),
    column("HOST_VALIDATED", Text(3), true),
    column("SUM_CONNECT_ERRORS", BigInt, true),
    column("COUNT_HOST_BLOCKED_ERRORS", BigInt, true),
];

pub(in crate::infoschema) const HOST_CACHE: &str = "host_cache";

pub(in crate::infoschema) const NAMES: &[&str] =
    &["global_status", "global_variables", HOST_CACHE, "session_status", "session_variables"];

pub(in crate::infoschema) const TABLES: &[(&str, &[ColumnDefinition])] = &[
    ("global_status", NAME_AND_VALUE),
    ("global_variables", NAME_AND_VALUE),
    (HOST_CACHE, HOSTS),
    ("session_status", NAME_AND_VALUE),
    ("session_variables", NAME_AND_VALUE),
];

pub(in crate::infoschema) fn producer(name: &str) -> Option<Producer> {
    Some(match name {
        "global_variables" => global_variables,
        "session_variables" => session_variables,
        "global_status" | "session_status" => status,
        HOST_CACHE => host_cache,
        _ => return None,
    })
}

fn pair(name: &str, value: String) -> Vec<Value> {
    vec![Value::text(name), Value::from(value)]
}

/// SHOW GLOBAL VARIABLES
pub(in crate::infoschema) fn global_variables(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let global = sources.instance.global_variables();
    variable::all()
        .into_iter()
        .filter(|definition| definition.has_global())
        .map(|definition| pair(definition.name, definition.show(&global.get(definition))))
        .collect()
}

/// SHOW SESSION VARIABLES: the session's values, and the global ones of variables without a session value.
pub(in crate::infoschema) fn session_variables(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let view = SessionView::new(sources.instance, sources.session);
    variable::all()
        .into_iter()
        .map(|definition| pair(definition.name, definition.show(&view.session_value(definition))))
        .collect()
}

/// Addresses that failed to log in since they last did.
fn host_cache(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let count = |count: u64| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let hosts = sources.instance.host_cache().list();
    let row = |host: FailedHost| {
        vec![
            Value::text(&host.address.to_string()),
            Value::Null,
            Value::text("NO"),
            count(host.connect_errors),
            count(host.refused),
        ]
    };
    hosts.into_iter().map(row).collect()
}

/// SHOW STATUS
pub(in crate::infoschema) fn status(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let instance = sources.instance;
    let mut list: Vec<(&str, String)> =
        instance.status().list().into_iter().map(|(name, value)| (name, value.to_string())).collect();
    let tls = sources.session.info.tls.clone().unwrap_or_default();
    list.push(("Prepared_stmt_count", instance.prepared_statements().to_string()));
    list.push(("Ssl_cipher", tls.cipher));
    list.push(("Ssl_version", tls.version));
    list.push(("Threads_connected", instance.processes().len().to_string()));
    list.push(("Uptime", instance.uptime_seconds().to_string()));
    list.sort();
    list.into_iter().map(|(name, value)| pair(name, value)).collect()
}
