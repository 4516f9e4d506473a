//! INSERT, REPLACE, UPDATE and DELETE: which operator runs which statement, and binding for them.

use std::sync::Arc;

use rutile_sql_functions::EvalContext;
use rutile_sql_parser::{Statement, StatementKind, ast};
use rutile_sql_types::MySqlError;

use super::row_source::RowSource;
use super::snapshot_reader::SnapshotReader;
use super::write_row::{RowWriter, StoredRow};
use super::{delete, insert, row_order, update};
use crate::binder::error::Clause;
use crate::binder::relation::SortKey;
use crate::binder::{BindContext, ExpressionBinder, Relation, Scope, bind_tables};
use crate::catalog::TableInfo;
use crate::error::{Error, Result};
use crate::expression::{Evaluation, conjuncts};
use crate::memory::Held;
use crate::session::{Outcome, StatementContext};

/// Runs a statement that writes rows, inside the transaction the session opened for it.
pub async fn run_dml(context: &mut StatementContext<'_>, statement: &Statement) -> Result<Outcome> {
    context.session.given_ids = None;
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
    pub order: Vec<SortKey>,
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
        .map(|item| Ok(SortKey { expr: binder.bind(&item.expr)?, descending: item.descending }))
        .collect::<Result<Vec<_>>>()?;
    if order.iter().any(|key| !row_order::has_key(key.expr.ty())) {
        return Err(Error::unsupported("ORDER BY of JSON in UPDATE and DELETE"));
    }
    let limit = match choice.limit {
        Some(limit) => Some(usize::try_from(binder.limit(limit)?).unwrap_or(usize::MAX)),
        None => None,
    };
    let table = Arc::clone(&scan.table);
    let source = RowSource::new(&scan, conditions);
    Ok(BoundTarget { table, scope, source, order, limit })
}

/// Finds the rows, in the order asked for and no more than LIMIT; they count as `held`. In a pessimistic transaction
/// they are locked; with `entries` the keys of their unique indexes are, too.
pub(super) async fn chosen_rows(
    context: &mut StatementContext<'_>,
    target: &BoundTarget,
    evaluation: &mut EvalContext,
    writer: &RowWriter<'_>,
    entries: bool,
    held: &mut Held,
) -> Result<Vec<StoredRow>> {
    let (locks, cancellation) = (context.row_locks(), context.cancellation());
    let for_update_ts = context.for_update_ts().await?;
    let transaction = context.writer().await?;
    let mut rows = match (for_update_ts, target.source.points()) {
        (Some(_), Some(keys)) => {
            // A key that has no row is locked as well, so that none comes to be meanwhile.
            let values = locks.current(transaction, &keys).await?;
            target.source.choose(&keys, &values, evaluation)?
        }
        _ => {
            let snapshot = match for_update_ts {
                Some(ts) => transaction.view_at(ts).snapshot().clone(),
                None => transaction.snapshot(),
            };
            let reader = SnapshotReader::new(snapshot, Some(transaction.membuffer()));
            let limit = target.limit.filter(|_| target.order.is_empty());
            target.source.collect(&reader, limit, evaluation, &cancellation, held).await?
        }
    };
    rows = row_order::sorted_by(rows, |row| &row.values, &target.order, evaluation)?;
    rows.truncate(target.limit.unwrap_or(usize::MAX));
    if let Some(ts) = for_update_ts {
        let keys: Result<Vec<_>> = rows.iter().map(|row| writer.lock_keys(row, entries)).collect();
        locks.hold(context.writer().await?, &keys?.concat(), ts).await?;
    }
    Ok(rows)
}

/// Hands what a finished statement's expressions have gathered to the session.
pub(super) fn keep(context: &mut StatementContext<'_>, evaluation: &Evaluation, own: EvalContext) {
    evaluation.absorb(own);
    context.session.keep(evaluation);
}
