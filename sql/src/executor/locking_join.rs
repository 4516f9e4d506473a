//! SELECT ... FOR UPDATE and FOR SHARE of queries that take a plan: joins, groups, derived tables.
//!
//! The query runs over the newest data while its scans note the rows that they give; those of the tables that the
//! clauses name are then locked. A row that changed meanwhile makes the statement begin again; with SKIP LOCKED it
//! runs again without the rows that others hold. Locked are the rows of the tables in the outermost FROM that satisfy the
//! conditions on that table alone, as many as a scan has to read; tables of subqueries and derived tables are only read, as
//! in MySQL.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use rutile_sql_parser::ast::{self, Ident, TableReference};
use rutile_sql_types::{FieldType, Value};

use super::locking_read::{locks_of, unresolved};
use super::statement::collect;
use crate::binder::BoundQuery;
use crate::distsql::{LockedScans, ReadView};
use crate::error::{Error, Result};
use crate::expression::Evaluation;
use crate::session::StatementContext;

/// The query's rows, after the rows they come from were locked.
pub(super) async fn read(
    context: &mut StatementContext<'_>,
    query: &ast::Query,
    bound: &BoundQuery,
    evaluation: &Arc<Evaluation>,
) -> Result<Vec<Vec<Value>>> {
    let (aliases, wait) = locked_tables(query)?;
    let types: Vec<FieldType> =
        (0..bound.relation.width()).map(|column| bound.relation.output_type(column)).collect();
    let engine = Arc::clone(context.instance.query_engine());
    let for_update_ts = context.for_update_ts().await?;
    let locks = locks_of(context, wait);
    if for_update_ts.is_none() && wait != ast::LockWait::Wait {
        return Err(Error::unsupported("NOWAIT and SKIP LOCKED in an optimistic transaction"));
    }
    let mut skipped: HashSet<Bytes> = HashSet::new();
    loop {
        let client = context.client().clone();
        let transaction = context.writer().await?;
        let ts = for_update_ts.unwrap_or_else(|| transaction.start_ts());
        let mut view = ReadView::with_own_writes(client, ts, &bound.relation, transaction.membuffer());
        let scans = Arc::new(LockedScans::new(aliases.clone(), skipped.clone()));
        view.locking = Some(Arc::clone(&scans));
        let mut held = evaluation.memory().hold();
        let rows = engine.run(bound, Some(&view), evaluation).await?;
        let rows = collect(rows, &types, &mut held).await?;
        let keys = scans.take();
        let transaction = context.writer().await?;
        if for_update_ts.is_none() {
            // COMMIT fails if another transaction commits on the rows before.
            keys.into_iter().for_each(|key| transaction.lock_only(key));
            return Ok(rows);
        }
        let locked = locks.hold(transaction, &keys, ts).await?;
        if locked.skipped.is_empty() {
            return Ok(rows);
        }
        skipped.extend(locked.skipped);
    }
}

/// The names of the tables to lock, and how to wait for them.
fn locked_tables(query: &ast::Query) -> Result<(HashSet<Arc<str>>, ast::LockWait)> {
    let ast::QueryBody::Select(select) = &query.body else {
        return Err(Error::unsupported("FOR UPDATE and FOR SHARE of a set operation"));
    };
    let names = names_of(&select.from);
    let Some(first) = query.locking.first() else {
        return Err(Error::internal("a locking read without a clause"));
    };
    if query.locking.iter().any(|clause| clause.wait != first.wait) {
        return Err(Error::unsupported("locking clauses that wait in different ways"));
    }
    let mut aliases = HashSet::new();
    for clause in &query.locking {
        if clause.tables.is_empty() {
            aliases.extend(names.iter().map(|name| Arc::from(name.as_str())));
        }
        for table in &clause.tables {
            let found = names.iter().find(|name| name.is(table.name.as_str()));
            let found = found.ok_or_else(|| Error::from(unresolved(table)))?;
            aliases.insert(Arc::from(found.as_str()));
        }
    }
    Ok((aliases, first.wait))
}

/// The names of the tables in FROM; derived tables have no rows to lock.
fn names_of(tables: &[TableReference]) -> Vec<&Ident> {
    let mut names = Vec::new();
    let mut pending: Vec<&TableReference> = tables.iter().collect();
    while let Some(table) = pending.pop() {
        match table {
            TableReference::Table(factor) => names.push(factor.alias.as_ref().unwrap_or(&factor.name.name)),
            TableReference::Join(join) => pending.extend([&join.left, &join.right]),
            TableReference::Derived(table) => names.push(&table.alias),
            TableReference::JsonTable(_) => {}
        }
    }
    names
}
