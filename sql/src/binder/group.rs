//! GROUP BY: aggregation, and ONLY_FULL_GROUP_BY by functional dependence.
//!
//! Above the aggregation an expression may use group keys, aggregates, and columns that the keys
//! determine: a key that covers a unique NOT NULL index of a table determines that table, and a column
//! that WHERE or an inner join equates to a determined one is determined (MySQL manual, "Detection of
//! Functional Dependence"). Such columns become "any value of the group". Anything else is error
//! 1055, or 1140 without GROUP BY; without ONLY_FULL_GROUP_BY any value of the group is taken.

use std::collections::{HashMap, HashSet};

use rutile_sql_types::MySqlError;

use super::Block;
use super::error::{self, Clause};
use super::relation::{JoinKind, Relation};
use super::scope::Scope;
use super::select::SelectParts;
use crate::expression::{AggregateCall, Expr, WindowCall};

/// Up to so many keys are looked through one after the other.
const FEW_KEYS: usize = 16;

/// Puts the aggregation on top of `parts.relation` and rewrites everything above it.
pub(super) fn apply(block: &mut Block, parts: &mut SelectParts, only_full: bool) -> Result<(), MySqlError> {
    let mut keys = parts.keys.clone();
    let mut calls = std::mem::take(&mut block.aggregates);
    let relation = std::mem::replace(&mut parts.relation, Relation::Dual);
    let determined = determined_columns(&relation, &parts.keys, &block.scope);
    let mut below: Vec<&mut Expr> = keys.iter_mut().collect();
    for call in &mut calls {
        below.extend(call.args.iter_mut());
        below.extend(call.order_by.iter_mut().map(|(expr, _)| expr));
    }
    let relation = block.attach(relation, &mut below)?;

    let mut above = Above {
        scope: &block.scope,
        keys: Keys::new(&parts.keys),
        calls,
        first: usize::from(parts.rollup),
        determined,
        only_full,
        position: 0,
        clause: Clause::FieldList,
    };
    for (position, item) in parts.items.iter_mut().enumerate() {
        above.enter(position, Clause::FieldList);
        above.rewrite_in_place(&mut item.expr)?;
    }
    for (position, having) in parts.having.iter_mut().enumerate() {
        above.enter(position, Clause::Having);
        above.rewrite_in_place(having)?;
    }
    for (position, key) in parts.order.iter_mut().enumerate() {
        above.enter(position, Clause::Order);
        above.rewrite_in_place(&mut key.expr)?;
    }
    let mut windows = std::mem::take(&mut block.windows);
    for expr in windows.iter_mut().flat_map(WindowCall::exprs_mut) {
        above.enter(0, Clause::FieldList);
        above.rewrite_in_place(expr)?;
    }
    block.windows = windows;
    let used = used_subqueries(block, parts);
    for (id, pending) in block.subqueries.iter_mut().enumerate().filter(|(id, _)| used.contains(id)) {
        above.enter(id, Clause::FieldList);
        for condition in &mut pending.on {
            above.rewrite_in_place(condition)?;
        }
    }
    let calls = above.calls;
    parts.relation = if parts.rollup {
        super::rollup::relation(relation, keys, calls, parts.order.is_empty())?
    } else {
        Relation::Aggregate { input: Box::new(relation), keys, calls }
    };
    Ok(())
}

/// Without grouping, HAVING may use only columns that the select list shows.
pub(super) fn check_having(block: &Block, parts: &SelectParts) -> Result<(), MySqlError> {
    for having in &parts.having {
        for column in having.columns() {
            if !parts.items.iter().any(|item| item.expr.columns().contains(&column)) {
                let name = block.scope.columns.get(column).map_or("", |column| &column.name);
                return Err(MySqlError::unknown_column(name, Clause::Having.name()));
            }
        }
    }
    Ok(())
}

/// The subqueries that what is above the aggregation needs, also for the conditions of one another.
fn used_subqueries(block: &Block, parts: &SelectParts) -> HashSet<usize> {
    let mut pending: Vec<&Expr> = parts.items.iter().map(|item| &item.expr).chain(&parts.having).collect();
    pending.extend(parts.order.iter().map(|key| &key.expr));
    pending.extend(block.windows.iter().flat_map(WindowCall::exprs));
    let mut used = HashSet::new();
    while let Some(expr) = pending.pop() {
        let mut found = Vec::new();
        expr.visit(&mut |node| {
            if let Expr::Subquery { id, .. } = node {
                found.push(*id);
            }
        });
        for id in found {
            if used.insert(id)
                && let Some(subquery) = block.subqueries.get(id)
            {
                pending.extend(&subquery.on);
            }
        }
    }
    used
}

/// The group keys, to find out which one an expression is.
struct Keys<'a> {
    all: &'a [Expr],
    /// Only of many.
    positions: Option<HashMap<&'a Expr, usize>>,
}

impl<'a> Keys<'a> {
    fn new(all: &'a [Expr]) -> Self {
        let positions = all.iter().enumerate().map(|(position, key)| (key, position));
        Self { all, positions: (all.len() > FEW_KEYS).then(|| positions.collect()) }
    }

    fn position(&self, expr: &Expr) -> Option<usize> {
        match &self.positions {
            Some(positions) => positions.get(expr).copied(),
            None => self.all.iter().position(|key| key == expr),
        }
    }
}

/// Rewrites expressions from below the aggregation to its output row: keys, then calls.
struct Above<'a> {
    scope: &'a Scope,
    keys: Keys<'a>,
    calls: Vec<AggregateCall>,
    /// Columns before the keys: of WITH ROLLUP the level.
    first: usize,
    determined: HashSet<usize>,
    only_full: bool,
    position: usize,
    clause: Clause,
}

impl Above<'_> {
    fn enter(&mut self, position: usize, clause: Clause) {
        self.position = position + 1;
        self.clause = clause;
    }

    fn rewrite_in_place(&mut self, expr: &mut Expr) -> Result<(), MySqlError> {
        let taken = std::mem::replace(expr, Expr::placeholder());
        *expr = self.rewrite(taken)?;
        Ok(())
    }

    /// Top-down, so that the largest expression equal to a key is found.
    fn rewrite(&mut self, expr: Expr) -> Result<Expr, MySqlError> {
        if let Some(index) = self.keys.position(&expr) {
            let ty = expr.ty().clone();
            let ty = if self.first > 0 { ty.with_nullable() } else { ty };
            return Ok(Expr::Column { index: self.first + index, ty });
        }
        match expr {
            Expr::Aggregate { index, ty } => {
                Ok(Expr::Column { index: self.first + self.keys.all.len() + index, ty })
            }
            Expr::Call(call) if call.function.name == "grouping" => self.grouping(&call.args),
            Expr::Column { index, .. } => {
                if self.only_full && !self.determined.contains(&index) {
                    return Err(self.not_grouped(index));
                }
                Ok(self.any(expr))
            }
            Expr::Call(mut call) => {
                if call.function.name == "any_value"
                    && let Some(arg) = call.args.pop()
                {
                    return Ok(self.any(arg));
                }
                let args = std::mem::take(&mut call.args);
                for arg in args {
                    call.args.push(self.rewrite(arg)?);
                }
                Ok(Expr::Call(call))
            }
            leaf => Ok(leaf),
        }
    }

    fn any(&mut self, expr: Expr) -> Expr {
        let ty = expr.ty().clone();
        let call = AggregateCall::any(expr);
        let index = match self.calls.iter().position(|other| *other == call) {
            Some(index) => index,
            None => {
                self.calls.push(call);
                self.calls.len() - 1
            }
        };
        Expr::Column { index: self.first + self.keys.all.len() + index, ty }
    }

    /// `GROUPING(…)`, which only WITH ROLLUP gives a meaning.
    fn grouping(&self, args: &[Expr]) -> Result<Expr, MySqlError> {
        if self.first == 0 {
            return Err(MySqlError::invalid_group_function_use());
        }
        let mut positions = Vec::with_capacity(args.len());
        for (number, arg) in args.iter().enumerate() {
            match self.keys.position(arg) {
                Some(position) => positions.push(position),
                None => return Err(MySqlError::invalid_grouping_argument(number + 1)),
            }
        }
        super::rollup::grouping(&positions)
    }

    fn not_grouped(&self, column: usize) -> MySqlError {
        let name = self.scope.full_name(column);
        match self.clause {
            Clause::Having => {
                let name = self.scope.columns.get(column).map_or("", |column| &column.name);
                MySqlError::unknown_column(name, Clause::Having.name())
            }
            clause if self.keys.all.is_empty() => error::mixed_without_group_by(self.position, clause, &name),
            clause => error::not_in_group_by(self.position, clause, &name),
        }
    }
}

/// The columns of the FROM row that the keys determine.
fn determined_columns(relation: &Relation, keys: &[Expr], scope: &Scope) -> HashSet<usize> {
    let mut determined: HashSet<usize> = keys.iter().filter_map(Expr::as_column).collect();
    let mut equalities = Vec::new();
    collect_equalities(relation, 0, &mut equalities);
    loop {
        let before = determined.len();
        for (column, other) in &equalities {
            match other {
                None => {
                    determined.insert(*column);
                }
                Some(other) => {
                    if determined.contains(column) {
                        determined.insert(*other);
                    } else if determined.contains(other) {
                        determined.insert(*column);
                    }
                }
            }
        }
        for table in &scope.tables {
            if table.has_unique_key_in(&determined) {
                determined.extend(table.first..table.first + table.count);
            }
        }
        if determined.len() == before {
            return determined;
        }
    }
}

/// Equalities of a column with a constant (`None`) or with another column that hold for every row.
fn collect_equalities(relation: &Relation, offset: usize, found: &mut Vec<(usize, Option<usize>)>) {
    let mut add = |conditions: &[Expr]| {
        for condition in conditions {
            let Some(call) = condition.as_call("=") else {
                continue;
            };
            let [left, right] = call.args.as_slice() else {
                continue;
            };
            match (left.as_column(), right.as_column()) {
                (Some(left), Some(right)) => found.push((left + offset, Some(right + offset))),
                (Some(column), None) if right.columns().is_empty() => found.push((column + offset, None)),
                (None, Some(column)) if left.columns().is_empty() => found.push((column + offset, None)),
                _ => {}
            }
        }
    };
    match relation {
        Relation::Filter { input, predicates } => {
            add(predicates);
            collect_equalities(input, offset, found);
        }
        Relation::Join(join) => {
            let right = offset + join.left.width();
            match join.kind {
                JoinKind::Inner => {
                    add(&join.on);
                    collect_equalities(&join.left, offset, found);
                    collect_equalities(&join.right, right, found);
                }
                JoinKind::Left => collect_equalities(&join.left, offset, found),
                JoinKind::Right => collect_equalities(&join.right, right, found),
            }
        }
        Relation::Attach(attach) => collect_equalities(&attach.input, offset, found),
        _ => {}
    }
}
