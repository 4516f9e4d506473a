//! UPDATE of one table.
//!
//! Assignments run from left to right and see the new values of earlier ones, as in MySQL (and unlike
//! standard SQL). A row whose values do not change is not written and not counted as changed.

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast::{self, ExprKind};
use rutile_sql_types::{MySqlError, Value};

use super::column_values::{Strictness, convert, default_value, reject_null};
use super::dml::{self, BoundTarget, Choice};
use super::write_row::{RowWriter, StoredRow};
use crate::binder::error::Clause;
use crate::binder::{BindContext, ExpressionBinder};
use crate::catalog::TableInfo;
use crate::error::{Error, Result};
use crate::expression::{Expr, evaluate};
use crate::session::{Outcome, StatementContext};

/// `column = expr`, or `column = DEFAULT`.
pub(super) struct BoundAssignment {
    pub offset: usize,
    pub value: Option<Expr>,
}

fn refuse_unsupported(statement: &ast::Update) -> Result<()> {
    if statement.with.is_some() {
        return Err(Error::unsupported("WITH in UPDATE"));
    }
    if statement.ignore {
        return Err(Error::unsupported("UPDATE IGNORE"));
    }
    Ok(())
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

/// Binds `column = value` pairs over the row of `binder`.
pub(super) fn bind_assignments(
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
            let value = match &assignment.value.kind {
                ExprKind::Default => None,
                _ => Some(binder.bind(&assignment.value)?),
            };
            Ok(BoundAssignment { offset, value })
        })
        .collect()
}

pub(super) fn check(context: &mut StatementContext<'_>, statement: &ast::Update) -> Result<()> {
    refuse_unsupported(statement)?;
    let evaluation = context.evaluation(true);
    let view = context.view();
    let mut bind_context = context.bind_context(&view, &evaluation);
    bind_context.parameters = None;
    bind(&bind_context, statement).map(drop)
}

pub(super) async fn run(context: &mut StatementContext<'_>, statement: &ast::Update) -> Result<Outcome> {
    refuse_unsupported(statement)?;
    let evaluation = context.evaluation(true);
    let (target, assignments) = {
        let view = context.view();
        let bind_context = context.bind_context(&view, &evaluation);
        bind(&bind_context, statement)?
    };
    context.use_table_to_write(&target.table)?;
    let mut eval = evaluation.eval_context();
    let mut writer = RowWriter::new(&target.table, context.settings().time_zone, context.row_locks());
    let rows = dml::chosen_rows(context, &target, &mut eval, &writer, false).await?;
    let mut changed = 0_u64;
    for (number, old) in rows.iter().enumerate() {
        eval.convert.row = number as u64 + 1;
        let Some(new) = updated(context, &target.table, old, &old.values, &assignments, &mut eval)? else {
            continue;
        };
        changed += 1;
        writer.update(context.writer().await?, old, &new).await?;
    }
    let matched = rows.len() as u64;
    dml::keep(context, &evaluation, eval);
    let affected_rows = if context.session.info.found_rows { matched } else { changed };
    let info =
        format!("Rows matched: {matched}  Changed: {changed}  Warnings: {}", context.session.warning_count());
    let last_insert_id = evaluation.last_insert_id().unwrap_or(0);
    Ok(Outcome::Ok { affected_rows, last_insert_id, info, warnings: 0 })
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
            Some(expr) => {
                let value = evaluate(expr, &row, eval)?;
                convert(&value, expr.ty(), column, eval)?
            }
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
    if values == old.values {
        return Ok(None);
    }
    for column in table.public_columns().filter(|column| column.on_update_now) {
        let assigned = assignments.iter().any(|assignment| assignment.offset == column.offset);
        if let (false, Some(slot)) = (assigned, values.get_mut(column.offset)) {
            *slot = statement.current_timestamp(&column.ty);
        }
    }
    let handle = table.handle_of(&values)?.unwrap_or_else(|| old.handle.clone());
    Ok(Some(StoredRow { handle, values }))
}
