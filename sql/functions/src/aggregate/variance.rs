//! STD, STDDEV, VARIANCE and their population and sample forms, by Welford's recurrence, which MySQL uses as well.

use rutile_sql_types::convert::to_double;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::{Accumulator, Aggregate, AggregateInfo};
use crate::call::{Arity, EvalContext};

pub(super) const AGGREGATES: &[Aggregate] = &[
    spread("std", |info| accumulator(info, false, true)),
    spread("stddev", |info| accumulator(info, false, true)),
    spread("stddev_pop", |info| accumulator(info, false, true)),
    spread("stddev_samp", |info| accumulator(info, true, true)),
    spread("variance", |info| accumulator(info, false, false)),
    spread("var_pop", |info| accumulator(info, false, false)),
    spread("var_samp", |info| accumulator(info, true, false)),
];

const fn spread(name: &'static str, new: fn(&AggregateInfo) -> Box<dyn Accumulator>) -> Aggregate {
    Aggregate {
        name,
        arity: Arity { min: 1, max: 1 },
        infer: |_, _| Ok(FieldType::double()),
        state: |_| vec![FieldType::bigint().with_not_null(), FieldType::double(), FieldType::double()],
        new,
    }
}

fn accumulator(info: &AggregateInfo, sample: bool, root: bool) -> Box<dyn Accumulator> {
    let ty = info.args.first().cloned().unwrap_or_else(FieldType::null);
    Box::new(Spread { ty, sample, root, count: 0, mean: 0.0, squares: 0.0 })
}

#[derive(Debug)]
struct Spread {
    ty: FieldType,
    sample: bool,
    root: bool,
    count: i64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
impl Accumulator for Spread {
    fn accumulate(&mut self, context: &mut EvalContext, args: &[Value]) -> Result<(), MySqlError> {
        let Some(value) = args.first().and_then(|value| to_double(value, &self.ty, &mut context.convert))
        else {
            return Ok(());
        };
        self.count += 1;
        let distance = value - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (value - self.mean);
        Ok(())
    }

    fn state(&self) -> Vec<Value> {
        vec![Value::Int(self.count), Value::Double(self.mean), Value::Double(self.squares)]
    }

    fn merge(&mut self, _: &mut EvalContext, state: &[Value]) -> Result<(), MySqlError> {
        // Chan, Golub, LeVeque 1979: combining two parts.
        if let [Value::Int(count), Value::Double(mean), Value::Double(squares)] = state
            && *count > 0
        {
            let total = self.count + count;
            let distance = mean - self.mean;
            self.squares +=
                squares + distance * distance * (self.count as f64) * (*count as f64) / total as f64;
            self.mean += distance * (*count as f64) / total as f64;
            self.count = total;
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalContext) -> Result<Value, MySqlError> {
        let divisor = self.count - i64::from(self.sample);
        if divisor <= 0 {
            return Ok(Value::Null);
        }
        let variance = self.squares / divisor as f64;
        Ok(Value::Double(if self.root { variance.sqrt() } else { variance }))
    }

    fn size_bytes(&self) -> usize {
        size_of::<Self>()
    }
}
