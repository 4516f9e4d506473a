//! WITH ROLLUP: the groups, and for each key the totals over it and the keys behind it.
//!
//! ```text
//! Aggregate by the first `level` keys        for level 1 to all, in one pass: every row once per level
//! + Aggregate by nothing                     the grand total, also over no rows
//! ```
//!
//! A key that a row totals over is NULL there; `GROUPING(key)` tells that NULL from one of the data by the level,
//! which is the first column of the answer.

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::relation::{Join, JoinKind, Relation, SortKey};
use crate::expression::{AggregateCall, Expr, build};

/// Where the level of a row stands.
const LEVEL: usize = 0;

/// The level, the keys, the aggregates: of the groups and of all totals. `sorted` puts each total behind what it
/// is the total of, as MySQL does where no other order is asked for.
pub(super) fn relation(
    input: Relation,
    keys: Vec<Expr>,
    calls: Vec<AggregateCall>,
    sorted: bool,
) -> Result<Relation, MySqlError> {
    let count = keys.len();
    let key_types: Vec<FieldType> = keys.iter().map(|key| key.ty().clone().with_nullable()).collect();
    let total = grand_total(input.clone(), &key_types, calls.clone())?;
    let levels = (1..=count).map(|level| vec![integer(level)]).collect();
    let levels = Relation::Values { rows: levels, types: vec![level_type()] };
    let each =
        Relation::Join(Box::new(Join { kind: JoinKind::Inner, left: levels, right: input, on: Vec::new() }));
    let mut shown = vec![level()];
    for (position, (key, ty)) in keys.into_iter().zip(&key_types).enumerate() {
        let kept = build::call(">", vec![level(), integer(position)])?;
        let null = Expr::literal(Value::Null, ty.clone());
        shown.push(build::convert(build::call("if", vec![kept, key.shift(1), null])?, ty)?);
    }
    let calls = calls.into_iter().map(|call| shifted(call, 1)).collect();
    let groups = Relation::Aggregate { input: Box::new(each), keys: shown, calls };
    let all = Relation::Union { inputs: vec![groups, total] };
    if !sorted {
        return Ok(all);
    }
    let mut order = Vec::with_capacity(count * 2);
    for (position, ty) in key_types.into_iter().enumerate() {
        order.push(SortKey { expr: is_total(position)?, descending: false });
        order.push(SortKey { expr: Expr::column(position + 1, ty), descending: false });
    }
    Ok(Relation::Sort { input: Box::new(all), keys: order })
}

/// Whether the row totals over the key: 1 or 0.
pub(super) fn is_total(key: usize) -> Result<Expr, MySqlError> {
    build::call("<=", vec![level(), integer(key)])
}

/// `GROUPING(a, b, …)`: one bit for each key, the last one lowest.
pub(super) fn grouping(keys: &[usize]) -> Result<Expr, MySqlError> {
    let mut sum = integer(0);
    for key in keys {
        let doubled = build::call("*", vec![sum, integer(2)])?;
        sum = build::call("+", vec![doubled, is_total(*key)?])?;
    }
    Ok(sum)
}

fn grand_total(
    input: Relation,
    key_types: &[FieldType],
    calls: Vec<AggregateCall>,
) -> Result<Relation, MySqlError> {
    let mut exprs = vec![integer(0)];
    exprs.extend(key_types.iter().map(|ty| Expr::literal(Value::Null, ty.clone())));
    exprs.extend(calls.iter().enumerate().map(|(index, call)| Expr::column(index, call.ty.clone())));
    let total = Relation::Aggregate { input: Box::new(input), keys: Vec::new(), calls };
    Ok(total.projected(exprs))
}

fn shifted(mut call: AggregateCall, by: usize) -> AggregateCall {
    call.args = call.args.into_iter().map(|arg| arg.shift(by)).collect();
    call.order_by = call.order_by.into_iter().map(|(expr, down)| (expr.shift(by), down)).collect();
    call
}

fn level() -> Expr {
    Expr::column(LEVEL, level_type())
}

fn level_type() -> FieldType {
    FieldType::bigint().with_not_null()
}

fn integer(value: usize) -> Expr {
    Expr::literal(Value::Int(i64::try_from(value).unwrap_or(i64::MAX)), level_type())
}
