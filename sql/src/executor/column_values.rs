//! Values on their way into columns: conversion, defaults, NOT NULL.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{Decimal, FieldType, MySqlError, PackedDatetime, SqlMode, TypeKind, Value, store};

use super::strict::strictly;
use crate::catalog::{ColumnDefault, ColumnInfo, TableInfo};
use crate::error::{Error, Result};
use crate::expression::{Expr, evaluate};
use crate::session::StatementContext;

/// How an INSERT or UPDATE treats what does not fit.
#[derive(Debug, Clone, Copy)]
pub struct Strictness {
    /// STRICT_TRANS_TABLES or STRICT_ALL_TABLES, and no IGNORE.
    pub strict: bool,
    pub ignore: bool,
}

impl Strictness {
    pub fn new(sql_mode: SqlMode, ignore: bool) -> Self {
        Self { strict: sql_mode.is_strict() && !ignore, ignore }
    }
}

/// Converts `value` for `column`. NULL passes; see [`reject_null`].
pub fn convert(
    value: &Value,
    from: &FieldType,
    column: &ColumnInfo,
    context: &mut EvalContext,
) -> Result<Value> {
    strictly(context, |context| Ok(store(value, from, &column.ty, &column.name, &mut context.convert)?))
}

/// NULL for a NOT NULL column: error 1048, or under IGNORE the implicit default with a warning.
pub fn reject_null(
    value: Value,
    column: &ColumnInfo,
    strictness: Strictness,
    context: &mut EvalContext,
) -> Result<Value> {
    if !value.is_null() || !column.ty.not_null {
        return Ok(value);
    }
    let error = MySqlError::column_not_null(&column.name);
    if !strictness.ignore {
        return Err(error.into());
    }
    context.convert.warnings.warn(error);
    Ok(implicit_default(&column.ty))
}

/// Evaluates an expression and converts its value for `column`.
pub fn computed(expr: &Expr, row: &[Value], column: &ColumnInfo, context: &mut EvalContext) -> Result<Value> {
    let value = strictly(context, |context| evaluate(expr, row, context))?;
    convert(&value, expr.ty(), column, context)
}

/// What a column holds when the INSERT does not name it.
///
/// Error 1364 for a NOT NULL column without DEFAULT in strict mode, otherwise its implicit default with that
/// warning (MySQL manual, "Data Type Default Values").
pub fn default_value(
    statement: &StatementContext<'_>,
    column: &ColumnInfo,
    strictness: Strictness,
    context: &mut EvalContext,
) -> Result<Value> {
    match &column.default {
        ColumnDefault::Literal(value) => Ok(value.clone()),
        ColumnDefault::CurrentTimestamp => Ok(statement.current_timestamp(&column.ty)),
        ColumnDefault::Null => Ok(Value::Null),
        ColumnDefault::Absent if !column.ty.not_null => Ok(Value::Null),
        ColumnDefault::Absent => {
            let error = MySqlError::no_default_for_column(&column.name);
            if strictness.strict {
                return Err(error.into());
            }
            context.convert.warnings.warn(error);
            Ok(implicit_default(&column.ty))
        }
        ColumnDefault::Expression(_) => Err(Error::unsupported("DEFAULT (expression)")),
    }
}

/// Zero, the empty string, the zero date, the first member of an ENUM.
pub fn implicit_default(ty: &FieldType) -> Value {
    match ty.kind {
        TypeKind::Null | TypeKind::Json => Value::Null,
        TypeKind::TinyInt | TypeKind::SmallInt | TypeKind::MediumInt | TypeKind::Int | TypeKind::BigInt => {
            if ty.unsigned {
                Value::UInt(0)
            } else {
                Value::Int(0)
            }
        }
        TypeKind::Year | TypeKind::Bit | TypeKind::Set => Value::UInt(0),
        TypeKind::Enum => Value::UInt(1),
        TypeKind::Float => Value::Float(0.0),
        TypeKind::Double => Value::Double(0.0),
        TypeKind::Decimal => Value::Decimal(Decimal::ZERO.round_to(ty.decimals).unwrap_or(Decimal::ZERO)),
        TypeKind::Date | TypeKind::Datetime | TypeKind::Timestamp => Value::Datetime(PackedDatetime::ZERO),
        TypeKind::Time => Value::Duration(rutile_sql_types::Duration::ZERO),
        _ => Value::Bytes(bytes::Bytes::new()),
    }
}

/// Positions of the named columns (`None`: all), with MySQL's errors 1054 and 1110.
pub fn target_columns(
    table: &Arc<TableInfo>,
    names: Option<&[rutile_sql_parser::ast::ColumnRef]>,
) -> Result<Vec<usize>> {
    let Some(names) = names else {
        return Ok(table.public_columns().map(|column| column.offset).collect());
    };
    let mut offsets = Vec::with_capacity(names.len());
    for name in names {
        let column = table
            .column(name.column.as_str())
            .filter(|_| name.table.as_ref().is_none_or(|qualifier| qualifier.as_str() == table.name))
            .ok_or_else(|| MySqlError::unknown_column(name, "field list"))?;
        if offsets.contains(&column.offset) {
            return Err(MySqlError::column_specified_twice(name.column.as_str()).into());
        }
        offsets.push(column.offset);
    }
    Ok(offsets)
}
