//! The plan as a table, one operator per row, inputs indented below.
//!
//! `task` says where an operator runs: `root` in the SQL layer, `kv` at the stores. Below a reader stand
//! the parts of it that were pushed down: the scan with its access object and ranges, and the filter.

use std::sync::Arc;

use arrow::compute::SortOptions;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use rutile_sql_types::{Collation, FieldType, Value};

use crate::catalog::TableInfo;
use crate::distsql::Stage;
use crate::executor::{TableReader, Watched};
use crate::expression::pushed::PushedExpr;
use crate::expression::{Expr, print};
use crate::planner::access_path::AccessPath;
use crate::session::ColumnMeta;

/// Longest operator info, in characters.
const MAX_INFO_CHARS: usize = 512;
const TEXT_CHARS: u32 = 1024;

/// One row of the output before it is indented.
pub(super) struct Node {
    pub name: String,
    pub estimated: Option<u64>,
    pub task: &'static str,
    pub access: String,
    pub info: String,
    pub actual: Option<Actual>,
    pub inputs: Vec<Node>,
}

pub(super) struct Actual {
    pub rows: Option<u64>,
    /// What else the operator measured.
    pub info: String,
}

/// The columns of EXPLAIN, or of EXPLAIN ANALYZE.
pub fn explain_columns(analyze: bool) -> Vec<ColumnMeta> {
    let mut names = vec!["id", "estRows", "task", "access object", "operator info"];
    if analyze {
        names.splice(2..2, ["actRows"]);
        names.push("execution info");
    }
    let ty = FieldType::varchar(TEXT_CHARS, Collation::DEFAULT);
    names.into_iter().map(|name| ColumnMeta::computed(name, ty.clone())).collect()
}

/// The rows of EXPLAIN; with `analyze` the plan has run and tells what it did.
pub fn explain_rows(plan: &Arc<dyn ExecutionPlan>, analyze: bool) -> Vec<Vec<Value>> {
    rows_of(&node_of(plan, analyze), analyze)
}

pub(super) fn rows_of(node: &Node, analyze: bool) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    let mut number = 0;
    write_node(node, "", None, analyze, &mut number, &mut rows);
    rows
}

fn write_node(
    node: &Node,
    indent: &str,
    last: Option<bool>,
    analyze: bool,
    number: &mut usize,
    rows: &mut Vec<Vec<Value>>,
) {
    *number += 1;
    let branch = match last {
        None => "",
        Some(true) => "└─",
        Some(false) => "├─",
    };
    let text = |text: &str| Value::text(text);
    let count = |count: Option<u64>| count.map_or_else(String::new, |count| count.to_string());
    let mut row =
        vec![text(&format!("{indent}{branch}{}_{number}", node.name)), text(&count(node.estimated))];
    if analyze {
        row.push(text(&count(node.actual.as_ref().and_then(|actual| actual.rows))));
    }
    row.extend([text(node.task), text(&node.access), text(&clipped(&node.info))]);
    if analyze {
        row.push(text(node.actual.as_ref().map_or("", |actual| &actual.info)));
    }
    rows.push(row);
    let below = match last {
        None => String::new(),
        Some(true) => format!("{indent}  "),
        Some(false) => format!("{indent}│ "),
    };
    for (position, input) in node.inputs.iter().enumerate() {
        write_node(input, &below, Some(position + 1 == node.inputs.len()), analyze, number, rows);
    }
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(MAX_INFO_CHARS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

fn node_of(plan: &Arc<dyn ExecutionPlan>, analyze: bool) -> Node {
    // Wrappers that only yield to the scheduler say nothing about the query.
    if (plan.name() == "CooperativeExec" || plan.name() == Watched::NAME)
        && let Some(input) = plan.children().first()
    {
        return node_of(input, analyze);
    }
    let actual = analyze.then(|| {
        let metrics = plan.metrics();
        let rows = metrics.as_ref().and_then(|metrics| metrics.output_rows());
        let nanos = metrics.as_ref().and_then(|metrics| metrics.elapsed_compute());
        Actual {
            rows: rows.and_then(|rows| u64::try_from(rows).ok()),
            info: nanos.map_or_else(String::new, |nanos| format!("cpu:{}us", nanos / 1000)),
        }
    });
    let estimated = estimated_rows(plan);
    let any: &dyn std::any::Any = plan.as_ref();
    if let Some(reader) = any.downcast_ref::<TableReader>() {
        return reader_node(reader, estimated, actual);
    }
    let line = displayable(plan.as_ref()).one_line().to_string();
    let info = line.trim().split_once(": ").map_or("", |(_, info)| info).to_owned();
    Node {
        name: plan.name().trim_end_matches("Exec").to_owned(),
        estimated,
        task: "root",
        access: String::new(),
        info,
        actual,
        inputs: plan.children().into_iter().map(|input| node_of(input, analyze)).collect(),
    }
}

fn estimated_rows(plan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).ok()?;
    statistics.num_rows.get_value().and_then(|rows| u64::try_from(*rows).ok())
}

pub(super) fn leaf(name: &str, task: &'static str, access: String, info: String) -> Node {
    Node { name: name.to_owned(), estimated: None, task, access, info, actual: None, inputs: Vec::new() }
}

/// The scan itself, at the stores.
pub(super) fn scan_node(table: &TableInfo, alias: &str, path: &AccessPath) -> Node {
    let access = format!("table:{alias}");
    match path {
        AccessPath::Full { .. } => leaf("TableFullScan", "kv", access, String::new()),
        AccessPath::Records { ranges } => {
            let name = if ranges.is_all_points() { "PointGet" } else { "TableRangeScan" };
            leaf(name, "kv", access, format!("range: {}", ranges.text(table)))
        }
        AccessPath::Index { index, ranges } => {
            let named = table.indexes.get(*index).map_or_else(String::new, |index| {
                let columns: Vec<&str> = index.columns.iter().map(|part| part.name.as_str()).collect();
                format!(", index:{}({})", index.name, columns.join(", "))
            });
            leaf("IndexRangeScan", "kv", access + &named, format!("range: {}", ranges.text(table)))
        }
    }
}

/// A reader, and below it the parts of it that were pushed down.
fn reader_node(reader: &TableReader, estimated: Option<u64>, actual: Option<Actual>) -> Node {
    let request = reader.request();
    // Rows found through an index are filtered where they were fetched to.
    let task = if matches!(reader.path(), AccessPath::Index { .. }) { "root" } else { "kv" };
    let column_name = |offset: &usize| {
        request.table.columns.get(*offset).map_or_else(String::new, |column| column.name.clone())
    };
    let names: Vec<String> = request.columns.iter().map(column_name).collect();
    let done = request.work.read();
    let measured = |rows: u64| actual.is_some().then(|| Actual { rows: Some(rows), info: String::new() });
    let mut below = scan_node(&request.table, reader.alias(), reader.path());
    below.estimated = Some(reader.estimated_rows());
    below.actual = measured(done.scanned);
    if !request.filters.is_empty() {
        let filters: Vec<String> = request.filters.iter().map(|filter| filter_text(filter, &names)).collect();
        below = over(below, "Selection", task, filters.join(" AND "));
        below.actual = measured(done.kept);
    }
    if let Some(limit) = request.limit {
        below = over(below, "Limit", task, format!("count:{limit}"));
        below.actual = measured(done.sent);
    }
    if let Some(stage) = &request.stage {
        let (name, info) = stage_text(stage, &names);
        below = over(below, name, task, info);
        below.actual = measured(done.sent);
    }
    if let Some(top) = &mut below.actual {
        top.info = format!("time:{}us, pages:{}", done.nanos / 1000, done.pages);
    }
    let sent: Vec<&str> =
        request.output.iter().filter_map(|position| names.get(*position).map(String::as_str)).collect();
    let columns = match &request.stage {
        Some(Stage::Aggregate(_)) => "partial groups".to_owned(),
        _ => format!("columns:{}", sent.join(", ")),
    };
    let own = if reader.merges_own_writes() { ", with own writes" } else { "" };
    let mut node = leaf(reader.name(), "root", String::new(), format!("{columns}{own}"));
    node.estimated = estimated;
    node.actual = actual;
    node.inputs = vec![below];
    node
}

fn over(input: Node, name: &str, task: &'static str, info: String) -> Node {
    let mut node = leaf(name, task, String::new(), info);
    node.inputs = vec![input];
    node
}

/// Name and text of what a store makes of the rows.
fn stage_text(stage: &Stage, names: &[String]) -> (&'static str, String) {
    match stage {
        Stage::Aggregate(aggregate) => {
            let list = |exprs: &[PushedExpr]| {
                exprs.iter().map(|expr| filter_text(&expr.expr, names)).collect::<Vec<_>>().join(", ")
            };
            let calls: Vec<String> = aggregate
                .calls
                .iter()
                .map(|call| format!("{}({})", call.function.fun().name(), list(&call.args)))
                .collect();
            let keys = list(&aggregate.keys);
            ("PartialAggregate", format!("group by:[{keys}], functions:[{}]", calls.join(", ")))
        }
        Stage::Top(top) => {
            let key = |(key, options): &(PushedExpr, SortOptions)| {
                filter_text(&key.expr, names) + if options.descending { " DESC" } else { "" }
            };
            let keys: Vec<String> = top.keys.iter().map(key).collect();
            ("TopN", format!("{}, count:{}", keys.join(", "), top.count))
        }
    }
}

pub(super) fn filter_text(filter: &Expr, names: &[String]) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = print::write(&mut text, filter, names);
    text
}
