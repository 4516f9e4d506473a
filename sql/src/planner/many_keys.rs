//! ORDER BY and GROUP BY of many keys: one key of bytes for DataFusion, which takes time in the square of their number.
//!
//! ```text
//! Project(shown) over [Limit] over Sort by thousands over Project(shown, hidden keys)
//!     -> Projection(shown) over [Limit] over Sort(row_key) over Projection(columns, row_key) over Projection(shown, what keys read)
//! Project(shown) over [Filter] over Aggregate by hundreds, few of them shown
//!     -> Projection(shown) over [Filter] over Aggregate(row_key; calls, first value of keys that are shown) over Projection(columns, row_key)
//! ```
//!
//! Missing: groups most of whose hundreds of keys are shown. First values would take as long as the keys do.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::common::{Column, DataFusionError, Result};
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlan, Sort, SortExpr};

use rutile_sql_types::FieldType;

use super::logical::{LogicalBuilder, limit, output_columns, projection};
use crate::binder::relation::{Relation, SortKey};
use crate::expression::row_key::{KeyPart, row_key};
use crate::expression::{AggregateCall, Expr};

/// Keys that DataFusion sees one by one.
pub const SORT_KEYS_MAX: usize = 64;

/// The same of groups.
const GROUP_KEYS_MAX: usize = 256;

/// A query whose many keys are mostly hidden columns.
pub struct HiddenKeys<'r> {
    shown: &'r [Expr],
    limit: Option<(u64, Option<u64>)>,
    keys: &'r [SortKey],
    projected: &'r [Expr],
    input: &'r Relation,
}

impl<'r> HiddenKeys<'r> {
    /// The query, if `shown` over `input` is one.
    pub fn of(shown: &'r [Expr], input: &'r Relation) -> Option<Self> {
        let (limit, sort) = match input {
            Relation::Limit { input, offset, count } => (Some((*offset, *count)), &**input),
            other => (None, other),
        };
        match sort {
            Relation::Sort { input, keys } if keys.len() > SORT_KEYS_MAX => match &**input {
                Relation::Project { input, exprs } => {
                    Some(Self { shown, limit, keys, projected: exprs, input })
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The projected columns that must be columns: those that are shown, and those that are not the same when they are
    /// computed again.
    fn kept(&self) -> Vec<usize> {
        let mut kept: BTreeSet<usize> = self.shown.iter().flat_map(Expr::columns).collect();
        let volatile = self.projected.iter().enumerate().filter(|(_, expr)| expr.is_volatile());
        kept.extend(volatile.map(|(position, _)| position));
        kept.into_iter().collect()
    }
}

/// A query most of whose many groups nobody sees.
pub struct HiddenGroups<'r> {
    shown: &'r [Expr],
    having: &'r [Expr],
    keys: &'r [Expr],
    calls: &'r [AggregateCall],
    input: &'r Relation,
    /// The keys that are looked at above, ascending.
    used: Vec<usize>,
}

impl<'r> HiddenGroups<'r> {
    /// The query, if `shown` over `input` is one.
    pub fn of(shown: &'r [Expr], input: &'r Relation) -> Option<Self> {
        let (having, grouped) = match input {
            Relation::Filter { input, predicates } => (predicates.as_slice(), &**input),
            other => (&[][..], other),
        };
        let Relation::Aggregate { input, keys, calls } = grouped else {
            return None;
        };
        // What is computed twice must be the same twice.
        if keys.len() <= GROUP_KEYS_MAX || keys.iter().any(Expr::is_volatile) {
            return None;
        }
        let read: BTreeSet<usize> = shown.iter().chain(having).flat_map(Expr::columns).collect();
        let used: Vec<usize> = read.into_iter().filter(|column| *column < keys.len()).collect();
        (used.len() <= keys.len() / 2).then_some(Self { shown, having, keys, calls, input, used })
    }
}

impl LogicalBuilder<'_> {
    /// Groups by one key of bytes.
    pub(super) fn group_by_hidden(&mut self, query: &HiddenGroups<'_>) -> Result<LogicalPlan> {
        let plan = self.build(query.input)?;
        let columns = output_columns(&plan);
        let part = |key: &Expr| KeyPart { expr: key.clone(), descending: false };
        let key = row_key(query.keys.iter().map(part).collect(), &columns, self.statement())?;
        let width = columns.len();
        let mut keyed: Vec<PlanExpr> = columns.into_iter().map(PlanExpr::Column).collect();
        keyed.push(key.alias(self.next_name()));
        let plan = projection(plan, keyed)?;
        let firsts =
            query.used.iter().filter_map(|key| query.keys.get(*key)).cloned().map(AggregateCall::any);
        let calls: Vec<AggregateCall> = query.calls.iter().cloned().chain(firsts).collect();
        let key = Expr::Column { index: width, ty: FieldType::varbinary(u32::MAX) };
        let mut plan = self.aggregate(plan, &[key], &calls)?;
        let place = |column: usize| match column.checked_sub(query.keys.len()) {
            Some(call) => 1 + call,
            None => 1 + query.calls.len() + query.used.binary_search(&column).unwrap_or_default(),
        };
        let over =
            |exprs: &[Expr]| -> Vec<Expr> { exprs.iter().map(|expr| expr.clone().remap(&place)).collect() };
        if !query.having.is_empty() {
            plan = self.filter(plan, &over(query.having))?;
        }
        self.project(plan, &over(query.shown))
    }

    /// Sorts by one key of bytes.
    pub(super) fn sort_by_row_key(&mut self, plan: LogicalPlan, keys: Vec<KeyPart>) -> Result<LogicalPlan> {
        let columns = output_columns(&plan);
        let name = self.next_name();
        let key = row_key(keys, &columns, self.statement())?;
        let shown: Vec<PlanExpr> = columns.into_iter().map(PlanExpr::Column).collect();
        let mut keyed = shown.clone();
        keyed.push(key.alias(name.clone()));
        let input = Arc::new(projection(plan, keyed)?);
        let by = PlanExpr::Column(Column::new_unqualified(name));
        let expr = vec![SortExpr { expr: by, asc: true, nulls_first: true }];
        projection(LogicalPlan::Sort(Sort { expr, input, fetch: None }), shown)
    }

    /// What is shown of rows that are sorted by hidden columns, without those.
    pub(super) fn sort_by_hidden(&mut self, query: &HiddenKeys<'_>) -> Result<LogicalPlan> {
        let input = self.build(query.input)?;
        let kept = query.kept();
        let stays = |column: usize| kept.binary_search(&column).ok();
        let used =
            query.keys.iter().flat_map(|key| key.expr.columns()).filter(|column| stays(*column).is_none());
        let read: BTreeSet<usize> =
            used.filter_map(|column| query.projected.get(column)).flat_map(Expr::columns).collect();
        let places: HashMap<usize, usize> =
            read.iter().enumerate().map(|(place, column)| (*column, kept.len() + place)).collect();
        let mut below: Vec<Expr> =
            kept.iter().filter_map(|column| query.projected.get(*column)).cloned().collect();
        below.extend(
            read.iter().map(|column| Expr::Column { index: *column, ty: query.input.output_type(*column) }),
        );
        let over = |expr: &Expr| {
            expr.clone().rewrite(&mut |node| match node {
                Expr::Column { index, ty } => match (stays(index), query.projected.get(index)) {
                    (Some(place), _) => Ok(Expr::Column { index: place, ty }),
                    (None, Some(hidden)) => {
                        let place = |column: usize| places.get(&column).copied().unwrap_or_default();
                        Ok(hidden.clone().remap(&place))
                    }
                    (None, None) => Err(DataFusionError::Internal(format!("column {index} of a projection"))),
                },
                other => Ok(other),
            })
        };
        let mut keys = Vec::with_capacity(query.keys.len());
        for key in query.keys {
            keys.push(KeyPart { expr: over(&key.expr)?, descending: key.descending });
        }
        let plan = self.project(input, &below)?;
        let mut plan = self.sort_by_row_key(plan, keys)?;
        if let Some((offset, count)) = query.limit {
            plan = limit(plan, offset, count);
        }
        let shown = query.shown.iter().map(over).collect::<Result<Vec<Expr>>>()?;
        self.project(plan, &shown)
    }
}
