//! SUBSTRING and LEFT over an array of text with constant positions: slices of ASCII text need no copy per row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use rutile_sql_types::{MySqlError, Value};

use crate::call::{CallInfo, ColumnarArg, EvalContext};

type Answer = Result<Option<ArrayRef>, MySqlError>;

fn constant(arg: Option<&ColumnarArg>) -> Option<i64> {
    match arg {
        Some(ColumnarArg::Scalar(Value::Int(v))) => Some(*v),
        _ => None,
    }
}

pub(super) fn substring(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, _: usize) -> Answer {
    let (Some(start), Some(count)) = (constant(args.get(1)), constant(args.get(2))) else {
        return Ok(None);
    };
    Ok(cut(&args[0], call, start, count))
}

pub(super) fn left(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, _: usize) -> Answer {
    Ok(constant(args.get(1)).and_then(|count| cut(&args[0], call, 1, count)))
}

/// `None` for positions from the end and for results that are not text.
fn cut(text: &ColumnarArg, call: &CallInfo, start: i64, count: i64) -> Option<ArrayRef> {
    if call.result.arrow_type() != DataType::Utf8 {
        return None;
    }
    let strings = text.as_array()?.as_string_opt::<i32>()?;
    let skipped = usize::try_from(start.checked_sub(1)?).ok()?;
    let count = usize::try_from(count.max(0)).ok()?;
    let mut out = StringBuilder::with_capacity(strings.len(), strings.len().saturating_mul(count.min(16)));
    for row in 0..strings.len() {
        if strings.is_null(row) {
            out.append_null();
            continue;
        }
        let value = strings.value(row);
        if value.is_ascii() {
            let from = skipped.min(value.len());
            out.append_value(&value[from..from.saturating_add(count).min(value.len())]);
        } else {
            out.append_value(value.chars().skip(skipped).take(count).collect::<String>());
        }
    }
    Some(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
    use rutile_sql_types::arrow::value_at;
    use rutile_sql_types::{Collation, FieldType};

    use super::*;
    use crate::call::{ArgInfo, Coercibility, InferContext, eval_arrow};

    /// The answers over an array are those of the scalar kernel.
    #[test]
    fn arrays_give_what_rows_give() {
        let subjects = [Some("13-555-0100"), Some("häßlich"), Some(""), Some("x"), None];
        let column = ColumnarArg::Array(Arc::new(StringArray::from(subjects.to_vec())));
        let (text, number) =
            (FieldType::varchar(20, Collation::DEFAULT), FieldType::bigint().with_not_null());
        let function = crate::lookup("substring").expect("a function");
        let of = |ty| ArgInfo { ty, constant: None, coercibility: Coercibility::Implicit };
        let types = [of(&text), of(&number), of(&number)];
        let call = CallInfo::bind(function, &mut InferContext::default(), &types).expect("a legal call");
        for (start, count) in [(1, 2), (2, 100), (0, 2), (-3, 2), (5, 0), (1, -1), (i64::MIN, i64::MAX)] {
            let bounds = [Value::Int(start), Value::Int(count)];
            let args = [
                column.clone(),
                ColumnarArg::Scalar(bounds[0].clone()),
                ColumnarArg::Scalar(bounds[1].clone()),
            ];
            let mut ctx = EvalContext::default();
            let got = eval_arrow(function, &mut ctx, &args, &call, subjects.len()).expect("no error");
            for (row, subject) in subjects.iter().enumerate() {
                let values = [subject.map(Value::text).into(), bounds[0].clone(), bounds[1].clone()];
                let scalar = (function.eval)(&mut ctx, &values, &call).expect("no error");
                assert_eq!(
                    value_at(got.as_ref(), &call.result, row).expect("a value"),
                    scalar,
                    "{subject:?} {start} {count}"
                );
            }
        }
    }
}
