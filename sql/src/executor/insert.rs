//! INSERT and REPLACE: from value lists or a query to complete rows, then to `insert_rows.rs`.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast::{self, ExprKind, InsertSource};
use rutile_sql_types::{FieldType, MySqlError, SqlMode, Value};

use super::column_values::{Strictness, computed, convert, default_value, reject_null, target_columns};
use super::dml;
use super::insert_conflict::{OnDuplicate, bind_on_duplicate};
use super::insert_rows::{NewRow, insert_rows};
use super::statement::collect;
use crate::binder::error::Clause;
use crate::binder::{BindContext, ExpressionBinder, Scope};
use crate::catalog::{ColumnInfo, DatabaseSchema, TableInfo};
use crate::error::{Error, Result};
use crate::expression::Expr;
use crate::memory::Held;
use crate::session::{Outcome, ResultSet, StatementContext};

/// One value of a row: an expression, or the column's default.
type Slot = Option<Expr>;

/// What an INSERT is about, bound.
struct BoundInsert {
    columns: Vec<usize>,
    rows: Vec<Vec<Slot>>,
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
    let mut rows = Vec::new();
    if let InsertSource::Values(lists) = &statement.source {
        let mut binder = ExpressionBinder::new(context, scope.clone()).in_clause(Clause::FieldList);
        rows.reserve(lists.len());
        for (number, list) in lists.iter().enumerate() {
            let all_defaults = list.is_empty();
            if list.len() != columns.len()
                && !(all_defaults && statement.columns.as_ref().is_none_or(Vec::is_empty))
            {
                return Err(MySqlError::column_count_mismatch_at_row(number + 1).into());
            }
            rows.push(
                list.iter()
                    .map(|value| match &value.kind {
                        ExprKind::Default => Ok(None),
                        _ => binder.bind(value).map(Some),
                    })
                    .collect::<Result<Vec<_>, _>>()?,
            );
            if let Some(column) = given_value_of_generated(table, &columns, list) {
                return Err(MySqlError::non_default_for_generated_column(&column.name, &table.name).into());
            }
        }
    }
    let on_duplicate = bind_on_duplicate(context, statement, table, &scope)?;
    Ok(BoundInsert { columns, rows, on_duplicate })
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
    bind(&bind_context, statement, &database, &table).map(drop)
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
    let mut held = evaluation.memory().hold();
    let (rows, listed) = match &statement.source {
        InsertSource::Values(_) => {
            let rows = value_rows(context, &table, &bound, &mut eval, &mut held)?;
            let listed = rows.len();
            (rows, listed)
        }
        InsertSource::Query(query) => {
            let rows = query_rows(context, query, &table, &bound, &mut eval, &mut held).await?;
            // INSERT ... SELECT reports its counts whatever the number of rows.
            (rows, usize::MAX)
        }
    };
    let counts =
        insert_rows(context, &table, rows, &bound.on_duplicate, &mut eval, evaluation.memory()).await?;
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

/// Evaluates value lists. An expression sees the columns before it in the list with their new values and
/// the others with their defaults, as in MySQL.
fn value_rows(
    context: &StatementContext<'_>,
    table: &TableInfo,
    bound: &BoundInsert,
    eval: &mut EvalContext,
    held: &mut Held,
) -> Result<Vec<NewRow>> {
    let strictness = Strictness::new(eval.convert.sql_mode, eval.convert.ignore);
    let several = bound.rows.len() > 1;
    let mut rows = Vec::with_capacity(bound.rows.len());
    for (number, slots) in bound.rows.iter().enumerate() {
        eval.convert.row = number as u64 + 1;
        let given = if slots.is_empty() { &[][..] } else { &bound.columns[..] };
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
        held.grow_by_row(&row.values)?;
        rows.push(row);
    }
    Ok(rows)
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
async fn query_rows(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
    table: &TableInfo,
    bound: &BoundInsert,
    eval: &mut EvalContext,
    held: &mut Held,
) -> Result<Vec<NewRow>> {
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
    let mut new_rows = Vec::new();
    for values in collect(rows, &types, held).await? {
        eval.convert.row = new_rows.len() as u64 + 1;
        let mut row = default_row(context, table, &bound.columns, strictness, eval)?;
        for ((offset, value), ty) in bound.columns.iter().zip(&values).zip(&types) {
            let column = table.columns.get(*offset).ok_or_else(|| Error::internal("column offset"))?;
            let value = convert(value, ty, column, eval)?;
            row.set(table, *offset, value, strictness, true, eval)?;
        }
        held.grow_by_row(&row.values)?;
        new_rows.push(row);
    }
    Ok(new_rows)
}
