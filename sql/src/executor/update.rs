//! UPDATE of one table; `joined_update.rs` has those whose rows a plan finds.
//!
//! Assignments run from left to right and see the new values of earlier ones, as in MySQL (and unlike
//! standard SQL). A row whose values do not change is not written and not counted as changed.

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast::{self, ExprKind};
use rutile_sql_types::{MySqlError, Value};

use super::column_values::{Strictness, computed, default_value, reject_null};
use super::dml::{self, BoundTarget, Choice};
use super::joined_update;
use super::write_row::{RowWriter, StoredRow};
use crate::binder::error::Clause;
use crate::binder::{BindContext, ExpressionBinder};
use crate::catalog::TableInfo;
use crate::error::{Error, Result};
use crate::expression::{Evaluation, Expr};
use crate::generation;
use crate::session::{Outcome, StatementContext};

/// ER_DUP_ENTRY
const DUPLICATE_ENTRY: u16 = 1062;

/// `column = expr`, or `column = DEFAULT`.
pub(crate) struct BoundAssignment {
    pub offset: usize,
    pub value: Option<Expr>,
}

fn choice(statement: &ast::Update) -> Choice<'_> {
    Choice {
        tables: &statement.tables,
        selection: statement.selection.as_ref(),
        order_by: &statement.order_by,
        limit: statement.limit.as_ref(),
    }
}

fn bind(bind: &BindContext<'_>, statement: &ast::Update) -> Result<(BoundTarget, Vec<BoundAssignment>)> {
    let target = dml::bind_target(bind, &choice(statement))?;
    let mut binder = ExpressionBinder::new(bind, target.scope.clone()).in_clause(Clause::FieldList);
    let assignments = bind_assignments(&mut binder, &target.table, &target.scope, &statement.assignments)?;
    Ok((target, assignments))
}

/// Binds `column = value` pairs over the row of `binder`. `= DEFAULT` of a generated column is none.
pub(crate) fn bind_assignments(
    binder: &mut ExpressionBinder<'_>,
    table: &TableInfo,
    scope: &crate::binder::Scope,
    assignments: &[ast::Assignment],
) -> Result<Vec<BoundAssignment>> {
    assignments
        .iter()
        .map(|assignment| {
            let offset = scope
                .resolve(&assignment.column, Clause::FieldList)?
                .filter(|offset| *offset < table.columns.len())
                .ok_or_else(|| MySqlError::unknown_column(&assignment.column, Clause::FieldList.name()))?;
            let generated = table.columns.get(offset).filter(|column| column.generated.is_some());
            let value = match (&assignment.value.kind, generated) {
                (ExprKind::Default, None) => None,
                (ExprKind::Default, Some(_)) => return Ok(None),
                (_, None) => Some(binder.bind(&assignment.value)?),
                (_, Some(column)) => {
                    let error = MySqlError::non_default_for_generated_column(&column.name, &table.name);
                    return Err(error.into());
                }
            };
            Ok(Some(BoundAssignment { offset, value }))
        })
        .filter_map(Result::transpose)
        .collect()
}

pub(super) fn check(context: &mut StatementContext<'_>, statement: &ast::Update) -> Result<()> {
    if joined_update::needs_plan(statement) {
        return joined_update::check(context, statement);
    }
    let evaluation = context.evaluation(true);
    let view = context.view();
    let mut bind_context = context.bind_context(&view, &evaluation);
    bind_context.parameters = None;
    bind(&bind_context, statement).map(drop)
}

pub(super) async fn run(context: &mut StatementContext<'_>, statement: &ast::Update) -> Result<Outcome> {
    if joined_update::needs_plan(statement) {
        return joined_update::run(context, statement).await;
    }
    let evaluation = context.evaluation(true);
    let (target, assignments) = {
        let view = context.view();
        let bind_context = context.bind_context(&view, &evaluation);
        bind(&bind_context, statement)?
    };
    context.use_table_to_write(&target.table)?;
    let mut eval = evaluation.eval_context();
    set_ignore(&mut eval, statement.ignore);
    let mut writer = RowWriter::new(&target.table, context.settings().time_zone, context.row_locks());
    let mut held = evaluation.memory().hold();
    let rows = dml::chosen_rows(context, &target, &mut eval, &writer, false, &mut held).await?;
    let mut changed = 0_u64;
    for (number, old) in rows.iter().enumerate() {
        eval.convert.row = number as u64 + 1;
        let Some(new) = updated(context, &target.table, old, &old.values, &assignments, &mut eval)? else {
            continue;
        };
        if write(context, &mut writer, old, &new, &mut eval).await? == Change::Written {
            changed += 1;
        }
        context.written_a_row(number, evaluation.memory())?;
    }
    dml::keep(context, &evaluation, eval);
    Ok(outcome(context, &evaluation, rows.len() as u64, changed))
}

/// The reply, with the warnings that the session has by now.
pub(super) fn outcome(
    context: &StatementContext<'_>,
    evaluation: &Evaluation,
    matched: u64,
    changed: u64,
) -> Outcome {
    let affected_rows = if context.session.info.found_rows { matched } else { changed };
    let info =
        format!("Rows matched: {matched}  Changed: {changed}  Warnings: {}", context.session.warning_count());
    let last_insert_id = evaluation.last_insert_id().unwrap_or(0);
    Outcome::Ok { affected_rows, last_insert_id, info, warnings: 0 }
}

/// Under IGNORE what would be an error of a row is a warning.
pub(super) fn set_ignore(eval: &mut EvalContext, ignore: bool) {
    eval.convert.ignore = ignore;
    eval.changes_data &= !ignore;
}

/// What became of a row that was to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Written,
    /// A key of the new row is taken, and IGNORE leaves the old one.
    Skipped,
}

/// Writes the new row. Under IGNORE a duplicate is a warning, and the row stays as it was.
pub(super) async fn write(
    context: &mut StatementContext<'_>,
    writer: &mut RowWriter<'_>,
    old: &StoredRow,
    new: &StoredRow,
    eval: &mut EvalContext,
) -> Result<Change> {
    let transaction = context.writer().await?;
    if !eval.convert.ignore {
        writer.update(transaction, old, new).await?;
        return Ok(Change::Written);
    }
    let before = transaction.savepoint();
    match writer.update(transaction, old, new).await {
        Ok(()) => Ok(Change::Written),
        Err(Error::Sql(error)) if error.code == DUPLICATE_ENTRY => {
            transaction.rollback_to(before);
            eval.convert.warnings.warn(error);
            Ok(Change::Skipped)
        }
        Err(error) => Err(error),
    }
}

/// The row after the assignments, or `None` if nothing changes. `input` is the row the expressions see: the
/// old values, and behind them whatever else the binder's scope holds.
pub(super) fn updated(
    statement: &StatementContext<'_>,
    table: &TableInfo,
    old: &StoredRow,
    input: &[Value],
    assignments: &[BoundAssignment],
    eval: &mut EvalContext,
) -> Result<Option<StoredRow>> {
    let strictness = Strictness::new(eval.convert.sql_mode, eval.convert.ignore);
    let mut row = input.to_vec();
    for assignment in assignments {
        let column = table.columns.get(assignment.offset).ok_or_else(|| Error::internal("column offset"))?;
        let value = match &assignment.value {
            Some(expr) => computed(expr, &row, column, eval)?,
            None => default_value(statement, column, strictness, eval)?,
        };
        let value = reject_null(value, column, strictness, eval)?;
        if let Some(slot) = row.get_mut(assignment.offset) {
            *slot = value;
        }
    }
    let mut values = old.values.clone();
    for assignment in assignments {
        if let (Some(slot), Some(value)) = (values.get_mut(assignment.offset), row.get(assignment.offset)) {
            *slot = value.clone();
        }
    }
    let assigned: Vec<usize> = assignments.iter().map(|assignment| assignment.offset).collect();
    changed_row(statement, table, old, values, &assigned, eval)
}

/// The row with these values, of which some were assigned; `None` if nothing changes, or IGNORE keeps the old one.
pub(super) fn changed_row(
    statement: &StatementContext<'_>,
    table: &TableInfo,
    old: &StoredRow,
    mut values: Vec<Value>,
    assigned: &[usize],
    eval: &mut EvalContext,
) -> Result<Option<StoredRow>> {
    if values == old.values {
        return Ok(None);
    }
    for column in table.public_columns().filter(|column| column.on_update_now) {
        let assigned = assigned.contains(&column.offset);
        if let (false, Some(slot)) = (assigned, values.get_mut(column.offset)) {
            *slot = statement.current_timestamp(&column.ty);
        }
    }
    if let Some(generation) = table.generation()? {
        let complete = generation.complete_changed(table, &mut values, &old.values, eval);
        if generation::unless_left_out(complete, eval)?.is_none() {
            return Ok(None);
        }
    }
    let handle = table.handle_of(&values)?.unwrap_or_else(|| old.handle.clone());
    Ok(Some(StoredRow { handle, values }))
}
