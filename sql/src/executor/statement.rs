//! Whole statements that only read, for the session: SELECT, EXPLAIN, one expression, a filter over rows.

use std::sync::Arc;

use futures::StreamExt;
use rutile_sql_parser::ast::{self, ExplainTarget, StatementKind};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::locking_join;
use super::locking_read::LockingRead;
use super::planner::PlannedQuery;
use super::read_template::TemplateCache;
use super::run::QueryEngine;
use super::short_read::ShortRead;
use super::snapshot_reader::SnapshotReader;
use crate::binder::relation::TableScan;
use crate::binder::{BoundQuery, ExpressionBinder, Relation, Scope, bind_query, column_metas, hint};
use crate::diagnostics::{explain_columns, explain_rows, explain_short_read};
use crate::distsql::ReadView;
use crate::error::Result;
use crate::expression::{Evaluation, evaluate, is_true};
use crate::memory::Held;
use crate::session::{ColumnMeta, Outcome, ResultSet, Rows, StatementContext};

/// Runs SELECT, VALUES, TABLE and WITH.
pub async fn run_query(context: &mut StatementContext<'_>, query: &ast::Query) -> Result<Outcome> {
    let evaluation = context.evaluation_within(hint::time_limit_ms(query));
    run_bound(context, query, evaluation).await
}

/// The same of a prepared statement, which keeps what it can of binding.
pub async fn run_prepared_query(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
    cache: &TemplateCache,
) -> Result<Outcome> {
    let evaluation = context.evaluation_within(hint::time_limit_ms(query));
    if let Some(template) = cache.template(context, query, &evaluation)
        && let Some(read) = template.read(context)?
        && let Some(rows) = run_short_read(context, &read, &evaluation).await?
    {
        context.session.keep(&evaluation);
        let columns = Arc::clone(&template.columns);
        return Ok(Outcome::Rows(ResultSet { columns, rows: Rows::Values(rows), warnings: 0 }));
    }
    run_bound(context, query, evaluation).await
}

async fn run_bound(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
    evaluation: Arc<Evaluation>,
) -> Result<Outcome> {
    let bound = bind(context, query, &evaluation)?;
    let columns = column_metas(&bound.columns);
    if let (Some(locking), false) = (query.locking.first(), stored_tables(&bound.relation).is_empty()) {
        let rows = match LockingRead::of(&bound.relation)? {
            Some(read) if query.locking.len() == 1 => {
                read.check_names(locking)?;
                read.read(context, locking.wait, &evaluation).await?
            }
            _ => locking_join::read(context, query, &bound, &evaluation).await?,
        };
        context.session.keep(&evaluation);
        return Ok(Outcome::Rows(ResultSet { columns, rows: Rows::Values(rows), warnings: 0 }));
    }
    if let Some(read) = short_read(context, &bound.relation)
        && let Some(rows) = run_short_read(context, &read, &evaluation).await?
    {
        context.session.keep(&evaluation);
        return Ok(Outcome::Rows(ResultSet { columns, rows: Rows::Values(rows), warnings: 0 }));
    }
    let view = read_view(context, &bound.relation).await?;
    let engine = Arc::clone(context.instance.query_engine());
    let rows = engine.run(&bound, view.as_ref(), &evaluation).await?;
    match &rows {
        Rows::Values(_) => context.session.raise(&evaluation),
        Rows::Batches(_) => context.session.streaming = Some(evaluation),
    }
    Ok(Outcome::Rows(ResultSet { columns, rows, warnings: 0 }))
}

fn short_read<'q>(context: &StatementContext<'_>, relation: &'q Relation) -> Option<ShortRead<'q>> {
    if context.session.plans_every_query { None } else { ShortRead::of(relation) }
}

async fn run_short_read(
    context: &mut StatementContext<'_>,
    read: &ShortRead<'_>,
    evaluation: &Evaluation,
) -> Result<Option<Vec<Vec<Value>>>> {
    let replicas = context.settings().replica_read;
    let snapshot = context.read_view().await?.snapshot.read_from(replicas);
    let reader = SnapshotReader::new(snapshot, context.transaction.membuffer());
    Ok(read.read(&reader, evaluation).await?)
}

/// The columns of a query, for the table that is made of it.
pub fn output_columns(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
) -> Result<Vec<crate::binder::OutputColumn>> {
    let evaluation = context.evaluation(false);
    let view = context.view();
    let names = context.bind_context(&view, &evaluation);
    Ok(bind_query(query, &names)?.columns)
}

/// The same of the query of a view that is being made.
pub fn view_columns(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
    database: &str,
    name: &str,
) -> Result<Vec<crate::binder::OutputColumn>> {
    let evaluation = context.evaluation(false);
    let view = context.view();
    let names = context.bind_context(&view, &evaluation);
    Ok(crate::binder::bind_view_query(query, &names, (database, name))?.columns)
}

/// The stored tables behind a table or view.
pub fn stored_tables_of(
    context: &mut StatementContext<'_>,
    name: &ast::ObjectName,
) -> Result<Vec<crate::catalog::TableId>> {
    let query = ast::Query {
        with: None,
        body: ast::QueryBody::Table(name.clone()),
        order_by: Vec::new(),
        limit: None,
        locking: Vec::new(),
        into: None,
        span: name.span(),
    };
    let evaluation = context.evaluation(false);
    let view = context.view();
    let names = context.bind_context(&view, &evaluation);
    let bound = bind_query(&query, &names)?;
    Ok(stored_tables(&bound.relation).into_iter().map(|scan| scan.table.id).collect())
}

/// The columns that running the query would give; placeholders have no value yet.
pub async fn describe_query(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
) -> Result<Vec<ColumnMeta>> {
    let evaluation = context.evaluation(false);
    let view = context.view();
    let mut names = context.bind_context(&view, &evaluation);
    names.parameters = None;
    let bound = bind_query(query, &names)?;
    Ok(column_metas(&bound.columns).to_vec())
}

/// EXPLAIN and EXPLAIN ANALYZE of a query.
pub async fn explain(context: &mut StatementContext<'_>, explain: &ast::Explain) -> Result<Outcome> {
    let query = explained_query(explain)?;
    let evaluation = context.evaluation_within(hint::time_limit_ms(query));
    let bound = bind(context, query, &evaluation)?;
    if let Some(read) = short_read(context, &bound.relation) {
        let rows = if explain.analyze { run_short_read(context, &read, &evaluation).await? } else { None };
        if rows.is_some() || !explain.analyze {
            let shown = explain_short_read(&read, rows.map(|rows| rows.len()));
            return Ok(Outcome::values(explain_columns(explain.analyze), shown));
        }
    }
    let view = read_view(context, &bound.relation).await?;
    let engine = Arc::clone(context.instance.query_engine());
    let planned = engine.plan(&bound.relation, view.as_ref(), &evaluation).await?;
    if explain.analyze {
        drain(&engine, &planned, &evaluation).await?;
    }
    let rows = explain_rows(&planned.plan, explain.analyze);
    Ok(Outcome::values(explain_columns(explain.analyze), rows))
}

pub async fn describe_explain(
    context: &mut StatementContext<'_>,
    explain: &ast::Explain,
) -> Result<Vec<ColumnMeta>> {
    describe_query(context, explained_query(explain)?).await?;
    Ok(explain_columns(explain.analyze))
}

fn explained_query(explain: &ast::Explain) -> Result<&ast::Query> {
    if let Some(format) = explain.format.as_deref()
        && format != "TRADITIONAL"
    {
        return Err(MySqlError::not_supported_yet(format_args!("EXPLAIN FORMAT={format}")).into());
    }
    if explain.into.is_some() {
        return Err(MySqlError::not_supported_yet("EXPLAIN INTO").into());
    }
    match &explain.target {
        ExplainTarget::Connection(_) => Err(MySqlError::not_supported_yet("EXPLAIN FOR CONNECTION").into()),
        ExplainTarget::Statement(statement) => match &statement.kind {
            StatementKind::Query(query) => Ok(query),
            _ => Err(MySqlError::not_supported_yet("EXPLAIN of a statement that writes").into()),
        },
    }
}

/// The value of one expression that reads no table by itself: SET, DO, CALL arguments.
pub async fn evaluate_expression(
    context: &mut StatementContext<'_>,
    expression: &ast::Expr,
) -> Result<(Value, FieldType)> {
    // A query of one column, so that `SET @a = (SELECT ...)` works as well.
    let select = ast::Select {
        items: vec![ast::SelectItem::Expr { expr: expression.clone(), alias: None, title: Box::from("") }],
        ..ast::Select::default()
    };
    let query = ast::Query {
        with: None,
        body: ast::QueryBody::Select(Box::new(select)),
        order_by: Vec::new(),
        limit: None,
        locking: Vec::new(),
        into: None,
        span: expression.span,
    };
    let evaluation = context.evaluation(false);
    let bound = bind(context, &query, &evaluation)?;
    let ty = bound.relation.output_type(0);
    let view = read_view(context, &bound.relation).await?;
    let engine = Arc::clone(context.instance.query_engine());
    let rows = engine.run(&bound, view.as_ref(), &evaluation).await?;
    let rows = collect(rows, std::slice::from_ref(&ty), &mut evaluation.memory().hold()).await?;
    context.session.keep(&evaluation);
    let value = rows.into_iter().next().and_then(|row| row.into_iter().next()).unwrap_or(Value::Null);
    Ok((value, ty))
}

/// The rows that satisfy a condition on their columns: `SHOW ... WHERE`.
pub fn filter_rows(
    context: &mut StatementContext<'_>,
    columns: &[ColumnMeta],
    rows: Vec<Vec<Value>>,
    condition: &ast::Expr,
) -> Result<Vec<Vec<Value>>> {
    let evaluation = context.evaluation(false);
    let view = context.view();
    let names = context.bind_context(&view, &evaluation);
    let empty: Arc<str> = Arc::from("");
    let scope = Scope::of_columns(
        Arc::clone(&empty),
        Arc::clone(&empty),
        empty,
        columns.iter().map(|column| (Arc::clone(&column.name), column.ty.clone())),
    );
    let condition = ExpressionBinder::new(&names, scope)
        .in_clause(crate::binder::error::Clause::Where)
        .bind(condition)?;
    let mut eval = evaluation.eval_context();
    let mut kept = Vec::new();
    for row in rows {
        if is_true(&evaluate(&condition, &row, &mut eval)?, condition.ty()) {
            kept.push(row);
        }
    }
    Ok(kept)
}

/// Binds a query and registers the stored tables it reads.
fn bind(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
    evaluation: &Arc<Evaluation>,
) -> Result<BoundQuery> {
    if query.into.is_some() {
        return Err(MySqlError::not_supported_yet("SELECT ... INTO").into());
    }
    let bound = {
        let view = context.view();
        let names = context.bind_context(&view, evaluation);
        bind_query(query, &names)?
    };
    for scan in stored_tables(&bound.relation) {
        context.use_table(&scan.table)?;
    }
    Ok(bound)
}

fn stored_tables(relation: &Relation) -> Vec<&TableScan> {
    let (mut found, mut pending) = (Vec::new(), vec![relation]);
    while let Some(relation) = pending.pop() {
        if let Relation::Table(scan) = relation {
            found.push(scan);
        }
        pending.extend(relation.inputs());
    }
    found
}

/// The snapshot and own writes a relation is read from; nothing if it reads no stored table.
pub async fn read_view(context: &mut StatementContext<'_>, relation: &Relation) -> Result<Option<ReadView>> {
    if !relation.reads_storage() {
        return Ok(None);
    }
    let snapshot = context.read_view().await?;
    let client = context.client().clone();
    let view = match context.transaction.membuffer() {
        Some(membuffer) => ReadView::with_own_writes(client, snapshot.start_ts, relation, membuffer),
        None => ReadView::new(client, snapshot.start_ts),
    };
    // Of an old transaction only leaders are asked.
    let replicas = snapshot.snapshot.read_from(context.settings().replica_read).replicas();
    Ok(Some(view.read_from(replicas)))
}

async fn drain(engine: &QueryEngine, planned: &PlannedQuery, evaluation: &Arc<Evaluation>) -> Result<()> {
    if let Rows::Batches(mut batches) = engine.execute(planned, evaluation)? {
        while let Some(batch) = batches.next().await {
            batch?;
        }
    }
    Ok(())
}

/// All rows of a result as values of these types; they count as `held`.
pub async fn collect(
    rows: Rows,
    types: &[FieldType],
    held: &mut Held,
) -> Result<Vec<Vec<Value>>, MySqlError> {
    match rows {
        Rows::Values(values) => Ok(values),
        Rows::Batches(mut batches) => {
            let mut values = Vec::new();
            while let Some(batch) = batches.next().await {
                let batch = batch?;
                for row in 0..batch.num_rows() {
                    let columns = batch.columns().iter().zip(types);
                    let row: Result<Vec<Value>, MySqlError> = columns
                        .map(|(column, ty)| rutile_sql_types::arrow::value_at(column.as_ref(), ty, row))
                        .collect();
                    let row = row?;
                    held.grow_by_row(&row)?;
                    values.push(row);
                }
            }
            Ok(values)
        }
    }
}
