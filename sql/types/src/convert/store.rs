//! Assignment to a column: INSERT, UPDATE, LOAD DATA.
//!
//! Strict mode turns 1264, 1265, 1292, 1366 and 1406 into errors; without it (or with IGNORE) the nearest value
//! is stored and the same text is a warning. NOT NULL is the caller's business, because it depends on the
//! statement (single or multiple rows, DEFAULT).

use crate::{FieldType, MySqlError, TypeKind, Value};

use super::{ConvertContext, store_number, store_temporal, store_text};

/// Where a value goes, for conversion and for messages.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub ty: &'a FieldType,
    pub name: &'a str,
}

/// Converts `value` of type `from` for the column `name` of type `column`.
pub fn store(
    value: &Value,
    from: &FieldType,
    column: &FieldType,
    name: &str,
    ctx: &mut ConvertContext,
) -> Result<Value, MySqlError> {
    let target = Target { ty: column, name };
    if value.is_null() {
        return Ok(Value::Null);
    }
    match column.kind {
        TypeKind::Null => Ok(Value::Null),
        TypeKind::Float | TypeKind::Double => store_number::real(value, from, target, ctx),
        TypeKind::Decimal => store_number::decimal(value, from, target, ctx),
        TypeKind::Year => store_number::year(value, from, target, ctx),
        TypeKind::Bit => store_number::bit(value, from, target, ctx),
        TypeKind::Date | TypeKind::Datetime | TypeKind::Timestamp => {
            store_temporal::date(value, from, target, ctx)
        }
        TypeKind::Time => store_temporal::time(value, from, target, ctx),
        TypeKind::Enum => store_text::enumeration(value, from, target, ctx),
        TypeKind::Set => store_text::set(value, from, target, ctx),
        TypeKind::Json => store_text::json(value, from, target, ctx),
        kind if kind.is_integer() => store_number::integer(value, from, target, ctx),
        _ => store_text::text(value, from, target, ctx),
    }
}
