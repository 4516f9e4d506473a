//! COLUMNS.

use rutile_sql_types::{FieldType, TimeZone, TypeKind, Value};

use super::super::definition::ColumnDefinition;
use super::super::describe::{default_text, extra, generation_expression, yes_no};
use super::super::registry::{Sources, definition, virtual_databases, virtual_tables_of};
use super::catalog::CATALOG;
use crate::catalog::{ColumnInfo, TableInfo};

pub(in crate::infoschema) const PRIVILEGES: &str = "select,insert,update,references";

pub(super) fn columns(sources: &Sources<'_>) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for database in virtual_databases() {
        for table in virtual_tables_of(database) {
            let columns = definition(database, table).map_or(&[][..], |(_, columns)| columns);
            for (position, column) in columns.iter().enumerate() {
                rows.push(computed(database, table, position, column));
            }
        }
    }
    let zone = sources.session.settings().time_zone;
    for schema in sources.schema.databases() {
        for table in schema.tables.values() {
            for column in table.public_columns() {
                rows.push(stored(&schema.info.name, table, column, zone));
            }
        }
    }
    rows
}

/// What identifies a column and leads each row.
fn leading(database: &str, table: &str, column: &str, position: usize) -> Vec<Value> {
    vec![
        Value::text(CATALOG),
        Value::text(database),
        Value::text(table),
        Value::text(column),
        Value::UInt(position as u64 + 1),
    ]
}

fn computed(database: &str, table: &str, position: usize, column: &ColumnDefinition) -> Vec<Value> {
    let ty = column.ty();
    let mut row = leading(database, table, column.name, position);
    row.push(Value::Null);
    row.push(Value::text(yes_no(!ty.not_null)));
    row.extend(type_values(&ty));
    row.extend(["", "", "select", ""].map(Value::text));
    row.push(Value::text(""));
    row.push(Value::Null);
    row
}

fn stored(database: &str, table: &TableInfo, column: &ColumnInfo, zone: TimeZone) -> Vec<Value> {
    let mut row = leading(database, &table.name, &column.name, column.offset);
    row.push(default_text(column, zone).map_or(Value::Null, Value::from));
    row.push(Value::text(yes_no(!column.ty.not_null)));
    row.extend(type_values(&column.ty));
    row.push(Value::text(table.key_mark(column)));
    row.push(Value::from(extra(column)));
    row.push(Value::text(PRIVILEGES));
    row.push(Value::text(&column.comment));
    row.push(Value::from(generation_expression(column)));
    row.push(Value::Null);
    row
}

/// DATA_TYPE to COLUMN_TYPE.
fn type_values(ty: &FieldType) -> Vec<Value> {
    let text = ty.is_string_like();
    let (chars, bytes) = lengths(ty);
    let (precision, scale) = match ty.kind {
        TypeKind::Decimal => (Value::UInt(u64::from(ty.length)), Value::UInt(u64::from(ty.decimals))),
        TypeKind::Float => (Value::UInt(12), Value::Null),
        TypeKind::Double => (Value::UInt(22), Value::Null),
        TypeKind::Bit => (Value::UInt(u64::from(ty.length)), Value::Null),
        kind if kind.is_integer() => (Value::UInt(integer_digits(ty)), Value::UInt(0)),
        _ => (Value::Null, Value::Null),
    };
    let fraction = match ty.kind {
        TypeKind::Time | TypeKind::Datetime | TypeKind::Timestamp => Value::UInt(u64::from(ty.fsp())),
        _ => Value::Null,
    };
    let (charset, collation) = if text && !ty.collation.is_binary() {
        (Value::text(ty.collation.charset().name()), Value::text(ty.collation.name()))
    } else {
        (Value::Null, Value::Null)
    };
    vec![
        Value::text(ty.data_type()),
        chars,
        bytes,
        precision,
        scale,
        fraction,
        charset,
        collation,
        Value::from(ty.sql_text()),
    ]
}

fn lengths(ty: &FieldType) -> (Value, Value) {
    if !ty.is_string_like() {
        return (Value::Null, Value::Null);
    }
    let per_char = u64::from(ty.collation.charset().max_len());
    if ty.kind.is_lob() {
        let bytes = u64::from(ty.length);
        return (Value::UInt(bytes), Value::UInt(bytes));
    }
    (Value::UInt(u64::from(ty.length)), Value::UInt(u64::from(ty.length) * per_char))
}

fn integer_digits(ty: &FieldType) -> u64 {
    match (ty.kind, ty.unsigned) {
        (TypeKind::TinyInt, _) => 3,
        (TypeKind::SmallInt, _) => 5,
        (TypeKind::MediumInt, _) => 7,
        (TypeKind::Int, _) => 10,
        (_, true) => 20,
        (_, false) => 19,
    }
}
