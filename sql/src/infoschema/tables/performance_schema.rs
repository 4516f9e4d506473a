//! The tables of PERFORMANCE_SCHEMA that clients read: variables and status as tables.

use rutile_sql_types::Value;

use super::super::definition::Shape::Text;
use super::super::definition::{ColumnDefinition, column};
use super::super::registry::{Producer, Sources};
use crate::session::SessionView;
use crate::variable;

const NAME_AND_VALUE: &[ColumnDefinition] =
    &[column("VARIABLE_NAME", Text(64), true), column("VARIABLE_VALUE", Text(1024), false)];

pub(in crate::infoschema) const NAMES: &[&str] =
    &["global_status", "global_variables", "session_status", "session_variables"];

pub(in crate::infoschema) const TABLES: &[(&str, &[ColumnDefinition])] = &[
    ("global_status", NAME_AND_VALUE),
    ("global_variables", NAME_AND_VALUE),
    ("session_status", NAME_AND_VALUE),
    ("session_variables", NAME_AND_VALUE),
];

pub(in crate::infoschema) fn producer(name: &str) -> Option<Producer> {
    Some(match name {
        "global_variables" => global_variables,
        "session_variables" => session_variables,
        "global_status" | "session_status" => status,
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
