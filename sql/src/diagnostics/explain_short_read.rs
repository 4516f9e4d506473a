//! EXPLAIN of a query that runs without a plan, row by row over what its keys find.
//!
//! `ShortRead` stands at the top and says so; below it are the query's operators as they run, and the scan.

use rutile_sql_types::Value;

use super::explain::{Actual, Node, filter_text, leaf, rows_of, scan_node};
use crate::binder::Relation;
use crate::executor::ShortRead;
use crate::expression::Expr;

/// The rows of EXPLAIN; `actual_rows` is known after it ran.
pub fn explain_short_read(read: &ShortRead<'_>, actual_rows: Option<usize>) -> Vec<Vec<Value>> {
    let mut top = leaf("ShortRead", "root", String::new(), String::new());
    top.actual = actual_rows.map(|rows| Actual { rows: u64::try_from(rows).ok(), info: String::new() });
    top.inputs = vec![node_of(read.relation(), read)];
    rows_of(&top, actual_rows.is_some())
}

fn node_of(relation: &Relation, read: &ShortRead<'_>) -> Node {
    let names: Vec<String> = match relation {
        Relation::Filter { input, .. }
        | Relation::Project { input, .. }
        | Relation::Sort { input, .. }
        | Relation::Aggregate { input, .. } => column_names(input),
        _ => Vec::new(),
    };
    let list =
        |exprs: &[Expr]| exprs.iter().map(|expr| filter_text(expr, &names)).collect::<Vec<_>>().join(", ");
    let (name, info) = match relation {
        Relation::Table(scan) => {
            let mut node = scan_node(&scan.table, &scan.alias, read.path());
            if read.is_reverse() {
                node.info.push_str(if node.info.is_empty() { "descending" } else { ", descending" });
            }
            if let Some(limit) = read.limit() {
                let count =
                    format!("{}ends after {limit} rows", if node.info.is_empty() { "" } else { ", " });
                node.info.push_str(&count);
            }
            return node;
        }
        Relation::Filter { predicates, .. } => {
            let terms: Vec<String> = predicates.iter().map(|term| filter_text(term, &names)).collect();
            ("Selection", terms.join(" AND "))
        }
        Relation::Project { exprs, .. } => ("Projection", list(exprs)),
        Relation::Sort { keys, .. } => {
            let keys: Vec<String> = keys
                .iter()
                .map(|key| filter_text(&key.expr, &names) + if key.descending { " DESC" } else { "" })
                .collect();
            ("Sort", keys.join(", "))
        }
        Relation::Distinct { .. } => ("Distinct", String::new()),
        Relation::Limit { offset, count, .. } => {
            let count = count.map_or_else(String::new, |count| format!(", count:{count}"));
            ("Limit", format!("offset:{offset}{count}"))
        }
        Relation::Aggregate { keys, calls, .. } => {
            let calls: Vec<String> =
                calls.iter().map(|call| format!("{}({})", call.name(), list(&call.args))).collect();
            ("Aggregate", format!("group by:[{}], functions:[{}]", list(keys), calls.join(", ")))
        }
        _ => ("Operator", String::new()),
    };
    let mut node = leaf(name, "root", String::new(), info);
    node.inputs = relation.inputs().into_iter().map(|input| node_of(input, read)).collect();
    node
}

/// Names of a relation's columns as far as they are the table's.
fn column_names(relation: &Relation) -> Vec<String> {
    match relation {
        Relation::Table(scan) => scan
            .columns
            .iter()
            .map(|offset| {
                scan.table.columns.get(*offset).map_or_else(String::new, |column| column.name.clone())
            })
            .collect(),
        Relation::Project { input, exprs } => {
            let names = column_names(input);
            exprs.iter().map(|expr| filter_text(expr, &names)).collect()
        }
        Relation::Aggregate { input, keys, calls } => {
            let names = column_names(input);
            let keys = keys.iter().map(|key| filter_text(key, &names));
            keys.chain(calls.iter().map(|call| call.name().to_owned())).collect()
        }
        other => other.inputs().first().map_or_else(Vec::new, |input| column_names(input)),
    }
}
