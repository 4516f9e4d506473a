//! INSERT and REPLACE: from value lists or a query to complete rows, then to `insert_rows.rs`.
//!
//! Value lists are bound, evaluated and written a batch at a time, so that of a long list no more than that is in
//! memory beside its text and what the transaction has written.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast::{self, ExprKind, InsertSource, ValueBatch, ValueLists};
use rutile_sql_types::{FieldType, MySqlError, SqlMode, Value};

use super::column_values::{Strictness, computed, convert, default_value, reject_null, target_columns};
use super::dml;
use super::insert_conflict::{OnDuplicate, bind_on_duplicate};
use super::insert_rows::{InsertCounts, Inserter, NewRow};
use super::statement::collect;
use crate::binder::error::Clause;
use crate::binder::{BindContext, ExpressionBinder, Scope};
use crate::catalog::{ColumnInfo, DatabaseSchema, TableInfo};
use crate::error::{Error, Result};
use crate::expression::{Evaluation, Expr};
use crate::memory::StatementMemory;
use crate::session::{Outcome, ResultSet, StatementContext};

/// One value of a row: an expression, or the column's default.
type Slot = Option<Expr>;

/// Rows of INSERT ... SELECT that are converted and written together.
const QUERY_BATCH_ROWS: usize = 1024;

/// What an INSERT is about, bound, but for its rows.
struct BoundInsert {
    columns: Vec<usize>,
    scope: Scope,
    on_duplicate: OnDuplicate,
}

fn refuse_unsupported(statement: &ast::Insert) -> Result<()> {
    if !statement.partitions.is_empty() {
        return Err(Error::unsupported("PARTITION selection"));
    }
    Ok(())
}

fn scope_of(database: &DatabaseSchema, table: &Arc<TableInfo>) -> Scope {
    Scope::of_table(Arc::from(database.info.name.as_str()), table, Arc::from(table.name.as_str()))
}

fn bind(
    context: &BindContext<'_>,
    statement: &ast::Insert,
    database: &DatabaseSchema,
    table: &Arc<TableInfo>,
) -> Result<BoundInsert> {
    let columns = target_columns(table, statement.columns.as_deref())?;
    let scope = scope_of(database, table);
    let on_duplicate = bind_on_duplicate(context, statement, table, &scope)?;
    Ok(BoundInsert { columns, scope, on_duplicate })
}

/// The value lists of an INSERT, to be bound for its table.
struct ListBinder<'s> {
    statement: &'s ast::Insert,
    lists: &'s ValueLists,
    text: &'s [u8],
    table: Arc<TableInfo>,
}

impl ListBinder<'_> {
    /// Finds what is wrong with any of the rows before one of them is written. Constants alone need no look.
    fn check(&self, context: &BindContext<'_>, bound: &BoundInsert) -> Result<()> {
        let columns = bound.columns.iter().filter_map(|offset| self.table.columns.get(*offset));
        let generated = columns.into_iter().any(|column| column.generated.is_some());
        let mut first = 0;
        for batch in self.lists.batches() {
            if generated || batch.plain_width() != Some(bound.columns.len()) {
                self.bind(context, bound, batch, first)?;
            }
            first += batch.len();
        }
        Ok(())
    }

    /// The rows of a batch, of which the first has this number.
    fn bind(
        &self,
        context: &BindContext<'_>,
        bound: &BoundInsert,
        batch: &ValueBatch,
        first: usize,
    ) -> Result<Vec<Vec<Slot>>> {
        let BoundInsert { columns, scope, .. } = bound;
        let lists = self.lists.rows(batch, self.text)?;
        let mut binder = ExpressionBinder::new(context, scope.clone()).in_clause(Clause::FieldList);
        let mut rows = Vec::with_capacity(lists.len());
        for (number, list) in lists.iter().enumerate() {
            let all_defaults = list.is_empty();
            if list.len() != columns.len()
                && !(all_defaults && self.statement.columns.as_ref().is_none_or(Vec::is_empty))
            {
                return Err(MySqlError::column_count_mismatch_at_row(first + number + 1).into());
            }
            rows.push(
                list.iter()
                    .map(|value| match &value.kind {
                        ExprKind::Default => Ok(None),
                        _ => binder.bind(value).map(Some),
                    })
                    .collect::<Result<Vec<_>, _>>()?,
            );
            if let Some(column) = given_value_of_generated(&self.table, columns, list) {
                return Err(
                    MySqlError::non_default_for_generated_column(&column.name, &self.table.name).into()
                );
            }
        }
        Ok(rows)
    }
}

/// The first generated column that a value list gives a value other than DEFAULT.
fn given_value_of_generated<'t>(
    table: &'t TableInfo,
    columns: &[usize],
    list: &[ast::Expr],
) -> Option<&'t ColumnInfo> {
    columns
        .iter()
        .zip(list)
        .filter(|(_, value)| !matches!(value.kind, ExprKind::Default))
        .filter_map(|(offset, _)| table.columns.get(*offset))
        .find(|column| column.generated.is_some())
}

pub(super) fn check(context: &mut StatementContext<'_>, statement: &ast::Insert) -> Result<()> {
    refuse_unsupported(statement)?;
    let (database, table) = context.table_to_write(&statement.table)?;
    let evaluation = context.evaluation(true);
    let view = context.view();
    let mut bind_context = context.bind_context(&view, &evaluation);
    bind_context.parameters = None;
    let bound = bind(&bind_context, statement, &database, &table)?;
    match &statement.source {
        InsertSource::Values(lists) => {
            ListBinder { statement, lists, text: context.text, table }.check(&bind_context, &bound)
        }
        InsertSource::Query(_) => Ok(()),
    }
}

pub(super) async fn run(context: &mut StatementContext<'_>, statement: &ast::Insert) -> Result<Outcome> {
    refuse_unsupported(statement)?;
    let (database, table) = context.table_to_write(&statement.table)?;
    let evaluation = context.evaluation(true);
    let bound = {
        let view = context.view();
        let bind_context = context.bind_context(&view, &evaluation);
        bind(&bind_context, statement, &database, &table)?
    };
    let mut eval = evaluation.eval_context();
    eval.convert.ignore = statement.ignore;
    let (counts, listed) = match &statement.source {
        InsertSource::Values(lists) => {
            let lists = ListBinder { statement, lists, text: context.text, table: Arc::clone(&table) };
            (insert_lists(context, &lists, &bound, &evaluation, &mut eval).await?, lists.lists.len())
        }
        // INSERT ... SELECT reports its counts whatever the number of rows.
        InsertSource::Query(query) => {
            let memory = evaluation.memory();
            (insert_query(context, query, &table, &bound, &mut eval, memory).await?, usize::MAX)
        }
    };
    dml::keep(context, &evaluation, eval);
    if let Some(generated) = counts.first_generated {
        context.session.last_insert_id = generated;
    }
    let info = if listed > 1 {
        format!(
            "Records: {}  Duplicates: {}  Warnings: {}",
            counts.records,
            counts.duplicates,
            context.session.warning_count()
        )
    } else {
        String::new()
    };
    let expression = evaluation.last_insert_id();
    let last_insert_id = counts.first_generated.or(expression).or(counts.last_explicit).unwrap_or(0);
    Ok(Outcome::Ok { affected_rows: counts.affected, last_insert_id, info, warnings: 0 })
}

async fn insert_lists(
    context: &mut StatementContext<'_>,
    lists: &ListBinder<'_>,
    bound: &BoundInsert,
    evaluation: &Arc<Evaluation>,
    eval: &mut EvalContext,
) -> Result<InsertCounts> {
    let several = lists.lists.len() > 1;
    if lists.lists.batches().len() > 1 {
        let view = context.view();
        lists.check(&context.bind_context(&view, evaluation), bound)?;
    }
    let memory = evaluation.memory();
    let mut inserter = Inserter::start(context, &lists.table, lists.lists.len(), &bound.on_duplicate).await?;
    let mut first = 0;
    for batch in lists.lists.batches() {
        let slots = {
            let view = context.view();
            lists.bind(&context.bind_context(&view, evaluation), bound, batch, first)?
        };
        let mut held = memory.hold();
        let mut rows = Vec::with_capacity(slots.len());
        for (number, slots) in slots.iter().enumerate() {
            eval.convert.row = (first + number) as u64 + 1;
            let row = value_row(context, &lists.table, &bound.columns, slots, several, eval)?;
            held.grow_by_row(&row.values)?;
            rows.push(row);
        }
        inserter.write(context, rows, eval, memory).await?;
        first += batch.len();
    }
    Ok(inserter.counts)
}

/// Evaluates a value list. An expression sees the columns before it in the list with their new values and
/// the others with their defaults, as in MySQL.
fn value_row(
    context: &StatementContext<'_>,
    table: &TableInfo,
    columns: &[usize],
    slots: &[Slot],
    several: bool,
    eval: &mut EvalContext,
) -> Result<NewRow> {
    let strictness = Strictness::new(eval.convert.sql_mode, eval.convert.ignore);
    let given = if slots.is_empty() { &[][..] } else { columns };
    let mut row = default_row(context, table, given, strictness, eval)?;
    for (offset, slot) in given.iter().zip(slots) {
        let column = table.columns.get(*offset).ok_or_else(|| Error::internal("column offset"))?;
        let value = match slot {
            Some(expr) => computed(expr, &row.values, column, eval)?,
            None if column.generated.is_some() => continue,
            None if column.auto_increment => Value::Null,
            None => default_value(context, column, strictness, eval)?,
        };
        row.set(table, *offset, value, strictness, several, eval)?;
    }
    Ok(row)
}

/// A row of defaults for the columns that are not `given`; those are NULL until they are set.
fn default_row(
    context: &StatementContext<'_>,
    table: &TableInfo,
    given: &[usize],
    strictness: Strictness,
    eval: &mut EvalContext,
) -> Result<NewRow> {
    let mut row = NewRow { values: Vec::with_capacity(table.columns.len()), generate: None };
    for column in &table.columns {
        let value = if column.generated.is_some() {
            // Computed once the others are known.
            Value::Null
        } else if !column.state.is_public() {
            column.original_default.clone()
        } else if column.auto_increment {
            row.generate = Some(column.offset);
            Value::Null
        } else if given.contains(&column.offset) {
            Value::Null
        } else {
            default_value(context, column, strictness, eval)?
        };
        row.values.push(value);
    }
    Ok(row)
}

impl NewRow {
    /// Sets a column. NULL, and 0 unless NO_AUTO_VALUE_ON_ZERO is set, ask an AUTO_INCREMENT column for a
    /// generated value.
    fn set(
        &mut self,
        table: &TableInfo,
        offset: usize,
        value: Value,
        strictness: Strictness,
        several: bool,
        eval: &mut EvalContext,
    ) -> Result<()> {
        let column = table.columns.get(offset).ok_or_else(|| Error::internal("column offset"))?;
        let value = if column.auto_increment {
            let zero_counts = eval.convert.sql_mode.contains(SqlMode::NO_AUTO_VALUE_ON_ZERO);
            let generate = value.is_null() || (!zero_counts && is_zero(&value));
            self.generate = generate.then_some(offset);
            value
        } else {
            // Without strict mode only a single-row INSERT refuses NULL (MySQL manual, "INSERT Statement").
            let lenient =
                Strictness { ignore: strictness.ignore || (several && !strictness.strict), ..strictness };
            reject_null(value, column, lenient, eval)?
        };
        if let Some(slot) = self.values.get_mut(offset) {
            *slot = value;
        }
        Ok(())
    }
}

fn is_zero(value: &Value) -> bool {
    matches!(value, Value::Int(0) | Value::UInt(0))
        || matches!(value, Value::Double(v) if *v == 0.0)
        || matches!(value, Value::Float(v) if *v == 0.0)
}

/// The rows of INSERT ... SELECT, all read before the first is written.
async fn insert_query(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
    table: &TableInfo,
    bound: &BoundInsert,
    eval: &mut EvalContext,
    memory: &Arc<StatementMemory>,
) -> Result<InsertCounts> {
    let Outcome::Rows(ResultSet { columns, rows, .. }) = crate::planner::run_query(context, query).await?
    else {
        return Err(Error::internal("a query without rows"));
    };
    if columns.len() != bound.columns.len() {
        return Err(MySqlError::column_count_mismatch_at_row(1).into());
    }
    let generated = |offset: &usize| table.columns.get(*offset).filter(|column| column.generated.is_some());
    if let Some(column) = bound.columns.iter().find_map(generated) {
        return Err(MySqlError::non_default_for_generated_column(&column.name, &table.name).into());
    }
    let types: Vec<FieldType> = columns.iter().map(|column| column.ty.clone()).collect();
    let strictness = Strictness::new(eval.convert.sql_mode, eval.convert.ignore);
    let mut held = memory.hold();
    let read = collect(rows, &types, &mut held).await?;
    let mut inserter = Inserter::start(context, table, read.len(), &bound.on_duplicate).await?;
    let mut batch = Vec::new();
    for (number, values) in read.into_iter().enumerate() {
        eval.convert.row = number as u64 + 1;
        let mut row = default_row(context, table, &bound.columns, strictness, eval)?;
        for ((offset, value), ty) in bound.columns.iter().zip(&values).zip(&types) {
            let column = table.columns.get(*offset).ok_or_else(|| Error::internal("column offset"))?;
            let value = convert(value, ty, column, eval)?;
            row.set(table, *offset, value, strictness, true, eval)?;
        }
        batch.push(row);
        if batch.len() == QUERY_BATCH_ROWS {
            inserter.write(context, std::mem::take(&mut batch), eval, memory).await?;
        }
    }
    inserter.write(context, batch, eval, memory).await?;
    Ok(inserter.counts)
}
