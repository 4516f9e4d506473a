//! What has to run before the rest of a query can be planned: subqueries that run for each row, and recursive common
//! tables. Each becomes the rows it gives.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::row::{Row, keeps};
use super::run::QueryEngine;
use super::statement::collect;
use crate::binder::Relation;
use crate::binder::relation::{Apply, ApplyForm, Recursive, VirtualScan};
use crate::codec::datum;
use crate::distsql::ReadView;
use crate::expression::{Evaluation, Expr, evaluate, is_true};
use crate::memory::Held;

/// Whether anything in the query must run first.
pub fn is_needed(relation: &Relation) -> bool {
    matches!(relation, Relation::Apply(_) | Relation::Recursive(_))
        || relation.inputs().into_iter().any(is_needed)
}

/// What the parts of one query share.
#[derive(Clone, Copy)]
pub struct Materializer<'a> {
    pub engine: &'a QueryEngine,
    pub view: Option<&'a ReadView>,
    pub statement: &'a Arc<Evaluation>,
}

impl<'a> Materializer<'a> {
    /// The relation with rows in the place of what had to run.
    pub fn settle(self, relation: Relation) -> BoxFuture<'a, Result<Relation, MySqlError>> {
        Box::pin(async move {
            match relation {
                Relation::Apply(apply) => self.apply(*apply).await,
                Relation::Recursive(recursive) => self.recurse(*recursive).await,
                mut other => {
                    for input in other.inputs_mut() {
                        let taken = std::mem::replace(input, Relation::Dual);
                        *input = self.settle(taken).await?;
                    }
                    Ok(other)
                }
            }
        })
    }

    async fn rows_of(self, relation: Relation) -> Result<Vec<Row>, MySqlError> {
        let types: Vec<FieldType> =
            (0..relation.width()).map(|column| relation.output_type(column)).collect();
        let rows = self.engine.run_relation(&relation, self.view, self.statement).await?;
        collect(rows, &types, &mut self.statement.memory().hold()).await
    }

    async fn apply(self, apply: Apply) -> Result<Relation, MySqlError> {
        let types: Vec<FieldType> = {
            let whole = Relation::Apply(Box::new(apply.clone()));
            (0..whole.width()).map(|column| whole.output_type(column)).collect()
        };
        let Apply { form, input, subquery, bindings, on } = apply;
        let width = subquery.width();
        let mut context = self.statement.eval_context();
        let mut known: HashMap<Vec<u8>, Arc<Vec<Row>>> = HashMap::new();
        let mut used = self.statement.memory().hold();
        let mut output = Vec::new();
        for row in self.rows_of(input).await? {
            self.statement.check_alive()?;
            let mut values = Vec::with_capacity(bindings.len());
            let mut key = Vec::new();
            for binding in &bindings {
                let value = evaluate(binding, &row, &mut context)?;
                append_exact(&mut key, &value, binding.ty())?;
                values.push(value);
            }
            let answer = match known.get(&key) {
                Some(rows) => Arc::clone(rows),
                None => {
                    let bound = with_values(subquery.clone(), &values);
                    let rows = Arc::new(self.rows_of(bound).await?);
                    count(&mut used, &rows)?;
                    known.insert(key, Arc::clone(&rows));
                    rows
                }
            };
            let first = output.len();
            match form {
                ApplyForm::Scalar => output.push(extended(row, [only_value(&answer)?])),
                ApplyForm::Match { negated } => {
                    let found = matches(&on, &row, &answer, negated, &mut context)?;
                    output.push(extended(row, [found]));
                }
                ApplyForm::Rows { keeps_input } => {
                    append_rows(&mut output, row, &answer, &on, keeps_input.then_some(width), &mut context)?;
                }
            }
            count(&mut used, output.get(first..).unwrap_or_default())?;
        }
        self.statement.absorb(context);
        Ok(rows_relation("applied", output, types))
    }

    async fn recurse(self, recursive: Recursive) -> Result<Relation, MySqlError> {
        let Recursive { id, name, seed, step, types, distinct, limit, max_depth } = recursive;
        let mut seen = distinct.then(HashSet::new);
        let mut used = self.statement.memory().hold();
        let mut all: Vec<Row> = Vec::new();
        let mut fresh = new_rows(self.rows_of(seed).await?, seen.as_mut(), &types)?;
        let mut depth = 0;
        while !fresh.is_empty() {
            self.statement.check_alive()?;
            count(&mut used, &fresh)?;
            all.extend(fresh.iter().cloned());
            if limit.is_some_and(|limit| all.len() as u64 >= limit) {
                break;
            }
            depth += 1;
            if depth > max_depth {
                return Err(MySqlError::cte_max_recursion_depth(depth));
            }
            let work = rows_relation(&name, fresh, types.clone());
            let rows = self.rows_of(with_work_table(step.clone(), id, &work)).await?;
            fresh = new_rows(rows, seen.as_mut(), &types)?;
        }
        Ok(rows_relation(&name, all, types))
    }
}

/// Counts rows that are kept.
fn count(used: &mut Held, rows: &[Row]) -> Result<(), MySqlError> {
    rows.iter().try_for_each(|row| used.grow_by_row(row))
}

fn rows_relation(name: &str, rows: Vec<Row>, types: Vec<FieldType>) -> Relation {
    Relation::Virtual(VirtualScan {
        database: Arc::from(""),
        name: Arc::from(name),
        alias: Arc::from(name),
        types,
        rows: Arc::new(rows),
    })
}

fn extended(mut row: Row, values: impl IntoIterator<Item = Value>) -> Row {
    row.extend(values);
    row
}

/// The value of a scalar subquery.
fn only_value(rows: &[Row]) -> Result<Value, MySqlError> {
    match rows {
        [] => Ok(Value::Null),
        [row] => Ok(row.first().cloned().unwrap_or(Value::Null)),
        _ => Err(MySqlError::subquery_returns_many_rows()),
    }
}

/// Whether some row satisfies the conditions; NULL if none does and one might.
fn matches(
    on: &[Expr],
    row: &[Value],
    rows: &[Row],
    negated: bool,
    context: &mut EvalContext,
) -> Result<Value, MySqlError> {
    let mut unknown = false;
    for other in rows {
        let both: Row = row.iter().chain(other).cloned().collect();
        let (mut met, mut doubtful) = (true, false);
        for condition in on {
            match evaluate(condition, &both, context)? {
                Value::Null => doubtful = true,
                value => met = met && is_true(&value, condition.ty()),
            }
        }
        if met && !doubtful {
            return Ok(Value::bool(!negated));
        }
        unknown = unknown || (met && doubtful);
    }
    Ok(if unknown { Value::Null } else { Value::bool(negated) })
}

/// The row with each of the rows that fit; with NULLs if none does and `nulls` says how many.
fn append_rows(
    output: &mut Vec<Row>,
    row: Row,
    rows: &[Row],
    on: &[Expr],
    nulls: Option<usize>,
    context: &mut EvalContext,
) -> Result<(), MySqlError> {
    let first = output.len();
    for other in rows {
        let both: Row = row.iter().chain(other).cloned().collect();
        if keeps(on, &both, context)? {
            output.push(both);
        }
    }
    if let (Some(width), true) = (nulls, output.len() == first) {
        output.push(extended(row, std::iter::repeat_n(Value::Null, width)));
    }
    Ok(())
}

/// The rows that were not there before; all of them without a set to look into.
fn new_rows(
    rows: Vec<Row>,
    seen: Option<&mut HashSet<Vec<u8>>>,
    types: &[FieldType],
) -> Result<Vec<Row>, MySqlError> {
    let Some(seen) = seen else {
        return Ok(rows);
    };
    let mut fresh = Vec::with_capacity(rows.len());
    for row in rows {
        let mut key = Vec::new();
        for (value, ty) in row.iter().zip(types) {
            datum::append(&mut key, value, ty).map_err(MySqlError::internal)?;
        }
        if seen.insert(key) {
            fresh.push(row);
        }
    }
    Ok(fresh)
}

/// A key under which only the very same value is found: spellings that compare equal may give other answers.
fn append_exact(key: &mut Vec<u8>, value: &Value, ty: &FieldType) -> Result<(), MySqlError> {
    if let Value::Bytes(bytes) = value {
        key.push(1);
        key.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        key.extend_from_slice(bytes);
        return Ok(());
    }
    key.push(0);
    datum::append(key, value, ty).map_err(MySqlError::internal)
}

/// The subquery for one row of the query around it.
fn with_values(mut relation: Relation, values: &[Value]) -> Relation {
    let mut pending = vec![&mut relation];
    while let Some(relation) = pending.pop() {
        for expr in relation.exprs_mut() {
            if expr.has_outer() {
                let taken = std::mem::replace(expr, Expr::placeholder());
                *expr = filled(taken, values);
            }
        }
        match relation {
            Relation::Apply(apply) => pending.push(&mut apply.input),
            other => pending.extend(other.inputs_mut()),
        }
    }
    relation
}

fn filled(expr: Expr, values: &[Value]) -> Expr {
    let filled: Result<Expr, std::convert::Infallible> = expr.rewrite(&mut |node| {
        Ok(match node {
            Expr::Outer { index, ty, .. } => {
                Expr::Literal { value: values.get(index).cloned().unwrap_or(Value::Null), ty }
            }
            other => other,
        })
    });
    match filled {
        Ok(expr) => expr,
        Err(never) => match never {},
    }
}

/// The step over the rows of the step before.
fn with_work_table(mut relation: Relation, id: usize, work: &Relation) -> Relation {
    let mut pending = vec![&mut relation];
    while let Some(relation) = pending.pop() {
        match relation {
            Relation::WorkTable { id: named, .. } if *named == id => *relation = work.clone(),
            other => pending.extend(other.inputs_mut()),
        }
    }
    relation
}
