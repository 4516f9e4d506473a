//! UNION, INTERSECT and EXCEPT, from left to right.
//!
//! INTERSECT and EXCEPT mark the rows of either side, put both behind one another and group equal rows: a group's
//! marks say on which sides the row is. With ALL the rows of each side are numbered among their equals first, so
//! that the second of two equal rows meets the second of the other side.

use rutile_sql_functions::call::infer;
use rutile_sql_functions::{ArgInfo, InferContext};
use rutile_sql_parser::ast::SetOperator;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::OutputColumn;
use super::query::BoundQuery;
use super::relation::Relation;
use crate::expression::{
    AggregateCall, AggregateKind, Expr, Frame, FrameEdge, WindowCall, WindowFunction, build,
};

/// A column has the type in which that column of every operand fits.
pub(super) fn combine(
    operands: Vec<BoundQuery>,
    operators: &[(SetOperator, bool)],
) -> Result<BoundQuery, MySqlError> {
    let columns = common_columns(&operands)?;
    let mut operands = operands.into_iter();
    // What UNION has put together so far; the first `distinct` of them are to be without duplicates.
    let (mut members, mut distinct) = (Vec::new(), 0);
    if let Some(first) = operands.next() {
        members.push(convert_columns(first.relation, &first.columns, &columns)?);
    }
    for (operand, (operator, all)) in operands.zip(operators) {
        let right = convert_columns(operand.relation, &operand.columns, &columns)?;
        match operator {
            SetOperator::Union => {
                members.push(right);
                // UNION without ALL removes duplicates of everything before it, also of UNION ALL.
                distinct = if *all { distinct } else { members.len() };
            }
            SetOperator::Intersect | SetOperator::Except => {
                let left = union(std::mem::take(&mut members), distinct);
                let intersects = *operator == SetOperator::Intersect;
                members.push(matched(left, right, &columns, intersects, *all)?);
                distinct = 0;
            }
        }
    }
    Ok(BoundQuery { relation: union(members, distinct), columns })
}

fn common_columns(operands: &[BoundQuery]) -> Result<Vec<OutputColumn>, MySqlError> {
    let first = operands.first().map(|operand| operand.columns.clone()).unwrap_or_default();
    if operands.iter().any(|operand| operand.columns.len() != first.len()) {
        return Err(MySqlError::wrong_select_column_count());
    }
    let mut columns = Vec::with_capacity(first.len());
    for (index, named) in first.iter().enumerate() {
        let sides: Vec<ArgInfo<'_>> = operands
            .iter()
            .filter_map(|operand| operand.columns.get(index))
            .map(|column| ArgInfo { ty: &column.ty, constant: None, coercibility: column.coercibility })
            .collect();
        let mut context = InferContext::default();
        let ty = infer::common_type(&mut context, &sides, "UNION")?;
        let coercibility = context.coercibility;
        columns.push(OutputColumn { coercibility, ..OutputColumn::computed(&named.name, ty) });
    }
    Ok(columns)
}

fn union(members: Vec<Relation>, distinct: usize) -> Relation {
    let mut inputs = Vec::with_capacity(members.len());
    for (position, member) in members.into_iter().enumerate() {
        inputs.push(member);
        if position + 1 == distinct {
            let all = Relation::Union { inputs: std::mem::take(&mut inputs) };
            inputs.push(Relation::Distinct { input: Box::new(all) });
        }
    }
    match inputs.pop() {
        Some(only) if inputs.is_empty() => only,
        last => {
            inputs.extend(last);
            Relation::Union { inputs }
        }
    }
}

/// Rows of `left` that `right` has as well, or has not.
fn matched(
    left: Relation,
    right: Relation,
    columns: &[OutputColumn],
    intersects: bool,
    all: bool,
) -> Result<Relation, MySqlError> {
    let width = columns.len();
    let types: Vec<FieldType> = columns.iter().map(|column| column.ty.clone()).collect();
    let sides = vec![marked(left, &types, 1, all), marked(right, &types, 0, all)];
    let count = width + usize::from(all);
    let keys = (0..count).map(|index| Expr::column(index, key_type(&types, index))).collect();
    let greatest = |column| AggregateCall {
        kind: AggregateKind::Max,
        args: vec![Expr::column(column, flag_type())],
        distinct: false,
        order_by: Vec::new(),
        separator: Vec::new(),
        ty: flag_type().with_nullable(),
    };
    let calls = vec![greatest(count), greatest(count + 1)];
    let grouped = Relation::Aggregate { input: Box::new(Relation::Union { inputs: sides }), keys, calls };
    let is = |column, value| {
        build::call("=", vec![Expr::column(column, flag_type().with_nullable()), flag(value)])
    };
    let kept = grouped.filtered(vec![is(count, 1)?, is(count + 1, i64::from(intersects))?]);
    Ok(kept.projected((0..width).map(|index| Expr::column(index, key_type(&types, index))).collect()))
}

/// The side's columns, each row's number among its equals if all count, and a mark for either side.
fn marked(side: Relation, types: &[FieldType], left: i64, numbered: bool) -> Relation {
    let columns: Vec<Expr> =
        types.iter().enumerate().map(|(index, ty)| Expr::column(index, ty.clone())).collect();
    let (mut exprs, mut input) = (columns.clone(), side);
    if numbered {
        let call = WindowCall {
            function: WindowFunction::RowNumber,
            args: Vec::new(),
            partition_by: columns,
            order_by: Vec::new(),
            frame: Frame { start: FrameEdge::Partition, end: FrameEdge::Partition },
            ty: number_type(),
        };
        input = Relation::Window { input: Box::new(input), calls: vec![call] };
        exprs.push(Expr::column(types.len(), number_type()));
    }
    exprs.extend([flag(left), flag(1 - left)]);
    input.projected(exprs)
}

fn key_type(types: &[FieldType], index: usize) -> FieldType {
    types.get(index).cloned().unwrap_or_else(number_type)
}

fn number_type() -> FieldType {
    FieldType::bigint().with_unsigned().with_not_null()
}

fn flag_type() -> FieldType {
    FieldType::bigint().with_not_null()
}

fn flag(value: i64) -> Expr {
    Expr::literal(Value::Int(value), flag_type())
}

/// The columns of `relation` in the types of `to`.
pub(super) fn convert_columns(
    relation: Relation,
    from: &[OutputColumn],
    to: &[OutputColumn],
) -> Result<Relation, MySqlError> {
    if from.iter().zip(to).all(|(from, to)| from.ty.clone().with_nullable() == to.ty.clone().with_nullable())
    {
        return Ok(relation);
    }
    let exprs = from
        .iter()
        .zip(to)
        .enumerate()
        .map(|(index, (from, to))| match build::convert(Expr::column(index, from.ty.clone()), &to.ty)? {
            // The same value under the collation that all have in common.
            Expr::Column { index, .. } => Ok(Expr::column(index, to.ty.clone())),
            converted => Ok(converted),
        })
        .collect::<Result<Vec<_>, MySqlError>>()?;
    Ok(relation.projected(exprs))
}
