//! INSERT, REPLACE, UPDATE and DELETE: which operator runs which statement, and binding for them.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::{Statement, StatementKind, ast};
use rutile_sql_types::{MySqlError, Value};

use super::row_source::RowSource;
use super::snapshot_reader::SnapshotReader;
use super::write_row::StoredRow;
use super::{delete, insert, update};
use crate::binder::error::Clause;
use crate::binder::{BindContext, ExpressionBinder, Relation, Scope, bind_tables};
use crate::catalog::TableInfo;
use crate::error::{Error, Result};
use crate::expression::{Evaluation, Expr, compare_values, conjuncts, evaluate};
use crate::session::{Outcome, StatementContext};

/// Runs a statement that writes rows, inside the transaction the session opened for it.
pub async fn run_dml(context: &mut StatementContext<'_>, statement: &Statement) -> Result<Outcome> {
    match &statement.kind {
        StatementKind::Insert(statement) => insert::run(context, statement).await,
        StatementKind::Update(statement) => update::run(context, statement).await,
        StatementKind::Delete(statement) => delete::run(context, statement).await,
        _ => Err(Error::internal("not a statement that writes rows")),
    }
}

/// Checks names and forms while a statement is prepared, when the placeholders have no values yet.
pub async fn check_dml(context: &mut StatementContext<'_>, statement: &Statement) -> Result<()> {
    match &statement.kind {
        StatementKind::Insert(statement) => insert::check(context, statement),
        StatementKind::Update(statement) => update::check(context, statement),
        StatementKind::Delete(statement) => delete::check(context, statement),
        _ => Err(Error::internal("not a statement that writes rows")),
    }
}

/// The one table of an UPDATE or DELETE with everything bound over its row.
pub(super) struct BoundTarget {
    pub table: Arc<TableInfo>,
    pub scope: Scope,
    pub source: RowSource,
    pub order: Vec<(Expr, bool)>,
    pub limit: Option<usize>,
}

/// The clauses that choose rows.
pub(super) struct Choice<'s> {
    pub tables: &'s [ast::TableReference],
    pub selection: Option<&'s ast::Expr>,
    pub order_by: &'s [ast::OrderItem],
    pub limit: Option<&'s ast::Limit>,
}

/// Binds the table and the clauses that choose its rows.
pub(super) fn bind_target(bind: &BindContext<'_>, choice: &Choice<'_>) -> Result<BoundTarget> {
    let [ast::TableReference::Table(_)] = choice.tables else {
        return Err(Error::unsupported("multi-table UPDATE and DELETE"));
    };
    let (relation, scope) = bind_tables(bind, choice.tables)?;
    let Relation::Table(scan) = relation else {
        let name = scope.tables.first().map_or_else(String::new, |table| table.name.to_string());
        return Err(MySqlError::non_updatable_table(name, "UPDATE").into());
    };
    let mut binder = ExpressionBinder::new(bind, scope.clone()).in_clause(Clause::Where);
    let conditions = match choice.selection {
        Some(selection) => conjuncts(binder.bind(selection)?),
        None => Vec::new(),
    };
    let mut binder = binder.in_clause(Clause::Order);
    let order = choice
        .order_by
        .iter()
        .map(|item| Ok((binder.bind(&item.expr)?, item.descending)))
        .collect::<Result<Vec<_>>>()?;
    let limit = match choice.limit {
        Some(limit) => Some(usize::try_from(binder.limit(limit)?).unwrap_or(usize::MAX)),
        None => None,
    };
    let early_limit = limit.filter(|_| order.is_empty());
    let source = RowSource::new(
        Arc::clone(&scan.database),
        Arc::clone(&scan.table),
        Arc::clone(&scan.alias),
        scan.index_hints.clone(),
        conditions,
    )
    .with_limit(early_limit);
    Ok(BoundTarget { table: scan.table, scope, source, order, limit })
}

/// Finds the rows, in the order asked for and no more than LIMIT.
pub(super) async fn chosen_rows(
    context: &mut StatementContext<'_>,
    target: &BoundTarget,
    evaluation: &mut EvalContext,
) -> Result<Vec<StoredRow>> {
    let cancellation = context.cancellation();
    let transaction = context.writer().await?;
    let reader = SnapshotReader::new(transaction.snapshot(), Some(transaction.membuffer()));
    let mut rows = target.source.collect(&reader, evaluation, &cancellation).await?;
    if !target.order.is_empty() {
        rows = sorted(rows, &target.order, evaluation)?;
    }
    rows.truncate(target.limit.unwrap_or(usize::MAX));
    Ok(rows)
}

fn sorted(
    rows: Vec<StoredRow>,
    order: &[(Expr, bool)],
    evaluation: &mut EvalContext,
) -> Result<Vec<StoredRow>> {
    let mut keyed = rows
        .into_iter()
        .map(|row| {
            let keys = order
                .iter()
                .map(|(expr, _)| evaluate(expr, &row.values, evaluation))
                .collect::<Result<Vec<Value>, _>>()?;
            Ok((keys, row))
        })
        .collect::<Result<Vec<_>>>()?;
    keyed.sort_by(|(a, _), (b, _)| {
        order
            .iter()
            .zip(a.iter().zip(b))
            .map(|((expr, descending), (a, b))| {
                // NULL is the least value, as in MySQL's ORDER BY.
                let ordering = match (a.is_null(), b.is_null()) {
                    (false, false) => compare_values(a, b, expr.ty()),
                    (a_null, b_null) => b_null.cmp(&a_null),
                };
                if *descending { ordering.reverse() } else { ordering }
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

/// Hands what a finished statement's expressions have gathered to the session.
pub(super) fn keep(context: &mut StatementContext<'_>, evaluation: &Evaluation, own: EvalContext) {
    evaluation.absorb(own);
    context.session.keep(evaluation);
}
