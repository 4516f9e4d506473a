//! Generated columns in CREATE and ALTER TABLE: MySQL's checks of their expressions, and of changes around them.
//!
//! A column definition gives the canonical text (`parse`); what it reads is known once the statement's other columns
//! are (`resolve`), and only then can it be bound and the order of columns be judged (`check`).

use rutile_sql_parser::{
    ColumnExpression, ParseOptions, Refusal, ast, parse_expression, restore_column_expression,
};
use rutile_sql_types::{FieldType, MySqlError};

use crate::catalog::{ColumnId, ColumnInfo, GeneratedColumn, IndexInfo, TableInfo};
use crate::error::{Error, Result};
use crate::generation::Generation;
use crate::session::StatementContext;

/// Functions that MySQL allows in no generated column: they depend on more than their arguments, or do more than
/// answer. Under the names that MySQL prints.
const DISALLOWED: &[&str] = &[
    "benchmark",
    "connection_id",
    "curdate",
    "current_role",
    "current_user",
    "curtime",
    "database",
    "found_rows",
    "get_lock",
    "is_free_lock",
    "is_used_lock",
    "last_insert_id",
    "load_file",
    "now",
    "rand",
    "random_bytes",
    "release_all_locks",
    "release_lock",
    "row_count",
    "sleep",
    "sysdate",
    "unix_timestamp",
    "user",
    "utc_date",
    "utc_time",
    "utc_timestamp",
    "uuid",
    "uuid_short",
];

/// The generated column that a definition asks for; what it reads is not known yet.
pub(super) fn parse(
    context: &StatementContext<'_>,
    name: &str,
    attributes: &ast::ColumnAttributes,
) -> Result<Option<GeneratedColumn>> {
    let Some(generated) = &attributes.generated else {
        return Ok(None);
    };
    let conflicts = [
        (attributes.default.is_some(), "DEFAULT"),
        (attributes.auto_increment, "AUTO_INCREMENT"),
        (attributes.on_update.is_some(), "ON UPDATE"),
    ];
    if let Some((_, clause)) = conflicts.into_iter().find(|(present, _)| *present) {
        return Err(MySqlError::wrong_usage(clause, "generated column").into());
    }
    if attributes.primary && !generated.stored {
        return Err(virtual_primary_key().into());
    }
    let charset = context.settings().collation_connection.charset();
    let expression = restore_column_expression(&generated.expr, charset.name())
        .map_err(|refusal| refused(name, refusal))?;
    check_functions(name, &expression)?;
    if !charset.name().starts_with("utf8") && !expression.text.is_ascii() {
        // The text is kept in UTF-8, its introducers would not say so.
        return Err(Error::unsupported("text beyond ASCII of another character set in a generated column"));
    }
    Ok(Some(GeneratedColumn { expression: expression.text, stored: generated.stored, reads: Vec::new() }))
}

/// 3106
pub(super) fn virtual_primary_key() -> MySqlError {
    MySqlError::unsupported_on_generated_column("Defining a virtual generated column as primary key")
}

fn refused(name: &str, refusal: Refusal) -> Error {
    let error = match refusal {
        Refusal::Subquery => MySqlError::generated_column_function_not_allowed(name),
        Refusal::Aggregate => MySqlError::invalid_group_function_use(),
        Refusal::Window(function) => MySqlError::window_invalid_use(function),
        Refusal::Variable => MySqlError::default_value_variables(name),
        Refusal::Row => MySqlError::generated_column_row_value(name),
        Refusal::Function(function) => {
            MySqlError::generated_column_named_function_not_allowed(name, function)
        }
        Refusal::Other => return Error::unsupported("this expression in a generated column"),
    };
    error.into()
}

fn check_functions(name: &str, expression: &ColumnExpression) -> Result<()> {
    for (function, _) in &expression.functions {
        let shown = match function.as_str() {
            "name_const" => return Err(MySqlError::generated_column_function_not_allowed(name).into()),
            "version" => "version()".to_owned(),
            known if DISALLOWED.contains(&known) => known.to_owned(),
            "default" => continue,
            other => match rutile_sql_functions::lookup(other) {
                Some(known) if !known.volatile => continue,
                Some(_) => other.to_owned(),
                None => format!("`{other}`"),
            },
        };
        return Err(MySqlError::generated_column_named_function_not_allowed(name, shown).into());
    }
    Ok(())
}

/// Finds the columns that the expressions of these columns read. Every column of the statement is in the table by now.
pub(super) fn resolve(table: &mut TableInfo, new: &[ColumnId]) -> Result<()> {
    for position in 0..table.columns.len() {
        let Some(column) = table.columns.get(position).filter(|column| new.contains(&column.id)) else {
            continue;
        };
        let Some(generated) = &column.generated else {
            continue;
        };
        let reads = reads_of(table, generated)?;
        if let Some(generated) = table.columns.get_mut(position).and_then(|column| column.generated.as_mut())
        {
            generated.reads = reads;
        }
    }
    Ok(())
}

fn reads_of(table: &TableInfo, generated: &GeneratedColumn) -> Result<Vec<ColumnId>> {
    let unreadable = || Error::internal("a canonical expression that does not parse");
    let parsed = parse_expression(generated.expression.as_bytes(), &ParseOptions::default())
        .map_err(|_| unreadable())?;
    let expression = restore_column_expression(&parsed, "utf8mb4").map_err(|_| unreadable())?;
    let mut reads = Vec::new();
    for name in &expression.columns {
        let column = table.column(name.column.as_str()).ok_or_else(|| {
            MySqlError::unknown_column(&name.column.value, crate::binder::error::Clause::Generated.name())
        })?;
        if !reads.contains(&column.id) {
            reads.push(column.id);
        }
    }
    Ok(reads)
}

/// Judges a definition as a whole: what generated columns read (3107, 3109), whether their expressions can be bound,
/// and whether the indexes on them stay true whoever writes.
pub(super) fn check(table: &TableInfo) -> Result<()> {
    for column in &table.columns {
        let Some(generated) = &column.generated else {
            continue;
        };
        for id in &generated.reads {
            let Some(read) = table.columns.iter().find(|read| read.id == *id) else {
                return Err(Error::internal("a generated column that reads a column which is gone"));
            };
            if read.auto_increment {
                return Err(MySqlError::generated_column_refers_to_auto_increment(&column.name).into());
            }
            if read.generated.is_some() && read.offset >= column.offset {
                return Err(MySqlError::generated_column_non_prior().into());
            }
        }
    }
    let Some(generation) = Generation::of(table)? else {
        return Ok(());
    };
    let part_by_session = |index: &IndexInfo| {
        index.columns.iter().any(|part| {
            table.columns.get(part.offset).is_some_and(ColumnInfo::is_virtual)
                && generation.depends_on_session(part.offset)
        })
    };
    let partition_by_session = |id: &ColumnId| {
        let column = table.columns.iter().find(|column| column.id == *id);
        column.is_some_and(|column| column.is_virtual() && generation.depends_on_session(column.offset))
    };
    if table.partitioning.iter().flat_map(|info| &info.reads).any(partition_by_session) {
        return Err(Error::unsupported("partitions of a virtual column whose value depends on the session"));
    }
    if table.indexes.iter().any(part_by_session) {
        return Err(Error::unsupported(
            "an index on a virtual column whose value depends on the time zone, the date or a DEFAULT",
        ));
    }
    Ok(())
}

/// Judges a change (3108): a column that a generated one reads neither goes nor gets another name; and what generated
/// columns that are stored or indexed are computed from keeps its type.
pub(super) fn check_change(source: &TableInfo, target: &TableInfo) -> Result<()> {
    let kept = |id: ColumnId| target.columns.iter().find(|column| column.id == id);
    for column in &target.columns {
        let before = source.columns.iter().find(|before| before.id == column.id);
        let Some(generated) = before.and_then(|before| before.generated.as_ref()) else {
            continue;
        };
        if column.generated.as_ref() != Some(generated) {
            // Another expression, resolved anew.
            continue;
        }
        for id in &generated.reads {
            let Some(read) = source.columns.iter().find(|read| read.id == *id) else {
                continue;
            };
            if kept(*id).is_none_or(|now| now.name != read.name) {
                return Err(MySqlError::dependent_by_generated_column(&read.name).into());
            }
        }
    }
    check_kept_values(source, target)
}

/// Values that were computed once, in rows and index entries, must be what is computed now.
fn check_kept_values(source: &TableInfo, target: &TableInfo) -> Result<()> {
    let Some(generation) = Generation::of(target)? else {
        return Ok(());
    };
    let before_of = |column: &ColumnInfo| source.columns.iter().find(|before| before.id == column.id);
    let changed = |offset: usize| {
        let column = target.columns.get(offset);
        column.zip(column.and_then(before_of)).is_some_and(|(column, before)| {
            // The values of a plain column stay when it becomes nullable; a virtual one that may no longer be NULL
            // reads differently.
            let not_null = if column.generated.is_some() { before.ty.not_null } else { column.ty.not_null };
            let same_type = FieldType { not_null, ..before.ty.clone() };
            same_type != column.ty || before.generated != column.generated
        })
    };
    let indexed = |column: &ColumnInfo| {
        let has = |index: &&IndexInfo| index.columns.iter().any(|part| part.offset == column.offset);
        let is_old = |index: &&IndexInfo| source.indexes.iter().any(|before| before.id == index.id);
        target.indexes.iter().filter(has).any(|index| is_old(&index))
    };
    let in_partition =
        |column: &ColumnInfo| target.partitioning.iter().any(|info| info.reads.contains(&column.id));
    for column in target.columns.iter().filter(|column| column.generated.is_some()) {
        let Some(before) = before_of(column) else {
            if !column.is_virtual() && generation.depends_on_session(column.offset) {
                return Err(Error::unsupported(
                    "ADD COLUMN of a stored generated column that depends on the time zone or the date",
                ));
            }
            continue;
        };
        let keeps =
            (!column.is_virtual() && before.generated.is_some()) || indexed(column) || in_partition(column);
        let stale = generation.depends_on(column.offset, &changed) || changed(column.offset);
        if keeps && stale {
            return Err(Error::unsupported(
                "a change after which a stored or indexed generated column would have to be computed again",
            ));
        }
    }
    Ok(())
}
