//! MySQL's aggregates as DataFusion aggregate functions.
//!
//! COUNT and MIN/MAX of what Arrow orders as MySQL does are DataFusion's own; SUM and AVG are the sums of
//! `groups.rs`; text MIN/MAX, DISTINCT, ANY_VALUE and the single row of a scalar subquery are in
//! `accumulator.rs` and
//! `any_value.rs`; the rest runs by the state machines of the functions (`row_accumulator.rs`).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr as PlanExpr, GroupsAccumulator, Signature, Volatility,
};
use rutile_sql_functions::aggregate::AggregateInfo;
use rutile_sql_types::FieldType;

use super::accumulator::{DistinctAccumulator, ExtremeText};
use super::any_value::AnyGroups;
use super::groups::{OneGroup, SumGroups, partial_type, supports};
use super::row_accumulator::RowAccumulator;
use crate::expression::datafusion::plan_integer;
use crate::expression::{AggregateCall, AggregateKind, Evaluation, key};

/// The plan expression of a call whose arguments are already columns.
pub fn plan_aggregate(
    call: &AggregateCall,
    args: Vec<PlanExpr>,
    statement: &Arc<Evaluation>,
) -> Result<PlanExpr> {
    let keyed = call.args.first().is_some_and(|arg| key::needs_key(arg.ty()));
    let (function, args) = match call.kind {
        AggregateKind::CountRows => (count_udaf(), vec![plan_integer(1)]),
        AggregateKind::Count if !call.distinct && args.len() == 1 => (count_udaf(), args),
        AggregateKind::Min if !keyed => (min_udaf(), args),
        AggregateKind::Max if !keyed => (max_udaf(), args),
        _ => (own(call, statement), args),
    };
    Ok(PlanExpr::AggregateFunction(AggregateFunction::new_udf(function, args, false, None, Vec::new(), None)))
}

fn own(call: &AggregateCall, statement: &Arc<Evaluation>) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(PlannedAggregate {
        kind: call.kind,
        distinct: call.distinct,
        info: AggregateInfo {
            args: call.args.iter().map(|arg| arg.ty().clone()).collect(),
            result: call.ty.clone(),
            separator: call.separator.clone(),
            max_length: usize::try_from(statement.infer_context().group_concat_max_len).unwrap_or(usize::MAX),
        },
        order: call.order_by.iter().map(|(expr, descending)| (expr.ty().clone(), *descending)).collect(),
        statement: Arc::clone(statement),
        output: call.ty.arrow_type(),
        signature: Signature::variadic_any(Volatility::Immutable),
    }))
}

/// How an aggregate can be split into states at the stores and their merger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// In any order of rows.
    Any,
    /// Of values that compare as equal the first one is the answer.
    FirstWins,
}

/// `None` if the aggregate has to see each row itself: DISTINCT, aggregates with an order, sums of approximate
/// numbers (their last digits depend on the order of addition, and MySQL adds row by row).
pub fn split(function: &AggregateUDF) -> Option<Split> {
    let inner: &dyn std::any::Any = function.inner().as_ref();
    let Some(own) = inner.downcast_ref::<PlannedAggregate>() else {
        return matches!(function.name(), "count" | "min" | "max").then_some(Split::Any);
    };
    if own.distinct {
        return None;
    }
    match own.kind {
        AggregateKind::Sum | AggregateKind::Avg if own.output != DataType::Float64 => Some(Split::Any),
        AggregateKind::Min | AggregateKind::Max | AggregateKind::Any => Some(Split::FirstWins),
        _ => None,
    }
}

/// DataFusion's own aggregate of this name, of those that can be split.
pub fn ready_made(name: &str) -> Option<Arc<AggregateUDF>> {
    match name {
        "count" => Some(count_udaf()),
        "min" => Some(min_udaf()),
        "max" => Some(max_udaf()),
        _ => None,
    }
}

/// What one of our own aggregates is made of; `None` of DataFusion's.
pub fn split_parts(function: &AggregateUDF) -> Option<(AggregateKind, &AggregateInfo)> {
    let inner: &dyn std::any::Any = function.inner().as_ref();
    inner.downcast_ref::<PlannedAggregate>().map(|own| (own.kind, &own.info))
}

/// One of our own aggregates from its parts; `None` if it cannot be split.
pub fn split_aggregate(
    kind: AggregateKind,
    info: AggregateInfo,
    statement: &Arc<Evaluation>,
) -> Option<Arc<AggregateUDF>> {
    let function = Arc::new(AggregateUDF::new_from_impl(PlannedAggregate {
        kind,
        distinct: false,
        output: info.result.arrow_type(),
        info,
        order: Vec::new(),
        statement: Arc::clone(statement),
        signature: Signature::variadic_any(Volatility::Immutable),
    }));
    split(&function).is_some().then_some(function)
}

/// One of our own aggregates.
struct PlannedAggregate {
    kind: AggregateKind,
    distinct: bool,
    info: AggregateInfo,
    order: Vec<(FieldType, bool)>,
    statement: Arc<Evaluation>,
    output: DataType,
    signature: Signature,
}

impl PlannedAggregate {
    fn is_sum(&self) -> bool {
        matches!(self.kind, AggregateKind::Sum | AggregateKind::Avg)
    }

    fn sums(&self) -> Result<SumGroups> {
        let argument = self.info.args.first().map(FieldType::arrow_type);
        if !argument.as_ref().is_some_and(|argument| supports(argument, &self.output)) {
            return Err(DataFusionError::Internal(format!("a sum of {argument:?} as {}", self.output)));
        }
        Ok(SumGroups::new(self.kind == AggregateKind::Avg, self.output.clone()))
    }

    fn any(&self) -> AnyGroups {
        AnyGroups::new(self.kind == AggregateKind::Single, self.output.clone())
    }
}

impl fmt::Debug for PlannedAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlannedAggregate({})", self.name())
    }
}

impl PartialEq for PlannedAggregate {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.distinct == other.distinct
            && self.info.args == other.info.args
            && self.info.result == other.info.result
            && self.info.separator == other.info.separator
            && self.order == other.order
    }
}

impl Eq for PlannedAggregate {}

impl Hash for PlannedAggregate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.name(), self.distinct, &self.info.args).hash(state);
    }
}

impl AggregateUDFImpl for PlannedAggregate {
    fn name(&self) -> &str {
        match (self.kind, self.distinct) {
            (AggregateKind::CountRows | AggregateKind::Count, false) => "count",
            (AggregateKind::CountRows | AggregateKind::Count, true) => "count_distinct",
            (AggregateKind::Sum, false) => "sum",
            (AggregateKind::Sum, true) => "sum_distinct",
            (AggregateKind::Avg, false) => "avg",
            (AggregateKind::Avg, true) => "avg_distinct",
            (AggregateKind::Min, _) => "min",
            (AggregateKind::Max, _) => "max",
            (AggregateKind::Any, _) => "any_value",
            (AggregateKind::Single, _) => "single_value",
            (AggregateKind::Function(function), _) => function.name,
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.output.clone())
    }

    fn accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if let AggregateKind::Function(function) = self.kind {
            return Ok(Box::new(RowAccumulator::new(
                function,
                self.info.clone(),
                self.distinct,
                self.order.clone(),
                Arc::clone(&self.statement),
            )));
        }
        if self.distinct || self.kind == AggregateKind::Count {
            let sums = if self.is_sum() { Some(self.sums()?) } else { None };
            return Ok(Box::new(DistinctAccumulator::new(self.info.args.clone(), self.distinct, sums)));
        }
        match self.kind {
            AggregateKind::Sum | AggregateKind::Avg => Ok(Box::new(OneGroup(self.sums()?))),
            AggregateKind::Any | AggregateKind::Single => Ok(Box::new(OneGroup(self.any()))),
            AggregateKind::Min | AggregateKind::Max => {
                let ty = self.info.args.first().cloned().unwrap_or_else(FieldType::null);
                Ok(Box::new(ExtremeText::new(ty, self.kind == AggregateKind::Max)))
            }
            AggregateKind::CountRows | AggregateKind::Count | AggregateKind::Function(_) => {
                Err(DataFusionError::Internal(format!("{} has no accumulator here", self.name())))
            }
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field =
            |name: &str, ty: DataType| Arc::new(Field::new(format!("{}[{name}]", args.name), ty, true));
        if let AggregateKind::Function(function) = self.kind {
            let types = (function.state)(&self.info);
            return Ok(types.iter().map(|ty| field("state", ty.arrow_type())).collect());
        }
        if self.distinct || self.kind == AggregateKind::Count {
            return Ok(vec![field("seen", DataType::Binary)]);
        }
        Ok(match self.kind {
            AggregateKind::Sum | AggregateKind::Avg => {
                vec![field("sum", partial_type(&self.output)), field("count", DataType::Int64)]
            }
            _ => vec![field("value", self.output.clone())],
        })
    }

    fn groups_accumulator_supported(&self, _args: AccumulatorArgs<'_>) -> bool {
        let grouped = self.is_sum() || matches!(self.kind, AggregateKind::Any | AggregateKind::Single);
        grouped && !self.distinct
    }

    fn create_groups_accumulator(&self, _args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        if self.is_sum() { Ok(Box::new(self.sums()?)) } else { Ok(Box::new(self.any())) }
    }
}
