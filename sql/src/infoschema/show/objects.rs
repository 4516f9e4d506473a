//! SHOW DATABASES, TABLES, TABLE STATUS, COLUMNS, INDEX.

use std::sync::Arc;

use rutile_sql_parser::ast::{Ident, ObjectName};
use rutile_sql_types::{MySqlError, Value};

use crate::catalog::{DatabaseSchema, TableInfo};
use crate::error::Result;
use crate::infoschema::describe::{create_options, default_text, extra, yes_no};
use crate::infoschema::registry::{definition, is_virtual_database, virtual_databases, virtual_tables_of};
use crate::infoschema::tables;
use crate::session::StatementContext;

pub(super) fn databases(context: &StatementContext<'_>) -> Vec<Vec<Value>> {
    let mut names: Vec<String> = virtual_databases().map(str::to_owned).to_vec();
    names.extend(context.infoschema.databases().map(|schema| schema.info.name.clone()));
    names.sort();
    names.into_iter().map(|name| vec![Value::from(name)]).collect()
}

/// The database of `FROM db`, else the current one: 1046, 1049.
fn database_name(context: &StatementContext<'_>, database: Option<&Ident>) -> Result<String> {
    let name = match database {
        Some(name) => name.value.clone(),
        None => context.current_database()?.to_owned(),
    };
    if context.infoschema.database(&name).is_none() && !is_virtual_database(&name) {
        return Err(MySqlError::unknown_database(&name).into());
    }
    Ok(name)
}

pub(super) fn check_database(context: &StatementContext<'_>, database: Option<&Ident>) -> Result<()> {
    database_name(context, database).map(drop)
}

pub(super) fn tables(
    context: &StatementContext<'_>,
    database: Option<&Ident>,
    full: bool,
) -> Result<Vec<Vec<Value>>> {
    let database = database_name(context, database)?;
    let row = |name: &str, kind: &str| {
        let mut row = vec![Value::text(name)];
        if full {
            row.push(Value::text(kind));
        }
        row
    };
    Ok(match context.infoschema.database(&database) {
        Some(schema) => schema
            .tables
            .values()
            .map(|table| row(&table.name, if table.view.is_some() { "VIEW" } else { "BASE TABLE" }))
            .collect(),
        None => virtual_tables_of(&database).into_iter().map(|name| row(name, "SYSTEM VIEW")).collect(),
    })
}

pub(super) async fn table_status(
    context: &mut StatementContext<'_>,
    database: Option<&Ident>,
) -> Result<Vec<Vec<Value>>> {
    let database = database_name(context, database)?;
    let schema: Option<Arc<DatabaseSchema>> = context.infoschema.database(&database).map(Arc::clone);
    let mut rows = Vec::new();
    for table in schema.iter().flat_map(|schema| schema.tables.values()) {
        if table.view.is_some() {
            let mut row = vec![Value::text(&table.name)];
            row.resize(17, Value::Null);
            row.push(Value::text(&table.comment));
            rows.push(row);
            continue;
        }
        let auto_increment = match table.auto_increment_column() {
            Some(_) => Value::UInt(context.instance.auto_ids().peek(table).await?),
            None => Value::Null,
        };
        rows.push(vec![
            Value::text(&table.name),
            Value::text("InnoDB"),
            Value::Int(10),
            Value::text("Dynamic"),
            Value::UInt(0),
            Value::UInt(0),
            Value::UInt(0),
            Value::UInt(0),
            Value::UInt(0),
            Value::UInt(0),
            auto_increment,
            tables::created(table),
            Value::Null,
            Value::Null,
            Value::text(table.collation.name()),
            Value::Null,
            Value::text(create_options(table)),
            Value::text(&table.comment),
        ]);
    }
    Ok(rows)
}

pub(super) fn columns(
    context: &mut StatementContext<'_>,
    name: &ObjectName,
    full: bool,
) -> Result<Vec<Vec<Value>>> {
    let database = context.database_of(name)?.to_owned();
    if is_virtual_database(&database) {
        return virtual_columns(&database, name.name.as_str(), full);
    }
    let (_, table) = context.find_relation(name)?;
    let zone = context.settings().time_zone;
    let mut rows = Vec::new();
    for column in table.public_columns() {
        let ty = &column.ty;
        let mut row = vec![Value::text(&column.name), Value::from(ty.sql_text())];
        if full {
            let has_collation = ty.is_string_like() && !ty.collation.is_binary();
            row.push(if has_collation { Value::text(ty.collation.name()) } else { Value::Null });
        }
        row.push(Value::text(yes_no(!ty.not_null)));
        row.push(Value::text(table.key_mark(column)));
        row.push(default_text(column, zone).map_or(Value::Null, Value::from));
        row.push(Value::from(extra(column)));
        if full {
            row.push(Value::text(tables::PRIVILEGES));
            row.push(Value::text(&column.comment));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn virtual_columns(database: &str, table: &str, full: bool) -> Result<Vec<Vec<Value>>> {
    let (_, columns) =
        definition(database, table).ok_or_else(|| MySqlError::unknown_table_in(table, database))?;
    let row = |column: &crate::infoschema::definition::ColumnDefinition| {
        let ty = column.ty();
        let mut row = vec![Value::text(column.name), Value::from(ty.sql_text())];
        if full {
            row.push(if ty.is_string_like() { Value::text(ty.collation.name()) } else { Value::Null });
        }
        row.extend([Value::text(yes_no(!ty.not_null)), Value::text(""), Value::Null, Value::text("")]);
        if full {
            row.extend([Value::text("select"), Value::text("")]);
        }
        row
    };
    Ok(columns.iter().map(row).collect())
}

pub(super) fn indexes(context: &mut StatementContext<'_>, name: &ObjectName) -> Result<Vec<Vec<Value>>> {
    if is_virtual_database(context.database_of(name)?) {
        return Ok(Vec::new());
    }
    let (_, table) = context.find_relation(name)?;
    let mut rows = Vec::new();
    for index in table.public_indexes() {
        for (position, part) in index.columns.iter().enumerate() {
            rows.push(index_row(&table, index, position, part));
        }
    }
    Ok(rows)
}

fn index_row(
    table: &TableInfo,
    index: &crate::catalog::IndexInfo,
    position: usize,
    part: &crate::catalog::IndexColumn,
) -> Vec<Value> {
    let nullable = table.columns.get(part.offset).is_some_and(|column| !column.ty.not_null);
    vec![
        Value::text(&table.name),
        Value::Int(i64::from(!index.unique)),
        Value::text(&index.name),
        Value::Int(i64::try_from(position + 1).unwrap_or(i64::MAX)),
        Value::text(tables::column_name(table, part)),
        Value::text(if part.descending { "D" } else { "A" }),
        Value::Int(0),
        part.length.map_or(Value::Null, |length| Value::Int(i64::from(length))),
        Value::Null,
        Value::text(if nullable { "YES" } else { "" }),
        Value::text("BTREE"),
        Value::text(""),
        Value::text(&index.comment),
        Value::text("YES"),
        Value::Null,
    ]
}
