//! DELETE: from one table by its keys, or from tables whose rows a plan finds.

use std::sync::Arc;

use rutile_sql_parser::ast;
use rutile_sql_types::MySqlError;

use super::dml::{self, Choice};
use super::joined_write::{self, Clauses, Target};
use super::write_row::RowWriter;
use crate::binder::{BindContext, BoundQuery, Scope, bind_tables};
use crate::error::Result;
use crate::expression::Evaluation;
use crate::session::{Outcome, StatementContext};

fn needs_plan(statement: &ast::Delete) -> bool {
    let exprs = statement.selection.iter().chain(statement.order_by.iter().map(|item| &item.expr));
    !statement.targets.is_empty()
        || joined_write::needs_plan(statement.with.as_ref(), &statement.tables, exprs)
}

fn choice(statement: &ast::Delete) -> Choice<'_> {
    Choice {
        tables: &statement.tables,
        selection: statement.selection.as_ref(),
        order_by: &statement.order_by,
        limit: statement.limit.as_ref(),
    }
}

pub(super) fn check(context: &mut StatementContext<'_>, statement: &ast::Delete) -> Result<()> {
    let evaluation = context.evaluation(true);
    if needs_plan(statement) {
        return bind_joined(context, statement, &evaluation, true).map(drop);
    }
    let view = context.view();
    let mut bind = context.bind_context(&view, &evaluation);
    bind.parameters = None;
    dml::bind_target(&bind, &choice(statement)).map(drop)
}

pub(super) async fn run(context: &mut StatementContext<'_>, statement: &ast::Delete) -> Result<Outcome> {
    let evaluation = context.evaluation(true);
    if needs_plan(statement) {
        return run_joined(context, statement, &evaluation).await;
    }
    let target = {
        let view = context.view();
        let bind = context.bind_context(&view, &evaluation);
        dml::bind_target(&bind, &choice(statement))?
    };
    context.use_table_to_write(&target.table)?;
    let mut eval = evaluation.eval_context();
    eval.convert.ignore = statement.ignore;
    let writer = RowWriter::new(&target.table, context.settings().time_zone, context.row_locks());
    let mut held = evaluation.memory().hold();
    let rows = dml::chosen_rows(context, &target, &mut eval, &writer, true, &mut held).await?;
    for (number, row) in rows.iter().enumerate() {
        writer.delete(context.writer().await?, row).await?;
        context.written_a_row(number, evaluation.memory())?;
    }
    dml::keep(context, &evaluation, eval);
    Ok(Outcome::affected(rows.len() as u64))
}

/// The query that finds the rows, the row of FROM, and which of its tables lose rows.
struct Joined {
    query: BoundQuery,
    scope: Scope,
    targets: Vec<usize>,
}

fn bind_joined(
    context: &mut StatementContext<'_>,
    statement: &ast::Delete,
    evaluation: &Arc<Evaluation>,
    prepared: bool,
) -> Result<Joined> {
    joined_write::refuse_common_tables(statement.with.as_ref(), &statement.tables)?;
    let database = context.session.database.clone();
    let changed = joined_write::with_row_ids(&context.infoschema, &statement.tables, database.as_deref());
    let catalog = changed.map_or_else(|| Arc::clone(&context.infoschema), Arc::new);
    let scope = {
        let view = context.view();
        let names = context.bind_context(&view, evaluation);
        let parameters = names.parameters.filter(|_| !prepared);
        bind_tables(&BindContext { catalog: &catalog, parameters, ..names }, &statement.tables)?.1
    };
    let targets = targets_of(statement, &scope)?;
    let exprs: Vec<&ast::Expr> = statement.selection.iter().collect();
    joined_write::refuse_target_in_subquery(&scope, &targets, database.as_deref(), &exprs)?;
    let items = targets.iter().filter_map(|index| scope.tables.get(*index)).map(joined_write::all_columns_of);
    let clauses = Clauses {
        with: statement.with.as_ref(),
        tables: &statement.tables,
        selection: statement.selection.as_ref(),
        order_by: &statement.order_by,
        limit: statement.limit.as_ref(),
    };
    let query = clauses.query(items.collect());
    let query = joined_write::bind(context, &query, &catalog, evaluation, prepared)?;
    Ok(Joined { query, scope, targets })
}

/// Positions in FROM of the tables that are named before it, or of the only one.
fn targets_of(statement: &ast::Delete, scope: &Scope) -> Result<Vec<usize>> {
    if statement.targets.is_empty() {
        return match scope.tables.as_slice() {
            [table] if table.table.is_some() => Ok(vec![0]),
            _ => Err(MySqlError::non_updatable_table(alias_of(scope, 0), "DELETE").into()),
        };
    }
    let mut targets = Vec::with_capacity(statement.targets.len());
    for name in &statement.targets {
        let database = name.database.as_ref().map(ast::Ident::as_str);
        let found = scope.tables.iter().position(|table| {
            *table.alias == *name.name.as_str()
                && database.is_none_or(|database| *table.database == *database)
        });
        let index = found.ok_or_else(|| MySqlError::unknown_table_in(name.name.as_str(), "MULTI DELETE"))?;
        if scope.tables.get(index).is_some_and(|table| table.table.is_none()) {
            return Err(MySqlError::non_updatable_table(alias_of(scope, index), "DELETE").into());
        }
        if targets.contains(&index) {
            return Err(MySqlError::not_unique_table(name.name.as_str()).into());
        }
        targets.push(index);
    }
    Ok(targets)
}

fn alias_of(scope: &Scope, index: usize) -> String {
    scope.tables.get(index).map_or_else(String::new, |table| table.alias.to_string())
}

async fn run_joined(
    context: &mut StatementContext<'_>,
    statement: &ast::Delete,
    evaluation: &Arc<Evaluation>,
) -> Result<Outcome> {
    let joined = bind_joined(context, statement, evaluation, false)?;
    let mut held = evaluation.memory().hold();
    let found = joined_write::find(context, &joined.query, evaluation, &mut held).await?;
    let (mut deleted, mut first) = (0_u64, 0);
    for table in joined.targets.iter().filter_map(|index| joined.scope.tables.get(*index)) {
        let start = first;
        let mut target = Target::new(&context.infoschema, table, &|column| start + column)?;
        first += table.count;
        let stored = Arc::clone(&target.table);
        context.use_table_to_write(&stored)?;
        let writer = RowWriter::new(&stored, context.settings().time_zone, context.row_locks());
        target.lock_and_read(context, &found, &writer, true, &mut held).await?;
        for (number, row) in found.iter().enumerate() {
            if let Some(row) = target.record_key(row)?.and_then(|key| target.rows.remove(&key)) {
                writer.delete(context.writer().await?, &row).await?;
                context.written_a_row(number, evaluation.memory())?;
                deleted += 1;
            }
        }
    }
    dml::keep(context, evaluation, evaluation.eval_context());
    Ok(Outcome::affected(deleted))
}
