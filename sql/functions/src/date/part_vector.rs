//! YEAR, MONTH, DAY and EXTRACT of those over an array of dates: the parts are bits of the packed value.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, UInt64Array};
use arrow::datatypes::Int64Type;
use rutile_sql_types::temporal::IntervalUnit;
use rutile_sql_types::{MySqlError, PackedDatetime, TypeKind};

use super::part::unit_of;
use crate::call::{CallInfo, ColumnarArg, EvalContext};

type Answer = Result<Option<ArrayRef>, MySqlError>;

/// The packed dates of an argument. A TIMESTAMP is none, as its zone must be applied first.
fn dates<'a>(args: &'a [ColumnarArg], call: &CallInfo, i: usize) -> Option<&'a Int64Array> {
    match (&args[i], call.args[i].kind) {
        (ColumnarArg::Array(array), TypeKind::Date | TypeKind::Datetime) => {
            array.as_primitive_opt::<Int64Type>()
        }
        _ => None,
    }
}

fn integers(dates: &Int64Array, part: impl Fn(PackedDatetime) -> u32) -> ArrayRef {
    let parts: Int64Array = dates.unary(|packed| i64::from(part(PackedDatetime::from_packed(packed))));
    Arc::new(parts)
}

pub(super) fn year(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, _: usize) -> Answer {
    let Some(dates) = dates(args, call, 0) else {
        return Ok(None);
    };
    let years: UInt64Array = dates.unary(|packed| u64::from(PackedDatetime::from_packed(packed).year()));
    Ok(Some(Arc::new(years)))
}

pub(super) fn month(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, _: usize) -> Answer {
    Ok(dates(args, call, 0).map(|dates| integers(dates, PackedDatetime::month)))
}

pub(super) fn day(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, _: usize) -> Answer {
    Ok(dates(args, call, 0).map(|dates| integers(dates, PackedDatetime::day)))
}

pub(super) fn extract(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, _: usize) -> Answer {
    let unit = call.constant(0).and_then(unit_of);
    let (Some(unit), Some(dates)) = (unit, dates(args, call, 1)) else {
        return Ok(None);
    };
    Ok(match unit {
        IntervalUnit::Year => Some(integers(dates, PackedDatetime::year)),
        IntervalUnit::Month => Some(integers(dates, PackedDatetime::month)),
        IntervalUnit::Day => Some(integers(dates, PackedDatetime::day)),
        IntervalUnit::YearMonth => Some(integers(dates, |d| d.year() * 100 + d.month())),
        IntervalUnit::Quarter => Some(integers(dates, |d| d.month().div_ceil(3))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use rutile_sql_types::arrow::{ValueBuilder, value_at};
    use rutile_sql_types::{FieldType, Value};

    use super::*;
    use crate::call::{ArgInfo, Coercibility, InferContext, eval_arrow};

    /// The answers over an array are those of the scalar kernel, NULLs and partial dates included.
    #[test]
    fn arrays_give_what_rows_give() {
        let ty = FieldType::date();
        let days =
            [PackedDatetime::date(1998, 12, 1), PackedDatetime::date(2024, 0, 0), PackedDatetime::ZERO];
        let values: Vec<Value> = days.into_iter().map(Value::Datetime).chain([Value::Null]).collect();
        let mut builder = ValueBuilder::new(&ty, values.len());
        for value in &values {
            builder.append(value).expect("a date");
        }
        let array = ColumnarArg::Array(builder.finish());
        let of = |arg| ArgInfo { ty: arg, constant: None, coercibility: Coercibility::Implicit };
        for name in ["year", "month", "day"] {
            let function = crate::lookup(name).expect("a function");
            let call =
                CallInfo::bind(function, &mut InferContext::default(), &[of(&ty)]).expect("a legal call");
            let mut ctx = EvalContext::default();
            let got = eval_arrow(function, &mut ctx, std::slice::from_ref(&array), &call, values.len())
                .expect("no error");
            for (row, value) in values.iter().enumerate() {
                let scalar = (function.eval)(&mut ctx, std::slice::from_ref(value), &call).expect("no error");
                assert_eq!(
                    value_at(got.as_ref(), &call.result, row).expect("a value"),
                    scalar,
                    "{name} of {value:?}"
                );
            }
        }
    }
}
