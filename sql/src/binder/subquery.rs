//! Subqueries as joins.
//!
//! A subquery joins its rows onto the block's rows (`relation::Attach`) and leaves behind references
//! to what the join appends. WHERE terms of the subquery that refer to the block become conditions of
//! that join. A top-level EXISTS, IN or quantified term of WHERE becomes a semi or anti join; anywhere
//! else it is a mark, which is three-valued where NULLs can meet (a second mark says whether a
//! comparison was unknown). A scalar subquery correlated by equalities is grouped by its side of them
//! first; an aggregate of no rows is then what MySQL gives for an empty group.

use rutile_sql_parser::ast::{self, BinaryOperator, ExprKind, Quantifier, Query, QueryBody, UnaryOperator};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::apply::correlated;
use super::block::{Meeting, PendingSubquery};
use super::error::not_supported;
use super::relation::{ApplyForm, AttachKind, Relation};
use super::select::SelectParts;
use super::{Binder, Block};
use crate::expression::{AggregateCall, Expr, build, key};

/// EXISTS, IN or a quantified comparison, as found in the tree.
struct MatchForm<'a> {
    query: &'a Query,
    /// What is compared with the rows; nothing for EXISTS.
    operand: Option<(&'a ast::Expr, BinaryOperator)>,
    /// The form asks for no match.
    negated: bool,
}

/// What a subquery predicate is as a term of WHERE.
enum MatchJoin {
    /// True or false whatever the row.
    Constant(bool),
    /// A join with this subquery.
    Join(usize),
    /// A value that some subquery gives.
    Term(Expr),
}

/// A subquery's rows and what they must satisfy to match a row of the block.
struct Rows {
    relation: Relation,
    /// The select list, in the block's terms.
    values: Vec<Expr>,
    on: Vec<Expr>,
}

impl Binder<'_> {
    /// Applies a condition to `relation`; terms that refer to outer blocks go to `outward`.
    pub(super) fn bind_filter(
        &mut self,
        relation: Relation,
        condition: &ast::Expr,
        outward: &mut Vec<Expr>,
    ) -> Result<Relation, MySqlError> {
        let (mut plain, mut late, mut matches) = (Vec::new(), Vec::new(), Vec::new());
        for term in ast_conjuncts(condition) {
            if let Some(form) = match_form(term) {
                match self.bind_match_join(&form)? {
                    MatchJoin::Join(id) => matches.push(id),
                    MatchJoin::Term(term) => late.push(term),
                    MatchJoin::Constant(true) => {}
                    MatchJoin::Constant(false) => plain.push(build::boolean(false)),
                }
                continue;
            }
            for term in build::factor_or(self.bind_expr(term)?)? {
                match (term.has_outer() && !self.keeps_correlation, term.has_subquery()) {
                    (true, true) => return Err(correlated()),
                    (true, false) => outward.push(term),
                    (false, true) => late.push(term),
                    (false, false) => plain.push(term),
                }
            }
        }
        let mut relation = relation.filtered(plain);
        let block = self.block_mut()?;
        let mut bases = Vec::new();
        for id in matches {
            relation = block.attach_one(relation, id, &mut bases)?;
        }
        let mut slots: Vec<&mut Expr> = late.iter_mut().collect();
        relation = block.attach(relation, &mut slots)?;
        Ok(relation.filtered(late))
    }

    /// The terms of a conjunction, none of them turned into a join.
    pub(super) fn bind_conjuncts(&mut self, condition: &ast::Expr) -> Result<Vec<Expr>, MySqlError> {
        let mut bound = Vec::new();
        for term in ast_conjuncts(condition) {
            bound.extend(build::factor_or(self.bind_expr(term)?)?);
        }
        Ok(bound)
    }

    /// `(SELECT ...)` as a value.
    pub(super) fn bind_scalar_subquery(&mut self, query: &Query) -> Result<Expr, MySqlError> {
        match self.as_join(|binder| binder.bind_joined_scalar(query))? {
            Some(bound) => Ok(bound),
            None => self.bind_applied(query, ApplyForm::Scalar, |_| Ok(Vec::new())),
        }
    }

    fn bind_joined_scalar(&mut self, query: &Query) -> Result<Expr, MySqlError> {
        let Some(select) = plain_select(query) else {
            let bound = self.bind_query(query)?;
            return self.uncorrelated_scalar(bound.relation, bound.columns.len());
        };
        let limit = self.bind_limit(query.limit.as_ref())?;
        let (block, parts) = self.open_select(select, &query.order_by)?;
        if parts.items.len() != 1 {
            return Err(MySqlError::operand_columns(1));
        }
        if !is_correlated(&parts) {
            let bound = self.finish_select(block, parts, limit)?;
            return self.uncorrelated_scalar(bound.relation, 1);
        }
        let first_row_only = limit.is_some_and(|limit| limit.offset == 0 && limit.count == 1);
        if limit.is_some() && !(first_row_only && parts.order.is_empty()) {
            return Err(correlated());
        }
        self.correlated_scalar(block, parts, first_row_only)
    }

    fn uncorrelated_scalar(&mut self, relation: Relation, columns: usize) -> Result<Expr, MySqlError> {
        if columns != 1 {
            return Err(MySqlError::operand_columns(1));
        }
        check_uncorrelated(&relation)?;
        let ty = relation.output_type(0).with_nullable();
        let at_most_one = matches!(&relation, Relation::Limit { count: Some(0 | 1), .. });
        let relation = if relation.is_single_row() || at_most_one {
            relation
        } else {
            let calls = vec![AggregateCall::single(Expr::column(0, ty.clone()))];
            Relation::Aggregate { input: Box::new(relation), keys: Vec::new(), calls }
        };
        let id = self.add_subquery(AttachKind::Scalar, relation, Vec::new())?;
        Ok(Expr::Subquery { id, column: 0, ty })
    }

    fn correlated_scalar(
        &mut self,
        block: Block,
        mut parts: SelectParts,
        first_row_only: bool,
    ) -> Result<Expr, MySqlError> {
        if !parts.keys.is_empty() || !parts.having.is_empty() || !block.subqueries.is_empty() {
            return Err(correlated());
        }
        let Some(item) = parts.items.pop() else {
            return Err(MySqlError::operand_columns(1));
        };
        if matches!(parts.relation, Relation::Dual) && parts.correlated.is_empty() && !parts.grouped {
            return lift(item.expr, usize::MAX);
        }
        if !block.aggregates.iter().all(AggregateCall::is_plain) {
            return Err(correlated());
        }
        let pairs = parts.correlated.into_iter().map(correlated_pair).collect::<Result<Vec<_>, _>>()?;
        if pairs.is_empty() {
            return Err(correlated());
        }
        let id = self.block_mut()?.subqueries.len();
        let keys: Vec<Expr> = pairs.iter().map(|(inner, _)| inner.clone()).collect();
        let (calls, value) = if parts.grouped {
            (block.aggregates, empty_group_value(item.expr, id, keys.len())?)
        } else {
            if item.expr.has_outer() {
                return Err(correlated());
            }
            let ty = item.expr.ty().clone().with_nullable();
            let call =
                if first_row_only { AggregateCall::any(item.expr) } else { AggregateCall::single(item.expr) };
            (vec![call], Expr::Subquery { id, column: keys.len(), ty })
        };
        let mut on = Vec::with_capacity(pairs.len());
        for (position, (inner, outer)) in pairs.into_iter().enumerate() {
            let ty = inner.ty().clone();
            on.push(build::call("=", vec![Expr::Subquery { id, column: position, ty }, lift(outer, id)?])?);
        }
        check_uncorrelated(&parts.relation)?;
        let relation = Relation::Aggregate { input: Box::new(parts.relation), keys, calls };
        self.add_subquery(AttachKind::Scalar, relation, on)?;
        Ok(value)
    }

    /// EXISTS, IN or a quantified comparison as a value.
    pub(super) fn bind_match_value(&mut self, expr: &ast::Expr) -> Result<Expr, MySqlError> {
        let form = match_form(expr).ok_or_else(|| MySqlError::internal("not a subquery predicate"))?;
        let operands = self.bind_operands(&form)?;
        match self.as_join(|binder| binder.bind_joined_match(&form, &operands))? {
            Some(bound) => Ok(bound),
            None => self.bind_applied_match(&form, operands),
        }
    }

    fn bind_applied_match(&mut self, form: &MatchForm<'_>, operands: Vec<Expr>) -> Result<Expr, MySqlError> {
        let applied = ApplyForm::Match { negated: form.negated };
        self.bind_applied(form.query, applied, |values| {
            Ok(bind_comparison(form, &operands, values)?.into_iter().collect())
        })
    }

    fn bind_joined_match(&mut self, form: &MatchForm<'_>, operands: &[Expr]) -> Result<Expr, MySqlError> {
        let id = self.block_mut()?.subqueries.len();
        let Some(mut rows) = self.bind_rows(form, id)? else {
            return Ok(build::boolean(!form.negated));
        };
        let comparison = bind_comparison(form, operands, &rows.values)?;
        let boolean = FieldType::boolean().with_not_null();
        let unknown = match comparison {
            Some(comparison) if !comparison.ty().not_null => {
                let mut on = rows.on.clone();
                on.push(renumber(build::call("is_null", vec![comparison.clone()])?, id, id + 1)?);
                rows.on.push(comparison);
                Some((rows.relation.clone(), on))
            }
            Some(comparison) => {
                rows.on.push(comparison);
                None
            }
            None => None,
        };
        self.add_subquery(AttachKind::Mark, rows.relation, rows.on)?;
        let matched = Expr::Subquery { id, column: 0, ty: boolean.clone() };
        let otherwise = match unknown {
            None => build::boolean(form.negated),
            Some((relation, on)) => {
                let on = on.into_iter().map(|term| renumber(term, id, id + 1)).collect::<Result<_, _>>()?;
                let unknown = self.add_subquery(AttachKind::Mark, relation, on)?;
                let unknown = Expr::Subquery { id: unknown, column: 0, ty: boolean };
                let null = Expr::literal(Value::Null, FieldType::boolean());
                build::call("if", vec![unknown, null, build::boolean(form.negated)])?
            }
        };
        build::call("if", vec![matched, build::boolean(!form.negated), otherwise])
    }

    /// The same as a term of WHERE: a semi or anti join.
    fn bind_match_join(&mut self, form: &MatchForm<'_>) -> Result<MatchJoin, MySqlError> {
        let operands = self.bind_operands(form)?;
        match self.as_join(|binder| binder.bind_semi_join(form, &operands))? {
            Some(bound) => Ok(bound),
            None => self.bind_applied_match(form, operands).map(MatchJoin::Term),
        }
    }

    fn bind_semi_join(&mut self, form: &MatchForm<'_>, operands: &[Expr]) -> Result<MatchJoin, MySqlError> {
        let id = self.block_mut()?.subqueries.len();
        let Some(mut rows) = self.bind_rows(form, id)? else {
            return Ok(MatchJoin::Constant(!form.negated));
        };
        let comparison = bind_comparison(form, operands, &rows.values)?;
        let mut kind = if form.negated { AttachKind::Anti } else { AttachKind::Semi };
        if let Some(comparison) = comparison {
            if !form.negated || comparison.ty().not_null {
                rows.on.push(comparison);
            } else if rows.on.is_empty() && key::equality_keys(&comparison).is_some() {
                kind = AttachKind::AntiNullAware;
                rows.on.push(comparison);
            } else {
                // A row is kept only if every comparison is false: unknown ones reject it too.
                rows.on.push(build::call("ifnull", vec![comparison, build::boolean(true)])?);
            }
        }
        self.add_subquery(kind, rows.relation, rows.on).map(MatchJoin::Join)
    }

    /// The subquery's rows; `None` if there is always at least one and nothing to compare.
    fn bind_rows(&mut self, form: &MatchForm<'_>, id: usize) -> Result<Option<Rows>, MySqlError> {
        if form.operand.is_some() && form.query.limit.is_some() {
            return Err(not_supported("LIMIT & IN/ALL/ANY/SOME subquery"));
        }
        let Some(select) = plain_select(form.query) else {
            let bound = self.bind_query(form.query)?;
            return uncorrelated_rows(bound.relation, id).map(Some);
        };
        let limit = self.bind_limit(form.query.limit.as_ref())?;
        let (block, mut parts) = self.open_select(select, &form.query.order_by)?;
        if !is_correlated(&parts) {
            let bound = self.finish_select(block, parts, limit)?;
            return uncorrelated_rows(bound.relation, id).map(Some);
        }
        if limit.is_some_and(|limit| limit.offset > 0 || limit.count == 0) || !parts.having.is_empty() {
            return Err(correlated());
        }
        if parts.grouped {
            match (&form.operand, parts.keys.is_empty()) {
                // An aggregate without GROUP BY always has a row; groups exist where rows do.
                (None, true) => return Ok(None),
                (None, false) => {}
                (Some(_), _) => return Err(correlated()),
            }
        }
        let mut slots: Vec<&mut Expr> = parts.correlated.iter_mut().collect();
        if form.operand.is_some() {
            slots.extend(parts.items.iter_mut().map(|item| &mut item.expr));
        } else {
            parts.items.clear();
        }
        let relation = block.attach(parts.relation, &mut slots)?;
        check_uncorrelated(&relation)?;
        let on = parts.correlated.into_iter().map(|term| lift(term, id)).collect::<Result<_, _>>()?;
        let values = parts.items.into_iter().map(|item| lift(item.expr, id)).collect::<Result<_, _>>()?;
        Ok(Some(Rows { relation, values, on }))
    }

    /// What the rows are compared with.
    fn bind_operands(&mut self, form: &MatchForm<'_>) -> Result<Vec<Expr>, MySqlError> {
        let Some((operand, _)) = form.operand else {
            return Ok(Vec::new());
        };
        match &operand.kind {
            ExprKind::Row(fields) => fields.iter().map(|field| self.bind_expr(field)).collect(),
            _ => Ok(vec![self.bind_expr(operand)?]),
        }
    }

    fn add_subquery(
        &mut self,
        kind: AttachKind,
        relation: Relation,
        on: Vec<Expr>,
    ) -> Result<usize, MySqlError> {
        let block = self.block_mut()?;
        block.subqueries.push(PendingSubquery { meeting: Meeting::Join(kind), relation, on });
        Ok(block.subqueries.len() - 1)
    }
}

/// The comparison of the operand with one row.
fn bind_comparison(
    form: &MatchForm<'_>,
    operands: &[Expr],
    values: &[Expr],
) -> Result<Option<Expr>, MySqlError> {
    let Some((_, operator)) = form.operand else {
        return Ok(None);
    };
    if operands.len() != values.len() {
        return Err(MySqlError::operand_columns(operands.len()));
    }
    if operands.len() > 1 && operator != BinaryOperator::Equal {
        return Err(not_supported("row comparison with a quantified subquery"));
    }
    let mut terms = Vec::with_capacity(operands.len());
    for (operand, value) in operands.iter().zip(values) {
        let sides = vec![operand.clone(), value.clone()];
        terms.push(build::call(super::operator::binary_name(operator), sides)?);
    }
    build::conjunction(terms)
}

/// The terms of nested AND chains.
fn ast_conjuncts(expr: &ast::Expr) -> Vec<&ast::Expr> {
    let mut terms = Vec::new();
    let mut pending = vec![expr];
    while let Some(expr) = pending.pop() {
        match &expr.kind {
            ExprKind::Logical { operator: ast::LogicalOperator::And, operands } => {
                pending.extend(operands.iter().rev());
            }
            _ => terms.push(expr),
        }
    }
    terms
}

fn match_form(expr: &ast::Expr) -> Option<MatchForm<'_>> {
    match &expr.kind {
        ExprKind::Exists(query) => Some(MatchForm { query, operand: None, negated: false }),
        ExprKind::InSubquery(form) => Some(MatchForm {
            query: &form.query,
            operand: Some((&form.operand, BinaryOperator::Equal)),
            negated: form.negated,
        }),
        ExprKind::Quantified(form) => {
            // x op ALL (rows) is NOT (x negated-op ANY (rows)).
            let (operator, negated) = match form.quantifier {
                Quantifier::Any => (form.operator, false),
                Quantifier::All => (negated_comparison(form.operator)?, true),
            };
            Some(MatchForm { query: &form.query, operand: Some((&form.operand, operator)), negated })
        }
        ExprKind::Unary { operator: UnaryOperator::Not, operand } => {
            let form = match_form(operand)?;
            Some(MatchForm { negated: !form.negated, ..form })
        }
        _ => None,
    }
}

fn negated_comparison(operator: BinaryOperator) -> Option<BinaryOperator> {
    Some(match operator {
        BinaryOperator::Equal => BinaryOperator::NotEqual,
        BinaryOperator::NotEqual => BinaryOperator::Equal,
        BinaryOperator::Less => BinaryOperator::GreaterOrEqual,
        BinaryOperator::LessOrEqual => BinaryOperator::Greater,
        BinaryOperator::Greater => BinaryOperator::LessOrEqual,
        BinaryOperator::GreaterOrEqual => BinaryOperator::Less,
        _ => return None,
    })
}

/// The select of a query that is nothing but a select and its tail.
fn plain_select(query: &Query) -> Option<&ast::Select> {
    match &query.body {
        QueryBody::Select(select) if query.with.is_none() => Some(select),
        QueryBody::Parenthesized(inner)
            if query.with.is_none() && query.order_by.is_empty() && query.limit.is_none() =>
        {
            plain_select(inner).filter(|_| inner.limit.is_none())
        }
        _ => None,
    }
}

fn is_correlated(parts: &SelectParts) -> bool {
    !parts.correlated.is_empty()
        || parts.items.iter().any(|item| item.expr.has_outer())
        || parts.keys.iter().chain(&parts.having).any(Expr::has_outer)
        || parts.order.iter().any(|key| key.expr.has_outer())
}

fn uncorrelated_rows(relation: Relation, id: usize) -> Result<Rows, MySqlError> {
    check_uncorrelated(&relation)?;
    let values = (0..relation.width())
        .map(|column| Expr::Subquery { id, column, ty: relation.output_type(column) })
        .collect();
    Ok(Rows { relation, values, on: Vec::new() })
}

/// What the subquery says, in the terms of the block around it: its columns are those of subquery
/// `id`, its outer columns are the block's own.
fn lift(expr: Expr, id: usize) -> Result<Expr, MySqlError> {
    expr.rewrite(&mut |node| match node {
        Expr::Column { index, ty } => Ok(Expr::Subquery { id, column: index, ty }),
        Expr::Outer { depth: 1, index, ty } => Ok(Expr::Column { index, ty }),
        Expr::Outer { depth, index, ty } => Ok(Expr::Outer { depth: depth - 1, index, ty }),
        Expr::Subquery { .. } | Expr::Aggregate { .. } => Err(correlated()),
        other => Ok(other),
    })
}

fn renumber(expr: Expr, from: usize, to: usize) -> Result<Expr, MySqlError> {
    expr.rewrite(&mut |node| match node {
        Expr::Subquery { id, column, ty } if id == from => Ok(Expr::Subquery { id: to, column, ty }),
        other => Ok(other),
    })
}

/// The two sides of a correlating equality: the subquery's and the block's.
fn correlated_pair(term: Expr) -> Result<(Expr, Expr), MySqlError> {
    // Grouping by the inner side must not merge or split what the equality tells apart.
    if key::equality_keys(&term).is_none() {
        return Err(correlated());
    }
    let Expr::Call(mut call) = term else {
        return Err(correlated());
    };
    match (call.args.pop(), call.args.pop()) {
        (Some(right), Some(left)) => {
            let own = |expr: &Expr| !expr.has_outer();
            let foreign = |expr: &Expr| expr.columns().is_empty();
            if own(&left) && foreign(&right) {
                Ok((left, right))
            } else if own(&right) && foreign(&left) {
                Ok((right, left))
            } else {
                Err(correlated())
            }
        }
        _ => Err(correlated()),
    }
}

/// The select list of an aggregate over the appended columns: where no group joined, every aggregate
/// must be what it is over no rows.
fn empty_group_value(expr: Expr, id: usize, keys: usize) -> Result<Expr, MySqlError> {
    let value = expr.rewrite(&mut |node| match node {
        Expr::Aggregate { index, ty } => {
            let counts = ty.not_null && ty.kind.is_integer();
            let column = Expr::Subquery { id, column: keys + index, ty: ty.clone().with_nullable() };
            if !counts {
                return Ok(column);
            }
            // COUNT is the one NOT NULL aggregate whose value over no rows is zero.
            build::call("ifnull", vec![column, Expr::literal(Value::Int(0), ty)])
        }
        Expr::Column { .. } | Expr::Subquery { .. } => Err(correlated()),
        Expr::Outer { depth: 1, index, ty } => Ok(Expr::Column { index, ty }),
        Expr::Outer { depth, index, ty } => Ok(Expr::Outer { depth: depth - 1, index, ty }),
        other => Ok(other),
    })?;
    Ok(value)
}

/// Fails if anything inside still refers to an outer block.
fn check_uncorrelated(relation: &Relation) -> Result<(), MySqlError> {
    let mut found = false;
    relation.visit_exprs(&mut |expr| found = found || expr.has_outer());
    if found { Err(correlated()) } else { Ok(()) }
}
