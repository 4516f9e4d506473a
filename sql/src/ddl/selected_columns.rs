//! The columns that CREATE TABLE … SELECT takes from its query.

use rutile_sql_parser::ast;
use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use super::column::settle_default;
use crate::binder::OutputColumn;
use crate::catalog::{ColumnDefault, ColumnInfo, SchemaState, TableInfo};
use crate::error::Result;
use crate::executor::column_values::implicit_default;
use crate::session::StatementContext;

/// Display width from which a computed integer is a BIGINT.
const BIGINT_WIDTH: u32 = 10;

/// Columns that only the statement names come first, then those of the query; one that both name is where the query
/// has it and what the statement says.
pub(super) fn add(
    context: &mut StatementContext<'_>,
    table: &mut TableInfo,
    statement: &ast::CreateTable,
    query: &ast::Query,
) -> Result<()> {
    let selected = crate::executor::output_columns(context, query)?;
    let mut columns = std::mem::take(&mut table.columns);
    let mut chosen: Vec<ColumnInfo> = Vec::with_capacity(selected.len());
    for output in &selected {
        if chosen.iter().any(|other| other.is_named(&output.name)) {
            return Err(MySqlError::duplicate_column(&output.name).into());
        }
        chosen.push(match columns.iter().position(|column| column.is_named(&output.name)) {
            Some(position) => columns.remove(position),
            None => column_of(context, statement, output)?,
        });
    }
    columns.append(&mut chosen);
    table.next_column_id = 1;
    for (offset, column) in columns.iter_mut().enumerate() {
        column.id = table.next_column_id;
        column.offset = offset;
        table.next_column_id += 1;
    }
    table.columns = columns;
    Ok(())
}

/// A column of the query as a column of the table: that of a stored table keeps its default and its comment.
fn column_of(
    context: &StatementContext<'_>,
    statement: &ast::CreateTable,
    output: &OutputColumn,
) -> Result<ColumnInfo> {
    let source = context
        .infoschema
        .table(&output.database, &output.org_table)
        .and_then(|table| table.column(&output.org_name));
    let mut ty = if source.is_some() { output.ty.clone() } else { computed_type(&output.ty) };
    let in_key =
        statement.indexes.iter().filter(|index| index.kind == ast::IndexKind::Primary).any(|index| {
            index
                .parts
                .iter()
                .any(|part| matches!(&part.key, ast::IndexKey::Column { name, .. } if name.is(&output.name)))
        });
    ty.not_null |= in_key;
    let default = match source {
        Some(source) if !source.auto_increment => source.default.clone(),
        _ if ty.not_null && has_zero(&ty) => ColumnDefault::Literal(implicit_default(&ty)),
        _ if ty.not_null => ColumnDefault::Absent,
        _ => ColumnDefault::Null,
    };
    let default = if ty.not_null && default == ColumnDefault::Null { ColumnDefault::Absent } else { default };
    let mut column = ColumnInfo {
        id: 0,
        name: output.name.to_string(),
        offset: 0,
        ty,
        default,
        on_update_now: source.is_some_and(|source| source.on_update_now),
        auto_increment: false,
        comment: source.map(|source| source.comment.clone()).unwrap_or_default(),
        state: SchemaState::Public,
        original_default: Value::Null,
        generated: None,
    };
    settle_default(&mut column);
    Ok(column)
}

/// Whether a computed column of this type has its zero as default: numbers and short strings.
pub(super) fn has_zero(ty: &FieldType) -> bool {
    ty.kind.is_numeric() || (ty.kind.is_string() && !ty.kind.is_lob())
}

/// The type that a computed value is stored in.
fn computed_type(ty: &FieldType) -> FieldType {
    match ty.kind {
        TypeKind::Null => FieldType::varbinary(0),
        TypeKind::BigInt if ty.length < BIGINT_WIDTH => {
            let int = if ty.unsigned { FieldType::int().with_unsigned() } else { FieldType::int() };
            if ty.not_null { int.with_not_null() } else { int }
        }
        _ => ty.clone(),
    }
}
