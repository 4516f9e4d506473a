//! Constant folding, and a little algebra on conditions.
//!
//! Folding never decides that a statement fails or warns: what raises anything when evaluated alone
//! stays as it is and raises it, or not, when rows are there.

use rutile_sql_functions::Coercibility;
use rutile_sql_types::{MySqlError, Value};

use super::{Evaluation, Expr, conjuncts, evaluate};

/// Replaces a call over constants by its value.
pub fn fold(expr: Expr, statement: &Evaluation) -> Result<Expr, MySqlError> {
    let Expr::Call(call) = &expr else {
        return Ok(expr);
    };
    let constant = !call.function.volatile
        // An explicit collation is a property of the call.
        && call.info.coercibility != Coercibility::Explicit
        && call.args.iter().all(|arg| matches!(arg, Expr::Literal { .. }));
    if !constant {
        return Ok(expr);
    }
    let mut context = statement.eval_context();
    match evaluate(&expr, &[], &mut context) {
        Ok(value) if context.convert.warnings.is_empty() && context.new_last_insert_id.is_none() => {
            let mut ty = call.info.result.clone();
            if matches!(value, Value::Null) {
                ty.not_null = false;
            }
            Ok(Expr::Literal { value, ty })
        }
        _ => Ok(expr),
    }
}

/// The terms of a condition: those of AND, and of an OR the terms that all its branches share, so that
/// `(a = b AND x) OR (a = b AND y)` joins on `a = b`.
pub fn factor_or(expr: Expr) -> Result<Vec<Expr>, MySqlError> {
    let mut terms = Vec::new();
    for term in conjuncts(expr) {
        match term {
            Expr::Call(call) if call.function.name == "or" => terms.extend(factor_branches(call.args)?),
            other => terms.push(other),
        }
    }
    Ok(terms)
}

fn factor_branches(branches: Vec<Expr>) -> Result<Vec<Expr>, MySqlError> {
    let mut split: Vec<Vec<Expr>> = branches.into_iter().map(conjuncts).collect();
    let mut common: Vec<Expr> = split.first().cloned().unwrap_or_default();
    common.retain(|term| !term.is_volatile() && split.iter().all(|branch| branch.contains(term)));
    for branch in &mut split {
        branch.retain(|term| !common.contains(term));
    }
    if split.iter().any(Vec::is_empty) {
        // A branch that asks for nothing more makes the rest true.
        return Ok(common);
    }
    let mut rest = Vec::with_capacity(split.len());
    for branch in split {
        rest.extend(super::build::conjunction(branch)?);
    }
    if rest.len() > 1 {
        common.push(super::build::call("or", rest)?);
    } else {
        common.extend(rest);
    }
    Ok(common)
}
