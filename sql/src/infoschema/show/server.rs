//! SHOW VARIABLES, STATUS, WARNINGS, PROCESSLIST, ENGINES, CHARACTER SET, COLLATION, GRANTS, PRIVILEGES.

use std::sync::Arc;

use rutile_sql_parser::ast::{Account, Expr, ExprKind, Limit, Literal, ShowScope};
use rutile_sql_types::{Charset, Level, MySqlError, Value};

use crate::cluster::{cluster_processes, silent_node};
use crate::error::{Error, Result};
use crate::infoschema::registry::Sources;
use crate::infoschema::tables::{self, performance_schema};
use crate::session::StatementContext;

/// Bytes of a statement SHOW PROCESSLIST prints without FULL.
const INFO_CHARS: usize = 100;

fn sources<'a>(context: &'a StatementContext<'_>) -> Sources<'a> {
    Sources { instance: context.instance, session: context.session, schema: Arc::clone(&context.infoschema) }
}

pub(super) fn variables(context: &StatementContext<'_>, scope: ShowScope) -> Vec<Vec<Value>> {
    match scope {
        ShowScope::Global => performance_schema::global_variables(&sources(context)),
        ShowScope::Session => performance_schema::session_variables(&sources(context)),
    }
}

pub(super) fn status(context: &StatementContext<'_>) -> Vec<Vec<Value>> {
    performance_schema::status(&sources(context))
}

pub(super) fn warnings(
    context: &StatementContext<'_>,
    errors_only: bool,
    limit: Option<&Limit>,
) -> Result<Vec<Vec<Value>>> {
    let (skip, count) = match limit {
        Some(limit) => (limit.offset.as_ref().map_or(Ok(0), limit_number)?, limit_number(&limit.count)?),
        None => (0, usize::MAX),
    };
    let rows = context
        .session
        .warnings
        .as_slice()
        .iter()
        .filter(|warning| !errors_only || warning.level == Level::Error)
        .skip(skip)
        .take(count)
        .map(|warning| {
            vec![
                Value::text(warning.level.name()),
                Value::Int(i64::from(warning.code)),
                Value::text(&warning.message),
            ]
        });
    Ok(rows.collect())
}

fn limit_number(expression: &Expr) -> Result<usize> {
    match &expression.kind {
        ExprKind::Literal(Literal::Integer(number)) => Ok(usize::try_from(*number).unwrap_or(usize::MAX)),
        _ => Err(Error::unsupported("placeholders in SHOW ... LIMIT")),
    }
}

pub(super) fn count(context: &StatementContext<'_>, errors_only: bool) -> Vec<Vec<Value>> {
    let warnings = &context.session.warnings;
    let count = if errors_only {
        warnings.as_slice().iter().filter(|warning| warning.level == Level::Error).count() as u64
    } else {
        warnings.total()
    };
    vec![vec![Value::UInt(count)]]
}

pub(super) fn engines() -> Vec<Vec<Value>> {
    vec![tables::ENGINE.map(Value::text).to_vec()]
}

/// The connections of all SQL nodes; a warning names each node that does not tell its own.
pub(super) async fn processlist(context: &mut StatementContext<'_>, full: bool) -> Result<Vec<Vec<Value>>> {
    let found = cluster_processes(context.instance).await?;
    for node in found.silent {
        context.session.warnings.push(silent_node(&node));
    }
    let rows = found.processes.into_iter().map(|mut process| {
        if !full {
            process.statement = process.statement.map(|text| text.chars().take(INFO_CHARS).collect());
        }
        process.row()
    });
    Ok(rows.collect())
}

/// There is one kind of account for now: all rights.
pub(super) fn grants(context: &StatementContext<'_>, account: Option<&Account>) -> Result<Vec<Vec<Value>>> {
    let info = &context.session.info;
    match account {
        None | Some(Account::CurrentUser) => {}
        Some(Account::Named { user, host }) => {
            let host = host.as_deref().unwrap_or("%");
            if *user != info.user {
                return Err(MySqlError::nonexisting_grant(user, host).into());
            }
        }
    }
    let grant = format!("GRANT ALL PRIVILEGES ON *.* TO `{}`@`{}` WITH GRANT OPTION", info.user, info.host);
    Ok(vec![vec![Value::from(grant)]])
}

pub(super) fn privileges() -> Vec<Vec<Value>> {
    const PRIVILEGES: [[&str; 3]; 10] = [
        ["Alter", "Tables", "To alter the table"],
        ["Create", "Databases,Tables,Indexes", "To create new databases and tables"],
        ["Delete", "Tables", "To delete existing rows"],
        ["Drop", "Databases,Tables", "To drop databases, tables, and views"],
        ["Index", "Tables", "To create or drop indexes"],
        ["Insert", "Tables", "To insert data into tables"],
        ["Process", "Server Admin", "To view the plain text of currently executing queries"],
        ["Select", "Tables", "To retrieve rows from table"],
        ["Show databases", "Server Admin", "To see all databases with SHOW DATABASES"],
        ["Update", "Tables", "To update existing rows"],
    ];
    PRIVILEGES.map(|row| row.map(Value::text).to_vec()).to_vec()
}

pub(super) fn character_sets() -> Vec<Vec<Value>> {
    let row = |charset: Charset| {
        vec![
            Value::text(charset.name()),
            Value::text(charset.description()),
            Value::text(charset.default_collation().name()),
            Value::UInt(u64::from(charset.max_len())),
        ]
    };
    Charset::ALL.into_iter().map(row).collect()
}

pub(super) fn collations() -> Vec<Vec<Value>> {
    tables::sorted_collations()
        .into_iter()
        .map(|collation| {
            vec![
                Value::text(collation.name()),
                Value::text(collation.charset().name()),
                Value::UInt(u64::from(collation.id())),
                Value::text(if collation.is_default() { "Yes" } else { "" }),
                Value::text("Yes"),
                Value::UInt(u64::from(collation.sort_len())),
                Value::text(tables::pad_name(collation)),
            ]
        })
        .collect()
}
