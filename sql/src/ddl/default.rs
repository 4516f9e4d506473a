//! DEFAULT of a column: literals converted to the column's type, CURRENT_TIMESTAMP, NULL.

use bytes::Bytes;
use rutile_sql_parser::ast::{self, ExprKind, Literal};
use rutile_sql_types::{Collation, Decimal, FieldType, MySqlError, TypeKind, Value};

use super::column::signed_literal;
use crate::catalog::ColumnDefault;
use crate::error::{Error, Result};
use crate::session::StatementContext;

/// The stored default of a column of type `ty`.
pub(super) fn column_default(
    context: &mut StatementContext<'_>,
    name: &str,
    ty: &FieldType,
    default: &ast::DefaultValue,
) -> Result<ColumnDefault> {
    let expression = match default {
        ast::DefaultValue::Expr { .. } => return Err(Error::unsupported("DEFAULT (expression)")),
        ast::DefaultValue::Value(expression) => expression,
    };
    if let Some(fsp) = is_current_timestamp(expression) {
        let fits = matches!(ty.kind, TypeKind::Datetime | TypeKind::Timestamp) && fsp == ty.decimals;
        return if fits {
            Ok(ColumnDefault::CurrentTimestamp)
        } else {
            Err(MySqlError::invalid_default(name).into())
        };
    }
    let Some((negative, literal)) = signed_literal(expression) else {
        return Err(MySqlError::invalid_default(name).into());
    };
    let Some((value, from)) = literal_value(negative, literal) else {
        return Err(MySqlError::invalid_default(name).into());
    };
    if value.is_null() {
        return if ty.not_null {
            Err(MySqlError::invalid_default(name).into())
        } else {
            Ok(ColumnDefault::Null)
        };
    }
    if ty.kind.is_lob() || ty.kind == TypeKind::Json {
        return Err(MySqlError::blob_cannot_have_default(name).into());
    }
    match context.store_exactly(&value, &from, ty) {
        Some(stored) => Ok(ColumnDefault::Literal(stored)),
        None => Err(MySqlError::invalid_default(name).into()),
    }
}

/// The precision of `CURRENT_TIMESTAMP[(n)]` and its synonyms; `None` for any other expression.
pub(super) fn is_current_timestamp(expression: &ast::Expr) -> Option<u8> {
    let ExprKind::Call(call) = &expression.kind else {
        return None;
    };
    const NAMES: [&str; 4] = ["current_timestamp", "now", "localtime", "localtimestamp"];
    if call.schema.is_some() || !NAMES.iter().any(|name| call.name.is(name)) {
        return None;
    }
    match call.args.as_slice() {
        [] => Some(0),
        [argument] => match argument.literal() {
            Some(Literal::Integer(digits)) => u8::try_from(*digits).ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The value and type of a literal as MySQL's parser gives them; `None` for a sign before a non-number.
pub(crate) fn literal_value(negative: bool, literal: &Literal) -> Option<(Value, FieldType)> {
    let value = match literal {
        Literal::Null => (Value::Null, FieldType::null()),
        Literal::Boolean(truth) => integer(negative, u64::from(*truth))?,
        Literal::Integer(digits) => integer(negative, *digits)?,
        Literal::Decimal(text) => {
            let parsed = Decimal::parse_prefix(text.as_bytes()).value;
            let value = if negative { parsed.negated() } else { parsed };
            let precision = value.integer_digits() + u32::from(value.scale());
            (Value::Decimal(value), FieldType::decimal(precision.max(1), value.scale()))
        }
        Literal::Float(text) => {
            let parsed: f64 = text.parse().ok()?;
            (Value::Double(if negative { -parsed } else { parsed }), FieldType::double())
        }
        _ if negative => return None,
        Literal::String(bytes) => text(bytes, Collation::DEFAULT),
        Literal::National(bytes) => text(bytes, Collation::UTF8MB3_GENERAL_CI),
        Literal::Hex(bytes) | Literal::Bit(bytes) => binary(bytes),
        Literal::Introduced(introduced) => match rutile_sql_types::Charset::from_name(&introduced.charset) {
            Ok(charset) => text(&introduced.value, charset.default_collation()),
            Err(_) => return None,
        },
        Literal::Date(bytes) | Literal::Time(bytes) | Literal::Timestamp(bytes) => {
            text(bytes, Collation::DEFAULT)
        }
    };
    Some(value)
}

fn integer(negative: bool, digits: u64) -> Option<(Value, FieldType)> {
    if negative {
        let value = 0_i64.checked_sub_unsigned(digits)?;
        return Some((Value::Int(value), FieldType::bigint()));
    }
    Some(match i64::try_from(digits) {
        Ok(value) => (Value::Int(value), FieldType::bigint()),
        Err(_) => (Value::UInt(digits), FieldType::ubigint()),
    })
}

fn text(bytes: &[u8], collation: Collation) -> (Value, FieldType) {
    let chars = u32::try_from(collation.charset().count_chars(bytes)).unwrap_or(u32::MAX);
    (Value::Bytes(Bytes::copy_from_slice(bytes)), FieldType::varchar(chars, collation))
}

fn binary(bytes: &[u8]) -> (Value, FieldType) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    (Value::Bytes(Bytes::copy_from_slice(bytes)), FieldType::varbinary(length))
}
