//! Optimizer hints: what `/*+ ... */` asks for, honoured, taken as advice, or answered.
//!
//! `MAX_EXECUTION_TIME(ms)` of the outermost SELECT limits the statement (MySQL manual, "Statement Execution Time
//! Optimizer Hints"). Hints about access paths and join orders are advice that no answer depends on, so they need not
//! be followed; `SET_VAR` and `RESOURCE_GROUP` would change the statement and are refused. What MySQL does not know
//! is a warning, as there. Missing: warnings for tables that an advice names and the statement does not have.

use rutile_sql_parser::ast::{self, Hint};
use rutile_sql_types::MySqlError;

use super::error::not_supported;
use crate::expression::Evaluation;

const MAX_EXECUTION_TIME: &str = "MAX_EXECUTION_TIME";

/// Hints of MySQL 9.7 that only advise the optimizer.
const ADVICE: &[&str] = &[
    "BKA",
    "BNL",
    "DERIVED_CONDITION_PUSHDOWN",
    "GROUP_INDEX",
    "HASH_JOIN",
    "INDEX",
    "INDEX_MERGE",
    "JOIN_FIXED_ORDER",
    "JOIN_INDEX",
    "JOIN_ORDER",
    "JOIN_PREFIX",
    "JOIN_SUFFIX",
    "MERGE",
    "MRR",
    "NO_BKA",
    "NO_BNL",
    "NO_DERIVED_CONDITION_PUSHDOWN",
    "NO_GROUP_INDEX",
    "NO_HASH_JOIN",
    "NO_ICP",
    "NO_INDEX",
    "NO_INDEX_MERGE",
    "NO_JOIN_INDEX",
    "NO_MERGE",
    "NO_MRR",
    "NO_ORDER_INDEX",
    "NO_RANGE_OPTIMIZATION",
    "NO_SEMIJOIN",
    "NO_SKIP_SCAN",
    "ORDER_INDEX",
    "QB_NAME",
    "SEMIJOIN",
    "SKIP_SCAN",
    "SUBQUERY",
];

/// The limit that the outermost SELECT asks for, in milliseconds; the first counts.
pub fn time_limit_ms(query: &ast::Query) -> Option<u64> {
    let select = first_select(&query.body)?;
    let limit = select.hints.iter().find(|hint| is_named(hint, MAX_EXECUTION_TIME))?;
    milliseconds(limit)
}

fn first_select(body: &ast::QueryBody) -> Option<&ast::Select> {
    match body {
        ast::QueryBody::Select(select) => Some(select),
        ast::QueryBody::SetOperation(operation) => first_select(&operation.first),
        _ => None,
    }
}

/// Warns of the hints that have no meaning here. `is_outermost`: of a SELECT that is the whole statement.
pub fn check(hints: &[Hint], is_outermost: bool, statement: &Evaluation) -> Result<(), MySqlError> {
    if hints.is_empty() {
        return Ok(());
    }
    let mut limited = false;
    let mut eval = statement.eval_context();
    for hint in hints {
        if is_named(hint, "SET_VAR") || is_named(hint, "RESOURCE_GROUP") {
            return Err(not_supported(&format!("the hint {}", hint.name.as_str().to_uppercase())));
        }
        if !is_named(hint, MAX_EXECUTION_TIME) {
            if !ADVICE.iter().any(|name| is_named(hint, name)) {
                eval.warn(MySqlError::hint_syntax(written(hint)));
            }
        } else if milliseconds(hint).is_none() {
            eval.warn(MySqlError::hint_syntax(hint.arguments.as_deref().unwrap_or_default()));
        } else if !is_outermost {
            eval.warn(MySqlError::time_limit_not_outermost());
        } else if std::mem::replace(&mut limited, true) {
            eval.warn(MySqlError::hint_conflicting(written(hint)));
        }
    }
    statement.absorb(eval);
    Ok(())
}

fn is_named(hint: &Hint, name: &str) -> bool {
    hint.name.as_str().eq_ignore_ascii_case(name)
}

fn milliseconds(hint: &Hint) -> Option<u64> {
    hint.arguments.as_deref()?.trim().parse().ok()
}

fn written(hint: &Hint) -> String {
    match &hint.arguments {
        Some(arguments) => format!("{}({arguments})", hint.name.as_str()),
        None => hint.name.as_str().to_owned(),
    }
}
