//! GROUP BY and aggregates over rows in memory, by the state machines of the functions.
//!
//! Groups come out in the order of their first rows. Left to plans: ORDER BY inside an aggregate and the single
//! value of a scalar subquery.

use std::collections::{HashMap, HashSet};

use rutile_sql_functions::EvalContext;
use rutile_sql_functions::aggregate::{Accumulator, Aggregate, AggregateInfo, lookup};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::row::Row;
use super::row_order::{append_key, has_key};
use crate::expression::{AggregateCall, AggregateKind, Expr, evaluate};

/// Whether all of a grouping can run here.
pub fn can_run(keys: &[Expr], calls: &[AggregateCall]) -> bool {
    let keyed = |exprs: &[Expr]| exprs.iter().all(|expr| has_key(expr.ty()));
    keyed(keys)
        && calls.iter().all(|call| {
            call.order_by.is_empty()
                && (!call.distinct || keyed(&call.args))
                && (call.kind == AggregateKind::CountRows || function(call.kind).is_some())
        })
}

fn function(kind: AggregateKind) -> Option<&'static Aggregate> {
    match kind {
        AggregateKind::CountRows | AggregateKind::Single => None,
        AggregateKind::Function(function) => Some(function),
        kind => lookup(kind.name()),
    }
}

/// One aggregate of one group.
enum State {
    Rows(i64),
    Function { state: Box<dyn Accumulator>, seen: Option<HashSet<Vec<u8>>> },
}

struct Group {
    keys: Row,
    states: Vec<State>,
}

/// The keys of each group and the aggregates behind them; without keys exactly one row.
pub fn grouped(
    rows: Vec<Row>,
    keys: &[Expr],
    calls: &[AggregateCall],
    context: &mut EvalContext,
) -> Result<Vec<Row>, MySqlError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut positions: HashMap<Vec<u8>, usize> = HashMap::new();
    if keys.is_empty() {
        groups.push(Group {
            keys: Vec::new(),
            states: calls.iter().map(|call| new_state(call, context)).collect::<Result<_, _>>()?,
        });
    }
    for row in &rows {
        let position = if keys.is_empty() {
            0
        } else {
            group_of(row, keys, calls, &mut groups, &mut positions, context)?
        };
        let Some(group) = groups.get_mut(position) else {
            continue;
        };
        for (state, call) in group.states.iter_mut().zip(calls) {
            add(state, call, row, context)?;
        }
    }
    groups.into_iter().map(|group| finish(group, context)).collect()
}

fn group_of(
    row: &Row,
    keys: &[Expr],
    calls: &[AggregateCall],
    groups: &mut Vec<Group>,
    positions: &mut HashMap<Vec<u8>, usize>,
    context: &mut EvalContext,
) -> Result<usize, MySqlError> {
    let mut found = Vec::with_capacity(keys.len());
    let mut key = Vec::new();
    for expr in keys {
        let value = evaluate(expr, row, context)?;
        append_key(&mut key, &value, expr.ty())?;
        found.push(value);
    }
    if let Some(position) = positions.get(&key) {
        return Ok(*position);
    }
    groups.push(Group {
        keys: found,
        states: calls.iter().map(|call| new_state(call, context)).collect::<Result<_, _>>()?,
    });
    positions.insert(key, groups.len() - 1);
    Ok(groups.len() - 1)
}

fn new_state(call: &AggregateCall, context: &EvalContext) -> Result<State, MySqlError> {
    if call.kind == AggregateKind::CountRows {
        return Ok(State::Rows(0));
    }
    let function = function(call.kind)
        .ok_or_else(|| MySqlError::internal(format!("{} does not run by rows", call.name())))?;
    let info = AggregateInfo {
        args: call.args.iter().map(|arg| arg.ty().clone()).collect::<Vec<FieldType>>(),
        result: call.ty.clone(),
        separator: call.separator.clone(),
        max_length: usize::try_from(context.group_concat_max_len).unwrap_or(usize::MAX),
    };
    Ok(State::Function { state: (function.new)(&info), seen: call.distinct.then(HashSet::new) })
}

fn add(
    state: &mut State,
    call: &AggregateCall,
    row: &Row,
    context: &mut EvalContext,
) -> Result<(), MySqlError> {
    let (state, seen) = match state {
        State::Rows(count) => {
            *count += 1;
            return Ok(());
        }
        State::Function { state, seen } => (state, seen),
    };
    let mut args = Vec::with_capacity(call.args.len());
    for arg in &call.args {
        args.push(evaluate(arg, row, context)?);
    }
    if let Some(seen) = seen {
        let mut key = Vec::new();
        for (value, arg) in args.iter().zip(&call.args) {
            append_key(&mut key, value, arg.ty())?;
        }
        if !seen.insert(key) {
            return Ok(());
        }
    }
    state.accumulate(context, &args)
}

fn finish(group: Group, context: &mut EvalContext) -> Result<Row, MySqlError> {
    let mut row = group.keys;
    for state in group.states {
        row.push(match state {
            State::Rows(count) => Value::Int(count),
            State::Function { mut state, .. } => state.result(context)?,
        });
    }
    Ok(row)
}
