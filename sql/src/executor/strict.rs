//! Warnings of expressions that strict mode turns into errors of the statement that writes their value.

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{Level, MySqlError};

/// The conditions strict mode covers (MySQL manual, "Strict SQL Mode") that functions and casts report as warnings, with
/// their SQLSTATE.
const COVERED: [(u16, &str); 9] = [
    (1264, "22003"),
    (1265, "01000"),
    (1292, "22007"),
    (1365, "22012"),
    (1366, "HY000"),
    (1406, "22001"),
    (1411, "HY000"),
    (1441, "22008"),
    (3156, "22018"),
];

/// Runs `work`, whose value goes into a column.
pub fn strictly<T, E: From<MySqlError>>(
    context: &mut EvalContext,
    work: impl FnOnce(&mut EvalContext) -> Result<T, E>,
) -> Result<T, E> {
    let before = context.convert.warnings.as_slice().len();
    let value = work(context)?;
    if !context.changes_data || !context.convert.is_strict() {
        return Ok(value);
    }
    let row = context.convert.row;
    let raised = context.convert.warnings.as_slice().iter().skip(before);
    for warning in raised.filter(|warning| warning.level == Level::Warning) {
        if let Some((code, state)) = COVERED.iter().find(|(code, _)| *code == warning.code) {
            let message = warning.message.replace("at row 1", &format!("at row {row}"));
            return Err(MySqlError::new(*code, state, message).into());
        }
    }
    Ok(value)
}
