//! How DESCRIBE, SHOW CREATE TABLE and INFORMATION_SCHEMA.COLUMNS write a column.

use rutile_sql_parser::ast::ExprKind;
use rutile_sql_parser::{ParseOptions, parse_expression};
use rutile_sql_types::{FieldType, TimeZone, TypeKind, Value, format_text};

use crate::catalog::{ColumnDefault, ColumnInfo, GeneratedColumn, TableInfo};

/// `CURRENT_TIMESTAMP` in the column's precision.
pub(super) fn current_timestamp(ty: &FieldType) -> String {
    match ty.fsp() {
        0 => "CURRENT_TIMESTAMP".to_owned(),
        fsp => format!("CURRENT_TIMESTAMP({fsp})"),
    }
}

/// The Default column: binary values in hexadecimal, BIT as a bit literal.
pub(super) fn default_text(column: &ColumnInfo, zone: TimeZone) -> Option<String> {
    match &column.default {
        ColumnDefault::Absent | ColumnDefault::Null => None,
        ColumnDefault::CurrentTimestamp => Some(current_timestamp(&column.ty)),
        ColumnDefault::Expression(text) => Some(text.clone()),
        ColumnDefault::Literal(Value::UInt(bits)) if column.ty.kind == TypeKind::Bit => {
            Some(format!("b'{bits:b}'"))
        }
        ColumnDefault::Literal(Value::Bytes(bytes)) if column.ty.kind.is_bytes() => {
            Some(format!("0x{}", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>()))
        }
        ColumnDefault::Literal(value) => Some(value_text(value, &column.ty, zone)),
    }
}

/// A value as the text protocol prints it.
pub(super) fn value_text(value: &Value, ty: &FieldType, zone: TimeZone) -> String {
    let mut out = Vec::new();
    format_text(value, ty, &mut out, zone);
    String::from_utf8_lossy(&out).into_owned()
}

/// The Extra column.
pub(super) fn extra(column: &ColumnInfo) -> String {
    let mut parts: Vec<String> = Vec::new();
    if column.auto_increment {
        parts.push("auto_increment".to_owned());
    }
    if matches!(column.default, ColumnDefault::CurrentTimestamp | ColumnDefault::Expression(_)) {
        parts.push("DEFAULT_GENERATED".to_owned());
    }
    if let Some(generated) = &column.generated {
        parts.push(format!("{} GENERATED", kind_name(generated)));
    }
    if column.on_update_now {
        parts.push(format!("on update {}", current_timestamp(&column.ty)));
    }
    parts.join(" ")
}

/// `VIRTUAL` or `STORED`.
pub(super) fn kind_name(generated: &GeneratedColumn) -> &'static str {
    if generated.stored { "STORED" } else { "VIRTUAL" }
}

/// GENERATION_EXPRESSION: the expression as the text of a string.
pub(super) fn generation_expression(column: &ColumnInfo) -> String {
    let mut out = String::new();
    for c in column.generated.iter().flat_map(|generated| generated.expression.chars()) {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\u{1a}' => out.push_str("\\Z"),
            other => out.push(other),
        }
    }
    out
}

pub(super) fn yes_no(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
}

/// A name in backticks.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A name in backticks unless it reads as a name without.
pub(super) fn quoted_if_needed(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
    let parsed = parse_expression(name.as_bytes(), &ParseOptions::default());
    let is_name = parsed.is_ok_and(|expr| matches!(expr.kind, ExprKind::Column(_)));
    if plain && is_name { name.to_owned() } else { quoted(name) }
}

/// CREATE_OPTIONS of INFORMATION_SCHEMA.TABLES and SHOW TABLE STATUS.
pub(super) fn create_options(table: &TableInfo) -> &'static str {
    if table.partitioning.is_some() { "partitioned" } else { "" }
}

/// A string literal as SHOW CREATE TABLE writes it.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            other => out.push(other),
        }
    }
    out.push('\'');
    out
}

/// The table's default charset and collation clause: the collation is written unless it is the charset's default, and
/// always for utf8mb4's, whose default was another one before MySQL 8.0.
pub(super) fn table_charset(table: &TableInfo) -> String {
    let charset = table.collation.charset();
    let mut text = format!("DEFAULT CHARSET={}", charset.name());
    if !table.collation.is_default() || table.collation == rutile_sql_types::Collation::UTF8MB4_0900_AI_CI {
        text.push_str(" COLLATE=");
        text.push_str(table.collation.name());
    }
    text
}
