//! What an INSERT does when a key exists: IGNORE, REPLACE, ON DUPLICATE KEY UPDATE.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast;
use rutile_sql_types::MySqlError;

use super::insert_rows::InsertCounts;
use super::update::{BoundAssignment, bind_assignments, updated};
use super::write_row::{RowWriter, StoredRow, Uniqueness};
use crate::binder::error::Clause;
use crate::binder::{BindContext, ExpressionBinder, Scope};
use crate::catalog::{IndexInfo, TableInfo};
use crate::error::{Error, Result};
use crate::session::StatementContext;

/// The answer to a duplicate.
pub(super) enum OnDuplicate {
    /// Error 1062.
    Fail,
    /// The row is skipped with warning 1062.
    Ignore,
    /// The rows in the way are deleted first.
    Replace,
    /// The row in the way is updated. The assignments see the old row, and behind it the new one.
    Update(Vec<BoundAssignment>),
}

/// Binds the clause. `scope` is the row of the table.
pub(super) fn bind_on_duplicate(
    context: &BindContext<'_>,
    statement: &ast::Insert,
    table: &Arc<TableInfo>,
    scope: &Scope,
) -> Result<OnDuplicate> {
    if statement.replace {
        return Ok(OnDuplicate::Replace);
    }
    if statement.on_duplicate.is_empty() {
        return Ok(if statement.ignore { OnDuplicate::Ignore } else { OnDuplicate::Fail });
    }
    if statement.ignore {
        return Err(Error::unsupported("INSERT IGNORE ... ON DUPLICATE KEY UPDATE"));
    }
    let width = table.public_columns().count();
    let inserted = match &statement.alias {
        Some(alias) => inserted_scope(table, alias)?,
        // Without an alias the new row has no name of its own: VALUES(column) alone reaches it.
        None => Scope::default(),
    };
    let both = scope.clone().join(inserted)?;
    let mut binder =
        ExpressionBinder::new(context, both.clone()).in_clause(Clause::FieldList).with_inserted_row(width);
    let assignments = bind_assignments(&mut binder, table, scope, &statement.on_duplicate)?;
    Ok(OnDuplicate::Update(assignments))
}

/// The new row under the name `AS alias(columns)` gives it.
fn inserted_scope(table: &TableInfo, alias: &ast::InsertAlias) -> Result<Scope> {
    let count = table.public_columns().count();
    if !alias.columns.is_empty() && alias.columns.len() != count {
        return Err(MySqlError::column_count_mismatch_at_row(1).into());
    }
    let columns = table.public_columns().enumerate().map(|(position, column)| {
        let name = alias.columns.get(position).map_or(column.name.as_str(), |name| name.as_str());
        (Arc::from(name), column.ty.clone())
    });
    Ok(Scope::of_columns(
        Arc::from(""),
        Arc::from(alias.name.as_str()),
        Arc::from(alias.name.as_str()),
        columns,
    ))
}

/// Inserts one row, minding the rows in its way; false if it was skipped or updated another one instead.
pub(super) async fn insert(
    context: &mut StatementContext<'_>,
    table: &TableInfo,
    writer: &mut RowWriter<'_>,
    row: StoredRow,
    on_duplicate: &OnDuplicate,
    counts: &mut InsertCounts,
    eval: &mut EvalContext,
) -> Result<bool> {
    loop {
        let Some(collision) = writer.collision(context.writer().await?, &row).await? else {
            writer.insert(context.writer().await?, &row, Uniqueness::Known).await?;
            counts.affected += 1;
            return Ok(true);
        };
        if is_taken(context, table, collision.index).await? {
            return Err(Error::GeneratedIdTaken);
        }
        match on_duplicate {
            OnDuplicate::Fail => return Err(writer.duplicate(collision.index, &row).into()),
            OnDuplicate::Ignore => {
                eval.convert.warnings.warn(writer.duplicate(collision.index, &row));
                counts.duplicates += 1;
                return Ok(false);
            }
            OnDuplicate::Replace => {
                let transaction = context.writer().await?;
                let existing = writer.read(transaction, collision.handle).await?;
                writer.delete(transaction, &existing).await?;
                counts.duplicates += 1;
                counts.affected += 1;
                // Another row may be in the way of another key.
            }
            OnDuplicate::Update(assignments) => {
                let existing = writer.read(context.writer().await?, collision.handle).await?;
                update_existing(context, table, writer, &existing, &row, assignments, counts, eval).await?;
                return Ok(false);
            }
        }
    }
}

/// Whether the row is in the way only because another session wrote out a value that this statement had generated.
async fn is_taken(context: &StatementContext<'_>, table: &TableInfo, index: &IndexInfo) -> Result<bool> {
    let Some((column, given)) = table.auto_increment_column().zip(context.session.given_ids) else {
        return Ok(false);
    };
    let numbered = index.columns.iter().any(|part| part.offset == column.offset);
    Ok(numbered && context.instance.auto_ids().overtaken(given).await?)
}

#[expect(clippy::too_many_arguments, reason = "the row in the way, the new row and the statement's accounts")]
async fn update_existing(
    context: &mut StatementContext<'_>,
    table: &TableInfo,
    writer: &mut RowWriter<'_>,
    existing: &StoredRow,
    row: &StoredRow,
    assignments: &[BoundAssignment],
    counts: &mut InsertCounts,
    eval: &mut EvalContext,
) -> Result<()> {
    let width = table.public_columns().count();
    let mut input = Vec::with_capacity(width * 2);
    input.extend(existing.values.iter().take(width).cloned());
    input.extend(row.values.iter().take(width).cloned());
    counts.duplicates += 1;
    match updated(context, table, existing, &input, assignments, eval)? {
        Some(new) => {
            writer.update(context.writer().await?, existing, &new).await?;
            // MySQL manual, "INSERT ... ON DUPLICATE KEY UPDATE": 2 for an updated row.
            counts.affected += 2;
        }
        None if context.session.info.found_rows => counts.affected += 1,
        None => {}
    }
    Ok(())
}
