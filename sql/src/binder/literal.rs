//! Constants: what type each form of literal has and what value.

use bytes::Bytes;
use rutile_sql_parser::ast::{IntroducedLiteral, Literal};
use rutile_sql_types::{Charset, Collation, Decimal, FieldType, MySqlError, NOT_FIXED_DECIMALS, Value};

use crate::expression::{Evaluation, Expr};

/// Binds a literal; text is in the connection's collation.
pub(super) fn bind(literal: &Literal, statement: &Evaluation) -> Result<Expr, MySqlError> {
    Ok(match literal {
        Literal::Null => Expr::literal(Value::Null, FieldType::null()),
        Literal::Boolean(value) => Expr::literal(Value::bool(*value), FieldType::boolean().with_not_null()),
        Literal::Integer(value) => integer(*value),
        Literal::Decimal(text) => decimal(text)?,
        Literal::Float(text) => {
            let value: f64 = text.parse().unwrap_or(f64::INFINITY);
            if !value.is_finite() {
                return Err(MySqlError::illegal_value_parse("double", text));
            }
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            Expr::literal(Value::Double(value), FieldType::double().with_length(length).with_not_null())
        }
        Literal::String(bytes) => text(bytes, statement.connection_collation()),
        Literal::National(bytes) => text(bytes, Collation::UTF8MB3_GENERAL_CI),
        // A binary string; `0x41 + 0` takes it as a number, which the numeric conversions see by its type.
        Literal::Hex(bytes) | Literal::Bit(bytes) => binary(bytes),
        Literal::Introduced(introduced) => bind_introduced(introduced)?,
        Literal::Date(bytes) => temporal(bytes, "DATE", statement)?,
        Literal::Time(bytes) => temporal(bytes, "TIME", statement)?,
        Literal::Timestamp(bytes) => temporal(bytes, "DATETIME", statement)?,
    })
}

/// An integer constant: BIGINT, or BIGINT UNSIGNED above its range.
pub(super) fn integer(value: u64) -> Expr {
    let digits = value.checked_ilog10().unwrap_or(0) + 1;
    match i64::try_from(value) {
        Ok(signed) => {
            Expr::literal(Value::Int(signed), FieldType::bigint().with_length(digits + 1).with_not_null())
        }
        Err(_) => Expr::literal(Value::UInt(value), FieldType::ubigint().with_length(digits).with_not_null()),
    }
}

fn decimal(text: &str) -> Result<Expr, MySqlError> {
    let parsed = Decimal::parse_prefix(text.as_bytes());
    let value = parsed.value;
    let ty = FieldType::decimal(value.precision(), value.scale()).with_not_null();
    Ok(Expr::literal(Value::Decimal(value), ty))
}

pub(super) fn text(bytes: &[u8], collation: Collation) -> Expr {
    let chars = match collation.charset() {
        Charset::Utf8mb4 | Charset::Utf8mb3 => bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count(),
        _ => bytes.len(),
    };
    let mut ty = FieldType::varchar(u32::try_from(chars).unwrap_or(u32::MAX), collation).with_not_null();
    ty.decimals = NOT_FIXED_DECIMALS;
    Expr::literal(Value::Bytes(Bytes::copy_from_slice(bytes)), ty)
}

fn binary(bytes: &[u8]) -> Expr {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut ty = FieldType::varbinary(length).with_not_null();
    // MySQL marks a hexadecimal literal as unsigned: in numeric context it is that number.
    ty.unsigned = true;
    Expr::literal(Value::Bytes(Bytes::copy_from_slice(bytes)), ty)
}

fn bind_introduced(literal: &IntroducedLiteral) -> Result<Expr, MySqlError> {
    let charset = Charset::from_name(&literal.charset)?;
    if charset == Charset::Binary {
        let length = u32::try_from(literal.value.len()).unwrap_or(u32::MAX);
        let value = Value::Bytes(Bytes::copy_from_slice(&literal.value));
        return Ok(Expr::literal(value, FieldType::varbinary(length).with_not_null()));
    }
    if matches!(charset, Charset::Utf8mb4 | Charset::Utf8mb3) && std::str::from_utf8(&literal.value).is_err()
    {
        let shown = String::from_utf8_lossy(&literal.value).into_owned();
        return Err(MySqlError::invalid_character_string(charset.name(), shown));
    }
    Ok(text(&literal.value, charset.default_collation()))
}

fn temporal(bytes: &[u8], kind: &str, statement: &Evaluation) -> Result<Expr, MySqlError> {
    let shown = || String::from_utf8_lossy(bytes).into_owned();
    let (value, ty) = crate::expression::temporal::parse_literal(bytes, kind, statement)
        .ok_or_else(|| MySqlError::wrong_value(kind, shown()))?;
    Ok(Expr::literal(value, ty.with_not_null()))
}
