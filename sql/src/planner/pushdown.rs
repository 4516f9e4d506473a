//! Aggregates and ORDER BY ... LIMIT over one table, moved to where its rows are.
//!
//! ```text
//! Aggregate(Single) over [Projection] over TableReader  ->  Aggregate(Final) over TableReader with partial groups
//! Sort with a limit over [Projection] over TableReader  ->  the same over TableReader with the first rows only
//! ```
//!
//! What the stores send is what the operator above would have made of the same rows, so it stays and merges: states
//! of several pages and regions, and of the transaction's own rows. Not moved are operators over index look-ups
//! (their rows are not at one store), over a limit, and over conditions that are evaluated above the scan.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;

use super::aggregate::{Split, split};
use crate::distsql::{PartialAggregate, PartialCall, ScanRequest, Stage, TopRows};
use crate::executor::TableReader;
use crate::expression::Expr;
use crate::expression::pushed::{PushedExpr, from_physical};

/// Rows of ORDER BY ... LIMIT above which every page would be sent nearly whole.
const TOP_ROWS_MAX: usize = 10_000;

/// The plan with everything moved that can be; if that is not wanted, only with scans in the order of their keys
/// where an aggregate's answer depends on it.
pub fn push_down(plan: Arc<dyn ExecutionPlan>, wanted: bool) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_down(|plan| {
        let any: &dyn std::any::Any = plan.as_ref();
        let pushed = if let Some(aggregate) = any.downcast_ref::<AggregateExec>() {
            let pushed = if wanted { push_aggregate(aggregate)? } else { None };
            if pushed.is_some() { pushed } else { order_input(aggregate)? }
        } else if let Some(sort) = any.downcast_ref::<SortExec>()
            && wanted
        {
            push_top(sort)?
        } else {
            None
        };
        Ok(match pushed {
            Some(pushed) => Transformed::yes(pushed),
            None => Transformed::no(plan),
        })
    })
    .data()
}

/// A reader below projections, and the columns on top of it as expressions over what it decodes.
struct Source<'p> {
    reader: &'p TableReader,
    columns: Vec<PushedExpr>,
}

fn source_of(plan: &Arc<dyn ExecutionPlan>) -> Option<Source<'_>> {
    let any: &dyn std::any::Any = plan.as_ref();
    if let Some(reader) = any.downcast_ref::<TableReader>() {
        return Some(Source { reader, columns: output_of(reader.request())? });
    }
    if let Some(cooperative) = any.downcast_ref::<CooperativeExec>() {
        return source_of(cooperative.input());
    }
    let projection = any.downcast_ref::<ProjectionExec>()?;
    let below = source_of(projection.input())?;
    let columns = projection.expr().iter().map(|column| from_physical(&column.expr, &below.columns));
    Some(Source { reader: below.reader, columns: columns.collect::<Option<_>>()? })
}

fn output_of(request: &ScanRequest) -> Option<Vec<PushedExpr>> {
    let column = |position: &usize| {
        let info = request.table.columns.get(*request.columns.get(*position)?)?;
        Some(PushedExpr::value(Expr::column(*position, info.ty.clone())))
    };
    request.output.iter().map(column).collect()
}

fn push_aggregate(aggregate: &AggregateExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let mode = aggregate.mode();
    let group = aggregate.group_expr();
    let is_plain = matches!(mode, AggregateMode::Single | AggregateMode::Partial)
        && !group.has_grouping_set()
        && aggregate.limit_options().is_none()
        && aggregate.filter_expr().iter().all(Option::is_none);
    if !is_plain || (group.is_empty() && aggregate.aggr_expr().is_empty()) {
        return Ok(None);
    }
    let Some(source) = source_of(aggregate.input()) else {
        return Ok(None);
    };
    let Some((keys, calls, keeps_first)) = bound_parts(aggregate, &source) else {
        return Ok(None);
    };
    // Which spelling comes first among own and stored rows is known only where they are merged by key.
    if keeps_first && source.reader.merges_own_writes() {
        return Ok(None);
    }
    let partial = AggregateExec::try_new(
        AggregateMode::Partial,
        Arc::new(group.clone()),
        aggregate.aggr_expr().to_vec(),
        aggregate.filter_expr().to_vec(),
        Arc::clone(aggregate.input()),
        aggregate.input_schema(),
    )?;
    let schema = partial.schema();
    let key_schema = group.group_schema(&aggregate.input().schema())?;
    let stage = Stage::Aggregate(Arc::new(PartialAggregate { keys, calls, key_schema, keeps_first }));
    let Some(reader) = cooperative_reader(source.reader, stage, schema) else {
        return Ok(None);
    };
    if *mode == AggregateMode::Partial {
        return Ok(Some(reader));
    }
    let merged = AggregateExec::try_new(
        AggregateMode::Final,
        Arc::new(group.as_final()),
        aggregate.aggr_expr().to_vec(),
        aggregate.filter_expr().to_vec(),
        reader,
        aggregate.input_schema(),
    )?;
    Ok(Some(Arc::new(merged)))
}

/// The aggregate over a scan whose regions answer in turn, if its answer depends on the order of the rows: which of equal
/// values comes first, text that is joined, the last digits of approximate sums.
fn order_input(aggregate: &AggregateExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let depends_on_order = aggregate.aggr_expr().iter().any(|call| split(call.fun()) != Some(Split::Any));
    let Some(source) = source_of(aggregate.input()) else {
        return Ok(None);
    };
    if !depends_on_order || source.reader.request().keep_order {
        return Ok(None);
    }
    let reader: Arc<dyn ExecutionPlan> = Arc::new(CooperativeExec::new(Arc::new(source.reader.in_order())));
    let ordered = AggregateExec::try_new(
        *aggregate.mode(),
        Arc::new(aggregate.group_expr().clone()),
        aggregate.aggr_expr().to_vec(),
        aggregate.filter_expr().to_vec(),
        replace_reader(aggregate.input(), &reader)?,
        aggregate.input_schema(),
    )?;
    Ok(Some(Arc::new(ordered.with_limit_options(aggregate.limit_options()))))
}

/// Keys and calls over the decoded columns, and whether the order of pages matters; `None` if one of them has to
/// stay above.
fn bound_parts(
    aggregate: &AggregateExec,
    source: &Source<'_>,
) -> Option<(Vec<PushedExpr>, Vec<PartialCall>, bool)> {
    let keys: Option<Vec<PushedExpr>> =
        aggregate.group_expr().expr().iter().map(|(key, _)| from_physical(key, &source.columns)).collect();
    let mut calls = Vec::with_capacity(aggregate.aggr_expr().len());
    let mut keeps_first = false;
    for function in aggregate.aggr_expr() {
        if function.is_distinct() || !function.order_bys().is_empty() {
            return None;
        }
        keeps_first |= split(function.fun())? == Split::FirstWins;
        let args: Option<Vec<PushedExpr>> =
            function.expressions().iter().map(|arg| from_physical(arg, &source.columns)).collect();
        calls.push(PartialCall { args: args?, function: Arc::clone(function) });
    }
    Some((keys?, calls, keeps_first))
}

fn push_top(sort: &SortExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(count) = sort.fetch().filter(|count| *count <= TOP_ROWS_MAX) else {
        return Ok(None);
    };
    let Some(source) = source_of(sort.input()) else {
        return Ok(None);
    };
    let keys = sort.expr().iter().map(|key| Some((from_physical(&key.expr, &source.columns)?, key.options)));
    let Some(keys) = keys.collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let schema = source.reader.schema();
    let stage = Stage::Top(Arc::new(TopRows { keys, count }));
    let Some(reader) = cooperative_reader(source.reader, stage, schema) else {
        return Ok(None);
    };
    let input = replace_reader(sort.input(), &reader)?;
    let sorted = SortExec::new(sort.expr().clone(), input)
        .with_fetch(Some(count))
        .with_preserve_partitioning(sort.preserve_partitioning());
    Ok(Some(Arc::new(sorted)))
}

fn cooperative_reader(
    reader: &TableReader,
    stage: Stage,
    schema: SchemaRef,
) -> Option<Arc<dyn ExecutionPlan>> {
    let reader = reader.with_stage(stage, schema)?;
    Some(Arc::new(CooperativeExec::new(Arc::new(reader))))
}

/// The same projections over another reader.
fn replace_reader(
    plan: &Arc<dyn ExecutionPlan>,
    reader: &Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let any: &dyn std::any::Any = plan.as_ref();
    match any.downcast_ref::<ProjectionExec>() {
        Some(projection) => {
            let input = replace_reader(projection.input(), reader)?;
            Ok(Arc::new(ProjectionExec::try_new(projection.expr().to_vec(), input)?))
        }
        None => Ok(Arc::clone(reader)),
    }
}
