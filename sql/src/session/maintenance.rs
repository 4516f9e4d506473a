//! Statements that look after tables: ANALYZE, CHECK, OPTIMIZE, REPAIR TABLE, ADMIN CHECK, SPLIT TABLE.

use std::sync::Arc;

use rutile_sql_parser::ast::{self, Admin, MaintenanceKind};
use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use super::outcome::{ColumnMeta, Outcome};
use super::session::Session;
use super::{evaluate, transaction_control};
use crate::catalog::TableInfo;
use crate::error::{Error, Result};
use crate::executor::Cuts;

/// What MySQL answers for a table without anything to do; CHECK compares its indexes with it.
pub(super) async fn run(
    session: &mut Session,
    maintenance: &ast::TableMaintenance,
    text: &[u8],
) -> Result<Outcome> {
    let operation = match maintenance.kind {
        MaintenanceKind::Analyze if maintenance.histogram.is_some() => {
            return Err(Error::unsupported("ANALYZE TABLE ... HISTOGRAM"));
        }
        MaintenanceKind::Analyze => "analyze",
        MaintenanceKind::Optimize => "optimize",
        MaintenanceKind::Check => "check",
        MaintenanceKind::Repair => "repair",
        MaintenanceKind::Checksum => return Err(Error::unsupported("CHECKSUM TABLE")),
    };
    transaction_control::implicit_commit(session).await?;
    let mut rows = Vec::new();
    for name in &maintenance.tables {
        let database = match &name.database {
            Some(database) => database.value.clone(),
            None => {
                session.state.database.as_deref().ok_or_else(MySqlError::no_database_selected)?.to_owned()
            }
        };
        let full = format!("{database}.{}", name.name);
        let line = |kind: &str, message: &str| {
            vec![Value::text(&full), Value::text(operation), Value::text(kind), Value::text(message)]
        };
        let known = session.instance.infoschema().table(&database, name.name.as_str()).map(Arc::clone);
        let Some(table) = known else {
            rows.push(line("Error", &format!("Table '{full}' doesn't exist")));
            rows.push(line("status", "Operation failed"));
            continue;
        };
        match maintenance.kind {
            MaintenanceKind::Optimize => {
                rows.push(line("note", "Table does not support optimize, doing recreate + analyze instead"));
                rows.push(line("status", "OK"));
            }
            MaintenanceKind::Repair => {
                rows.push(line("note", "The storage engine for the table doesn't support repair"));
            }
            MaintenanceKind::Check => match check(session, &table, None, text).await {
                Err(Error::Sql(error)) if error.code == INCONSISTENT => {
                    rows.push(line("error", &error.message));
                    rows.push(line("error", "Corrupt"));
                }
                checked => checked.map(|()| rows.push(line("status", "OK")))?,
            },
            _ => rows.push(line("status", "OK")),
        }
    }
    Ok(Outcome::values(maintenance_columns(), rows))
}

/// An index that differs from its table.
const INCONSISTENT: u16 = 8223;

/// ADMIN CHECK TABLE and ADMIN CHECK INDEX: silence, or the error of the first difference.
pub(super) async fn admin(session: &mut Session, admin: &Admin, text: &[u8]) -> Result<Outcome> {
    match admin {
        Admin::CheckTables(names) => {
            for name in names {
                let table = find(session, name, text)?;
                check(session, &table, None, text).await?;
            }
        }
        Admin::CheckIndex { table, index } => {
            let table = find(session, table, text)?;
            if table.index(index.as_str()).is_none() {
                return Err(MySqlError::key_does_not_exist(index, &table.name).into());
            }
            check(session, &table, Some(index.as_str()), text).await?;
        }
        Admin::ShowDdl => return Err(Error::unsupported("ADMIN SHOW DDL")),
        Admin::ShowDdlJobs { limit } => return crate::infoschema::ddl_jobs(&session.instance, *limit).await,
        Admin::CancelDdlJobs(_) => return Err(Error::unsupported("ADMIN CANCEL DDL JOBS")),
        Admin::PauseDdlJobs(_) => return Err(Error::unsupported("ADMIN PAUSE DDL JOBS")),
        Admin::ResumeDdlJobs(_) => return Err(Error::unsupported("ADMIN RESUME DDL JOBS")),
        Admin::ChecksumTables(_) => return Err(Error::unsupported("ADMIN CHECKSUM TABLE")),
    }
    Ok(Outcome::done())
}

/// SPLIT TABLE; answers as TiDB does: how many regions, and which part of them is where it belongs.
pub(super) async fn split(
    session: &mut Session,
    split: &ast::SplitTable,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Outcome> {
    let cuts = match &split.at {
        ast::SplitAt::By(rows) => {
            let mut bounds = Vec::with_capacity(rows.len());
            for row in rows {
                bounds.push(values(session, row, text, parameters).await?);
            }
            Cuts::At(bounds)
        }
        ast::SplitAt::Between { low, high, regions } => Cuts::Evenly {
            low: values(session, low, text, parameters).await?,
            high: values(session, high, text, parameters).await?,
            regions: *regions,
        },
    };
    let table = find(session, &split.table, text)?;
    let index = match &split.index {
        Some(name) => Some(
            table.index(name.as_str()).ok_or_else(|| MySqlError::key_does_not_exist(name, &table.name))?,
        ),
        None => None,
    };
    let (schema, _schema_use) = session.enter();
    let mut context = session.context(schema, parameters, text);
    let count = crate::executor::split_table(&mut context, &table, index, cuts).await?;
    let columns = vec![
        ColumnMeta::computed("TOTAL_SPLIT_REGION", FieldType::bigint()),
        ColumnMeta::computed("SCATTER_FINISH_RATIO", FieldType::double()),
    ];
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    Ok(Outcome::values(columns, vec![vec![Value::Int(count), Value::Double(1.0)]]))
}

async fn values(
    session: &mut Session,
    expressions: &[ast::Expr],
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<Vec<(Value, FieldType)>> {
    let mut values = Vec::with_capacity(expressions.len());
    for expression in expressions {
        values.push(evaluate::constant(session, expression, text, parameters).await?);
    }
    Ok(values)
}

fn find(session: &mut Session, name: &ast::ObjectName, text: &[u8]) -> Result<Arc<TableInfo>> {
    let schema = session.instance.infoschema();
    let (_, table) = session.context(schema, &[], text).find_table(name)?;
    Ok(table)
}

async fn check(session: &mut Session, table: &TableInfo, index: Option<&str>, text: &[u8]) -> Result<()> {
    transaction_control::open_for_statement(session);
    session.transaction.start_statement();
    let (schema, _schema_use) = session.enter();
    // The definition may have changed since the name was looked up.
    let table = schema.table_by_id(table.id).map_or_else(|| Arc::new(table.clone()), Arc::clone);
    let mut context = session.context(schema, &[], text);
    context.use_table(&table)?;
    let index = index.and_then(|name| table.index(name));
    crate::executor::check_table(&mut context, &table, index).await
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
