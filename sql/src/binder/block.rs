//! One query block while it is bound: its names, and the aggregates and subqueries found so far.

use std::sync::Arc;

use rutile_sql_types::MySqlError;

use super::error::Clause;
use super::relation::{Attach, AttachKind, Relation};
use super::scope::Scope;
use crate::expression::{AggregateCall, Expr};

/// How names of the select list take part in resolving a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AliasRule {
    Never,
    /// GROUP BY, and inside expressions of ORDER BY.
    ColumnsFirst,
    /// HAVING.
    AliasesFirst,
}

/// A subquery that has to meet the block's rows before an expression that refers to it can run.
#[derive(Debug, Clone)]
pub struct PendingSubquery {
    pub kind: AttachKind,
    pub relation: Relation,
    /// Over the block's columns, and this subquery's columns as `Expr::Subquery`.
    pub on: Vec<Expr>,
}

/// The state of the block.
#[derive(Debug)]
pub struct Block {
    pub scope: Scope,
    /// Blocks further out are invisible: the block of a derived table or of a common table.
    pub barrier: bool,
    pub clause: Clause,
    pub alias_rule: AliasRule,
    pub aliases: Vec<(Arc<str>, Expr)>,
    pub aggregates_allowed: bool,
    pub aggregates: Vec<AggregateCall>,
    pub subqueries: Vec<PendingSubquery>,
    /// How far behind a column stands the same column of the row that INSERT tried to insert.
    pub inserted: Option<usize>,
}

impl Block {
    pub fn new(scope: Scope, barrier: bool) -> Self {
        Self {
            scope,
            barrier,
            clause: Clause::FieldList,
            alias_rule: AliasRule::Never,
            aliases: Vec::new(),
            aggregates_allowed: false,
            aggregates: Vec::new(),
            subqueries: Vec::new(),
            inserted: None,
        }
    }

    /// Adds an aggregate, or finds the equal one that is there.
    pub fn add_aggregate(&mut self, call: AggregateCall) -> Expr {
        let ty = call.ty.clone();
        let index = match self.aggregates.iter().position(|other| *other == call) {
            Some(index) => index,
            None => {
                self.aggregates.push(call);
                self.aggregates.len() - 1
            }
        };
        Expr::Aggregate { index, ty }
    }

    /// Joins the subqueries that `exprs` refer to onto `relation`, and turns the references into
    /// columns. `outer` rewrites what the join conditions say about the block's own row.
    pub fn attach(
        &self,
        mut relation: Relation,
        exprs: &mut [&mut Expr],
        outer: &mut dyn FnMut(Expr) -> Result<Expr, MySqlError>,
    ) -> Result<Relation, MySqlError> {
        let mut wanted = Vec::new();
        for expr in exprs.iter() {
            expr.visit(&mut |node| {
                if let Expr::Subquery { id, .. } = node {
                    wanted.push(*id);
                }
            });
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut bases = Vec::new();
        for id in wanted {
            let pending = self
                .subqueries
                .get(id)
                .ok_or_else(|| MySqlError::internal(format!("subquery {id} is not bound")))?;
            let base = relation.width();
            relation = attach_one(relation, pending, id, outer)?;
            bases.push((id, base));
        }
        for expr in exprs.iter_mut() {
            let taken = std::mem::replace(&mut **expr, Expr::placeholder());
            **expr = place(taken, &bases)?;
        }
        Ok(relation)
    }
}

/// Joins one subquery onto `relation`.
pub fn attach_one(
    relation: Relation,
    pending: &PendingSubquery,
    id: usize,
    outer: &mut dyn FnMut(Expr) -> Result<Expr, MySqlError>,
) -> Result<Relation, MySqlError> {
    let width = relation.width();
    let mut on = Vec::with_capacity(pending.on.len());
    for condition in &pending.on {
        let condition = outer(condition.clone())?;
        on.push(place(condition, &[(id, width)])?);
    }
    Ok(Relation::Attach(Box::new(Attach {
        kind: pending.kind,
        input: relation,
        subquery: pending.relation.clone(),
        on,
    })))
}

/// Turns references to subqueries whose columns start at a known place into columns.
fn place(expr: Expr, bases: &[(usize, usize)]) -> Result<Expr, MySqlError> {
    expr.rewrite(&mut |node| match node {
        Expr::Subquery { id, column, ty } => match bases.iter().find(|(known, _)| *known == id) {
            Some((_, base)) => Ok(Expr::Column { index: base + column, ty }),
            None => Err(super::error::not_supported("a subquery inside the operand of another subquery")),
        },
        other => Ok(other),
    })
}
