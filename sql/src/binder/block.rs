//! One query block while it is bound: its names, and the aggregates and subqueries found so far.

use std::sync::Arc;

use rutile_sql_types::{FieldType, MySqlError};

use super::error::Clause;
use super::relation::{Apply, ApplyForm, Attach, AttachKind, Relation};
use super::scope::Scope;
use crate::expression::{AggregateCall, Expr, WindowCall};

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
    pub meeting: Meeting,
    pub relation: Relation,
    /// Over the block's columns, and this subquery's columns as `Expr::Subquery`.
    pub on: Vec<Expr>,
}

/// How a subquery meets the block's rows.
#[derive(Debug, Clone, Copy)]
pub enum Meeting {
    Join(AttachKind),
    /// It runs again for each row. The first `bindings` terms of `on` are what it knows of the row, and what is
    /// left compares the row with one of the subquery's.
    Apply {
        form: ApplyForm,
        bindings: usize,
    },
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
    pub windows: Vec<WindowCall>,
    /// Whether a window function may stand where names are being bound.
    pub windows_allowed: bool,
    /// The WINDOW clause.
    pub named_windows: Vec<rutile_sql_parser::ast::NamedWindow>,
    /// How far behind a column stands the same column of the row that INSERT tried to insert.
    pub inserted: Option<usize>,
    /// User variables that each row brings along, behind its columns: those that LOAD DATA reads fields into.
    pub row_variables: RowVariables,
}

/// User variables that are positions of the row.
#[derive(Debug, Clone, Default)]
pub struct RowVariables {
    pub names: Vec<Box<str>>,
    /// Where the first one stands.
    pub first: usize,
    pub ty: Option<FieldType>,
}

impl RowVariables {
    /// The variable in the row; names compare in any case.
    pub fn find(&self, name: &str) -> Option<Expr> {
        let position = self.names.iter().position(|own| own.to_lowercase() == name.to_lowercase())?;
        Some(Expr::column(self.first + position, self.ty.clone()?))
    }
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
            windows: Vec::new(),
            windows_allowed: false,
            named_windows: Vec::new(),
            inserted: None,
            row_variables: RowVariables::default(),
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

    /// Adds a window function, or finds the equal one that is there.
    pub fn add_window(&mut self, call: WindowCall) -> Expr {
        let ty = call.ty.clone();
        let index = match self.windows.iter().position(|other| *other == call) {
            Some(index) => index,
            None => {
                self.windows.push(call);
                self.windows.len() - 1
            }
        };
        Expr::Window { index, ty }
    }

    /// Joins the subqueries that `exprs` refer to onto `relation`, and turns the references into columns.
    pub fn attach(&self, mut relation: Relation, exprs: &mut [&mut Expr]) -> Result<Relation, MySqlError> {
        let mut bases = Vec::new();
        for id in subqueries_of(exprs.iter().map(|expr| &**expr)) {
            relation = self.attach_one(relation, id, &mut bases)?;
        }
        for expr in exprs.iter_mut() {
            let taken = std::mem::replace(&mut **expr, Expr::placeholder());
            **expr = place(taken, &bases)?;
        }
        Ok(relation)
    }

    /// Joins one subquery onto `relation`, after those that its own condition refers to. `bases` says where the
    /// columns of those that were joined already start.
    pub fn attach_one(
        &self,
        mut relation: Relation,
        id: usize,
        bases: &mut Vec<(usize, usize)>,
    ) -> Result<Relation, MySqlError> {
        if bases.iter().any(|(known, _)| *known == id) {
            return Ok(relation);
        }
        let pending = self
            .subqueries
            .get(id)
            .ok_or_else(|| MySqlError::internal(format!("subquery {id} is not bound")))?;
        for other in subqueries_of(pending.on.iter()) {
            if other != id {
                relation = self.attach_one(relation, other, bases)?;
            }
        }
        bases.push((id, relation.width()));
        let on: Vec<Expr> =
            pending.on.iter().map(|term| place(term.clone(), bases)).collect::<Result<_, _>>()?;
        let subquery = pending.relation.clone();
        Ok(match pending.meeting {
            Meeting::Join(kind) => Relation::Attach(Box::new(Attach { kind, input: relation, subquery, on })),
            Meeting::Apply { form, bindings } => {
                let mut bound = on;
                let on = bound.split_off(bindings.min(bound.len()));
                Relation::Apply(Box::new(Apply { form, input: relation, subquery, bindings: bound, on }))
            }
        })
    }
}

/// The subqueries that expressions refer to, in order.
fn subqueries_of<'e>(exprs: impl Iterator<Item = &'e Expr>) -> Vec<usize> {
    let mut wanted = Vec::new();
    for expr in exprs {
        expr.visit(&mut |node| {
            if let Expr::Subquery { id, .. } = node {
                wanted.push(*id);
            }
        });
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// Turns references to subqueries whose columns start at a known place into columns.
fn place(expr: Expr, bases: &[(usize, usize)]) -> Result<Expr, MySqlError> {
    expr.rewrite(&mut |node| match node {
        Expr::Subquery { id, column, ty } => match bases.iter().find(|(known, _)| *known == id) {
            Some((_, base)) => Ok(Expr::Column { index: base + column, ty }),
            None => Err(MySqlError::internal(format!("subquery {id} was not joined"))),
        },
        other => Ok(other),
    })
}
