//! LIKE over a text column with a constant pattern, compiled once per call.

use arrow::array::ArrayRef;
use rutile_sql_types::MySqlError;

use super::lane;
use crate::call::{CallInfo, ColumnarArg, EvalContext};
use crate::operators::like;

pub(crate) fn like(
    context: &mut EvalContext,
    args: &[ColumnarArg],
    call: &CallInfo,
    rows: usize,
) -> Result<Option<ArrayRef>, MySqlError> {
    let constant = call.constant(1).is_some() && (args.len() < 3 || call.constant(2).is_some());
    let Some(subject) = args.first().and_then(lane::texts).filter(|_| constant) else {
        return Ok(None);
    };
    let Some(pattern) = like::constant_pattern(context, call)? else {
        return Ok(None);
    };
    Ok(Some(lane::truths(rows, |row| subject.at(row).map(|text| pattern.matches(text)))))
}
