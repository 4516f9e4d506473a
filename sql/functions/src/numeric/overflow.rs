//! Error 1690 of a function whose result does not fit, and the text of a call for it.

use rutile_sql_types::{FieldType, MySqlError, TimeZone, TypeKind, Value, format_text};

use crate::call::CallInfo;

/// A call as MySQL prints it: `pow(10,'400')`.
pub(crate) fn call_text(function: &str, args: &[Value], call: &CallInfo) -> String {
    if let Some(text) = &call.text {
        return text.to_string();
    }
    let shown: Vec<String> = args.iter().zip(&call.args).map(|(value, ty)| literal(value, ty)).collect();
    format!("{function}({})", shown.join(","))
}

/// A value as the constant it was written as.
pub(crate) fn literal(value: &Value, ty: &FieldType) -> String {
    let mut text = Vec::new();
    format_text(value, ty, &mut text, TimeZone::UTC);
    let text = String::from_utf8_lossy(&text);
    match (value, ty.kind) {
        (Value::Null, _) => "NULL".to_owned(),
        // Negative constants are negations of positive ones.
        (Value::Int(_), _) if text.starts_with('-') => format!("-({})", &text[1..]),
        (Value::Bytes(_), _) => format!("'{text}'"),
        (_, TypeKind::Date) => format!("DATE'{text}'"),
        (_, TypeKind::Time) => format!("TIME'{text}'"),
        (Value::Datetime(_), _) => format!("TIMESTAMP'{text}'"),
        _ => text.into_owned(),
    }
}

pub(super) fn out_of_range(kind: &str, function: &str, args: &[Value], call: &CallInfo) -> MySqlError {
    MySqlError::value_out_of_range(kind, call_text(function, args, call))
}

/// A double, or the error if it is not finite.
pub(super) fn finite(
    result: f64,
    function: &str,
    args: &[Value],
    call: &CallInfo,
) -> Result<Value, MySqlError> {
    if result.is_finite() {
        Ok(Value::Double(result))
    } else {
        Err(out_of_range("DOUBLE", function, args, call))
    }
}
