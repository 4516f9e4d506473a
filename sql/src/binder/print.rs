//! Bound relations as text, one operator per line; for golden tests and logs.

use std::fmt;

use super::relation::{AttachKind, JoinKind, Relation};
use crate::expression::Expr;

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self, 0)
    }
}

fn write(f: &mut fmt::Formatter<'_>, relation: &Relation, depth: usize) -> fmt::Result {
    write!(f, "{:indent$}", "", indent = depth * 2)?;
    match relation {
        Relation::Dual => writeln!(f, "Dual")?,
        Relation::Table(scan) => {
            writeln!(f, "Table {}.{} as {}", scan.database, scan.table.name, scan.alias)?
        }
        Relation::Virtual(scan) => writeln!(f, "Virtual {}.{} as {}", scan.database, scan.name, scan.alias)?,
        Relation::Values { rows, types } => writeln!(f, "Values {} rows of {}", rows.len(), types.len())?,
        Relation::Join(join) => {
            let kind = match join.kind {
                JoinKind::Inner => "Inner",
                JoinKind::Left => "Left",
                JoinKind::Right => "Right",
            };
            writeln!(f, "Join {kind} on [{}]", list(&join.on))?;
        }
        Relation::Filter { predicates, .. } => writeln!(f, "Filter [{}]", list(predicates))?,
        Relation::Project { exprs, .. } => writeln!(f, "Project [{}]", list(exprs))?,
        Relation::Aggregate { keys, calls, .. } => {
            let calls: Vec<String> = calls
                .iter()
                .map(|call| {
                    let distinct = if call.distinct { "distinct " } else { "" };
                    format!("{}({distinct}{})", call.name(), list(&call.args))
                })
                .collect();
            writeln!(f, "Aggregate keys [{}] calls [{}]", list(keys), calls.join(", "))?;
        }
        Relation::Window { calls, .. } => {
            let names: Vec<&str> = calls.iter().map(|call| call.function.name()).collect();
            writeln!(f, "Window [{}]", names.join(", "))?;
        }
        Relation::Apply(apply) => {
            writeln!(f, "Apply {:?} with [{}] on [{}]", apply.form, list(&apply.bindings), list(&apply.on))?;
        }
        Relation::Recursive(recursive) => writeln!(f, "Recursive {}", recursive.name)?,
        Relation::WorkTable { .. } => writeln!(f, "WorkTable")?,
        Relation::Distinct { .. } => writeln!(f, "Distinct")?,
        Relation::Sort { keys, .. } => {
            let keys: Vec<String> = keys
                .iter()
                .map(|key| format!("{}{}", key.expr, if key.descending { " desc" } else { "" }))
                .collect();
            writeln!(f, "Sort [{}]", keys.join(", "))?;
        }
        Relation::Limit { offset, count, .. } => match count {
            Some(count) => writeln!(f, "Limit {count} offset {offset}")?,
            None => writeln!(f, "Limit all offset {offset}")?,
        },
        Relation::Union { .. } => writeln!(f, "Union")?,
        Relation::Attach(attach) => {
            let kind = match attach.kind {
                AttachKind::Semi => "Semi",
                AttachKind::Anti => "Anti",
                AttachKind::AntiNullAware => "AntiNullAware",
                AttachKind::Mark => "Mark",
                AttachKind::Scalar => "Scalar",
            };
            writeln!(f, "Attach {kind} on [{}]", list(&attach.on))?;
        }
    }
    for input in relation.inputs() {
        write(f, input, depth + 1)?;
    }
    Ok(())
}

fn list(exprs: &[Expr]) -> String {
    exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
