//! Correlated subqueries that no join can stand for: they run again for each row of the block.
//!
//! While such a subquery is bound, terms that refer to the blocks around it stay where they are, as `Expr::Outer`.
//! What they refer to is then numbered: the row's `bindings`, over which the subquery runs once for each distinct
//! combination of values.

use rutile_sql_parser::ast::{self, Query};
use rutile_sql_types::{FieldType, MySqlError};

use super::block::{Meeting, PendingSubquery};
use super::error::{Clause, not_supported};
use super::query::BoundQuery;
use super::relation::{Apply, ApplyForm, JoinKind, Relation};
use super::scope::Scope;
use super::{Binder, Block};
use crate::expression::Expr;

/// The feature that a subquery lacks which only running it for each row can answer.
const CORRELATED: &str = "this form of correlated subquery";

/// Where binding was before it tried something.
struct Mark {
    blocks: usize,
    common: usize,
}

/// The error that makes a subquery run for each row.
pub(super) fn correlated() -> MySqlError {
    not_supported(CORRELATED)
}

impl Binder<'_> {
    /// Binds a subquery as a join, or says that it is none of those that can be.
    pub(super) fn as_join<T>(
        &mut self,
        bind: impl FnOnce(&mut Self) -> Result<T, MySqlError>,
    ) -> Result<Option<T>, MySqlError> {
        let mark = Mark { blocks: self.blocks.len(), common: self.common.len() };
        let kept = std::mem::replace(&mut self.keeps_correlation, false);
        let bound = bind(self);
        self.keeps_correlation = kept;
        match bound {
            Ok(bound) => Ok(Some(bound)),
            Err(error) if error == correlated() => {
                self.blocks.truncate(mark.blocks);
                self.common.truncate(mark.common);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A subquery that runs for each row; `compare` makes the conditions on one of its rows.
    pub(super) fn bind_applied(
        &mut self,
        query: &Query,
        form: ApplyForm,
        compare: impl FnOnce(&[Expr]) -> Result<Vec<Expr>, MySqlError>,
    ) -> Result<Expr, MySqlError> {
        let BoundQuery { mut relation, .. } = self.with_correlation(|binder| binder.bind_query(query))?;
        if form == ApplyForm::Scalar && relation.width() != 1 {
            return Err(MySqlError::operand_columns(1));
        }
        let mut on = bindings_of(&mut relation, 1)?;
        let bindings = on.len();
        let id = self.block_mut()?.subqueries.len();
        let values: Vec<Expr> = (0..relation.width())
            .map(|column| Expr::Subquery { id, column, ty: relation.output_type(column) })
            .collect();
        on.extend(compare(&values)?);
        let ty = match form {
            ApplyForm::Match { .. } => FieldType::boolean(),
            _ => relation.output_type(0).with_nullable(),
        };
        let meeting = Meeting::Apply { form, bindings };
        self.block_mut()?.subqueries.push(PendingSubquery { meeting, relation, on });
        Ok(Expr::Subquery { id, column: 0, ty })
    }

    /// A derived table that sees the tables before it.
    pub(super) fn bind_lateral(
        &mut self,
        derived: &ast::DerivedTable,
        left: &Scope,
    ) -> Result<(Relation, Vec<Expr>, Scope), MySqlError> {
        self.blocks.push(Block::new(left.clone(), false));
        let bound = self.with_correlation(|binder| binder.bind_query(&derived.query));
        self.blocks.pop();
        let BoundQuery { mut relation, columns } = bound?;
        // The block of the tables before it is gone again when the rest is bound.
        let bindings = bindings_of(&mut relation, 2)?;
        Ok((relation, bindings, self.derived_scope(derived, &columns)?))
    }

    /// The rows of `kept`, each with those rows of `other` that the condition leaves, or with NULLs.
    pub(super) fn bind_lateral_filter(
        &mut self,
        (kept, kept_scope): (Relation, Scope),
        (other, other_scope): (Relation, Scope),
        condition: &ast::Expr,
    ) -> Result<Relation, MySqlError> {
        let columns: Vec<Expr> =
            (0..other.width()).map(|index| Expr::Column { index, ty: other.output_type(index) }).collect();
        self.blocks.push(Block::new(kept_scope, false));
        let mut inner = Block::new(other_scope, false);
        inner.clause = Clause::On;
        self.blocks.push(inner);
        let filtered = self.with_correlation(|binder| binder.bind_filter(other, condition, &mut Vec::new()));
        self.blocks.truncate(self.blocks.len().saturating_sub(2));
        let mut filtered = filtered?.projected(columns);
        let bindings = bindings_of(&mut filtered, 2)?;
        Ok(lateral(kept, (filtered, bindings), JoinKind::Left, Vec::new()))
    }

    fn with_correlation<T>(
        &mut self,
        bind: impl FnOnce(&mut Self) -> Result<T, MySqlError>,
    ) -> Result<T, MySqlError> {
        let kept = std::mem::replace(&mut self.keeps_correlation, true);
        let bound = bind(self);
        self.keeps_correlation = kept;
        bound
    }
}

/// `left` with the rows that the derived table has for each of its rows.
pub(super) fn lateral(
    left: Relation,
    (subquery, bindings): (Relation, Vec<Expr>),
    kind: JoinKind,
    on: Vec<Expr>,
) -> Relation {
    let form = ApplyForm::Rows { keeps_input: kind == JoinKind::Left };
    Relation::Apply(Box::new(Apply { form, input: left, subquery, bindings, on }))
}

/// Numbers what a subquery refers to outside of itself, and returns it in terms of the block around. `blocks` are
/// the blocks between the subquery and that block, itself included.
fn bindings_of(relation: &mut Relation, blocks: usize) -> Result<Vec<Expr>, MySqlError> {
    let mut bindings: Vec<Expr> = Vec::new();
    let mut pending = vec![relation];
    while let Some(relation) = pending.pop() {
        for expr in relation.exprs_mut() {
            if !expr.has_outer() {
                continue;
            }
            let taken = std::mem::replace(expr, Expr::placeholder());
            *expr = taken.rewrite(&mut |node| match node {
                Expr::Outer { depth, index, ty } => {
                    let outside = match depth {
                        1 => Expr::Column { index, ty: ty.clone() },
                        _ if depth > blocks => Expr::Outer { depth: depth - blocks, index, ty: ty.clone() },
                        _ => return Err(MySqlError::internal("an outer column of a block without tables")),
                    };
                    let index = match bindings.iter().position(|known| *known == outside) {
                        Some(index) => index,
                        None => {
                            bindings.push(outside);
                            bindings.len() - 1
                        }
                    };
                    Ok(Expr::Outer { depth: 1, index, ty })
                }
                other => Ok(other),
            })?;
        }
        match relation {
            // What runs inside for each row has its own numbers already.
            Relation::Apply(apply) => pending.push(&mut apply.input),
            other => pending.extend(other.inputs_mut()),
        }
    }
    Ok(bindings)
}
