//! ORDER BY of a SELECT: what its keys mean, which of them decide nothing, and where in the row they stand.
//!
//! A statement may have thousands of keys, so nothing here compares each with each.

use std::collections::{HashMap, HashSet};

use rutile_sql_parser::ast::{self, OrderItem};
use rutile_sql_types::MySqlError;

use super::Binder;
use super::error::{self, Clause};
use super::query::position_of;
use super::relation::SortKey;
use super::scope::{Scope, same_name};
use super::select::{Item, SelectParts, column_name, item_at, simple_name};
use crate::expression::Expr;

/// Up to so many keys stay as they are written: what looking for idle ones saves is less than it costs.
const FEW_KEYS: usize = 8;
/// Columns among the first keys that are looked at for keys of tables.
const DECIDING_COLUMNS_MAX: usize = 64;

/// The select items by name.
struct Aliases<'i> {
    items: &'i [Item],
    /// Only where many keys are looked up.
    by_name: Option<HashMap<String, Vec<&'i Item>>>,
}

impl<'i> Aliases<'i> {
    fn new(items: &'i [Item], lookups: usize) -> Self {
        let mut by_name: Option<HashMap<String, Vec<&Item>>> = (lookups > FEW_KEYS).then(HashMap::new);
        if let Some(by_name) = &mut by_name {
            for item in items {
                by_name.entry(item.column.name.to_lowercase()).or_default().push(item);
            }
        }
        Self { items, by_name }
    }

    /// The select item that a bare name in ORDER BY means; two different ones are error 1052.
    fn find(&self, name: &str) -> Result<Option<Expr>, MySqlError> {
        match &self.by_name {
            None => the_only(name, self.items.iter().filter(|item| same_name(&item.column.name, name))),
            Some(by_name) => {
                let found = by_name.get(&name.to_lowercase());
                the_only(name, found.into_iter().flatten().copied())
            }
        }
    }
}

fn the_only<'i>(name: &str, named: impl Iterator<Item = &'i Item>) -> Result<Option<Expr>, MySqlError> {
    let mut found: Option<&Expr> = None;
    for item in named {
        match found {
            Some(other) if *other != item.expr => {
                return Err(MySqlError::ambiguous_column(name, Clause::Order.name()));
            }
            _ => found = Some(&item.expr),
        }
    }
    Ok(found.cloned())
}

impl Binder<'_> {
    pub(super) fn bind_order(
        &mut self,
        order_by: &[OrderItem],
        items: &[Item],
    ) -> Result<Vec<SortKey>, MySqlError> {
        let aliases = Aliases::new(items, order_by.len());
        let mut keys = Vec::with_capacity(order_by.len());
        for item in order_by {
            self.context.statement.check_alive()?;
            let expr = if let Some(position) = position_of(&item.expr) {
                item_at(items, position, Clause::Order)?.expr.clone()
            } else if let Some(expr) = self.aliased(&item.expr, &aliases)? {
                expr
            } else {
                self.bind_expr(&item.expr)?
            };
            if !expr.is_constant() {
                keys.push(SortKey { expr, descending: item.descending });
            }
        }
        Ok(keys)
    }

    fn aliased(&self, expr: &ast::Expr, aliases: &Aliases<'_>) -> Result<Option<Expr>, MySqlError> {
        simple_name(expr).map_or(Ok(None), |name| aliases.find(name))
    }
}

/// Of many keys over the rows of FROM, those that order anything: rows that agree in a unique key of a table agree
/// in all its columns, so keys behind it that read no others are the same for them.
pub(super) fn drop_idle_keys(parts: &mut SelectParts, scope: &Scope) {
    if parts.grouped || parts.distinct || parts.order.len() <= FEW_KEYS {
        return;
    }
    let mut decided: HashSet<usize> = HashSet::new();
    let mut looked_at = 0;
    parts.order.retain(|key| {
        if reads_only(&key.expr, &decided) {
            return false;
        }
        if let Some(column) = key.expr.as_column()
            && looked_at < DECIDING_COLUMNS_MAX
        {
            looked_at += 1;
            decided.insert(column);
            extend_by_unique_keys(&mut decided, scope);
        }
        true
    });
}

/// Whether the value follows from these columns of the row.
fn reads_only(expr: &Expr, columns: &HashSet<usize>) -> bool {
    !expr.any(|node| match node {
        Expr::Column { index, .. } => !columns.contains(index),
        Expr::Call(call) => call.function.volatile,
        Expr::Literal { .. } | Expr::Parameter { .. } => false,
        Expr::Outer { .. } | Expr::Subquery { .. } | Expr::Aggregate { .. } | Expr::Window { .. } => true,
    })
}

fn extend_by_unique_keys(decided: &mut HashSet<usize>, scope: &Scope) {
    for table in &scope.tables {
        if table.has_unique_key_in(decided) {
            decided.extend(table.first..table.first + table.count);
        }
    }
}

/// Gives each key a column of the row: that of an equal select item or key, else a new one behind them. Answers the
/// keys by column, and which of `parts.order` become columns.
pub(super) fn place_keys(
    parts: &SelectParts,
    scope: &Scope,
    only_full: bool,
) -> Result<(Vec<SortKey>, Vec<usize>), MySqlError> {
    let width = parts.items.len();
    #[expect(clippy::mutable_key_type, reason = "what may change in a call is no part of its equality")]
    let mut places: HashMap<&Expr, usize> = HashMap::with_capacity(width + parts.order.len());
    if !parts.order.is_empty() {
        for (position, item) in parts.items.iter().enumerate() {
            places.entry(&item.expr).or_insert(position);
        }
    }
    let (mut keys, mut hidden) = (Vec::with_capacity(parts.order.len()), Vec::new());
    let mut used = HashSet::with_capacity(parts.order.len());
    for (position, key) in parts.order.iter().enumerate() {
        let index = match places.get(&key.expr) {
            Some(index) => *index,
            None if parts.distinct && only_full => {
                return Err(error::order_not_in_distinct(position + 1, &column_name(&key.expr, scope)));
            }
            None => {
                let index = width + hidden.len();
                places.insert(&key.expr, index);
                hidden.push(position);
                index
            }
        };
        // Rows that meet a key again are equal by it.
        if used.insert(index) {
            let expr = Expr::Column { index, ty: key.expr.ty().clone() };
            keys.push(SortKey { expr, descending: key.descending });
        }
    }
    Ok((keys, hidden))
}
