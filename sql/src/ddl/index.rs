//! An index definition: its columns, name and MySQL's checks.

use rutile_sql_parser::ast;
use rutile_sql_types::{FieldType, MySqlError, TypeKind};

use super::generated;
use crate::catalog::{IndexColumn, IndexInfo, SchemaState, TableInfo};
use crate::error::{Error, Result};
use crate::session::StatementContext;

pub(super) const PRIMARY_NAME: &str = "PRIMARY";
const KEYS_MAX: usize = 64;
const KEY_PARTS_MAX: usize = 16;
/// InnoDB's limit for DYNAMIC rows.
const KEY_BYTES_MAX: u64 = 3072;
const NAME_CHARS_MAX: usize = 64;
const COMMENT_CHARS_MAX: usize = 1024;

/// What a definition asks for, before it has a name and an id.
pub(super) fn index_info(table: &TableInfo, definition: &ast::IndexDef) -> Result<IndexInfo> {
    let (unique, primary) = match definition.kind {
        ast::IndexKind::Primary => (true, true),
        ast::IndexKind::Unique => (true, false),
        ast::IndexKind::Plain => (false, false),
        ast::IndexKind::Fulltext => return Err(Error::unsupported("FULLTEXT indexes")),
        ast::IndexKind::Spatial => return Err(Error::unsupported("SPATIAL indexes")),
    };
    refuse_unsupported(&definition.options)?;
    let mut columns: Vec<IndexColumn> = Vec::with_capacity(definition.parts.len());
    for part in &definition.parts {
        let column = index_column(table, part, primary)?;
        if columns.iter().any(|seen| seen.offset == column.offset) {
            return Err(MySqlError::duplicate_column(&column.name).into());
        }
        columns.push(column);
    }
    if columns.len() > KEY_PARTS_MAX {
        return Err(MySqlError::too_many_key_parts(KEY_PARTS_MAX).into());
    }
    check_length(table, &columns)?;
    let name = match (primary, &definition.name, &definition.constraint) {
        (true, _, _) => PRIMARY_NAME.to_owned(),
        (false, Some(name), _) | (false, None, Some(name)) => name.value.clone(),
        (false, None, None) => String::new(),
    };
    check_name(&name, primary)?;
    Ok(IndexInfo {
        id: 0,
        name,
        columns,
        unique,
        primary,
        comment: comment(definition)?,
        state: SchemaState::Public,
    })
}

fn comment(definition: &ast::IndexDef) -> Result<String> {
    let comment = definition.options.comment.clone().unwrap_or_default();
    if comment.chars().count() > COMMENT_CHARS_MAX {
        let name = definition.name.as_ref().map_or(PRIMARY_NAME, |name| name.as_str());
        return Err(MySqlError::new(
            1688,
            "HY000",
            format!("Comment for index '{name}' is too long (max = {COMMENT_CHARS_MAX})"),
        )
        .into());
    }
    Ok(comment)
}

fn refuse_unsupported(options: &ast::IndexOptions) -> Result<()> {
    let refused = [
        (options.visible == Some(false), "INVISIBLE indexes"),
        (options.parser.is_some(), "WITH PARSER"),
        (options.engine_attribute.is_some(), "ENGINE_ATTRIBUTE"),
        (options.secondary_engine_attribute.is_some(), "SECONDARY_ENGINE_ATTRIBUTE"),
        (options.algorithm == Some(ast::IndexAlgorithm::Rtree), "RTREE indexes"),
    ];
    match refused.into_iter().find(|(present, _)| *present) {
        Some((_, feature)) => Err(Error::unsupported(feature)),
        None => Ok(()),
    }
}

fn check_name(name: &str, primary: bool) -> Result<()> {
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(MySqlError::identifier_too_long(name).into());
    }
    if (!primary && name.eq_ignore_ascii_case(PRIMARY_NAME)) || name.ends_with(' ') {
        return Err(MySqlError::new(1280, "42000", format!("Incorrect index name '{name}'")).into());
    }
    Ok(())
}

fn index_column(table: &TableInfo, part: &ast::IndexPart, primary: bool) -> Result<IndexColumn> {
    let (name, prefix) = match &part.key {
        ast::IndexKey::Column { name, prefix } => (name.as_str(), *prefix),
        ast::IndexKey::Expr { .. } => return Err(Error::unsupported("indexes on expressions")),
    };
    let column = table.column(name).ok_or_else(|| MySqlError::key_column_missing(name))?;
    if column.ty.kind == TypeKind::Json {
        return Err(MySqlError::json_used_as_key(&column.name).into());
    }
    if primary && column.is_virtual() {
        return Err(generated::virtual_primary_key().into());
    }
    if primary && !column.ty.not_null {
        return Err(MySqlError::primary_cannot_have_null().into());
    }
    let length = match prefix {
        Some(0) => return Err(MySqlError::key_part_zero_length(&column.name).into()),
        Some(length) => prefix_length(&column.ty, length)?,
        None if column.ty.kind.is_lob() => {
            return Err(MySqlError::blob_key_without_length(&column.name).into());
        }
        None => None,
    };
    let descending = part.descending == Some(true);
    Ok(IndexColumn { offset: column.offset, name: column.name.clone(), length, descending })
}

/// A prefix as long as the column is no prefix.
fn prefix_length(ty: &FieldType, length: u64) -> Result<Option<u32>> {
    if !ty.kind.is_string() {
        return Err(MySqlError::wrong_sub_key().into());
    }
    if ty.kind.is_lob() {
        let bytes = length.saturating_mul(u64::from(ty.collation.charset().max_len()));
        if bytes > KEY_BYTES_MAX {
            return Err(MySqlError::key_too_long(KEY_BYTES_MAX).into());
        }
    } else if length > u64::from(ty.length) {
        return Err(MySqlError::wrong_sub_key().into());
    } else if length == u64::from(ty.length) {
        return Ok(None);
    }
    Ok(u32::try_from(length).ok())
}

fn check_length(table: &TableInfo, columns: &[IndexColumn]) -> Result<()> {
    let mut total: u64 = 0;
    for part in columns {
        let Some(column) = table.columns.get(part.offset) else {
            continue;
        };
        total += key_bytes(&column.ty, part.length);
    }
    if total > KEY_BYTES_MAX { Err(MySqlError::key_too_long(KEY_BYTES_MAX).into()) } else { Ok(()) }
}

/// The most bytes InnoDB would need for a key part.
pub(super) fn key_bytes(ty: &FieldType, prefix: Option<u32>) -> u64 {
    if ty.kind.is_string() {
        let chars = prefix.unwrap_or(ty.length);
        return u64::from(chars) * u64::from(ty.collation.charset().max_len());
    }
    match ty.kind {
        TypeKind::TinyInt | TypeKind::Year => 1,
        TypeKind::SmallInt | TypeKind::Enum => 2,
        TypeKind::MediumInt | TypeKind::Date => 3,
        TypeKind::Int | TypeKind::Float | TypeKind::Timestamp => 4,
        TypeKind::Decimal => u64::from(ty.length) / 2 + 1,
        _ => 8,
    }
}

/// Gives an unnamed index MySQL's name: its first column, numbered until it is free.
pub(super) fn name_and_add(table: &mut TableInfo, mut index: IndexInfo) -> Result<()> {
    if index.primary && table.indexes.iter().any(|other| other.primary) {
        return Err(MySqlError::multiple_primary_key().into());
    }
    if index.name.is_empty() {
        let base = index.columns.first().map(|part| part.name.clone()).unwrap_or_default();
        let mut candidate = base.clone();
        let mut number = 2;
        while candidate.eq_ignore_ascii_case(PRIMARY_NAME)
            || table.indexes.iter().any(|other| other.is_named(&candidate))
        {
            candidate = format!("{base}_{number}");
            number += 1;
        }
        index.name = candidate;
    } else if table.indexes.iter().any(|other| other.is_named(&index.name)) {
        return Err(MySqlError::duplicate_key_name(&index.name).into());
    }
    if table.indexes.len() >= KEYS_MAX {
        return Err(MySqlError::too_many_keys(KEYS_MAX).into());
    }
    index.id = table.next_index_id;
    table.next_index_id += 1;
    table.indexes.push(index);
    Ok(())
}

/// Warning 1831: another index has the same columns and the same uniqueness.
pub(super) fn warn_duplicates(
    context: &mut StatementContext<'_>,
    database: &str,
    table: &TableInfo,
    from: usize,
) {
    for (position, index) in table.indexes.iter().enumerate().skip(from) {
        let same = |other: &IndexInfo| other.unique == index.unique && other.columns == index.columns;
        if table.indexes.iter().take(position).any(same) {
            context.warn(MySqlError::duplicate_index(&index.name, format_args!("{database}.{}", table.name)));
        }
    }
}
