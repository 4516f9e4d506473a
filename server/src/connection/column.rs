//! Result columns as clients see them.

use std::sync::Arc;

use rutile_server_wire::{Column, ColumnFlags, ColumnType};
use rutile_sql::session::ColumnMeta;
use rutile_sql_types::Collation;
use rutile_sql_types::field_type::{WireFlags, WireType};

/// The definition of a column for a client that reads results in `results`; without one, in the column's own collation.
pub(crate) fn column(meta: &ColumnMeta, results: Option<Collation>) -> Column {
    let results = results.unwrap_or(meta.ty.collation);
    // NUM is MySQL's own and set by clients themselves.
    let flags = (meta.ty.wire_flags() | meta.flags) & !WireFlags::NUM;
    Column {
        schema: Arc::clone(&meta.schema),
        table: Arc::clone(&meta.table),
        org_table: Arc::clone(&meta.org_table),
        name: Arc::clone(&meta.name),
        org_name: Arc::clone(&meta.org_name),
        collation: meta.ty.wire_charset(results),
        length: meta.ty.wire_length(results),
        kind: column_type(meta.ty.wire_type()),
        flags: ColumnFlags(flags),
        decimals: meta.ty.wire_decimals(),
    }
}

fn column_type(kind: WireType) -> ColumnType {
    match kind {
        WireType::Tiny => ColumnType::Tiny,
        WireType::Short => ColumnType::Short,
        WireType::Long => ColumnType::Long,
        WireType::Float => ColumnType::Float,
        WireType::Double => ColumnType::Double,
        WireType::Null => ColumnType::Null,
        WireType::Timestamp => ColumnType::Timestamp,
        WireType::LongLong => ColumnType::LongLong,
        WireType::Int24 => ColumnType::Int24,
        WireType::Date => ColumnType::Date,
        WireType::Time => ColumnType::Time,
        WireType::Datetime => ColumnType::Datetime,
        WireType::Year => ColumnType::Year,
        WireType::Bit => ColumnType::Bit,
        WireType::Json => ColumnType::Json,
        WireType::NewDecimal => ColumnType::NewDecimal,
        WireType::Blob => ColumnType::Blob,
        WireType::VarString => ColumnType::VarString,
        WireType::String => ColumnType::String,
    }
}
