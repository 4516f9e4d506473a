//! CREATE TABLE, CREATE TABLE … LIKE, and the table of CREATE TABLE … SELECT, whose rows are an INSERT after it.

use async_trait::async_trait;
use rutile_sql_parser::ast;
use rutile_sql_types::{Collation, MySqlError, TypeKind};

use super::change::{self, Change};
use super::database::refuse_system_schema;
use super::index::{index_info, name_and_add, warn_duplicates};
use super::option::Options;
use super::{column, generated, partition, row_size, selected_columns};
use crate::catalog::{GenerationCell, HandleKind, InfoSchema, TableInfo};
use crate::error::{Error, Result};
use crate::meta::MetaTransaction;
use crate::session::StatementContext;

const NAME_CHARS_MAX: usize = 64;

struct Create<'a> {
    database: &'a str,
    /// Without ids; `apply` numbers the table.
    table: TableInfo,
}

#[async_trait]
impl Change for Create<'_> {
    type Output = ();

    async fn apply(&self, schema: &InfoSchema, meta: &mut MetaTransaction) -> Result<()> {
        let found =
            schema.database(self.database).ok_or_else(|| MySqlError::unknown_database(self.database))?;
        if found.tables.contains_key(&self.table.name) {
            return Err(MySqlError::table_exists(&self.table.name).into());
        }
        let mut table = self.table.clone();
        table.id = meta.allocate_id().await?;
        meta.put_table(found.info.id, &mut table).await
    }
}

/// False if the table was there already and IF NOT EXISTS says that this is no error.
pub async fn create_table(context: &mut StatementContext<'_>, statement: &ast::CreateTable) -> Result<bool> {
    if statement.temporary {
        return Err(Error::unsupported("CREATE TEMPORARY TABLE"));
    }
    let database = context.database_of(&statement.name)?.to_owned();
    refuse_system_schema(context, &database)?;
    check_name(statement.name.name.as_str())?;
    let schema = context.infoschema.database(&database);
    let default = schema.ok_or_else(|| MySqlError::unknown_database(&database))?.info.collation;
    if statement.if_not_exists && context.infoschema.table(&database, statement.name.name.as_str()).is_some()
    {
        context.note(MySqlError::table_exists(&statement.name.name));
        return Ok(false);
    }
    let table = match &statement.like {
        Some(like) => table_like(context, statement.name.name.as_str(), like)?,
        None => table_info(context, statement, default)?,
    };
    if statement.like.is_none() {
        warn_duplicates(context, &database, &table, 0);
    }
    let _turn = context.instance.ddl_turn(&context.cancellation()).await?;
    match change::apply(context.instance, &Create { database: &database, table }).await {
        Ok(_) => Ok(true),
        Err(Error::Sql(error)) if error.code == 1050 && statement.if_not_exists => {
            context.note(error);
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn check_name(name: &str) -> Result<()> {
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(MySqlError::identifier_too_long(name).into());
    }
    if name.is_empty() || name.ends_with(' ') {
        return Err(MySqlError::wrong_table_name(name).into());
    }
    Ok(())
}

/// A copy of another table's definition, with counters of its own.
fn table_like(context: &mut StatementContext<'_>, name: &str, like: &ast::ObjectName) -> Result<TableInfo> {
    let (_, source) = context.find_table(like)?;
    let mut table = TableInfo::clone(&source);
    table.name = name.to_owned();
    table.auto_increment_start = 0;
    table.created_ms = context.instance.env().clock.unix_millis();
    table.columns.retain(|column| column.state.is_public());
    table.indexes.retain(|index| index.state.is_public());
    Ok(table)
}

fn table_info(
    context: &mut StatementContext<'_>,
    statement: &ast::CreateTable,
    default: Collation,
) -> Result<TableInfo> {
    refuse_unsupported(statement)?;
    let name = statement.name.name.as_str();
    let options = Options::read(name, &statement.options)?;
    if options.substitutes_engine {
        context.warn(MySqlError::using_other_handler("InnoDB", name));
    }
    let collation = options.collation(default)?;
    let mut table = TableInfo {
        id: 0,
        name: name.to_owned(),
        columns: Vec::with_capacity(statement.columns.len()),
        indexes: Vec::new(),
        handle: HandleKind::RowId,
        collation,
        comment: options.comment.unwrap_or_default(),
        auto_increment_start: options.auto_increment.unwrap_or(0),
        next_column_id: 1,
        next_index_id: 1,
        created_ms: context.instance.env().clock.unix_millis(),
        version: 0,
        view: None,
        partitioning: None,
        bound: GenerationCell::default(),
    };
    add_columns(context, &mut table, statement, collation)?;
    if let Some(query) = &statement.query {
        selected_columns::add(context, &mut table, statement, &query.query)?;
    }
    let columns: Vec<_> = table.columns.iter().map(|column| column.id).collect();
    generated::resolve(&mut table, &columns)?;
    add_indexes(&mut table, statement)?;
    choose_handle(&mut table, wants_clustered(statement));
    table.sort_indexes();
    check_auto_column(&table)?;
    generated::check(&table)?;
    if let Some(parsed) = &statement.partitioning {
        table.partitioning = Some(partition::partitions(&table, parsed)?);
        partition::check(&table)?;
    }
    row_size::check(&table)?;
    if table.primary_key().is_none() && context.flag("sql_require_primary_key") {
        return Err(MySqlError::table_without_primary_key().into());
    }
    Ok(table)
}

fn refuse_unsupported(statement: &ast::CreateTable) -> Result<()> {
    let refused = [
        (!statement.foreign_keys.is_empty(), "FOREIGN KEY"),
        (!statement.checks.is_empty(), "CHECK constraints"),
    ];
    match refused.into_iter().find(|(present, _)| *present) {
        Some((_, feature)) => Err(Error::unsupported(feature)),
        None => Ok(()),
    }
}

fn add_columns(
    context: &mut StatementContext<'_>,
    table: &mut TableInfo,
    statement: &ast::CreateTable,
    collation: Collation,
) -> Result<()> {
    // PRIMARY KEY (a) at the end of the statement makes `a INT` NOT NULL, but not `a INT NULL` (1171).
    let key_names: Vec<&str> = statement
        .indexes
        .iter()
        .filter(|index| index.kind == ast::IndexKind::Primary)
        .flat_map(|index| &index.parts)
        .filter_map(|part| match &part.key {
            ast::IndexKey::Column { name, .. } => Some(name.as_str()),
            ast::IndexKey::Expr { .. } => None,
        })
        .collect();
    for definition in &statement.columns {
        let mut column = column::column_info(context, definition, collation)?;
        if key_names.iter().any(|name| column.is_named(name)) {
            if definition.attributes.nullable == Some(true) {
                return Err(MySqlError::primary_cannot_have_null().into());
            }
            if column.default == crate::catalog::ColumnDefault::Null {
                return Err(MySqlError::invalid_default(&column.name).into());
            }
            column.ty.not_null = true;
        }
        column::settle_default(&mut column);
        if table.columns.iter().any(|other| other.is_named(&column.name)) {
            return Err(MySqlError::duplicate_column(&column.name).into());
        }
        column.id = table.next_column_id;
        column.offset = table.columns.len();
        table.next_column_id += 1;
        table.columns.push(column);
    }
    Ok(())
}

/// Indexes of the columns' own attributes first, then those of the list, as MySQL numbers them.
fn add_indexes(table: &mut TableInfo, statement: &ast::CreateTable) -> Result<()> {
    let mut definitions: Vec<ast::IndexDef> = Vec::new();
    for column in &statement.columns {
        definitions.extend(column_indexes(column));
    }
    definitions.extend(statement.indexes.iter().cloned());
    // Named indexes first, so that a generated name avoids them wherever they stand.
    let mut ordered = Vec::with_capacity(definitions.len());
    for definition in &definitions {
        ordered.push(index_info(table, definition)?);
    }
    let primary = ordered.iter().filter(|index| index.primary).count();
    if primary > 1 {
        return Err(MySqlError::multiple_primary_key().into());
    }
    for index in ordered {
        name_and_add(table, index)?;
    }
    Ok(())
}

/// The indexes a column's `PRIMARY KEY` and `UNIQUE` stand for.
pub(super) fn column_indexes(column: &ast::ColumnDef) -> Vec<ast::IndexDef> {
    let index = |kind| ast::IndexDef {
        kind,
        constraint: None,
        name: None,
        parts: vec![ast::IndexPart {
            key: ast::IndexKey::Column { name: column.name.clone(), prefix: None },
            descending: None,
        }],
        options: ast::IndexOptions { clustered: column.attributes.clustered, ..ast::IndexOptions::default() },
    };
    let mut indexes = Vec::new();
    if column.attributes.primary {
        indexes.push(index(ast::IndexKind::Primary));
    }
    if column.attributes.unique {
        indexes.push(index(ast::IndexKind::Unique));
    }
    indexes
}

/// False only if the primary key says NONCLUSTERED.
fn wants_clustered(statement: &ast::CreateTable) -> bool {
    let listed = statement
        .indexes
        .iter()
        .filter(|index| index.kind == ast::IndexKind::Primary)
        .filter_map(|index| index.options.clustered);
    let attributes = statement.columns.iter().filter_map(|column| column.attributes.clustered);
    listed.chain(attributes).next() != Some(false)
}

/// Clusters the table on its primary key.
///
/// BIGINT UNSIGNED keys become common handles: an integer handle is signed, and scanning half of the values
/// before the other half would break the order of the key.
fn choose_handle(table: &mut TableInfo, clustered: bool) {
    let Some(primary) = table.indexes.iter().find(|index| index.primary) else {
        return;
    };
    if !clustered {
        return;
    }
    let single = match primary.columns.as_slice() {
        [part] => table.columns.get(part.offset),
        _ => None,
    };
    table.handle = match single {
        Some(column)
            if column.ty.kind.is_integer() && !(column.ty.kind == TypeKind::BigInt && column.ty.unsigned) =>
        {
            HandleKind::Integer { offset: column.offset }
        }
        _ => HandleKind::Common,
    };
}

/// 1075: at most one AUTO_INCREMENT column, and it leads some index.
pub(super) fn check_auto_column(table: &TableInfo) -> Result<()> {
    let mut auto = table.columns.iter().filter(|column| column.auto_increment);
    let Some(column) = auto.next() else {
        return Ok(());
    };
    let leads = table
        .indexes
        .iter()
        .any(|index| index.columns.first().is_some_and(|part| part.offset == column.offset));
    if auto.next().is_some() || !leads {
        return Err(MySqlError::wrong_auto_key().into());
    }
    Ok(())
}
