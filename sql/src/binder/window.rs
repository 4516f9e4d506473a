//! Window functions: the call, its window and its frame.
//!
//! They see what a query block has after GROUP BY and HAVING, so they stand in the select list and in ORDER BY
//! only. A frame by RANGE with a distance becomes the value that the order key has at its edge.

use rutile_sql_functions::aggregate::lookup;
use rutile_sql_parser::ast::{self, FrameBound, FrameUnit, Over, WindowSpec};
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::error::not_supported;
use super::{Binder, literal};
use crate::expression::{
    AggregateCall, AggregateKind, Expr, Frame, FrameEdge, WindowCall, WindowFunction, build,
};

/// What MySQL calls a window without a name.
const UNNAMED: &str = "<unnamed window>";

/// The window of one call, its names settled.
struct Window {
    partition_by: Vec<Expr>,
    order_by: Vec<(Expr, bool)>,
    frame: Frame,
}

impl Binder<'_> {
    /// One of the pure window functions.
    pub(super) fn bind_window(&mut self, call: &ast::WindowCall) -> Result<Expr, MySqlError> {
        if call.from_last {
            return Err(not_supported("FROM LAST"));
        }
        if call.ignore_nulls {
            return Err(not_supported("IGNORE NULLS"));
        }
        self.window_scope(call.function.name(), |binder| {
            let args = call.args.iter().map(|arg| binder.bind_expr(arg)).collect::<Result<Vec<_>, _>>()?;
            let (function, args, ty) = typed(call.function, args)?;
            let window = binder.bind_over(&call.over)?;
            Ok(window.of(function, args, ty))
        })
    }

    /// An aggregate with OVER.
    pub(super) fn bind_aggregate_over(
        &mut self,
        aggregate: &ast::Aggregate,
        over: &Over,
    ) -> Result<Expr, MySqlError> {
        let name = aggregate.function.name();
        if aggregate.distinct {
            return Err(not_supported("<window function>(DISTINCT ..)"));
        }
        if aggregate.function == ast::AggregateFunction::GroupConcat {
            return Err(not_supported("group_concat as window function"));
        }
        self.window_scope(name, |binder| {
            let AggregateCall { kind, args, ty, .. } = binder.bind_aggregate_call(aggregate)?;
            let function = match kind {
                AggregateKind::Function(function) => Some(function),
                kind => lookup(kind.name()),
            };
            let function = function.ok_or_else(|| not_supported(name))?;
            let window = binder.bind_over(over)?;
            Ok(window.of(WindowFunction::Aggregate(function), args, ty))
        })
    }

    /// Binds a call where window functions may stand, and none inside of it.
    fn window_scope(
        &mut self,
        name: &str,
        bind: impl FnOnce(&mut Self) -> Result<WindowCall, MySqlError>,
    ) -> Result<Expr, MySqlError> {
        let block = self.block_mut()?;
        if !std::mem::take(&mut block.windows_allowed) {
            return Err(MySqlError::window_invalid_use(name));
        }
        let call = bind(self);
        let block = self.block_mut()?;
        block.windows_allowed = true;
        Ok(block.add_window(call?))
    }

    fn bind_over(&mut self, over: &Over) -> Result<Window, MySqlError> {
        let (name, spec) = match over {
            Over::Name(name) => (name.as_str(), self.named_window(name)?),
            Over::Spec(spec) => (UNNAMED, self.inherited(spec, 0)?),
        };
        let partition_by =
            spec.partition_by.iter().map(|expr| self.bind_expr(expr)).collect::<Result<Vec<_>, _>>()?;
        let mut order_by = Vec::with_capacity(spec.order_by.len());
        for item in &spec.order_by {
            order_by.push((self.bind_expr(&item.expr)?, item.descending));
        }
        let frame = self.bind_frame(name, spec.frame.as_ref(), &order_by)?;
        Ok(Window { partition_by, order_by, frame })
    }

    fn named_window(&mut self, name: &ast::Ident) -> Result<WindowSpec, MySqlError> {
        self.resolve_window(name, 0)
    }

    fn resolve_window(&mut self, name: &ast::Ident, depth: usize) -> Result<WindowSpec, MySqlError> {
        let known = &self.block_mut()?.named_windows;
        // Windows that refer to one another in a circle end here.
        if depth > known.len() {
            return Err(MySqlError::window_circularity());
        }
        let found = known.iter().find(|window| window.name.is(name.as_str()));
        let spec = found.ok_or_else(|| MySqlError::no_such_window(name))?.spec.clone();
        self.inherited(&spec, depth + 1)
    }

    /// The specification with what its base says.
    fn inherited(&mut self, spec: &WindowSpec, depth: usize) -> Result<WindowSpec, MySqlError> {
        let mut spec = spec.clone();
        let Some(name) = spec.base.take() else {
            return Ok(spec);
        };
        let base = self.resolve_window(&name, depth)?;
        if !spec.partition_by.is_empty() {
            return Err(MySqlError::window_no_child_partitioning());
        }
        if base.frame.is_some() {
            return Err(MySqlError::window_no_inherit_frame(name));
        }
        if !base.order_by.is_empty() && !spec.order_by.is_empty() {
            return Err(MySqlError::window_no_redefine_order_by(UNNAMED, name));
        }
        spec.partition_by = base.partition_by;
        if spec.order_by.is_empty() {
            spec.order_by = base.order_by;
        }
        Ok(spec)
    }

    fn bind_frame(
        &mut self,
        name: &str,
        frame: Option<&ast::WindowFrame>,
        order_by: &[(Expr, bool)],
    ) -> Result<Frame, MySqlError> {
        let Some(frame) = frame else {
            // Everything up to the current row and its peers; without an order all rows are peers.
            return Ok(Frame { start: FrameEdge::Partition, end: FrameEdge::Peers });
        };
        if frame.unit == FrameUnit::Groups {
            return Err(not_supported("GROUPS"));
        }
        if frame.exclusion.is_some() {
            return Err(not_supported("EXCLUDE"));
        }
        if frame.start == FrameBound::UnboundedFollowing {
            return Err(MySqlError::window_frame_start_illegal(name));
        }
        if frame.end == FrameBound::UnboundedPreceding {
            return Err(MySqlError::window_frame_end_illegal(name));
        }
        let start = self.bind_edge(name, frame.unit, &frame.start, order_by)?;
        let end = self.bind_edge(name, frame.unit, &frame.end, order_by)?;
        Ok(Frame { start, end })
    }

    fn bind_edge(
        &mut self,
        name: &str,
        unit: FrameUnit,
        bound: &FrameBound,
        order_by: &[(Expr, bool)],
    ) -> Result<FrameEdge, MySqlError> {
        let (offset, after) = match bound {
            FrameBound::UnboundedPreceding | FrameBound::UnboundedFollowing => {
                return Ok(FrameEdge::Partition);
            }
            FrameBound::CurrentRow if unit == FrameUnit::Rows => return Ok(FrameEdge::Rows(0)),
            FrameBound::CurrentRow => return Ok(FrameEdge::Peers),
            FrameBound::Preceding(offset) => (offset, false),
            FrameBound::Following(offset) => (offset, true),
        };
        let amount = self.bind_expr(&offset.amount)?;
        if unit == FrameUnit::Rows {
            if offset.unit.is_some() {
                return Err(MySqlError::window_rows_interval_use(name));
            }
            let rows = match amount.as_literal() {
                Some(Value::Int(rows)) if *rows >= 0 => Some(*rows),
                Some(Value::UInt(rows)) => i64::try_from(*rows).ok(),
                _ => None,
            };
            let rows = rows.ok_or_else(|| MySqlError::window_frame_illegal(name))?;
            return Ok(FrameEdge::Rows(if after { rows } else { -rows }));
        }
        let [(key, descending)] = order_by else {
            return Err(MySqlError::window_range_frame_order_type(name));
        };
        // Rows that follow have greater keys, or smaller ones if the order descends.
        let adds = after != *descending;
        let edge = match offset.unit {
            Some(interval) if key.ty().kind.is_temporal() => {
                let unit =
                    literal::text(interval.name().as_bytes(), self.context.statement.connection_collation());
                self.call(if adds { "date_add" } else { "date_sub" }, vec![key.clone(), amount, unit])?
            }
            None if key.ty().kind.is_numeric() => {
                self.call(if adds { "+" } else { "-" }, vec![key.clone(), amount])?
            }
            Some(_) => return Err(MySqlError::window_range_frame_numeric_type(name)),
            None => return Err(MySqlError::window_range_frame_temporal_type(name)),
        };
        Ok(FrameEdge::Value(edge))
    }
}

impl Window {
    fn of(self, function: WindowFunction, args: Vec<Expr>, ty: FieldType) -> WindowCall {
        let Self { partition_by, order_by, mut frame } = self;
        // The ranking functions look at the whole partition whatever the frame says.
        if !matches!(
            function,
            WindowFunction::FirstValue
                | WindowFunction::LastValue
                | WindowFunction::NthValue
                | WindowFunction::Aggregate(_)
        ) {
            frame = Frame { start: FrameEdge::Partition, end: FrameEdge::Partition };
        }
        WindowCall { function, args, partition_by, order_by, frame, ty }
    }
}

/// The function with its arguments checked and brought to one type, and the type of its value.
fn typed(
    function: ast::WindowFunction,
    mut args: Vec<Expr>,
) -> Result<(WindowFunction, Vec<Expr>, FieldType), MySqlError> {
    use ast::WindowFunction as W;
    let number = || FieldType::bigint().with_unsigned().with_length(21).with_not_null();
    let (bound, ty) = match function {
        W::RowNumber => (WindowFunction::RowNumber, number()),
        W::Rank => (WindowFunction::Rank, number()),
        W::DenseRank => (WindowFunction::DenseRank, number()),
        W::PercentRank => (WindowFunction::PercentRank, FieldType::double().with_not_null()),
        W::CumeDist => (WindowFunction::CumeDist, FieldType::double().with_not_null()),
        W::Ntile => {
            check_count(args.first(), 1, "ntile")?;
            (WindowFunction::Ntile, number().with_nullable())
        }
        W::Lead | W::Lag => {
            check_count(args.get(1), 0, function.name())?;
            if let [value, _, default] = args.as_mut_slice() {
                let ty = build::common_type(&[value, default])?;
                for side in [value, default] {
                    let taken = std::mem::replace(side, Expr::placeholder());
                    *side = build::convert(taken, &ty)?;
                }
            }
            let bound = if function == W::Lead { WindowFunction::Lead } else { WindowFunction::Lag };
            (bound, value_type(&args))
        }
        W::FirstValue => (WindowFunction::FirstValue, value_type(&args)),
        W::LastValue => (WindowFunction::LastValue, value_type(&args)),
        W::NthValue => {
            check_count(args.get(1), 1, "nth_value")?;
            (WindowFunction::NthValue, value_type(&args))
        }
    };
    Ok((bound, args, ty))
}

fn value_type(args: &[Expr]) -> FieldType {
    args.first().map_or_else(FieldType::null, |arg| arg.ty().clone().with_nullable())
}

/// A number of rows is a constant of at least `least`.
fn check_count(count: Option<&Expr>, least: i64, function: &str) -> Result<(), MySqlError> {
    let fits = match count {
        None | Some(Expr::Parameter { .. }) => true,
        Some(Expr::Literal { value: Value::Int(count), .. }) => *count >= least,
        Some(Expr::Literal { value: Value::UInt(_) | Value::Null, .. }) => true,
        Some(_) => false,
    };
    if fits { Ok(()) } else { Err(MySqlError::wrong_arguments(function)) }
}
