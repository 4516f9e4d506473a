//! Window functions as one DataFusion window function that gets a whole partition at a time.
//!
//! DataFusion sorts and cuts into partitions; frames, peers and values are computed here, because MySQL's types,
//! collations and aggregates are not DataFusion's. The arguments of the call are followed by its order keys (to
//! find peers), then, for frames by RANGE, by the order key as a value and the values at the frame's edges.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::partition;
use arrow::datatypes::{Field, FieldRef};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::{WindowFunction as PlanWindow, WindowFunctionParams};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    Expr as PlanExpr, PartitionEvaluator, Signature, SortExpr, Volatility, WindowFrame,
    WindowFunctionDefinition, WindowUDF, WindowUDFImpl,
};
use rutile_sql_functions::EvalContext;
use rutile_sql_functions::aggregate::{Accumulator, AggregateInfo};
use rutile_sql_types::arrow::value_at;
use rutile_sql_types::{FieldType, MySqlError, Value, compare};

use super::frame::{Edge, Frames};
use crate::expression::datafusion::to_plan_error;
use crate::expression::{Evaluation, FrameEdge, WindowCall, WindowFunction, vector};

/// The columns a call reads, by what they are for.
pub struct WindowColumns {
    pub args: Vec<Column>,
    pub partition_by: Vec<Column>,
    pub order_by: Vec<Column>,
    /// The order key as a value, and the value at either edge of the frame; empty unless RANGE has a distance.
    pub edges: Vec<Column>,
}

/// The plan expression of a call whose columns are computed already.
pub fn plan_window(call: &WindowCall, columns: WindowColumns, statement: &Arc<Evaluation>) -> PlanExpr {
    let types = |exprs: Vec<&crate::expression::Expr>| exprs.iter().map(|expr| expr.ty().clone()).collect();
    let planned = PlannedWindow {
        function: call.function,
        args: types(call.args.iter().collect()),
        order_columns: columns.order_by.len(),
        edge_types: types(edges_of(call)),
        descending: call.order_by.first().is_some_and(|(_, descending)| *descending),
        start: Edge::of(&call.frame.start),
        end: Edge::of(&call.frame.end),
        result: call.ty.clone(),
        max_length: usize::try_from(statement.infer_context().group_concat_max_len).unwrap_or(usize::MAX),
        statement: Arc::clone(statement),
        signature: match columns.args.len() + columns.order_by.len() + columns.edges.len() {
            0 => Signature::nullary(Volatility::Stable),
            _ => Signature::variadic_any(Volatility::Stable),
        },
    };
    let order_by = columns
        .order_by
        .iter()
        .zip(&call.order_by)
        .map(|(column, (_, descending))| SortExpr {
            expr: PlanExpr::Column(column.clone()),
            asc: !descending,
            nulls_first: !descending,
        })
        .collect();
    let args = columns.args.into_iter().chain(columns.order_by).chain(columns.edges);
    PlanExpr::WindowFunction(Box::new(PlanWindow {
        fun: WindowFunctionDefinition::WindowUDF(Arc::new(WindowUDF::new_from_impl(planned))),
        params: WindowFunctionParams {
            args: args.map(PlanExpr::Column).collect(),
            partition_by: columns.partition_by.into_iter().map(PlanExpr::Column).collect(),
            order_by,
            window_frame: WindowFrame::new(None),
            filter: None,
            null_treatment: None,
            distinct: false,
        },
    }))
}

/// The order key and the values at the edges, if the frame has any.
pub fn edges_of(call: &WindowCall) -> Vec<&crate::expression::Expr> {
    let edges: Vec<_> = [&call.frame.start, &call.frame.end]
        .into_iter()
        .filter_map(|edge| match edge {
            FrameEdge::Value(expr) => Some(expr),
            _ => None,
        })
        .collect();
    match call.order_by.first() {
        Some((key, _)) if !edges.is_empty() => std::iter::once(key).chain(edges).collect(),
        _ => Vec::new(),
    }
}

/// One call, as DataFusion knows it.
struct PlannedWindow {
    function: WindowFunction,
    args: Vec<FieldType>,
    order_columns: usize,
    edge_types: Vec<FieldType>,
    descending: bool,
    start: Edge,
    end: Edge,
    result: FieldType,
    max_length: usize,
    statement: Arc<Evaluation>,
    signature: Signature,
}

impl fmt::Debug for PlannedWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlannedWindow({})", self.function.name())
    }
}

impl PartialEq for PlannedWindow {
    fn eq(&self, other: &Self) -> bool {
        self.function == other.function
            && self.args == other.args
            && self.edge_types == other.edge_types
            && self.descending == other.descending
            && (self.start, self.end) == (other.start, other.end)
            && self.result == other.result
    }
}

impl Eq for PlannedWindow {}

impl Hash for PlannedWindow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.function.name(), &self.args, self.start, self.end).hash(state);
    }
}

impl WindowUDFImpl for PlannedWindow {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(&self, _args: PartitionEvaluatorArgs<'_>) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Partition {
            function: self.function,
            args: self.args.clone(),
            order_columns: self.order_columns,
            edge_types: self.edge_types.clone(),
            descending: self.descending,
            edges: (self.start, self.end),
            result: self.result.clone(),
            max_length: self.max_length,
            statement: Arc::clone(&self.statement),
        }))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), self.result.arrow_type(), true)))
    }
}

/// The rows of one partition.
#[derive(Debug)]
struct Partition {
    function: WindowFunction,
    args: Vec<FieldType>,
    order_columns: usize,
    edge_types: Vec<FieldType>,
    descending: bool,
    edges: (Edge, Edge),
    result: FieldType,
    max_length: usize,
    statement: Arc<Evaluation>,
}

impl PartitionEvaluator for Partition {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let mut context = self.statement.eval_context();
        let evaluated = self.evaluate_rows(values, rows, &mut context);
        self.statement.absorb(context);
        let evaluated = evaluated.map_err(to_plan_error)?;
        vector::array_of(evaluated.iter(), &self.result).map_err(to_plan_error)
    }
}

impl Partition {
    fn evaluate_rows(
        &self,
        values: &[ArrayRef],
        rows: usize,
        context: &mut EvalContext,
    ) -> Result<Vec<Value>, MySqlError> {
        let (args, rest) = values.split_at(self.args.len().min(values.len()));
        let (order, edges) = rest.split_at(self.order_columns.min(rest.len()));
        let peers = peers(order, rows)?;
        use WindowFunction as W;
        match self.function {
            W::RowNumber => Ok((0..rows).map(|row| count(row + 1)).collect()),
            W::Rank | W::DenseRank | W::PercentRank | W::CumeDist => Ok(self.ranks(&peers, rows)),
            W::Ntile => Ok(tiles(self.argument(args, 0, 0)?, rows)),
            W::Lead | W::Lag => self.neighbours(args, rows),
            W::FirstValue | W::LastValue | W::NthValue | W::Aggregate(_) => {
                let columns = edges
                    .iter()
                    .zip(&self.edge_types)
                    .map(|(column, ty)| all_values(column, ty, rows))
                    .collect::<Result<Vec<_>, _>>()?;
                let compare_values =
                    |left: (usize, usize), right: (usize, usize), context: &mut EvalContext| {
                        compare_cells(&columns, &self.edge_types, left, right, context)
                    };
                let frames = Frames { rows, peers: &peers, edges: self.edges, descending: self.descending };
                let frames = frames.all(context, &compare_values)?;
                match self.function {
                    W::Aggregate(_) => self.aggregates(args, &frames, context),
                    _ => self.values_of_frames(args, &frames),
                }
            }
        }
    }

    fn argument(&self, args: &[ArrayRef], index: usize, row: usize) -> Result<Value, MySqlError> {
        match (args.get(index), self.args.get(index)) {
            (Some(column), Some(ty)) if row < column.len() => value_at(column.as_ref(), ty, row),
            _ => Ok(Value::Null),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "partitions stay far below 2^53 rows")]
    fn ranks(&self, peers: &[Range<usize>], rows: usize) -> Vec<Value> {
        let mut ranks = Vec::with_capacity(rows);
        for (group, range) in peers.iter().enumerate() {
            let value = match self.function {
                WindowFunction::Rank => count(range.start + 1),
                WindowFunction::DenseRank => count(group + 1),
                WindowFunction::CumeDist => Value::Double(range.end as f64 / rows as f64),
                _ if rows == 1 => Value::Double(0.0),
                _ => Value::Double(range.start as f64 / (rows - 1) as f64),
            };
            ranks.extend(std::iter::repeat_n(value, range.len()));
        }
        ranks
    }

    /// LEAD and LAG.
    fn neighbours(&self, args: &[ArrayRef], rows: usize) -> Result<Vec<Value>, MySqlError> {
        let mut values = Vec::with_capacity(rows);
        for row in 0..rows {
            let distance = match self.args.len() {
                1 => Some(1),
                _ => number(&self.argument(args, 1, row)?),
            };
            let Some(distance) = distance else {
                values.push(Value::Null);
                continue;
            };
            let other = match self.function {
                WindowFunction::Lead => row.checked_add(distance).filter(|other| *other < rows),
                _ => row.checked_sub(distance),
            };
            values.push(match other {
                Some(other) => self.argument(args, 0, other)?,
                None => self.argument(args, 2, row)?,
            });
        }
        Ok(values)
    }

    /// FIRST_VALUE, LAST_VALUE and NTH_VALUE.
    fn values_of_frames(&self, args: &[ArrayRef], frames: &[Range<usize>]) -> Result<Vec<Value>, MySqlError> {
        let mut values = Vec::with_capacity(frames.len());
        for (row, frame) in frames.iter().enumerate() {
            let at = match self.function {
                WindowFunction::FirstValue => Some(frame.start),
                WindowFunction::LastValue => frame.end.checked_sub(1),
                _ => number(&self.argument(args, 1, row)?)
                    .and_then(|number| frame.start.checked_add(number.checked_sub(1)?)),
            };
            values.push(match at.filter(|at| frame.contains(at)) {
                Some(at) => self.argument(args, 0, at)?,
                None => Value::Null,
            });
        }
        Ok(values)
    }

    fn aggregates(
        &self,
        args: &[ArrayRef],
        frames: &[Range<usize>],
        context: &mut EvalContext,
    ) -> Result<Vec<Value>, MySqlError> {
        let WindowFunction::Aggregate(aggregate) = self.function else {
            return Err(MySqlError::internal("no aggregate"));
        };
        let info = AggregateInfo {
            args: self.args.clone(),
            result: self.result.clone(),
            separator: Vec::new(),
            max_length: self.max_length,
        };
        let mut values: Vec<Value> = Vec::with_capacity(frames.len());
        let mut state: Box<dyn Accumulator> = (aggregate.new)(&info);
        let mut held = 0..0;
        for frame in frames {
            if *frame == held
                && let Some(last) = values.last()
            {
                values.push(last.clone());
                continue;
            }
            // A frame that only grows goes on with the sum so far; any other is summed anew.
            if frame.start != held.start || frame.end < held.end {
                self.statement.check_alive()?;
                state = (aggregate.new)(&info);
                held = frame.start..frame.start;
            }
            for row in held.end..frame.end {
                let row: Vec<Value> = (0..self.args.len())
                    .map(|index| self.argument(args, index, row))
                    .collect::<Result<_, _>>()?;
                state.accumulate(context, &row)?;
            }
            held = frame.clone();
            values.push(state.result(context)?);
        }
        Ok(values)
    }
}

/// The groups of rows that the order does not tell apart.
fn peers(order: &[ArrayRef], rows: usize) -> Result<Vec<Range<usize>>, MySqlError> {
    if order.is_empty() {
        return Ok(std::iter::once(0..rows).collect());
    }
    partition(order).map(|found| found.ranges()).map_err(MySqlError::internal)
}

fn all_values(column: &ArrayRef, ty: &FieldType, rows: usize) -> Result<Vec<Value>, MySqlError> {
    (0..rows).map(|row| value_at(column.as_ref(), ty, row)).collect()
}

/// Compares cells given as column and row; NULL is below everything.
fn compare_cells(
    columns: &[Vec<Value>],
    types: &[FieldType],
    left: (usize, usize),
    right: (usize, usize),
    context: &mut EvalContext,
) -> Ordering {
    let cell = |(column, row): (usize, usize)| {
        let value = columns.get(column).and_then(|values| values.get(row)).unwrap_or(&Value::Null);
        types.get(column).map_or((&Value::Null, None), |ty| (value, Some(ty)))
    };
    match (cell(left), cell(right)) {
        ((Value::Null, _), (Value::Null, _)) => Ordering::Equal,
        ((Value::Null, _), _) => Ordering::Less,
        (_, (Value::Null, _)) => Ordering::Greater,
        ((left, Some(left_ty)), (right, Some(right_ty))) => {
            compare(left, left_ty, right, right_ty, &mut context.convert).unwrap_or(Ordering::Equal)
        }
        _ => Ordering::Equal,
    }
}

/// NTILE: as equal parts as can be, the larger ones first.
fn tiles(parts: Value, rows: usize) -> Vec<Value> {
    let Some(parts) = number(&parts).filter(|parts| *parts > 0) else {
        return vec![Value::Null; rows];
    };
    let (size, larger) = (rows / parts, rows % parts);
    let in_larger = (size + 1) * larger;
    (0..rows)
        .map(|row| match row.checked_sub(in_larger) {
            None => count(row / (size + 1) + 1),
            Some(behind) => count(larger + behind.checked_div(size).unwrap_or(0) + 1),
        })
        .collect()
}

fn count(value: usize) -> Value {
    Value::UInt(value as u64)
}

fn number(value: &Value) -> Option<usize> {
    match value {
        Value::Int(number) => usize::try_from(*number).ok(),
        Value::UInt(number) => usize::try_from(*number).ok(),
        _ => None,
    }
}
