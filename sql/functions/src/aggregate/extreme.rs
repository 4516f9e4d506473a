//! MIN and MAX by MySQL's order of the argument's type and collation; ANY_VALUE.

use std::cmp::Ordering;

use rutile_sql_types::{FieldType, MySqlError, Value, compare};

use super::{Accumulator, Aggregate, AggregateInfo};
use crate::call::{ArgInfo, Arity, EvalContext, InferContext};

pub(super) const AGGREGATES: &[Aggregate] = &[
    extreme("min", |info| keep(info, Keep::Least)),
    extreme("max", |info| keep(info, Keep::Greatest)),
    extreme("any_value", |info| keep(info, Keep::First)),
];

const fn extreme(name: &'static str, new: fn(&AggregateInfo) -> Box<dyn Accumulator>) -> Aggregate {
    Aggregate { name, arity: Arity { min: 1, max: 1 }, infer, state: |info| vec![info.result.clone()], new }
}

fn infer(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    if let Some(arg) = args.first() {
        ctx.coercibility = arg.coercibility;
    }
    Ok(args.first().map_or_else(FieldType::null, |arg| arg.ty.clone().with_nullable()))
}

#[derive(Debug, Clone, Copy)]
enum Keep {
    Least,
    Greatest,
    First,
}

fn keep(info: &AggregateInfo, keep: Keep) -> Box<dyn Accumulator> {
    let ty = info.args.first().cloned().unwrap_or_else(FieldType::null);
    Box::new(Extreme { keep, ty, value: None })
}

#[derive(Debug)]
struct Extreme {
    keep: Keep,
    ty: FieldType,
    value: Option<Value>,
}

impl Accumulator for Extreme {
    fn accumulate(&mut self, context: &mut EvalContext, args: &[Value]) -> Result<(), MySqlError> {
        let Some(value) = args.first() else { return Ok(()) };
        let better = match (self.keep, &self.value) {
            // Any value may be NULL as well.
            (Keep::First, kept) => kept.is_none(),
            _ if value.is_null() => false,
            (_, None) => true,
            (Keep::Least, Some(kept)) => {
                compare(value, &self.ty, kept, &self.ty, &mut context.convert) == Some(Ordering::Less)
            }
            (Keep::Greatest, Some(kept)) => {
                compare(value, &self.ty, kept, &self.ty, &mut context.convert) == Some(Ordering::Greater)
            }
        };
        if better {
            self.value = Some(value.clone());
        }
        Ok(())
    }

    fn state(&self) -> Vec<Value> {
        vec![self.value.clone().unwrap_or(Value::Null)]
    }

    fn merge(&mut self, context: &mut EvalContext, state: &[Value]) -> Result<(), MySqlError> {
        self.accumulate(context, state)
    }

    fn result(&mut self, _: &mut EvalContext) -> Result<Value, MySqlError> {
        Ok(self.value.clone().unwrap_or(Value::Null))
    }

    fn size_bytes(&self) -> usize {
        let held = match &self.value {
            Some(Value::Bytes(bytes)) => bytes.len(),
            _ => 0,
        };
        size_of::<Self>() + held
    }
}
