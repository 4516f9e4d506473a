//! Expressions as text, for EXPLAIN and for the names DataFusion wants.

use std::fmt::{self, Write};

use rutile_sql_types::Value;

use super::{Call, Expr};

/// Longest constant that is shown whole, in characters.
const MAX_CONSTANT_CHARS: usize = 64;

/// Writes `expr`; columns are called by `names`, or by their position.
pub fn write(out: &mut (impl Write + ?Sized), expr: &Expr, names: &[String]) -> fmt::Result {
    match expr {
        Expr::Column { index, .. } => match names.get(*index) {
            Some(name) => out.write_str(name),
            None => write!(out, "#{index}"),
        },
        Expr::Literal { value, .. } => out.write_str(&constant(value)),
        Expr::Parameter { .. } => out.write_char('?'),
        Expr::Outer { depth, index, .. } => write!(out, "outer({depth}).#{index}"),
        Expr::Subquery { id, column, .. } => write!(out, "subquery({id}).#{column}"),
        Expr::Aggregate { index, .. } => write!(out, "aggregate({index})"),
        Expr::Window { index, .. } => write!(out, "window({index})"),
        Expr::Call(call) => write_call(out, call, names),
    }
}

fn write_call(out: &mut (impl Write + ?Sized), call: &Call, names: &[String]) -> fmt::Result {
    let name = call.function.name;
    let is_symbol = !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let is_word = matches!(name, "and" | "or" | "xor" | "div" | "like" | "regexp");
    if call.args.len() >= 2 && (is_symbol || is_word) {
        out.write_char('(')?;
        for (position, arg) in call.args.iter().enumerate() {
            if position > 0 {
                write!(out, " {name} ")?;
            }
            write(out, arg, names)?;
        }
        return out.write_char(')');
    }
    write!(out, "{name}(")?;
    for (position, arg) in call.args.iter().enumerate() {
        if position > 0 {
            out.write_str(", ")?;
        }
        write(out, arg, names)?;
    }
    if name == "cast" {
        write!(out, " as {}", call.info.result.sql_text())?;
    }
    out.write_char(')')
}

/// A constant as EXPLAIN shows it.
pub fn constant(value: &Value) -> String {
    let text = match value {
        Value::Null => "NULL".to_owned(),
        Value::Int(value) => value.to_string(),
        Value::UInt(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Decimal(value) => value.to_string(),
        Value::Bytes(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
        Value::Datetime(value) => {
            let p = value.parts();
            let date = format!("{:04}-{:02}-{:02}", p.year, p.month, p.day);
            if value.has_time() {
                format!("'{date} {:02}:{:02}:{:02}'", p.hour, p.minute, p.second)
            } else {
                format!("'{date}'")
            }
        }
        Value::Duration(value) => {
            let (negative, hours, minutes, seconds, _) = value.parts();
            format!("'{}{hours:02}:{minutes:02}:{seconds:02}'", if negative { "-" } else { "" })
        }
        Value::Json(_) => "JSON".to_owned(),
    };
    match text.char_indices().nth(MAX_CONSTANT_CHARS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or(&text)),
        None => text,
    }
}
