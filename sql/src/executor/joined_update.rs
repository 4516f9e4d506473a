//! UPDATE of rows that a plan finds: of several tables, or with subqueries.
//!
//! The joined row goes from table to table in the order of FROM; assignments to a table run from left to right and see
//! what earlier ones made of its row. Values with a subquery are computed with the rows, before anything changes.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast::{self, ExprKind, SelectItem};
use rutile_sql_types::{MySqlError, Value};

use super::column_values::{Strictness, computed, convert, default_value, reject_null};
use super::dml;
use super::joined_write::{self, Clauses, Target};
use super::update::{self, Change};
use super::write_row::RowWriter;
use crate::binder::error::Clause;
use crate::binder::{BindContext, BoundQuery, ExpressionBinder, Scope, bind_tables};
use crate::catalog::InfoSchema;
use crate::error::{Error, Result};
use crate::expression::{Evaluation, Expr};
use crate::session::{Outcome, StatementContext};

/// `column = value` of a joined row.
struct JoinedAssignment {
    /// The table in FROM.
    table: usize,
    /// Offset of the column in its table, and its position in the joined row.
    offset: usize,
    position: usize,
    value: AssignedValue,
}

enum AssignedValue {
    Default,
    Expr(Expr),
    /// A column of the found row, computed with it.
    Found(usize),
}

struct Bound {
    query: BoundQuery,
    scope: Scope,
    assignments: Vec<JoinedAssignment>,
}

fn clauses(statement: &ast::Update) -> Clauses<'_> {
    Clauses {
        with: statement.with.as_ref(),
        tables: &statement.tables,
        selection: statement.selection.as_ref(),
        order_by: &statement.order_by,
        limit: statement.limit.as_ref(),
    }
}

pub(super) fn needs_plan(statement: &ast::Update) -> bool {
    let values = statement.assignments.iter().map(|assignment| &assignment.value);
    let exprs =
        statement.selection.iter().chain(values).chain(statement.order_by.iter().map(|item| &item.expr));
    joined_write::needs_plan(statement.with.as_ref(), &statement.tables, exprs)
}

fn bind(
    context: &mut StatementContext<'_>,
    statement: &ast::Update,
    evaluation: &Arc<Evaluation>,
    catalog: &InfoSchema,
    prepared: bool,
) -> Result<Bound> {
    let several = !matches!(statement.tables.as_slice(), [ast::TableReference::Table(_)]);
    if several && !statement.order_by.is_empty() {
        return Err(MySqlError::wrong_usage("UPDATE", "ORDER BY").into());
    }
    if several && statement.limit.is_some() {
        return Err(MySqlError::wrong_usage("UPDATE", "LIMIT").into());
    }
    joined_write::refuse_common_tables(statement.with.as_ref(), &statement.tables)?;
    let (scope, assignments, items) = {
        let view = context.view();
        let names = context.bind_context(&view, evaluation);
        let parameters = names.parameters.filter(|_| !prepared);
        let names = BindContext { catalog, parameters, ..names };
        let scope = bind_tables(&names, &statement.tables)?.1;
        let (assignments, items) = bind_assignments(&names, statement, &scope)?;
        (scope, assignments, items)
    };
    let mut written: Vec<usize> = assignments.iter().map(|assignment| assignment.table).collect();
    written.dedup();
    let values = statement.assignments.iter().map(|assignment| &assignment.value);
    let exprs: Vec<&ast::Expr> = statement.selection.iter().chain(values).collect();
    let database = context.session.database.clone();
    joined_write::refuse_target_in_subquery(&scope, &written, database.as_deref(), &exprs)?;
    let query = clauses(statement).query(items);
    let query = joined_write::bind(context, &query, catalog, evaluation, prepared)?;
    Ok(Bound { query, scope, assignments })
}

/// The assignments, and the columns that the query has to find: all of the joined row, then values with subqueries.
fn bind_assignments(
    names: &BindContext<'_>,
    statement: &ast::Update,
    scope: &Scope,
) -> Result<(Vec<JoinedAssignment>, Vec<SelectItem>)> {
    let mut items: Vec<SelectItem> = scope.tables.iter().map(joined_write::all_columns_of).collect();
    let mut width = scope.columns.len();
    let mut binder = ExpressionBinder::new(names, scope.clone()).in_clause(Clause::FieldList);
    let mut assignments = Vec::with_capacity(statement.assignments.len());
    for assignment in &statement.assignments {
        let position = scope
            .resolve(&assignment.column, Clause::FieldList)?
            .ok_or_else(|| MySqlError::unknown_column(&assignment.column, Clause::FieldList.name()))?;
        let index = scope.columns.get(position).map_or(usize::MAX, |column| column.table);
        let table = scope.tables.get(index).ok_or_else(|| Error::internal("a column of no table"))?;
        let stored =
            table.table.as_ref().ok_or_else(|| MySqlError::non_updatable_table(&*table.alias, "UPDATE"))?;
        let column = stored
            .public_columns()
            .nth(position - table.first)
            .ok_or_else(|| Error::internal("a column that its table does not have"))?;
        if column.generated.is_some() {
            if matches!(assignment.value.kind, ExprKind::Default) {
                continue;
            }
            return Err(MySqlError::non_default_for_generated_column(&column.name, &stored.name).into());
        }
        let value = match &assignment.value.kind {
            ExprKind::Default => AssignedValue::Default,
            _ if joined_write::has_subquery([&assignment.value]) => {
                let title = Box::from("");
                items.push(SelectItem::Expr { expr: assignment.value.clone(), alias: None, title });
                width += 1;
                AssignedValue::Found(width - 1)
            }
            _ => AssignedValue::Expr(binder.bind(&assignment.value)?),
        };
        assignments.push(JoinedAssignment { table: index, offset: column.offset, position, value });
    }
    Ok((assignments, items))
}

fn catalog_of(context: &StatementContext<'_>, statement: &ast::Update) -> Arc<InfoSchema> {
    let database = context.session.database.as_deref();
    match joined_write::with_row_ids(&context.infoschema, &statement.tables, database) {
        Some(catalog) => Arc::new(catalog),
        None => Arc::clone(&context.infoschema),
    }
}

pub(super) fn check(context: &mut StatementContext<'_>, statement: &ast::Update) -> Result<()> {
    let evaluation = context.evaluation(true);
    let catalog = catalog_of(context, statement);
    bind(context, statement, &evaluation, &catalog, true).map(drop)
}

pub(super) async fn run(context: &mut StatementContext<'_>, statement: &ast::Update) -> Result<Outcome> {
    let evaluation = context.evaluation(true);
    let catalog = catalog_of(context, statement);
    let bound = bind(context, statement, &evaluation, &catalog, false)?;
    let mut held = evaluation.memory().hold();
    let mut found = joined_write::find(context, &bound.query, &evaluation, &mut held).await?;
    joined_write::sort(&context.infoschema, &bound.scope, &mut found)?;
    let mut eval = evaluation.eval_context();
    update::set_ignore(&mut eval, statement.ignore);
    let zone = context.settings().time_zone;
    let mut targets = Vec::new();
    for (index, table) in bound.scope.tables.iter().enumerate() {
        if bound.assignments.iter().any(|assignment| assignment.table == index) {
            targets.push((index, Target::new(&context.infoschema, table, &|column| table.first + column)?));
        }
    }
    let tables: Vec<_> = targets.iter().map(|(_, target)| Arc::clone(&target.table)).collect();
    let mut writers: Vec<RowWriter<'_>> =
        tables.iter().map(|table| RowWriter::new(table, zone, context.row_locks())).collect();
    for table in &tables {
        context.use_table_to_write(table)?;
    }
    for ((_, target), writer) in targets.iter_mut().zip(&writers) {
        target.lock_and_read(context, &found, writer, false, &mut held).await?;
    }
    let (mut matched, mut changed) = (0_u64, 0_u64);
    for (number, row) in found.into_iter().enumerate() {
        eval.convert.row = number as u64 + 1;
        let mut row = row;
        for ((index, target), writer) in targets.iter_mut().zip(&mut writers) {
            let Some(old) = target.record_key(&row)?.and_then(|key| target.rows.remove(&key)) else {
                continue;
            };
            matched += 1;
            let mine = bound.assignments.iter().filter(|assignment| assignment.table == *index);
            let values = assign(context, target, mine, &old.values, &mut row, &bound.query, &mut eval)?;
            let Some(new) =
                update::changed_row(context, &target.table, &old, values.0, &values.1, &mut eval)?
            else {
                continue;
            };
            if update::write(context, writer, &old, &new, &mut eval).await? == Change::Written {
                changed += 1;
            }
            context.written_a_row(number, evaluation.memory())?;
        }
    }
    dml::keep(context, &evaluation, eval);
    Ok(update::outcome(context, &evaluation, matched, changed))
}

/// The table's values after its assignments, which show in the joined row as well, and which columns they were.
fn assign<'a>(
    context: &StatementContext<'_>,
    target: &Target,
    assignments: impl Iterator<Item = &'a JoinedAssignment>,
    old: &[Value],
    row: &mut [Value],
    query: &BoundQuery,
    eval: &mut EvalContext,
) -> Result<(Vec<Value>, Vec<usize>)> {
    let strictness = Strictness::new(eval.convert.sql_mode, eval.convert.ignore);
    let (mut values, mut assigned) = (old.to_vec(), Vec::new());
    for assignment in assignments {
        let column =
            target.table.columns.get(assignment.offset).ok_or_else(|| Error::internal("column offset"))?;
        let value = match &assignment.value {
            AssignedValue::Default => default_value(context, column, strictness, eval)?,
            AssignedValue::Expr(expr) => computed(expr, row, column, eval)?,
            AssignedValue::Found(position) => {
                let value = row.get(*position).cloned().unwrap_or(Value::Null);
                convert(&value, &query.relation.output_type(*position), column, eval)?
            }
        };
        let value = reject_null(value, column, strictness, eval)?;
        for slot in
            [values.get_mut(assignment.offset), row.get_mut(assignment.position)].into_iter().flatten()
        {
            slot.clone_from(&value);
        }
        assigned.push(assignment.offset);
    }
    Ok((values, assigned))
}
