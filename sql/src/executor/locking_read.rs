//! SELECT ... FOR UPDATE and FOR SHARE over one table: rows are found in the newest committed data, locked, and then
//! evaluated row by row.
//!
//! A query that a LIMIT ends locks no more rows than it answers: they are locked in the order of the answer until there
//! are enough, so that with SKIP LOCKED several workers take different rows of one table. FOR SHARE takes the
//! lock of FOR UPDATE: it keeps writers out as MySQL's does, but two of them wait for one another. In an optimistic
//! transaction the rows are checked at COMMIT instead.
//!
//! `locking_join.rs` has the queries that take a plan. Deliberately missing: gaps between rows are not locked.

use std::time::Duration;

use rutile_kv_client::LockWait;
use rutile_sql_functions::EvalContext;
use rutile_sql_parser::ast;
use rutile_sql_types::MySqlError;

use super::row::Row;
use super::row_source::RowSource;
use super::short_read::{early_end, filters_of, operators_over_table};
use super::snapshot_reader::SnapshotReader;
use super::write_row::{RowWriter, StoredRow};
use super::{row, row_order};
use crate::binder::Relation;
use crate::binder::relation::{SortKey, TableScan};
use crate::error::{Error, Result};
use crate::expression::{Evaluation, Expr};
use crate::memory::Held;
use crate::session::StatementContext;
use crate::txn::RowLocks;

/// Rows asked for at first beyond those that a LIMIT wants, when others may be skipped.
const SPARE_ROWS: usize = 16;

/// A query recognised as a locking read.
pub struct LockingRead<'q> {
    relation: &'q Relation,
    scan: &'q TableScan,
    source: RowSource,
    /// What a LIMIT chooses by; empty if the order of the keys will do.
    order: Vec<SortKey>,
    limit: Option<usize>,
}

impl<'q> LockingRead<'q> {
    /// `None` for a query that takes a plan: see `locking_join.rs`.
    pub fn of(relation: &'q Relation) -> Result<Option<Self>> {
        if !row::can_run(relation) {
            return Ok(None);
        }
        let Some((scan, operators)) = operators_over_table(relation) else {
            return Ok(None);
        };
        let source = RowSource::new(scan, filters_of(&operators).to_vec());
        let (limit, reverse) = early_end(scan, &operators, source.path());
        if limit.is_some() {
            let source = source.in_reverse(reverse);
            return Ok(Some(Self { relation, scan, source, order: Vec::new(), limit }));
        }
        let (order, limit) = chosen_by(scan, &operators)?.unwrap_or_default();
        Ok(Some(Self { relation, scan, source, order, limit }))
    }

    /// Error 3568 for a table of `OF` that the query does not have.
    pub fn check_names(&self, locking: &ast::Locking) -> Result<()> {
        for name in &locking.tables {
            if !name.name.as_str().eq_ignore_ascii_case(&self.scan.alias) {
                return Err(unresolved(name).into());
            }
        }
        Ok(())
    }

    /// The query's rows, locked.
    pub async fn read(
        &self,
        context: &mut StatementContext<'_>,
        wait: ast::LockWait,
        evaluation: &Evaluation,
    ) -> Result<Vec<Row>> {
        evaluation.check_alive()?;
        let mut eval = evaluation.eval_context();
        let mut held = evaluation.memory().hold();
        let locked = if context.transaction.is_pessimistic() {
            let locks = locks_of(context, wait);
            self.locked(context, &locks, &mut eval, &mut held).await?
        } else {
            self.watched(context, wait, &mut eval, &mut held).await?
        };
        let width = self.scan.columns.len();
        let rows = locked.into_iter().map(|mut row| {
            row.values.truncate(width);
            row.values
        });
        let rows = row::rows_over(self.relation, rows.collect(), &mut eval)?;
        evaluation.absorb(eval);
        Ok(rows)
    }

    async fn locked(
        &self,
        context: &mut StatementContext<'_>,
        locks: &RowLocks,
        eval: &mut EvalContext,
        held: &mut Held,
    ) -> Result<Vec<StoredRow>> {
        let for_update_ts = context.for_update_ts().await?.ok_or_else(|| Error::internal("no locks here"))?;
        let cancellation = context.cancellation();
        let writer = RowWriter::new(&self.scan.table, context.settings().time_zone, locks.clone());
        let transaction = context.writer().await?;
        if let Some(keys) = self.source.points() {
            // A key that has no row is locked as well, so that none comes to be meanwhile.
            let values = locks.current(transaction, &keys).await?;
            return self.source.choose(&keys, &values, eval);
        }
        let wanted = self.limit.unwrap_or(usize::MAX);
        let spare = if locks.skips() { SPARE_ROWS } else { 0 };
        let mut asked = if self.order.is_empty() { wanted.saturating_add(spare) } else { usize::MAX };
        let (mut kept, mut seen) = (Vec::new(), 0);
        loop {
            let view = transaction.view_at(for_update_ts);
            let reader = SnapshotReader::new(view.snapshot().clone(), Some(transaction.membuffer()));
            let found = self.source.collect(&reader, Some(asked), eval, &cancellation, held).await?;
            let is_all = found.len() < asked;
            let mut rest = row_order::sorted_by(found, |row| &row.values, &self.order, eval)?.split_off(seen);
            while kept.len() < wanted && !rest.is_empty() {
                let later = rest.split_off(rest.len().min(wanted - kept.len()));
                seen += rest.len();
                let keys: Result<Vec<_>> = rest.iter().map(|row| writer.lock_keys(row, false)).collect();
                let keys = keys?.concat();
                let locked = locks.hold(transaction, &keys, for_update_ts).await?;
                let held = rest.into_iter().zip(&keys).filter(|(_, key)| !locked.skipped.contains(key));
                kept.extend(held.map(|(row, _)| row));
                rest = later;
            }
            if is_all || kept.len() >= wanted {
                return Ok(kept);
            }
            asked = asked.saturating_mul(2);
        }
    }

    /// Makes COMMIT of an optimistic transaction fail if another one commits on the rows before.
    async fn watched(
        &self,
        context: &mut StatementContext<'_>,
        wait: ast::LockWait,
        eval: &mut EvalContext,
        held: &mut Held,
    ) -> Result<Vec<StoredRow>> {
        if wait != ast::LockWait::Wait {
            return Err(Error::unsupported("NOWAIT and SKIP LOCKED in an optimistic transaction"));
        }
        let cancellation = context.cancellation();
        let writer = RowWriter::new(&self.scan.table, context.settings().time_zone, RowLocks::none());
        let transaction = context.writer().await?;
        let reader = SnapshotReader::new(transaction.snapshot(), Some(transaction.membuffer()));
        let limit = self.limit.filter(|_| self.order.is_empty());
        let found = self.source.collect(&reader, limit, eval, &cancellation, held).await?;
        let mut rows = row_order::sorted_by(found, |row| &row.values, &self.order, eval)?;
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        for row in &rows {
            for key in writer.lock_keys(row, false)? {
                transaction.lock_only(key);
            }
        }
        Ok(rows)
    }
}

/// How the clause waits for rows that others hold.
pub(super) fn locks_of(context: &StatementContext<'_>, wait: ast::LockWait) -> RowLocks {
    let wait = match wait {
        ast::LockWait::Wait => {
            LockWait::Timeout(Duration::from_secs(context.settings().innodb_lock_wait_timeout_s))
        }
        ast::LockWait::NoWait => LockWait::NoWait,
        ast::LockWait::SkipLocked => LockWait::SkipLocked,
    };
    RowLocks::new(wait, context.cancellation())
}

/// ER_UNRESOLVED_TABLE_LOCK
pub(super) fn unresolved(name: &ast::ObjectName) -> MySqlError {
    let text = format!("Unresolved table name `{}` in locking clause.", name.name.as_str());
    MySqlError::new(3568, "HY000", text)
}

/// How a LIMIT over the rows of the table chooses among them: the sort keys as expressions over the table's row, and
/// the number of rows. `None` if what it limits are not rows of the table.
fn chosen_by(scan: &TableScan, operators: &[&Relation]) -> Result<Option<(Vec<SortKey>, Option<usize>)>> {
    let column = |(index, ty): (usize, &rutile_sql_types::FieldType)| Expr::Column { index, ty: ty.clone() };
    let mut columns: Vec<Expr> = scan.types.iter().enumerate().map(column).collect();
    let mut order = Vec::new();
    for (position, operator) in operators.iter().rev().enumerate() {
        match operator {
            Relation::Filter { .. } if position == 0 => {}
            Relation::Project { exprs, .. } => {
                columns = exprs.iter().map(|expr| over(expr, &columns)).collect::<Result<_>>()?;
            }
            Relation::Sort { keys, .. } => {
                let key = |key: &SortKey| Ok(SortKey { expr: over(&key.expr, &columns)?, ..key.clone() });
                order = keys.iter().map(key).collect::<Result<_>>()?;
            }
            Relation::Limit { offset, count: Some(count), .. } => {
                let limit = usize::try_from(offset.saturating_add(*count)).ok();
                return Ok(Some((order, limit)));
            }
            _ => break,
        }
    }
    Ok(None)
}

/// An expression over projected columns as one over what they are projected from.
fn over(expr: &Expr, columns: &[Expr]) -> Result<Expr> {
    expr.clone().rewrite(&mut |expr| match expr {
        Expr::Column { index, .. } => {
            columns.get(index).cloned().ok_or_else(|| Error::internal("a sort key of no column"))
        }
        other => Ok(other),
    })
}
