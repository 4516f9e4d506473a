//! One SELECT: FROM, WHERE, select list, GROUP BY, HAVING, ORDER BY, DISTINCT, LIMIT.
//!
//! Names are resolved in that order, which is MySQL's: WHERE sees columns only, GROUP BY prefers
//! columns over aliases, HAVING aliases over columns, an ORDER BY item that is a bare name prefers
//! aliases. ORDER BY keys that are not in the select list become hidden columns.

use std::collections::HashSet;
use std::sync::Arc;

use rutile_sql_parser::ast::{self, ExprKind, GroupBy, OrderItem, Select, SelectItem};
use rutile_sql_types::{MySqlError, SqlMode};

use super::block::AliasRule;
use super::error::{self, Clause};
use super::hint;
use super::query::{BoundQuery, RowLimit, limited, position_of};
use super::relation::{Relation, SortKey};
use super::scope::Scope;
use super::{Binder, Block, OutputColumn, order};
use crate::expression::{Expr, WindowCall};

/// One column of the select list.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub expr: Expr,
    pub column: OutputColumn,
}

/// A SELECT with everything bound and nothing put together yet.
#[derive(Debug)]
pub(super) struct SelectParts {
    /// FROM and WHERE.
    pub relation: Relation,
    /// Terms of WHERE that refer to blocks further out.
    pub correlated: Vec<Expr>,
    pub items: Vec<Item>,
    pub grouped: bool,
    /// WITH ROLLUP: also the totals over all but the first keys.
    pub rollup: bool,
    pub keys: Vec<Expr>,
    pub having: Vec<Expr>,
    pub order: Vec<SortKey>,
    pub distinct: bool,
}

impl Binder<'_> {
    pub(super) fn bind_select(
        &mut self,
        select: &Select,
        order_by: &[OrderItem],
        limit: Option<RowLimit>,
    ) -> Result<BoundQuery, MySqlError> {
        let (block, parts) = self.open_select(select, order_by)?;
        if !parts.correlated.is_empty() {
            return Err(super::apply::correlated());
        }
        self.finish_select(block, parts, limit)
    }

    /// Binds all clauses; the block is closed for names but its aggregates and subqueries are open.
    pub(super) fn open_select(
        &mut self,
        select: &Select,
        order_by: &[OrderItem],
    ) -> Result<(Block, SelectParts), MySqlError> {
        check_supported(select)?;
        hint::check(&select.hints, self.blocks.is_empty(), &self.context.statement)?;
        let mut block = Block::new(Scope::default(), false);
        block.named_windows = select.windows.clone();
        self.blocks.push(block);
        let parts = self.bind_clauses(select, order_by);
        let block = self.blocks.pop().ok_or_else(|| MySqlError::internal("query block lost"))?;
        let parts = parts?;
        let outward = {
            let inside = block.aggregates.iter().flat_map(|call| &call.args);
            inside.chain(block.windows.iter().flat_map(WindowCall::exprs)).any(Expr::has_outer)
        };
        if outward && !self.keeps_correlation {
            return Err(super::apply::correlated());
        }
        Ok((block, parts))
    }

    fn bind_clauses(&mut self, select: &Select, order_by: &[OrderItem]) -> Result<SelectParts, MySqlError> {
        let (mut relation, scope) = self.bind_from(&select.from)?;
        self.block_mut()?.scope = scope;
        let mut correlated = Vec::new();
        if let Some(selection) = &select.selection {
            self.enter(Clause::Where, AliasRule::Never, false)?;
            relation = self.bind_filter(relation, selection, &mut correlated)?;
        }
        self.enter(Clause::FieldList, AliasRule::Never, true)?;
        self.block_mut()?.windows_allowed = true;
        let items = self.bind_items(&select.items)?;
        self.block_mut()?.aliases =
            items.iter().map(|item| (Arc::clone(&item.column.name), item.expr.clone())).collect();
        self.enter(Clause::Group, AliasRule::ColumnsFirst, false)?;
        let keys = self.bind_keys(select.group_by.as_ref(), &items)?;
        self.enter(Clause::Having, AliasRule::AliasesFirst, true)?;
        let having = match &select.having {
            Some(having) => self.bind_conjuncts(having)?,
            None => Vec::new(),
        };
        self.enter(Clause::Order, AliasRule::ColumnsFirst, true)?;
        self.block_mut()?.windows_allowed = true;
        let order = self.bind_order(order_by, &items)?;
        let grouped = select.group_by.is_some() || !self.block_mut()?.aggregates.is_empty();
        Ok(SelectParts {
            relation,
            correlated,
            items,
            grouped,
            rollup: select.group_by.as_ref().is_some_and(|group_by| group_by.rollup),
            keys,
            having,
            order,
            distinct: select.options.distinct,
        })
    }

    fn enter(&mut self, clause: Clause, alias_rule: AliasRule, aggregates: bool) -> Result<(), MySqlError> {
        let block = self.block_mut()?;
        block.clause = clause;
        block.alias_rule = alias_rule;
        block.aggregates_allowed = aggregates;
        block.windows_allowed = false;
        Ok(())
    }

    fn bind_items(&mut self, items: &[SelectItem]) -> Result<Vec<Item>, MySqlError> {
        let mut bound = Vec::with_capacity(items.len());
        for item in items {
            self.context.statement.check_alive()?;
            match item {
                SelectItem::Wildcard(_) => {
                    let scope = &self.block_mut()?.scope;
                    if scope.tables.is_empty() {
                        return Err(MySqlError::no_tables_used());
                    }
                    bound.extend(scope.star.iter().filter_map(|position| column_item(scope, *position)));
                }
                SelectItem::QualifiedWildcard(name) => {
                    let scope = &self.block_mut()?.scope;
                    let database = name.database.as_ref().map(ast::Ident::as_str);
                    let table = scope
                        .table(database, name.name.as_str())
                        .ok_or_else(|| MySqlError::unknown_table(name))?;
                    let positions = table.first..table.first + table.count;
                    bound.extend(positions.filter_map(|position| column_item(scope, position)));
                }
                SelectItem::Expr { expr, title, .. } => {
                    let expr = self.bind_expr(expr)?;
                    let column = OutputColumn::of_expr(title, &expr, &self.block_mut()?.scope);
                    bound.push(Item { expr, column });
                }
            }
        }
        Ok(bound)
    }

    fn bind_keys(&mut self, group_by: Option<&GroupBy>, items: &[Item]) -> Result<Vec<Expr>, MySqlError> {
        let Some(group_by) = group_by else {
            return Ok(Vec::new());
        };
        let mut keys: Vec<Expr> = Vec::with_capacity(group_by.items.len());
        for key in &group_by.items {
            self.context.statement.check_alive()?;
            let (expr, name) = match position_of(key) {
                Some(position) => {
                    let item = item_at(items, position, Clause::Group)?;
                    (item.expr.clone(), item.column.name.to_string())
                }
                None => (self.bind_expr(key)?, simple_name(key).unwrap_or_default().to_owned()),
            };
            if expr.any(|node| matches!(node, Expr::Aggregate { .. } | Expr::Window { .. })) {
                return Err(MySqlError::cannot_group_on(name));
            }
            keys.push(expr);
        }
        // Rows that agree in a key agree in it again.
        #[expect(clippy::mutable_key_type, reason = "what may change in a call is no part of its equality")]
        let mut known = HashSet::with_capacity(keys.len());
        let first: Vec<bool> = keys.iter().map(|key| known.insert(key)).collect();
        let mut first = first.into_iter();
        keys.retain(|_| first.next().unwrap_or(true));
        Ok(keys)
    }

    /// Puts the clauses together.
    pub(super) fn finish_select(
        &self,
        mut block: Block,
        mut parts: SelectParts,
        limit: Option<RowLimit>,
    ) -> Result<BoundQuery, MySqlError> {
        let only_full = self.context.statement.sql_mode().contains(SqlMode::ONLY_FULL_GROUP_BY);
        order::drop_idle_keys(&mut parts, &block.scope);
        if parts.grouped {
            super::group::apply(&mut block, &mut parts, only_full)?;
        } else {
            super::group::check_having(&block, &parts)?;
        }
        let mut relation = std::mem::replace(&mut parts.relation, Relation::Dual);
        if !parts.having.is_empty() {
            let mut having: Vec<&mut Expr> = parts.having.iter_mut().collect();
            relation = block.attach(relation, &mut having)?.filtered(std::mem::take(&mut parts.having));
        }
        let mut calls = std::mem::take(&mut block.windows);
        if !calls.is_empty() {
            let mut slots: Vec<&mut Expr> = calls.iter_mut().flat_map(WindowCall::exprs_mut).collect();
            relation = block.attach(relation, &mut slots)?;
            let first = relation.width();
            relation = Relation::Window { input: Box::new(relation), calls };
            let exprs = parts.items.iter_mut().map(|item| &mut item.expr);
            for expr in exprs.chain(parts.order.iter_mut().map(|key| &mut key.expr)) {
                place_windows(expr, first);
            }
        }
        let columns: Vec<OutputColumn> = parts
            .items
            .iter()
            .map(|item| OutputColumn { ty: item.expr.ty().clone(), ..item.column.clone() })
            .collect();
        let (keys, hidden) = order::place_keys(&parts, &block.scope, only_full)?;
        let mut exprs: Vec<Expr> = parts.items.into_iter().map(|item| item.expr).collect();
        let width = exprs.len();
        let mut order: Vec<Expr> = parts.order.into_iter().map(|key| key.expr).collect();
        let taken = |position: usize| {
            order.get_mut(position).map(|expr| std::mem::replace(expr, Expr::placeholder()))
        };
        exprs.extend(hidden.into_iter().filter_map(taken));
        let mut slots: Vec<&mut Expr> = exprs.iter_mut().collect();
        relation = block.attach(relation, &mut slots)?;
        let hidden = exprs.len() > width;
        let types: Vec<_> = exprs.iter().take(width).map(|expr| expr.ty().clone()).collect();
        relation = relation.projected(exprs);
        if parts.distinct {
            relation = Relation::Distinct { input: Box::new(relation) };
        }
        if !keys.is_empty() {
            relation = Relation::Sort { input: Box::new(relation), keys };
        }
        relation = limited(relation, limit);
        if hidden {
            let kept = types.into_iter().enumerate().map(|(index, ty)| Expr::Column { index, ty });
            relation = relation.projected(kept.collect());
        }
        Ok(BoundQuery { relation, columns })
    }
}

fn check_supported(select: &Select) -> Result<(), MySqlError> {
    if select.options.calc_found_rows {
        return Err(error::not_supported("SQL_CALC_FOUND_ROWS"));
    }
    Ok(())
}

/// Turns references to window functions into the columns that hold their values, from `first` on.
fn place_windows(expr: &mut Expr, first: usize) {
    let taken = std::mem::replace(expr, Expr::placeholder());
    let placed: Result<Expr, std::convert::Infallible> = taken.rewrite(&mut |node| {
        Ok(match node {
            Expr::Window { index, ty } => Expr::Column { index: first + index, ty },
            other => other,
        })
    });
    match placed {
        Ok(placed) => *expr = placed,
        Err(never) => match never {},
    }
}

fn column_item(scope: &Scope, position: usize) -> Option<Item> {
    let column = scope.columns.get(position)?;
    let expr = Expr::Column { index: position, ty: column.ty.clone() };
    let column = OutputColumn::of_expr(&column.name, &expr, scope);
    Some(Item { expr, column })
}

pub(super) fn item_at(items: &[Item], position: u64, clause: Clause) -> Result<&Item, MySqlError> {
    usize::try_from(position)
        .ok()
        .and_then(|position| position.checked_sub(1))
        .and_then(|index| items.get(index))
        .ok_or_else(|| MySqlError::unknown_column(position, clause.name()))
}

/// The name, if the expression is an unqualified column name.
pub(super) fn simple_name(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Column(name) if name.table.is_none() => Some(name.column.as_str()),
        _ => None,
    }
}

/// What an error calls the column that the expression reads.
pub(super) fn column_name(expr: &Expr, scope: &Scope) -> String {
    expr.columns().first().map_or_else(String::new, |position| scope.full_name(*position))
}
