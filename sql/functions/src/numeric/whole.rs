//! FLOOR and CEILING.

use rutile_sql_types::{Decimal, FieldType, MySqlError, TypeKind, Value};

use crate::call::argument::{decimal, double};
use crate::call::infer::{self, NumberClass, number_class};
use crate::call::{ArgInfo, CallInfo, EvalContext, Function, InferContext};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("floor", 1, 1, infer_whole, |c, a, i| whole(c, a, i, Decimal::floor, f64::floor)),
    Function::new("ceil", 1, 1, infer_whole, |c, a, i| whole(c, a, i, Decimal::ceiling, f64::ceil)),
    Function::new("ceiling", 1, 1, infer_whole, |c, a, i| whole(c, a, i, Decimal::ceiling, f64::ceil)),
];

/// Whole digits from which a decimal stays a decimal.
const DIGITS_OF_DECIMAL: u32 = 18;

fn infer_whole(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let ty = args[0].ty;
    let result = match number_class(ty) {
        NumberClass::Integer { unsigned } => FieldType { unsigned, ..FieldType::bigint() },
        NumberClass::Double => FieldType::double(),
        NumberClass::Decimal => {
            let digits = infer::precision(ty).saturating_sub(u32::from(infer::scale(ty)));
            if digits < DIGITS_OF_DECIMAL {
                FieldType::bigint()
            } else {
                infer::decimal(digits + u32::from(infer::scale(ty) > 0), 0)
            }
        }
    };
    Ok(FieldType { not_null: ty.not_null, ..result })
}

fn whole(
    ctx: &mut EvalContext,
    args: &[Value],
    call: &CallInfo,
    exact: fn(&Decimal) -> Decimal,
    real: fn(f64) -> f64,
) -> Result<Value, MySqlError> {
    Ok(match call.result.kind {
        TypeKind::Double => double(ctx, args, call, 0).map(|v| Value::Double(real(v))).into(),
        TypeKind::Decimal => decimal(ctx, args, call, 0).map(|v| Value::Decimal(exact(&v))).into(),
        _ => decimal(ctx, args, call, 0)
            .and_then(|v| {
                let v = exact(&v);
                if call.result.unsigned { v.to_u64().map(Value::UInt) } else { v.to_i64().map(Value::Int) }
            })
            .into(),
    })
}
