//! AND, OR, NOT, IS NULL over truth values, and IF between two columns.

use arrow::array::{Array, ArrayRef};
use rutile_sql_types::MySqlError;

use super::lane::{self, Side};
use crate::call::{CallInfo, ColumnarArg, EvalContext};

type Answer = Result<Option<ArrayRef>, MySqlError>;

/// All arguments as integers, of which 0 is false.
fn conditions<'a>(args: &'a [ColumnarArg], call: &CallInfo) -> Option<Vec<Side<'a, i64>>> {
    if !call.args.iter().all(|ty| ty.kind.is_integer() && !ty.unsigned) {
        return None;
    }
    args.iter().map(lane::ints).collect()
}

/// `decisive` is the value one term of which decides the whole: false for AND, true for OR.
fn chain(args: &[ColumnarArg], call: &CallInfo, rows: usize, decisive: bool) -> Option<ArrayRef> {
    let terms = conditions(args, call)?;
    Some(lane::truths(rows, |row| {
        let mut unknown = false;
        for term in &terms {
            match term.at(row) {
                Some(value) if (value != 0) == decisive => return Some(decisive),
                Some(_) => {}
                None => unknown = true,
            }
        }
        if unknown { None } else { Some(!decisive) }
    }))
}

pub(crate) fn and(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    Ok(chain(args, call, rows, false))
}

pub(crate) fn or(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    Ok(chain(args, call, rows, true))
}

pub(crate) fn not(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    let Some(terms) = conditions(args, call) else {
        return Ok(None);
    };
    let Some(term) = terms.first() else {
        return Ok(None);
    };
    Ok(Some(lane::truths(rows, |row| term.at(row).map(|value| value == 0))))
}

fn nullness(args: &[ColumnarArg], rows: usize, wanted: bool) -> Option<ArrayRef> {
    Some(match args.first()? {
        ColumnarArg::Scalar(value) => lane::truths(rows, |_| Some(value.is_null() == wanted)),
        ColumnarArg::Array(array) => {
            let nulls = array.logical_nulls();
            lane::truths(rows, |row| Some(nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) == wanted))
        }
    })
}

pub(crate) fn is_null(_: &mut EvalContext, args: &[ColumnarArg], _: &CallInfo, rows: usize) -> Answer {
    Ok(nullness(args, rows, true))
}

pub(crate) fn is_not_null(_: &mut EvalContext, args: &[ColumnarArg], _: &CallInfo, rows: usize) -> Answer {
    Ok(nullness(args, rows, false))
}

/// IF over integers of one type.
pub(crate) fn choose(_: &mut EvalContext, args: &[ColumnarArg], call: &CallInfo, rows: usize) -> Answer {
    let Some(sides) = conditions(args, call) else {
        return Ok(None);
    };
    let [condition, yes, no] = sides.as_slice() else {
        return Ok(None);
    };
    if !call.result.kind.is_integer() || call.result.unsigned {
        return Ok(None);
    }
    let mut builder = arrow::array::Int64Builder::with_capacity(rows);
    for row in 0..rows {
        let taken = if condition.at(row).is_some_and(|value| value != 0) { yes } else { no };
        builder.append_option(taken.at(row));
    }
    Ok(Some(std::sync::Arc::new(builder.finish())))
}

#[cfg(test)]
mod tests {
    use rutile_sql_types::Value;

    use super::*;

    #[test]
    fn truth_values_are_one_zero_and_null() {
        let array = lane::truths(3, |row| [Some(true), Some(false), None][row]);
        let values: Vec<Value> = (0..3)
            .map(|row| {
                rutile_sql_types::arrow::value_at(array.as_ref(), &rutile_sql_types::FieldType::bigint(), row)
                    .expect("an integer column")
            })
            .collect();
        assert_eq!(values, [Value::bool(true), Value::bool(false), Value::Null]);
    }
}
