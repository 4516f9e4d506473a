//! SUM and AVG: exact numbers as DECIMAL, all others as DOUBLE (MySQL manual, "Aggregate Function Descriptions").

use rutile_sql_types::convert::{to_decimal, to_double};
use rutile_sql_types::{Decimal, FieldType, MySqlError, Value};

use super::{Accumulator, Aggregate, AggregateInfo};
use crate::call::infer::{NumberClass, decimal, number_class, precision, scale};
use crate::call::{ArgInfo, Arity, EvalContext, InferContext};

/// Digits SUM may add before the point: 2^64 rows.
const SUM_EXTRA_DIGITS: u32 = 22;
/// Digits AVG adds behind the point (`div_precision_increment`).
const AVERAGE_EXTRA_DIGITS: u8 = 4;

pub(super) const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        name: "sum",
        arity: Arity { min: 1, max: 1 },
        infer: infer_sum,
        state: state_types,
        new: |info| Box::new(Sum::new(info, false)),
    },
    Aggregate {
        name: "avg",
        arity: Arity { min: 1, max: 1 },
        infer: infer_average,
        state: state_types,
        new: |info| Box::new(Sum::new(info, true)),
    },
];

fn infer_sum(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let Some(arg) = args.first() else {
        return Ok(FieldType::double());
    };
    Ok(match number_class(arg.ty) {
        NumberClass::Double => FieldType::double(),
        _ => decimal(precision(arg.ty) + SUM_EXTRA_DIGITS, scale(arg.ty)),
    })
}

fn infer_average(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let Some(arg) = args.first() else {
        return Ok(FieldType::double());
    };
    Ok(match number_class(arg.ty) {
        NumberClass::Double => FieldType::double(),
        _ => {
            let extra = u8::try_from(ctx.div_precision_increment).unwrap_or(AVERAGE_EXTRA_DIGITS);
            decimal(precision(arg.ty) + u32::from(extra), scale(arg.ty) + extra)
        }
    })
}

/// The exact or approximate sum, and the number of values in it.
fn state_types(info: &AggregateInfo) -> Vec<FieldType> {
    let sum = match number_class(&info.result) {
        NumberClass::Double => FieldType::double(),
        _ => FieldType::decimal(65, info.args.first().map_or(0, scale)),
    };
    vec![sum, FieldType::bigint().with_not_null()]
}

#[derive(Debug)]
enum Total {
    Exact(Decimal),
    Real(f64),
}

#[derive(Debug)]
struct Sum {
    argument: FieldType,
    result: FieldType,
    average: bool,
    total: Total,
    count: i64,
}

impl Sum {
    fn new(info: &AggregateInfo, average: bool) -> Self {
        let total = match number_class(&info.result) {
            NumberClass::Double => Total::Real(0.0),
            _ => Total::Exact(Decimal::ZERO),
        };
        let argument = info.args.first().cloned().unwrap_or_else(FieldType::null);
        Self { argument, result: info.result.clone(), average, total, count: 0 }
    }

    fn add(&mut self, ctx: &mut EvalContext, value: &Value, ty: &FieldType) -> Result<bool, MySqlError> {
        match &mut self.total {
            Total::Exact(total) => {
                let Some(value) = to_decimal(value, ty, &mut ctx.convert) else {
                    return Ok(false);
                };
                *total = total
                    .checked_add(&value)
                    .ok_or_else(|| MySqlError::value_out_of_range("DECIMAL", "sum"))?;
            }
            Total::Real(total) => {
                let Some(value) = to_double(value, ty, &mut ctx.convert) else {
                    return Ok(false);
                };
                *total += value;
            }
        }
        Ok(true)
    }
}

impl Accumulator for Sum {
    fn accumulate(&mut self, ctx: &mut EvalContext, args: &[Value]) -> Result<(), MySqlError> {
        let Some(value) = args.first().filter(|value| !value.is_null()) else {
            return Ok(());
        };
        let ty = self.argument.clone();
        if self.add(ctx, value, &ty)? {
            self.count += 1;
        }
        Ok(())
    }

    fn state(&self) -> Vec<Value> {
        let sum = match &self.total {
            _ if self.count == 0 => Value::Null,
            Total::Exact(total) => Value::Decimal(*total),
            Total::Real(total) => Value::Double(*total),
        };
        vec![sum, Value::Int(self.count)]
    }

    fn merge(&mut self, ctx: &mut EvalContext, state: &[Value]) -> Result<(), MySqlError> {
        if let [sum, Value::Int(count)] = state
            && !sum.is_null()
        {
            let ty = match &self.total {
                Total::Exact(_) => FieldType::decimal(65, self.result.decimals),
                Total::Real(_) => FieldType::double(),
            };
            self.add(ctx, sum, &ty)?;
            self.count += count;
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalContext) -> Result<Value, MySqlError> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        #[expect(clippy::cast_precision_loss, reason = "MySQL divides by the count as a double, too")]
        let value = match (&self.total, self.average) {
            (Total::Real(total), false) => Value::Double(*total),
            (Total::Real(total), true) => Value::Double(total / self.count as f64),
            (Total::Exact(total), false) => exact(*total, self.result.decimals),
            (Total::Exact(total), true) => {
                let extra = self.result.decimals.saturating_sub(total.scale());
                match total.checked_div(&Decimal::from(self.count), u32::from(extra)) {
                    Some(average) => exact(average, self.result.decimals),
                    None => Value::Null,
                }
            }
        };
        Ok(value)
    }

    fn size_bytes(&self) -> usize {
        size_of::<Self>()
    }
}

fn exact(value: Decimal, scale: u8) -> Value {
    Value::Decimal(value.round_to(scale).unwrap_or(value))
}
