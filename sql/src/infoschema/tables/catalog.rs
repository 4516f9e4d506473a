//! SCHEMATA, TABLES, PARTITIONS.

use std::sync::Arc;

use rutile_sql_types::{Collation, TimeZone, Value};

use super::super::describe::create_options;
use super::super::registry::{Sources, virtual_databases, virtual_tables_of};
use crate::catalog::{DatabaseSchema, TableInfo};

pub(in crate::infoschema) const CATALOG: &str = "def";

pub(super) fn schemata(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let row = |name: &str, collation: Collation| {
        vec![
            Value::text(CATALOG),
            Value::text(name),
            Value::text(collation.charset().name()),
            Value::text(collation.name()),
            Value::Null,
            Value::text("NO"),
        ]
    };
    let mut rows: Vec<_> =
        virtual_databases().into_iter().map(|name| row(name, Collation::UTF8MB3_GENERAL_CI)).collect();
    rows.extend(sources.schema.databases().map(|schema| row(&schema.info.name, schema.info.collation)));
    rows
}

pub(super) fn tables(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for database in virtual_databases() {
        for table in virtual_tables_of(database) {
            rows.push(system_view(database, table));
        }
    }
    for schema in sources.schema.databases() {
        for table in schema.tables.values() {
            rows.push(if table.view.is_some() { view_row(schema, table) } else { base_table(schema, table) });
        }
    }
    rows
}

fn view_row(schema: &DatabaseSchema, table: &TableInfo) -> Vec<Value> {
    let mut row = vec![
        Value::text(CATALOG),
        Value::text(&schema.info.name),
        Value::text(&table.name),
        Value::text("VIEW"),
    ];
    row.resize(14, Value::Null);
    row.push(created(table));
    row.resize(20, Value::Null);
    row.push(Value::text(&table.comment));
    row
}

pub(super) fn views(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for schema in sources.schema.databases() {
        for table in schema.tables.values() {
            let Some(view) = &table.view else {
                continue;
            };
            rows.push(vec![
                Value::text(CATALOG),
                Value::text(&schema.info.name),
                Value::text(&table.name),
                Value::text(&view.query),
                Value::text("NONE"),
                Value::text("NO"),
                Value::text(&view.definer),
                Value::text(if view.invoker_security { "INVOKER" } else { "DEFINER" }),
                Value::text(&view.charset_client),
                Value::text(&view.collation_connection),
            ]);
        }
    }
    rows
}

fn system_view(database: &str, table: &str) -> Vec<Value> {
    let mut row = vec![
        Value::text(CATALOG),
        Value::text(database),
        Value::text(table),
        Value::text("SYSTEM VIEW"),
        Value::Null,
        Value::Int(10),
        Value::Null,
        Value::UInt(0),
        Value::UInt(0),
        Value::UInt(0),
        Value::UInt(0),
        Value::UInt(0),
        Value::UInt(0),
    ];
    row.resize(19, Value::Null);
    row.push(Value::text(""));
    row.push(Value::text(""));
    row
}

/// Sizes and row counts are not measured: 0, as MySQL shows for a table without statistics.
fn base_table(schema: &Arc<DatabaseSchema>, table: &Arc<TableInfo>) -> Vec<Value> {
    let auto_increment = match table.auto_increment_column() {
        Some(_) => Value::UInt(table.auto_increment_start.max(1)),
        None => Value::Null,
    };
    vec![
        Value::text(CATALOG),
        Value::text(&schema.info.name),
        Value::text(&table.name),
        Value::text("BASE TABLE"),
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
        created(table),
        Value::Null,
        Value::Null,
        Value::text(table.collation.name()),
        Value::Null,
        Value::text(create_options(table)),
        Value::text(&table.comment),
    ]
}

/// Create_time, a TIMESTAMP in UTC.
pub(in crate::infoschema) fn created(table: &TableInfo) -> Value {
    let seconds = table.created_ms / 1000;
    let micros = i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    TimeZone::UTC.from_unix_micros(micros).map_or(Value::Null, Value::Datetime)
}

/// One row per partition, and one for a table that is not partitioned.
pub(super) fn partitions(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for schema in sources.schema.databases() {
        for table in schema.tables.values().filter(|table| table.view.is_none()) {
            let Some(info) = &table.partitioning else {
                rows.push(partition(&schema.info.name, table, vec![Value::Null; 10], ""));
                continue;
            };
            for (position, range) in info.partitions.iter().enumerate() {
                let end = range.less_than.map_or("MAXVALUE".to_owned(), |end| end.to_string());
                let named = vec![
                    Value::text(&range.name),
                    Value::Null,
                    Value::UInt(position as u64 + 1),
                    Value::Null,
                    Value::text("0"),
                    Value::text("RANGE"),
                    Value::Null,
                    Value::text(&info.expression),
                    Value::Null,
                    Value::from(end),
                ];
                rows.push(partition(&schema.info.name, table, named, &range.comment));
            }
        }
    }
    rows
}

/// `named` is PARTITION_NAME to PARTITION_DESCRIPTION.
fn partition(database: &str, table: &TableInfo, named: Vec<Value>, comment: &str) -> Vec<Value> {
    let mut row = vec![Value::text(CATALOG), Value::text(database), Value::text(&table.name)];
    let group = if table.partitioning.is_some() { "default" } else { "" };
    row.extend(named);
    row.extend([0, 0, 0, 0, 0, 0].map(Value::UInt));
    row.push(created(table));
    row.extend([Value::Null, Value::Null, Value::Null]);
    row.extend([Value::text(comment), Value::text(group), Value::Null]);
    row
}
