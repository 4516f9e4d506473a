//! STATISTICS, KEY_COLUMN_USAGE, TABLE_CONSTRAINTS.

use rutile_sql_types::Value;

use super::super::registry::Sources;
use super::catalog::CATALOG;
use crate::catalog::{IndexColumn, IndexInfo, TableInfo};

/// Visits every part of every index.
fn for_each_part(
    sources: &Sources<'_>,
    mut visit: impl FnMut(&str, &TableInfo, &IndexInfo, usize, &IndexColumn),
) {
    for schema in sources.schema.databases() {
        for table in schema.tables.values() {
            for index in table.public_indexes() {
                for (position, part) in index.columns.iter().enumerate() {
                    visit(&schema.info.name, table, index, position, part);
                }
            }
        }
    }
}

pub(super) fn statistics(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for_each_part(sources, |database, table, index, position, part| {
        let nullable = table.columns.get(part.offset).is_some_and(|column| !column.ty.not_null);
        rows.push(vec![
            Value::text(CATALOG),
            Value::text(database),
            Value::text(&table.name),
            Value::Int(i64::from(!index.unique)),
            Value::text(database),
            Value::text(&index.name),
            Value::UInt(position as u64 + 1),
            Value::text(column_name(table, part)),
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
        ]);
    });
    rows
}

/// The column's present name; the index keeps the one it was created with.
pub(in crate::infoschema) fn column_name<'a>(table: &'a TableInfo, part: &'a IndexColumn) -> &'a str {
    table.columns.get(part.offset).map_or(part.name.as_str(), |column| column.name.as_str())
}

pub(super) fn key_column_usage(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for_each_part(sources, |database, table, index, position, part| {
        if !index.unique {
            return;
        }
        rows.push(vec![
            Value::text(CATALOG),
            Value::text(database),
            Value::text(&index.name),
            Value::text(CATALOG),
            Value::text(database),
            Value::text(&table.name),
            Value::text(column_name(table, part)),
            Value::UInt(position as u64 + 1),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
        ]);
    });
    rows
}

pub(super) fn table_constraints(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for_each_part(sources, |database, table, index, position, _| {
        if !index.unique || position > 0 {
            return;
        }
        rows.push(vec![
            Value::text(CATALOG),
            Value::text(database),
            Value::text(&index.name),
            Value::text(database),
            Value::text(&table.name),
            Value::text(if index.primary { "PRIMARY KEY" } else { "UNIQUE" }),
            Value::text("YES"),
        ]);
    });
    rows
}
