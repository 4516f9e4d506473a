//! COUNT: rows whose arguments are all known. COUNT(DISTINCT …) is the caller's: it hands each distinct row once.

use rutile_sql_types::{FieldType, MySqlError, Value};

use super::{Accumulator, Aggregate};
use crate::call::{Arity, EvalContext};

pub(super) const AGGREGATES: &[Aggregate] = &[Aggregate {
    name: "count",
    arity: Arity { min: 1, max: Arity::ANY },
    infer: |_, _| Ok(FieldType::bigint().with_not_null()),
    state: |_| vec![FieldType::bigint().with_not_null()],
    new: |_| Box::new(Count(0)),
}];

#[derive(Debug)]
struct Count(i64);

impl Accumulator for Count {
    fn accumulate(&mut self, _: &mut EvalContext, args: &[Value]) -> Result<(), MySqlError> {
        if !args.iter().any(Value::is_null) {
            self.0 += 1;
        }
        Ok(())
    }

    fn state(&self) -> Vec<Value> {
        vec![Value::Int(self.0)]
    }

    fn merge(&mut self, _: &mut EvalContext, state: &[Value]) -> Result<(), MySqlError> {
        if let [Value::Int(count)] = state {
            self.0 += count;
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalContext) -> Result<Value, MySqlError> {
        Ok(Value::Int(self.0))
    }

    fn size_bytes(&self) -> usize {
        size_of::<Self>()
    }
}
