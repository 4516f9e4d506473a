//! The FROM clause: tables, derived tables, common tables and joins, to one row and its names.

use std::sync::Arc;

use rutile_sql_parser::ast::{
    self, ColumnRef, DerivedTable, Ident, IndexHintScope, JoinConstraint, TableFactor, TableReference,
};
use rutile_sql_types::{FieldType, MySqlError};

use super::error::{self, Clause};
use super::relation::{IndexHint, IndexHintKind, Join, JoinKind, Relation, TableScan, VirtualScan};
use super::scope::{Scope, same_name};
use super::{BindContext, Binder, Block, OutputColumn, apply};
use crate::catalog::TableInfo;
use crate::expression::{Expr, build};

type Bound = (Relation, Scope);

/// Of one FROM clause, as in MySQL.
const TABLES_MAX: usize = 61;
/// Of one FROM clause with all that is below: plans are walked by recursion.
const ALL_TABLES_MAX: usize = 500;

/// Binds table references outside of a query: the tables of a multi-table UPDATE or DELETE.
pub fn bind_tables(context: &BindContext<'_>, tables: &[TableReference]) -> Result<Bound, MySqlError> {
    let mut binder = Binder::new(context);
    binder.blocks.push(Block::new(Scope::default(), true));
    binder.bind_from(tables)
}

impl Binder<'_> {
    /// The comma list of FROM: a cross join from left to right.
    pub(super) fn bind_from(&mut self, tables: &[TableReference]) -> Result<Bound, MySqlError> {
        if tables.iter().map(leaves).sum::<usize>() > TABLES_MAX {
            return Err(MySqlError::too_many_tables(TABLES_MAX));
        }
        let bound = self.bind_list(tables)?;
        // Views and common tables are copied to where they are used, which may double them again and again.
        if bound.0.has_more_tables_than(ALL_TABLES_MAX) {
            return Err(MySqlError::too_many_tables(ALL_TABLES_MAX));
        }
        Ok(bound)
    }

    fn bind_list(&mut self, tables: &[TableReference]) -> Result<Bound, MySqlError> {
        let mut bound: Option<Bound> = None;
        for table in tables {
            if let (TableReference::Derived(derived), Some((left, scope))) = (table, &mut bound)
                && derived.lateral
            {
                let (subquery, bindings, right) = self.bind_lateral(derived, scope)?;
                let left = std::mem::replace(left, Relation::Dual);
                let scope = std::mem::take(scope).join(right)?;
                let relation = apply::lateral(left, (subquery, bindings), JoinKind::Inner, Vec::new());
                bound = Some((relation, scope));
                continue;
            }
            let right = self.bind_table_reference(table)?;
            bound = Some(match bound {
                None => right,
                Some((left, scope)) => {
                    let scope = scope.join(right.1)?;
                    (join(JoinKind::Inner, left, right.0, Vec::new()), scope)
                }
            });
        }
        Ok(bound.unwrap_or((Relation::Dual, Scope::default())))
    }

    fn bind_table_reference(&mut self, table: &TableReference) -> Result<Bound, MySqlError> {
        match table {
            TableReference::Table(factor) => self.bind_table_factor(factor),
            TableReference::Derived(derived) => self.bind_derived(derived),
            TableReference::JsonTable(_) => Err(error::not_supported("JSON_TABLE")),
            TableReference::Join(join) => self.bind_join(join),
        }
    }

    fn bind_table_factor(&mut self, factor: &TableFactor) -> Result<Bound, MySqlError> {
        if factor.as_of.is_some() {
            return Err(error::not_supported("AS OF TIMESTAMP"));
        }
        if !factor.partitions.is_empty() {
            return Err(error::not_supported("PARTITION selection"));
        }
        let name = factor.name.name.as_str();
        let alias: Arc<str> = Arc::from(factor.alias.as_ref().map_or(name, Ident::as_str));
        if factor.name.database.is_none()
            && let Some(common) = self.common_table(name)
        {
            let scope = Scope::of_columns(Arc::from(""), Arc::from(name), alias, common.columns);
            return Ok((common.relation, scope));
        }
        let database = match &factor.name.database {
            Some(database) => database.as_str(),
            None => self.context.current_database.ok_or_else(MySqlError::no_database_selected)?,
        };
        if self.context.virtual_tables.has_database(database)
            && let Some(table) = self.context.virtual_tables.table(database, name)
        {
            return self.bind_virtual(database, table.as_ref(), alias);
        }
        let table = self.context.catalog.table(database, name).ok_or_else(|| {
            let known = self.context.catalog.database(database).is_some()
                || self.context.virtual_tables.has_database(database);
            if known {
                MySqlError::no_such_table(database, name)
            } else {
                MySqlError::unknown_database(database)
            }
        })?;
        if let Some(view) = &table.view {
            return self.bind_view(database, table, view, alias);
        }
        let database: Arc<str> = Arc::from(database);
        let scope = Scope::of_table(Arc::clone(&database), table, Arc::clone(&alias));
        let scan = TableScan {
            database,
            columns: table.public_columns().map(|column| column.offset).collect(),
            types: table.public_columns().map(|column| column.ty.clone()).collect(),
            index_hints: bind_index_hints(table, &alias, &factor.index_hints)?,
            table: Arc::clone(table),
            alias,
        };
        Ok((Relation::Table(scan), scope))
    }

    fn bind_virtual(
        &self,
        database: &str,
        table: &dyn super::VirtualTable,
        alias: Arc<str>,
    ) -> Result<Bound, MySqlError> {
        let columns = table.columns();
        let scan = VirtualScan {
            database: Arc::from(database),
            name: Arc::from(table.name()),
            alias: Arc::clone(&alias),
            types: columns.iter().map(|(_, ty)| ty.clone()).collect(),
            rows: Arc::new(table.rows()?),
        };
        let scope = Scope::of_columns(Arc::from(database), Arc::from(table.name()), alias, columns);
        Ok((Relation::Virtual(scan), scope))
    }

    fn bind_derived(&mut self, derived: &DerivedTable) -> Result<Bound, MySqlError> {
        // Without tables before it, LATERAL says nothing.
        let query = self.bind_barred(&derived.query)?;
        let scope = self.derived_scope(derived, &query.columns)?;
        Ok((query.relation, scope))
    }

    pub(super) fn derived_scope(
        &self,
        derived: &DerivedTable,
        columns: &[OutputColumn],
    ) -> Result<Scope, MySqlError> {
        let alias: Arc<str> = Arc::from(derived.alias.as_str());
        let columns = table_columns(columns, &derived.columns)?;
        Ok(Scope::of_columns(Arc::from(""), Arc::clone(&alias), alias, columns))
    }

    /// `left JOIN LATERAL (query) ON condition`
    fn bind_join_lateral(
        &mut self,
        (left, left_scope): Bound,
        derived: &DerivedTable,
        kind: JoinKind,
        constraint: &JoinConstraint,
    ) -> Result<Bound, MySqlError> {
        let condition = match constraint {
            JoinConstraint::None => None,
            JoinConstraint::On(condition) => Some(condition),
            JoinConstraint::Using(_) | JoinConstraint::Natural => {
                return Err(error::not_supported("USING with LATERAL"));
            }
        };
        if kind == JoinKind::Right {
            return Err(error::not_supported("RIGHT JOIN LATERAL"));
        }
        let (subquery, bindings, right_scope) = self.bind_lateral(derived, &left_scope)?;
        let right_scope = if kind == JoinKind::Left { right_scope.nullable() } else { right_scope };
        let scope = left_scope.join(right_scope)?;
        let block = self.block_mut()?;
        let outer_scope = std::mem::replace(&mut block.scope, scope);
        block.clause = Clause::On;
        let on = condition.map_or(Ok(Vec::new()), |condition| self.bind_conjuncts(condition));
        let scope = std::mem::replace(&mut self.block_mut()?.scope, outer_scope);
        let on = on?;
        if on.iter().any(Expr::has_subquery) {
            return Err(error::not_supported("a subquery in ON with LATERAL"));
        }
        Ok((apply::lateral(left, (subquery, bindings), kind, on), scope))
    }

    fn bind_join(&mut self, ast: &ast::Join) -> Result<Bound, MySqlError> {
        let (left, left_scope) = self.bind_table_reference(&ast.left)?;
        let kind = match ast.kind {
            ast::JoinKind::Inner | ast::JoinKind::Straight => JoinKind::Inner,
            ast::JoinKind::Left => JoinKind::Left,
            ast::JoinKind::Right => JoinKind::Right,
        };
        if let TableReference::Derived(derived) = &ast.right
            && derived.lateral
        {
            return self.bind_join_lateral((left, left_scope), derived, kind, &ast.constraint);
        }
        let (right, right_scope) = self.bind_table_reference(&ast.right)?;
        let (left_scope, right_scope) = match kind {
            JoinKind::Inner => (left_scope, right_scope),
            JoinKind::Left => (left_scope, right_scope.nullable()),
            JoinKind::Right => (left_scope.nullable(), right_scope),
        };
        let merged = match &ast.constraint {
            JoinConstraint::None | JoinConstraint::On(_) => Vec::new(),
            JoinConstraint::Using(names) => using_pairs(&left_scope, &right_scope, names)?,
            JoinConstraint::Natural => natural_pairs(&left_scope, &right_scope)?,
        };
        let width = left_scope.columns.len();
        let sides = (left_scope.clone(), right_scope.clone());
        let scope = merge_columns(left_scope.join(right_scope)?, kind, width, &merged);
        match &ast.constraint {
            JoinConstraint::On(condition) => self.bind_on(kind, (left, right), sides, scope, condition),
            _ => {
                let on = merged
                    .iter()
                    .map(|(l, r)| build::call("=", vec![column(&scope, *l), column(&scope, *r)]))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok((join(kind, left, right, on), scope))
            }
        }
    }

    fn bind_on(
        &mut self,
        kind: JoinKind,
        (left, right): (Relation, Relation),
        sides: (Scope, Scope),
        scope: Scope,
        condition: &ast::Expr,
    ) -> Result<Bound, MySqlError> {
        let width = scope.columns.len();
        let block = self.block_mut()?;
        let outer_scope = std::mem::replace(&mut block.scope, scope);
        block.clause = Clause::On;
        let mut correlated = Vec::new();
        let joined = match kind {
            JoinKind::Inner => {
                let crossed = join(JoinKind::Inner, left, right, Vec::new());
                self.bind_filter(crossed, condition, &mut correlated).map(fold_into_join)
            }
            JoinKind::Left | JoinKind::Right => match self.bind_conjuncts(condition) {
                Ok(on) if on.iter().any(Expr::has_subquery) => {
                    self.bind_on_by_row(kind, (left, right), sides, condition)
                }
                bound => bound.map(|on| join(kind, left, right, on)),
            },
        };
        let scope = std::mem::replace(&mut self.block_mut()?.scope, outer_scope);
        let mut joined = joined?;
        if !correlated.is_empty() {
            return Err(apply::correlated());
        }
        if let Relation::Join(join) = &joined
            && !self.keeps_correlation
            && join.on.iter().any(Expr::has_outer)
        {
            return Err(apply::correlated());
        }
        if joined.width() > width {
            joined = joined.projected((0..width).map(|index| column(&scope, index)).collect());
        }
        Ok((joined, scope))
    }

    /// An outer join whose condition holds a subquery: for each row that is kept whatever happens, the rows of the
    /// other side that the condition leaves.
    fn bind_on_by_row(
        &mut self,
        kind: JoinKind,
        (left, right): (Relation, Relation),
        (left_scope, right_scope): (Scope, Scope),
        condition: &ast::Expr,
    ) -> Result<Relation, MySqlError> {
        let (left_width, width) = (left.width(), left.width() + right.width());
        let ((kept, kept_scope), (other, other_scope)) = match kind {
            JoinKind::Right => ((right, right_scope), (left, left_scope)),
            _ => ((left, left_scope), (right, right_scope)),
        };
        let applied = self.bind_lateral_filter((kept, kept_scope), (other, other_scope), condition)?;
        if kind != JoinKind::Right {
            return Ok(applied);
        }
        let position =
            |column| if column < left_width { column + width - left_width } else { column - left_width };
        let exprs = (0..width).map(|column| {
            let index = position(column);
            Expr::Column { index, ty: applied.output_type(index) }
        });
        let exprs = exprs.collect();
        Ok(applied.projected(exprs))
    }

    pub(super) fn block_mut(&mut self) -> Result<&mut Block, MySqlError> {
        self.blocks.last_mut().ok_or_else(|| MySqlError::internal("no query block is being bound"))
    }
}

/// A filter right above a cross join is that join's condition.
fn fold_into_join(relation: Relation) -> Relation {
    match relation {
        Relation::Filter { input, predicates } => match *input {
            Relation::Join(mut join) if join.kind == JoinKind::Inner => {
                join.on.extend(predicates);
                Relation::Join(join)
            }
            other => Relation::Filter { input: Box::new(other), predicates },
        },
        other => other,
    }
}

/// How many tables a reference joins; derived ones count as one.
fn leaves(table: &TableReference) -> usize {
    match table {
        TableReference::Join(join) => leaves(&join.left) + leaves(&join.right),
        _ => 1,
    }
}

fn join(kind: JoinKind, left: Relation, right: Relation, on: Vec<Expr>) -> Relation {
    match (left, right) {
        (Relation::Dual, other) if kind == JoinKind::Inner && on.is_empty() => other,
        (left, right) => Relation::Join(Box::new(Join { kind, left, right, on })),
    }
}

fn column(scope: &Scope, index: usize) -> Expr {
    let ty = scope.columns.get(index).map_or_else(FieldType::null, |column| column.ty.clone());
    Expr::Column { index, ty }
}

/// Positions (in the joined row) of the columns that USING names.
fn using_pairs(left: &Scope, right: &Scope, names: &[Ident]) -> Result<Vec<(usize, usize)>, MySqlError> {
    let width = left.columns.len();
    names
        .iter()
        .map(|name| {
            let reference = ColumnRef { database: None, table: None, column: name.clone() };
            let l = left.resolve(&reference, Clause::From)?;
            let r = right.resolve(&reference, Clause::From)?;
            match (l, r) {
                (Some(l), Some(r)) => Ok((l, r + width)),
                _ => Err(MySqlError::unknown_column(name, Clause::From.name())),
            }
        })
        .collect()
}

fn natural_pairs(left: &Scope, right: &Scope) -> Result<Vec<(usize, usize)>, MySqlError> {
    let names: Vec<Ident> = left
        .star
        .iter()
        .filter_map(|position| left.columns.get(*position))
        .filter(|column| {
            right.columns.iter().any(|other| other.unqualified && same_name(&other.name, &column.name))
        })
        .map(|column| Ident::new(column.name.to_string()))
        .collect();
    using_pairs(left, right, &names)
}

/// Hides the copy of each merged column and puts the merged ones first in `*` (MySQL manual,
/// "JOIN Clause": coalesced common columns, then the rest of each table).
fn merge_columns(mut scope: Scope, kind: JoinKind, width: usize, merged: &[(usize, usize)]) -> Scope {
    if merged.is_empty() {
        return scope;
    }
    let (mut first, mut hidden) = (Vec::new(), Vec::new());
    for (l, r) in merged {
        let (kept, dropped) = if kind == JoinKind::Right { (*r, *l) } else { (*l, *r) };
        first.push(kept);
        hidden.push(dropped);
        if let Some(column) = scope.columns.get_mut(dropped) {
            column.unqualified = false;
        }
    }
    if kind == JoinKind::Right {
        // MySQL executes a RIGHT JOIN as a LEFT JOIN of the swapped tables, and it shows here.
        scope.star.sort_by_key(|position| *position < width);
    }
    let order = std::mem::take(&mut scope.star);
    scope.star = order.iter().copied().filter(|position| first.contains(position)).collect();
    scope
        .star
        .extend(order.iter().filter(|position| !first.contains(position) && !hidden.contains(position)));
    scope
}

/// Column names and types of a derived or common table; duplicate names are error 1060.
pub(super) fn table_columns(
    columns: &[OutputColumn],
    names: &[Ident],
) -> Result<Vec<(Arc<str>, FieldType)>, MySqlError> {
    if !names.is_empty() && names.len() != columns.len() {
        return Err(MySqlError::view_wrong_list());
    }
    let mut named: Vec<(Arc<str>, FieldType)> = Vec::with_capacity(columns.len());
    for (position, column) in columns.iter().enumerate() {
        let name = match names.get(position) {
            Some(name) => Arc::from(name.as_str()),
            None => Arc::clone(&column.name),
        };
        if named.iter().any(|(other, _)| same_name(other, &name)) {
            return Err(MySqlError::duplicate_column(name));
        }
        named.push((name, column.ty.clone()));
    }
    Ok(named)
}

fn bind_index_hints(
    table: &TableInfo,
    alias: &str,
    hints: &[ast::IndexHint],
) -> Result<Vec<IndexHint>, MySqlError> {
    let mut bound = Vec::new();
    for hint in hints {
        let indexes = hint
            .indexes
            .iter()
            .map(|name| match table.index(name.as_str()) {
                Some(index) => Ok(Box::from(index.name.as_str())),
                None => Err(MySqlError::key_does_not_exist(name, alias)),
            })
            .collect::<Result<Vec<Box<str>>, _>>()?;
        // Hints for ORDER BY and GROUP BY choose no access path.
        if matches!(hint.scope, IndexHintScope::All | IndexHintScope::Join) {
            let kind = match hint.kind {
                ast::IndexHintKind::Use => IndexHintKind::Use,
                ast::IndexHintKind::Force => IndexHintKind::Force,
                ast::IndexHintKind::Ignore => IndexHintKind::Ignore,
            };
            bound.push(IndexHint { kind, indexes });
        }
    }
    Ok(bound)
}
