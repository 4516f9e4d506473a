//! Bound relations as DataFusion logical plans.
//!
//! The output columns of every plan stand in the order of the relation's, so a bound column is the
//! plan's column at that position. Names only have to differ: table columns are `t<table>.<column>`,
//! computed ones `#<number>`; MySQL's names are in the result metadata.
//!
//! Strings of a collation group, join and sort by their collation keys; grouping then carries the
//! first spelling of each group along, which is what MySQL shows.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::catalog::default_table_source::DefaultTableSource;
use datafusion::common::{Column, DFSchema, DataFusionError, JoinType, NullEquality, Result, TableReference};
use datafusion::logical_expr::logical_plan::{Aggregate, TableScanBuilder};
use datafusion::logical_expr::{
    Cast, EmptyRelation, Expr as PlanExpr, Filter, Join as PlanJoin, JoinConstraint, Limit, LogicalPlan,
    Projection, Sort, SortExpr, Union, Window,
};

use rutile_sql_types::{FieldType, Value};

use super::aggregate::plan_aggregate;
use super::many_keys::{HiddenGroups, HiddenKeys, SORT_KEYS_MAX};
use super::window::{WindowColumns, edges_of, plan_window};
use crate::binder::relation::{
    Attach, AttachKind, Join, JoinKind, Relation, SortKey, TableScan, VirtualScan,
};
use crate::expression::datafusion::{plan_integer, to_plan, to_plan_condition, to_plan_error, to_plan_key};
use crate::expression::row_key::KeyPart;
use crate::expression::{AggregateCall, Evaluation, Expr, WindowCall, build, key};

/// Terms of a filter or join that are moved and evaluated one by one.
const TERMS_MAX: usize = 128;

/// Makes the providers that scans read from.
pub trait Sources {
    fn stored(&self, scan: &TableScan) -> Result<Arc<dyn TableProvider>>;
    fn rows(&self, scan: &VirtualScan) -> Result<Arc<dyn TableProvider>>;
    fn values(&self, rows: &[Vec<Expr>], types: &[FieldType]) -> Result<Arc<dyn TableProvider>>;
}

/// Builds the plan of one query.
pub struct LogicalBuilder<'a> {
    sources: &'a dyn Sources,
    statement: Arc<Evaluation>,
    tables: usize,
    columns: usize,
}

impl<'a> LogicalBuilder<'a> {
    pub fn new(sources: &'a dyn Sources, statement: Arc<Evaluation>) -> Self {
        Self { sources, statement, tables: 0, columns: 0 }
    }

    pub fn build(&mut self, relation: &Relation) -> Result<LogicalPlan> {
        self.statement.check_alive().map_err(to_plan_error)?;
        match relation {
            Relation::Dual => Ok(LogicalPlan::EmptyRelation(EmptyRelation {
                produce_one_row: true,
                schema: Arc::new(DFSchema::empty()),
            })),
            Relation::Table(scan) => {
                let provider = self.sources.stored(scan)?;
                self.scan(provider)
            }
            Relation::Virtual(scan) => {
                let provider = self.sources.rows(scan)?;
                self.scan(provider)
            }
            Relation::Values { rows, types } => {
                let provider = self.sources.values(rows, types)?;
                self.scan(provider)
            }
            Relation::Join(join) => self.join(join),
            Relation::Filter { input, predicates } => {
                let input = self.build(input)?;
                self.filter(input, predicates)
            }
            Relation::Project { input, exprs } => {
                if let Some(query) = HiddenKeys::of(exprs, input) {
                    return self.sort_by_hidden(&query);
                }
                if let Some(query) = HiddenGroups::of(exprs, input) {
                    return self.group_by_hidden(&query);
                }
                let input = self.build(input)?;
                self.project(input, exprs)
            }
            Relation::Aggregate { input, keys, calls } => {
                let input = self.build(input)?;
                self.aggregate(input, keys, calls)
            }
            Relation::Distinct { input } => {
                let width = input.width();
                let keys: Vec<Expr> =
                    (0..width).map(|index| Expr::Column { index, ty: input.output_type(index) }).collect();
                let input = self.build(input)?;
                self.aggregate(input, &keys, &[])
            }
            Relation::Sort { input, keys } => {
                let input = self.build(input)?;
                self.sort(input, keys)
            }
            Relation::Limit { input, offset, count } => {
                let input = self.build(input)?;
                Ok(limit(input, *offset, *count))
            }
            Relation::Window { input, calls } => {
                let width = input.width();
                let input = self.build(input)?;
                self.window(input, width, calls)
            }
            Relation::Union { inputs } => self.union(inputs),
            Relation::Attach(attach) => self.attach(attach),
            // What runs again and again has become rows before the rest is planned.
            Relation::Apply(_) | Relation::Recursive(_) | Relation::WorkTable { .. } => {
                Err(DataFusionError::Internal("a relation that has no plan".to_owned()))
            }
        }
    }

    fn scan(&mut self, provider: Arc<dyn TableProvider>) -> Result<LogicalPlan> {
        let name = TableReference::bare(format!("t{}", self.tables));
        self.tables += 1;
        let source = Arc::new(DefaultTableSource::new(provider));
        Ok(LogicalPlan::TableScan(TableScanBuilder::new(name, source).build()?))
    }

    pub(super) fn statement(&self) -> &Arc<Evaluation> {
        &self.statement
    }

    pub(super) fn next_name(&mut self) -> String {
        self.columns += 1;
        format!("#{}", self.columns - 1)
    }

    pub(super) fn filter(&mut self, mut plan: LogicalPlan, predicates: &[Expr]) -> Result<LogicalPlan> {
        // One filter per term: the optimizer then moves each as far down as it goes.
        let columns = output_columns(&plan);
        let mut terms = Vec::with_capacity(predicates.len());
        for predicate in self.few_terms(predicates)?.iter() {
            terms.push(to_plan_condition(predicate, &columns, &self.statement)?);
        }
        if let Some(condition) = terms.into_iter().reduce(PlanExpr::and) {
            plan = LogicalPlan::Filter(Filter::try_new(condition, Arc::new(plan))?);
        }
        Ok(plan)
    }

    /// So few terms that DataFusion, which chains and walks them by recursion, has stack enough: more than that are
    /// evaluated in groups.
    fn few_terms<'t>(&self, terms: &'t [Expr]) -> Result<Cow<'t, [Expr]>> {
        if terms.len() <= TERMS_MAX {
            return Ok(Cow::Borrowed(terms));
        }
        let (single, rest) = terms.split_at(TERMS_MAX / 2);
        let groups = rest.chunks(rest.len().div_ceil(TERMS_MAX / 2));
        let grouped = groups.map(|group| build::chain(&self.statement, "and", group.to_vec()));
        let all: std::result::Result<Vec<_>, _> = single.iter().cloned().map(Ok).chain(grouped).collect();
        all.map(Cow::Owned).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    pub(super) fn project(&mut self, plan: LogicalPlan, exprs: &[Expr]) -> Result<LogicalPlan> {
        let columns = output_columns(&plan);
        let mut projected: Vec<PlanExpr> = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let expr = to_plan(expr, &columns, &self.statement)?;
            // A column keeps its name while that is unique, so that a projection of columns folds into the scan.
            let keeps_name = matches!(expr, PlanExpr::Column(_)) && !projected.contains(&expr);
            projected.push(if keeps_name { expr } else { expr.alias(self.next_name()) });
        }
        projection(plan, projected)
    }

    fn sort(&mut self, plan: LogicalPlan, keys: &[SortKey]) -> Result<LogicalPlan> {
        if keys.len() > SORT_KEYS_MAX {
            let part = |key: &SortKey| KeyPart { expr: key.expr.clone(), descending: key.descending };
            return self.sort_by_row_key(plan, keys.iter().map(part).collect());
        }
        let columns = output_columns(&plan);
        let expr = keys
            .iter()
            .map(|key| {
                let expr = to_plan_key(&key.expr, &columns, &self.statement)?;
                // NULL is below everything in MySQL.
                Ok(SortExpr { expr, asc: !key.descending, nulls_first: !key.descending })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(LogicalPlan::Sort(Sort { expr, input: Arc::new(plan), fetch: None }))
    }

    pub(super) fn aggregate(
        &mut self,
        plan: LogicalPlan,
        keys: &[Expr],
        calls: &[AggregateCall],
    ) -> Result<LogicalPlan> {
        let columns = output_columns(&plan);
        let mut below = Vec::new();
        let mut add = |builder: &mut Self, expr: PlanExpr| {
            let name = builder.next_name();
            below.push(expr.alias(name.clone()));
            Column::new_unqualified(name)
        };
        let mut groups = Vec::with_capacity(keys.len());
        let mut firsts: Vec<(usize, AggregateCall, Column)> = Vec::new();
        for (position, key) in keys.iter().enumerate() {
            let grouped = to_plan_key(key, &columns, &self.statement)?;
            groups.push(PlanExpr::Column(add(self, grouped)));
            if key::needs_key(key.ty()) {
                let spelled = to_plan(key, &columns, &self.statement)?;
                firsts.push((position, AggregateCall::any(key.clone()), add(self, spelled)));
            }
        }
        let mut call_args = Vec::with_capacity(calls.len());
        for call in calls {
            let mut args = Vec::new();
            for arg in &call.args {
                let arg = to_plan(arg, &columns, &self.statement)?;
                args.push(PlanExpr::Column(add(self, arg)));
            }
            for (expr, _) in &call.order_by {
                let expr = to_plan(expr, &columns, &self.statement)?;
                args.push(PlanExpr::Column(add(self, expr)));
            }
            call_args.push(args);
        }
        if below.is_empty() {
            // COUNT(*) alone: the projection still has to say that rows exist.
            below.push(plan_integer(1).alias(self.next_name()));
        }
        let input = projection(plan, below)?;
        let mut aggregates = Vec::new();
        for (call, args) in calls.iter().zip(call_args) {
            aggregates.push(plan_aggregate(call, args, &self.statement)?.alias(self.next_name()));
        }
        for (_, call, column) in &firsts {
            let args = vec![PlanExpr::Column(column.clone())];
            aggregates.push(plan_aggregate(call, args, &self.statement)?.alias(self.next_name()));
        }
        let grouped = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), groups, aggregates)?);
        if firsts.is_empty() {
            return Ok(grouped);
        }
        let columns = output_columns(&grouped);
        let mut order: Vec<usize> = (0..keys.len() + calls.len()).collect();
        for (offset, (position, ..)) in firsts.iter().enumerate() {
            if let Some(slot) = order.get_mut(*position) {
                *slot = keys.len() + calls.len() + offset;
            }
        }
        let exprs = order
            .into_iter()
            .filter_map(|index| columns.get(index).cloned())
            .map(|column| PlanExpr::Column(column).alias(self.next_name()))
            .collect();
        projection(grouped, exprs)
    }

    /// One window operator for each call; DataFusion sorts once for those that share an order.
    fn window(&mut self, plan: LogicalPlan, width: usize, calls: &[WindowCall]) -> Result<LogicalPlan> {
        let columns = output_columns(&plan);
        let mut below: Vec<PlanExpr> = columns.iter().cloned().map(PlanExpr::Column).collect();
        let mut read = Vec::with_capacity(calls.len());
        for call in calls {
            let mut add = |builder: &mut Self, expr: &Expr, as_key: bool| -> Result<Column> {
                let convert = if as_key { to_plan_key } else { to_plan };
                let name = builder.next_name();
                below.push(convert(expr, &columns, &builder.statement)?.alias(name.clone()));
                Ok(Column::new_unqualified(name))
            };
            let args = call.args.iter().map(|arg| add(self, arg, false)).collect::<Result<_>>()?;
            let partition_by =
                call.partition_by.iter().map(|key| add(self, key, true)).collect::<Result<_>>()?;
            let order_by =
                call.order_by.iter().map(|(key, _)| add(self, key, true)).collect::<Result<_>>()?;
            let edges =
                edges_of(call).into_iter().map(|edge| add(self, edge, false)).collect::<Result<_>>()?;
            read.push(WindowColumns { args, partition_by, order_by, edges });
        }
        let mut plan = projection(plan, below)?;
        let mut results: Vec<PlanExpr> = columns.into_iter().take(width).map(PlanExpr::Column).collect();
        for (call, read) in calls.iter().zip(read) {
            let expr = plan_window(call, read, &self.statement).alias(self.next_name());
            plan = LogicalPlan::Window(Window::try_new(vec![expr], Arc::new(plan))?);
            results.extend(output_columns(&plan).pop().map(PlanExpr::Column));
        }
        projection(plan, results)
    }

    fn union(&mut self, inputs: &[Relation]) -> Result<LogicalPlan> {
        let width = inputs.first().map_or(0, Relation::width);
        let names: Vec<String> = (0..width).map(|_| self.next_name()).collect();
        let mut plans = Vec::with_capacity(inputs.len());
        for input in inputs {
            let plan = self.build(input)?;
            let exprs = output_columns(&plan)
                .into_iter()
                .zip(&names)
                .map(|(column, name)| PlanExpr::Column(column).alias(name.clone()))
                .collect();
            plans.push(Arc::new(projection(plan, exprs)?));
        }
        Ok(LogicalPlan::Union(Union::try_new(plans)?))
    }

    fn join(&mut self, join: &Join) -> Result<LogicalPlan> {
        let left = self.build(&join.left)?;
        let right = self.build(&join.right)?;
        let kind = match join.kind {
            JoinKind::Inner => JoinType::Inner,
            JoinKind::Left => JoinType::Left,
            JoinKind::Right => JoinType::Right,
        };
        self.join_plans(left, right, kind, &join.on, false)
    }

    fn attach(&mut self, attach: &Attach) -> Result<LogicalPlan> {
        if attach.input.width() == 0 {
            return self.attach_to_nothing(attach);
        }
        let input = self.build(&attach.input)?;
        let subquery = self.build(&attach.subquery)?;
        match attach.kind {
            AttachKind::Semi => self.join_plans(input, subquery, JoinType::LeftSemi, &attach.on, false),
            AttachKind::Anti => self.join_plans(input, subquery, JoinType::LeftAnti, &attach.on, false),
            AttachKind::AntiNullAware => {
                self.join_plans(input, subquery, JoinType::LeftAnti, &attach.on, true)
            }
            AttachKind::Scalar if attach.on.is_empty() && attach.subquery.is_single_row() => {
                self.join_plans(input, subquery, JoinType::Inner, &[], false)
            }
            AttachKind::Scalar => self.join_plans(input, subquery, JoinType::Left, &attach.on, false),
            AttachKind::Mark => {
                let joined = self.join_plans(input, subquery, JoinType::LeftMark, &attach.on, false)?;
                let mut columns = output_columns(&joined);
                let mark = columns.pop();
                let mut exprs: Vec<PlanExpr> = columns
                    .into_iter()
                    .map(|column| PlanExpr::Column(column).alias(self.next_name()))
                    .collect();
                if let Some(mark) = mark {
                    let value = PlanExpr::Cast(Cast::new(Box::new(PlanExpr::Column(mark)), DataType::Int64));
                    exprs.push(value.alias(self.next_name()));
                }
                projection(joined, exprs)
            }
        }
    }

    /// A subquery beside a row without columns. Joins need a column, so the row gets one for the time.
    fn attach_to_nothing(&mut self, attach: &Attach) -> Result<LogicalPlan> {
        let one = Expr::literal(Value::Int(1), FieldType::bigint().with_not_null());
        let widened = Attach {
            kind: attach.kind,
            input: attach.input.clone().projected(vec![one]),
            subquery: attach.subquery.clone(),
            on: attach.on.iter().map(|term| term.clone().shift(1)).collect(),
        };
        let joined = self.attach(&widened)?;
        let exprs = output_columns(&joined)
            .into_iter()
            .skip(1)
            .map(|column| PlanExpr::Column(column).alias(self.next_name()))
            .collect();
        projection(joined, exprs)
    }

    fn join_plans(
        &mut self,
        left: LogicalPlan,
        right: LogicalPlan,
        kind: JoinType,
        on: &[Expr],
        null_aware: bool,
    ) -> Result<LogicalPlan> {
        let left_columns = output_columns(&left);
        let width = left_columns.len();
        let right_columns = output_columns(&right);
        let columns: Vec<Column> = left_columns.iter().chain(&right_columns).cloned().collect();
        let (mut keys, mut filters) = (Vec::new(), Vec::new());
        for term in self.few_terms(on)?.iter() {
            match key::equality_keys(term).and_then(|sides| split_sides(sides, width)) {
                Some((l, r)) => {
                    let l = to_plan_key(&l, &left_columns, &self.statement)?;
                    let r = to_plan_key(&r, &right_columns, &self.statement)?;
                    keys.push((l, r));
                }
                None => filters.push(to_plan_condition(term, &columns, &self.statement)?),
            }
        }
        let joined = PlanJoin::try_new(
            Arc::new(left),
            Arc::new(right),
            keys,
            filters.into_iter().reduce(PlanExpr::and),
            kind,
            JoinConstraint::On,
            NullEquality::NullEqualsNothing,
            null_aware,
        )?;
        Ok(LogicalPlan::Join(joined))
    }
}

/// The sides of an equality as (left input, right input), each in its own input's numbering.
fn split_sides((a, b): (Expr, Expr), width: usize) -> Option<(Expr, Expr)> {
    let in_left = |expr: &Expr| {
        let columns = expr.columns();
        !columns.is_empty() && columns.iter().all(|column| *column < width)
    };
    let in_right = |expr: &Expr| {
        let columns = expr.columns();
        !columns.is_empty() && columns.iter().all(|column| *column >= width)
    };
    if in_left(&a) && in_right(&b) {
        Some((a, b.remap(&|index| index - width)))
    } else if in_left(&b) && in_right(&a) {
        Some((b, a.remap(&|index| index - width)))
    } else {
        None
    }
}

pub(super) fn limit(input: LogicalPlan, offset: u64, count: Option<u64>) -> LogicalPlan {
    // LIMIT 18446744073709551615 is MySQL's "all rows".
    let clamp = |number: u64| plan_integer(i64::try_from(number).unwrap_or(i64::MAX));
    LogicalPlan::Limit(Limit {
        skip: (offset > 0).then(|| Box::new(clamp(offset))),
        fetch: count.map(|count| Box::new(clamp(count))),
        input: Arc::new(input),
    })
}

pub(super) fn projection(input: LogicalPlan, exprs: Vec<PlanExpr>) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(input))?))
}

/// The columns of a plan's output, by position.
pub fn output_columns(plan: &LogicalPlan) -> Vec<Column> {
    plan.schema().columns()
}

/// The Arrow schema of columns of these types, named by position.
pub fn schema_of<'t>(types: impl IntoIterator<Item = &'t FieldType>) -> Arc<Schema> {
    let fields: Vec<Field> = types
        .into_iter()
        .enumerate()
        // Nullable whatever MySQL says: outer joins above must be able to add NULLs.
        .map(|(index, ty)| Field::new(format!("c{index}"), ty.arrow_type(), true))
        .collect();
    Arc::new(Schema::new(fields))
}
