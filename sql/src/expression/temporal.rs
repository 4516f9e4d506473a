//! Temporal literals: `DATE '2024-01-31'` and its like.

use bytes::Bytes;
use rutile_sql_types::convert::{to_datetime, to_duration};
use rutile_sql_types::temporal::DateFlags;
use rutile_sql_types::{Collation, FieldType, Value};

use super::Evaluation;

/// The value of a literal written with the keyword `kind`; `None` if the text is no such value.
pub fn parse_literal(text: &[u8], kind: &str, statement: &Evaluation) -> Option<(Value, FieldType)> {
    let mut context = statement.convert_context();
    let value = Value::Bytes(Bytes::copy_from_slice(text));
    let ty = FieldType::varchar(u32::try_from(text.len()).ok()?, Collation::DEFAULT);
    let fsp = fraction_digits(text);
    let parsed = match kind {
        "TIME" => (Value::Duration(to_duration(&value, &ty, &mut context)?), FieldType::time(fsp)),
        "DATE" => {
            let date = to_datetime(&value, &ty, DateFlags::from_mode(context.sql_mode), &mut context)?;
            if date.has_time() {
                return None;
            }
            (Value::Datetime(date), FieldType::date())
        }
        _ => {
            let datetime = to_datetime(&value, &ty, DateFlags::from_mode(context.sql_mode), &mut context)?;
            (Value::Datetime(datetime), FieldType::datetime(fsp))
        }
    };
    context.warnings.is_empty().then_some(parsed)
}

/// Digits after the point, at most the six a temporal value has.
fn fraction_digits(text: &[u8]) -> u8 {
    let digits = match text.iter().rposition(|byte| *byte == b'.') {
        Some(point) => text.iter().skip(point + 1).take_while(|byte| byte.is_ascii_digit()).count(),
        None => 0,
    };
    u8::try_from(digits.min(6)).unwrap_or(6)
}
