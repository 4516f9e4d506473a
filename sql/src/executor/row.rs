//! Queries evaluated row by row, without a plan: those that read no table (`SELECT 1`, `SELECT @@version`) and
//! those whose one table gave a few rows (`short_read.rs`). A plan for them would cost a hundred times what they do.

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{MySqlError, Value};

use super::{row_group, row_order};
use crate::binder::Relation;
use crate::expression::{Evaluation, Expr, evaluate, is_true};
use crate::memory::LARGE_BYTES;

pub type Row = Vec<Value>;

/// Whether every operator can run by rows, given the rows of the one stored table if there is one.
pub fn can_run(relation: &Relation) -> bool {
    match relation {
        Relation::Dual | Relation::Values { .. } | Relation::Table(_) => true,
        Relation::Project { input, .. } | Relation::Filter { input, .. } | Relation::Limit { input, .. } => {
            can_run(input)
        }
        Relation::Sort { input, keys } => {
            keys.iter().all(|key| row_order::has_key(key.expr.ty())) && can_run(input)
        }
        Relation::Distinct { input } => {
            (0..input.width()).all(|column| row_order::has_key(&input.output_type(column))) && can_run(input)
        }
        Relation::Aggregate { input, keys, calls } => row_group::can_run(keys, calls) && can_run(input),
        _ => false,
    }
}

/// The rows of a relation without stored tables, or `None` if it needs a plan.
pub fn rows(relation: &Relation, statement: &Evaluation) -> Result<Option<Vec<Row>>, MySqlError> {
    if relation.reads_storage() || !can_run(relation) {
        return Ok(None);
    }
    let mut context = statement.eval_context();
    let rows = rows_over(relation, Vec::new(), &mut context)?;
    statement.absorb(context);
    Ok(Some(rows))
}

/// The rows of a relation that [`can_run`]; `table` are the rows of its table, already filtered by the
/// filter directly above it.
pub fn rows_over(
    relation: &Relation,
    table: Vec<Row>,
    context: &mut EvalContext,
) -> Result<Vec<Row>, MySqlError> {
    match relation {
        Relation::Dual => Ok(vec![Vec::new()]),
        Relation::Table(_) => Ok(table),
        Relation::Values { rows, .. } => {
            let mut gathered = Gathered::default();
            rows.iter().map(|exprs| gathered.take(evaluate_all(exprs, &[], context)?, context)).collect()
        }
        Relation::Project { input, exprs } => {
            let input = rows_over(input, table, context)?;
            let mut gathered = Gathered::default();
            match distinct_columns(exprs) {
                Some(columns) => Ok(input.into_iter().map(|row| picked(row, &columns)).collect()),
                None => {
                    let computed = |row: &Row| gathered.take(evaluate_all(exprs, row, context)?, context);
                    input.iter().map(computed).collect()
                }
            }
        }
        Relation::Filter { input, .. } if matches!(**input, Relation::Table(_)) => Ok(table),
        Relation::Filter { input, predicates } => {
            let mut kept = Vec::new();
            for row in rows_over(input, table, context)? {
                if keeps(predicates, &row, context)? {
                    kept.push(row);
                }
            }
            Ok(kept)
        }
        Relation::Limit { input, offset, count } => {
            let skip = usize::try_from(*offset).unwrap_or(usize::MAX);
            let take = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
            Ok(rows_over(input, table, context)?.into_iter().skip(skip).take(take).collect())
        }
        Relation::Sort { input, keys } => row_order::sorted(rows_over(input, table, context)?, keys, context),
        Relation::Distinct { input } => {
            let types: Vec<_> = (0..input.width()).map(|column| input.output_type(column)).collect();
            row_order::distinct(rows_over(input, table, context)?, &types)
        }
        Relation::Aggregate { input, keys, calls } => {
            row_group::grouped(rows_over(input, table, context)?, keys, calls, context)
        }
        _ => Err(MySqlError::internal("an operator that does not run by rows")),
    }
}

/// The columns, if the expressions are columns and none of them twice: their values can be moved.
fn distinct_columns(exprs: &[Expr]) -> Option<Vec<usize>> {
    let columns: Vec<usize> = exprs.iter().map(Expr::as_column).collect::<Option<_>>()?;
    let twice = columns.iter().enumerate().any(|(at, column)| columns.iter().take(at).any(|c| c == column));
    (!twice).then_some(columns)
}

fn picked(mut row: Row, columns: &[usize]) -> Row {
    let take =
        |column: &usize| row.get_mut(*column).map_or(Value::Null, |v| std::mem::replace(v, Value::Null));
    columns.iter().map(take).collect()
}

fn evaluate_all(exprs: &[Expr], row: &[Value], context: &mut EvalContext) -> Result<Row, MySqlError> {
    let mut values = Vec::with_capacity(exprs.len());
    let mut large = 0;
    for expr in exprs {
        let value = evaluate(expr, row, context)?;
        if value.memory_size() >= LARGE_BYTES {
            large += value.memory_size();
            context.check_memory(large)?;
        }
        values.push(value);
    }
    Ok(values)
}

/// Counts the computed rows of one operator: the rows of the table are few, what is computed of them may not be.
#[derive(Default)]
struct Gathered {
    bytes: usize,
    checked: usize,
}

impl Gathered {
    fn take(&mut self, row: Row, context: &EvalContext) -> Result<Row, MySqlError> {
        self.bytes += row.iter().map(Value::memory_size).sum::<usize>();
        if self.bytes >= self.checked + LARGE_BYTES {
            context.check_killed()?;
            context.check_memory(self.bytes)?;
            self.checked = self.bytes;
        }
        Ok(row)
    }
}

/// Whether a row satisfies all predicates.
pub fn keeps(predicates: &[Expr], row: &[Value], context: &mut EvalContext) -> Result<bool, MySqlError> {
    for predicate in predicates {
        if !is_true(&evaluate(predicate, row, context)?, predicate.ty()) {
            return Ok(false);
        }
    }
    Ok(true)
}
