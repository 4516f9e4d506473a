//! What a store makes of its rows: the aggregates that can be split, and the first rows of an order.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion::physical_expr::expressions::Column;
use rutile_sql_functions::InferContext;
use rutile_sql_functions::aggregate::AggregateInfo;
use rutile_sql_types::{FieldType, MySqlError};
use serde::{Deserialize, Serialize};

use super::expr::{WirePushed, check_columns, decode_pushed, encode_pushed};
use super::plan::{decode_schema, encode_schema};
use super::value::{TypesIn, TypesOut};
use super::{PARTS_MAX, TOP_ROWS_MAX, refused};
use crate::distsql::{PartialAggregate, PartialCall, Stage, TopRows};
use crate::expression::datafusion::Form;
use crate::expression::pushed::PushedExpr;
use crate::expression::{AggregateKind, Evaluation};
use crate::planner::aggregate::{ready_made, split_aggregate, split_parts};

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum WireStage {
    Aggregate { keys: Vec<WirePushed>, calls: Vec<WireCall>, key_schema: String, keeps_first: bool },
    Top { keys: Vec<WireOrder>, count: usize },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireOrder {
    key: WirePushed,
    descending: bool,
    nulls_first: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireCall {
    args: Vec<WirePushed>,
    function: WireFunction,
}

#[derive(Debug, Serialize, Deserialize)]
enum WireFunction {
    /// DataFusion's `count`, `min` or `max`.
    ReadyMade(String),
    Own {
        kind: WireKind,
        args: Vec<usize>,
        result: usize,
    },
}

/// The aggregates of our own that can be split.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum WireKind {
    Sum,
    Avg,
    Min,
    Max,
    Any,
}

impl WireKind {
    fn of(kind: AggregateKind) -> Option<Self> {
        Some(match kind {
            AggregateKind::Sum => Self::Sum,
            AggregateKind::Avg => Self::Avg,
            AggregateKind::Min => Self::Min,
            AggregateKind::Max => Self::Max,
            AggregateKind::Any => Self::Any,
            AggregateKind::CountRows
            | AggregateKind::Count
            | AggregateKind::Single
            | AggregateKind::Function(_) => return None,
        })
    }

    fn kind(self) -> AggregateKind {
        match self {
            Self::Sum => AggregateKind::Sum,
            Self::Avg => AggregateKind::Avg,
            Self::Min => AggregateKind::Min,
            Self::Max => AggregateKind::Max,
            Self::Any => AggregateKind::Any,
        }
    }
}

/// The Arrow type of what an expression gives.
fn data_type(pushed: &PushedExpr) -> DataType {
    match pushed.form {
        Form::Value => pushed.expr.ty().arrow_type(),
        Form::Condition => DataType::Boolean,
        Form::Key => DataType::Binary,
    }
}

pub(super) fn encode(
    stage: &Stage,
    types: &mut TypesOut,
    infer: &InferContext,
    statement: &Arc<Evaluation>,
) -> Option<WireStage> {
    match stage {
        Stage::Top(top) => {
            let order = |(key, options): &(PushedExpr, SortOptions)| {
                Some(WireOrder {
                    key: encode_pushed(key, types, infer)?,
                    descending: options.descending,
                    nulls_first: options.nulls_first,
                })
            };
            let keys = top.keys.iter().map(order).collect::<Option<_>>()?;
            Some(WireStage::Top { keys, count: top.count })
        }
        Stage::Aggregate(aggregate) => {
            let keys = aggregate
                .keys
                .iter()
                .map(|key| encode_pushed(key, types, infer))
                .collect::<Option<Vec<_>>>()?;
            let mut calls = Vec::with_capacity(aggregate.calls.len());
            for call in &aggregate.calls {
                calls.push(encode_call(call, types, infer, statement)?);
            }
            let key_schema = encode_schema(&aggregate.key_schema)?;
            Some(WireStage::Aggregate { keys, calls, key_schema, keeps_first: aggregate.keeps_first })
        }
    }
}

fn encode_call(
    call: &PartialCall,
    types: &mut TypesOut,
    infer: &InferContext,
    statement: &Arc<Evaluation>,
) -> Option<WireCall> {
    let function = match split_parts(call.function.fun()) {
        None => WireFunction::ReadyMade(call.function.fun().name().to_owned()),
        Some((kind, info)) => WireFunction::Own {
            kind: WireKind::of(kind)?,
            args: info.args.iter().map(|ty| types.number(ty)).collect(),
            result: types.number(&info.result),
        },
    };
    // The states that the store sends must be those that are merged here.
    let list = TypesIn::new(types.list.clone()).ok()?;
    let again = build(&function, &call.args, &list, statement).ok()?;
    let states = |function: &AggregateFunctionExpr| {
        let fields = function.state_fields().ok()?;
        Some(fields.iter().map(|field| field.data_type().clone()).collect::<Vec<_>>())
    };
    if states(&again)? != states(&call.function)? {
        return None;
    }
    let args = call.args.iter().map(|arg| encode_pushed(arg, types, infer)).collect::<Option<_>>()?;
    Some(WireCall { args, function })
}

/// The aggregate of a call with these arguments.
fn build(
    function: &WireFunction,
    args: &[PushedExpr],
    types: &TypesIn,
    statement: &Arc<Evaluation>,
) -> Result<AggregateFunctionExpr, MySqlError> {
    let fun = match function {
        WireFunction::ReadyMade(name) => {
            ready_made(name).ok_or_else(|| refused(format!("aggregate {name:?} does not run at stores")))?
        }
        WireFunction::Own { kind, args, result } => {
            let args = args.iter().map(|ty| types.get(*ty).cloned()).collect::<Result<Vec<_>, _>>()?;
            let result = types.get(*result)?.clone();
            let info = AggregateInfo { args, result, separator: Vec::new(), max_length: 0 };
            split_aggregate(kind.kind(), info, statement)
                .ok_or_else(|| refused("an aggregate that cannot be split"))?
        }
    };
    let fields: Vec<Field> = args
        .iter()
        .enumerate()
        .map(|(index, arg)| Field::new(index.to_string(), data_type(arg), true))
        .collect();
    let columns = (0..args.len())
        .map(|index| Arc::new(Column::new(&index.to_string(), index)) as Arc<dyn PhysicalExpr>)
        .collect();
    AggregateExprBuilder::new(fun, columns)
        .schema(Arc::new(Schema::new(fields)))
        .alias("partial")
        .build()
        .map_err(refused)
}

pub(super) fn decode(
    wire: WireStage,
    types: &TypesIn,
    infer: &InferContext,
    decoded: &[&FieldType],
    statement: &Arc<Evaluation>,
) -> Result<Stage, MySqlError> {
    let pushed = |wire: WirePushed| {
        let pushed = decode_pushed(wire, types, infer)?;
        check_columns(&pushed.expr, decoded)?;
        Ok::<_, MySqlError>(pushed)
    };
    match wire {
        WireStage::Top { keys, count } => {
            if keys.is_empty() || keys.len() > PARTS_MAX || count > TOP_ROWS_MAX {
                return Err(refused("an order without keys, or of too many or for too many rows"));
            }
            let order = |order: WireOrder| {
                let options = SortOptions { descending: order.descending, nulls_first: order.nulls_first };
                Ok::<_, MySqlError>((pushed(order.key)?, options))
            };
            let keys = keys.into_iter().map(order).collect::<Result<_, _>>()?;
            Ok(Stage::Top(Arc::new(TopRows { keys, count })))
        }
        WireStage::Aggregate { keys, calls, key_schema, keeps_first } => {
            if keys.len() > PARTS_MAX || calls.len() > PARTS_MAX || keys.len() + calls.len() == 0 {
                return Err(refused("an aggregate of nothing, or of too much"));
            }
            let keys = keys.into_iter().map(pushed).collect::<Result<Vec<_>, _>>()?;
            let key_schema = decode_schema(&key_schema)?;
            let fits = key_schema.fields().len() == keys.len()
                && key_schema
                    .fields()
                    .iter()
                    .zip(&keys)
                    .all(|(field, key)| *field.data_type() == data_type(key));
            if !fits {
                return Err(refused("group keys that are not of the types they claim"));
            }
            let call = |call: WireCall| {
                let args = call.args.into_iter().map(pushed).collect::<Result<Vec<_>, _>>()?;
                if let WireFunction::Own { args: claimed, .. } = &call.function {
                    check_own_args(claimed, &args, types)?;
                }
                let function = Arc::new(build(&call.function, &args, types, statement)?);
                Ok::<_, MySqlError>(PartialCall { args, function })
            };
            let calls = calls.into_iter().map(call).collect::<Result<_, _>>()?;
            Ok(Stage::Aggregate(Arc::new(PartialAggregate { keys, calls, key_schema, keeps_first })))
        }
    }
}

/// Our own aggregates take the type of their argument from what they are told.
fn check_own_args(claimed: &[usize], args: &[PushedExpr], types: &TypesIn) -> Result<(), MySqlError> {
    let mut fits = claimed.len() == args.len();
    for (claimed, arg) in claimed.iter().zip(args) {
        fits &= arg.form != Form::Value || types.get(*claimed)?.arrow_type() == data_type(arg);
    }
    if fits { Ok(()) } else { Err(refused("an aggregate of other types than it claims")) }
}
