//! MySQL's limits on the shape of a table: columns and bytes of a row.

use rutile_sql_types::{FieldType, MySqlError, TypeKind};

use crate::catalog::TableInfo;
use crate::error::Result;

/// InnoDB's limit; the server's own is 4096.
const COLUMNS_MAX: usize = 1017;
const ROW_BYTES_MAX: u64 = 65_535;
/// A TEXT or BLOB counts its length bytes and a pointer.
const LOB_POINTER_BYTES: u64 = 8;

/// 1113, 1117 and 1118.
pub(super) fn check(table: &TableInfo) -> Result<()> {
    if table.columns.is_empty() {
        return Err(MySqlError::table_must_have_columns().into());
    }
    if table.columns.len() > COLUMNS_MAX {
        return Err(MySqlError::too_many_columns().into());
    }
    let nullable = table.columns.iter().filter(|column| !column.ty.not_null).count() as u64;
    let bytes: u64 = table.columns.iter().map(|column| column_bytes(&column.ty)).sum();
    if bytes + nullable.div_ceil(8) > ROW_BYTES_MAX {
        return Err(MySqlError::row_size_too_large(ROW_BYTES_MAX).into());
    }
    Ok(())
}

fn column_bytes(ty: &FieldType) -> u64 {
    let string = u64::from(ty.length) * u64::from(ty.collation.charset().max_len());
    match ty.kind {
        TypeKind::VarChar | TypeKind::VarBinary => string + if string > 255 { 2 } else { 1 },
        TypeKind::Char | TypeKind::Binary => string,
        TypeKind::TinyText | TypeKind::TinyBlob => 1 + LOB_POINTER_BYTES,
        TypeKind::Text | TypeKind::Blob => 2 + LOB_POINTER_BYTES,
        TypeKind::MediumText | TypeKind::MediumBlob => 3 + LOB_POINTER_BYTES,
        TypeKind::LongText | TypeKind::LongBlob | TypeKind::Json => 4 + LOB_POINTER_BYTES,
        TypeKind::TinyInt | TypeKind::Year => 1,
        TypeKind::SmallInt | TypeKind::Enum => 2,
        TypeKind::MediumInt | TypeKind::Date | TypeKind::Time => 3,
        TypeKind::Int | TypeKind::Float => 4,
        TypeKind::Bit => u64::from(ty.length).div_ceil(8),
        TypeKind::Decimal => u64::from(ty.length) / 2 + 1,
        _ => 8,
    }
}
