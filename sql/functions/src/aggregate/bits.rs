//! BIT_AND, BIT_OR, BIT_XOR over unsigned 64-bit integers; over no rows all bits of AND are set.

use rutile_sql_types::convert::to_int_rounded;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::{Accumulator, Aggregate, AggregateInfo};
use crate::call::{Arity, EvalContext};

pub(super) const AGGREGATES: &[Aggregate] = &[
    bits("bit_and", |info| accumulator(info, u64::MAX, |a, b| a & b)),
    bits("bit_or", |info| accumulator(info, 0, |a, b| a | b)),
    bits("bit_xor", |info| accumulator(info, 0, |a, b| a ^ b)),
];

const fn bits(name: &'static str, new: fn(&AggregateInfo) -> Box<dyn Accumulator>) -> Aggregate {
    Aggregate {
        name,
        arity: Arity { min: 1, max: 1 },
        infer: |_, _| Ok(FieldType::ubigint().with_not_null()),
        state: |_| vec![FieldType::ubigint().with_not_null()],
        new,
    }
}

fn accumulator(info: &AggregateInfo, start: u64, combine: fn(u64, u64) -> u64) -> Box<dyn Accumulator> {
    let ty = info.args.first().cloned().unwrap_or_else(FieldType::null);
    Box::new(Bits { ty, value: start, combine })
}

#[derive(Debug)]
struct Bits {
    ty: FieldType,
    value: u64,
    combine: fn(u64, u64) -> u64,
}

impl Accumulator for Bits {
    fn accumulate(&mut self, context: &mut EvalContext, args: &[Value]) -> Result<(), MySqlError> {
        let bits = match args.first() {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::UInt(bits)) => Some(*bits),
            Some(value) => to_int_rounded(value, &self.ty, &mut context.convert).map(i64::cast_unsigned),
        };
        if let Some(bits) = bits {
            self.value = (self.combine)(self.value, bits);
        }
        Ok(())
    }

    fn state(&self) -> Vec<Value> {
        vec![Value::UInt(self.value)]
    }

    fn merge(&mut self, _: &mut EvalContext, state: &[Value]) -> Result<(), MySqlError> {
        if let [Value::UInt(bits)] = state {
            self.value = (self.combine)(self.value, *bits);
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalContext) -> Result<Value, MySqlError> {
        Ok(Value::UInt(self.value))
    }

    fn size_bytes(&self) -> usize {
        size_of::<Self>()
    }
}
