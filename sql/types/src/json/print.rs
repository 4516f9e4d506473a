//! JSON text as MySQL prints it: a space after `,` and `:`, keys in stored order, doubles with `.0`.

use std::fmt::{self, Write};

use crate::number::format_double;
use crate::temporal::{format_date, format_datetime, format_duration};

use super::Json;

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write_text(&mut out);
        f.write_str(&out)
    }
}

impl Json {
    pub fn write_text(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    item.write_text(out);
                }
                out.push(']');
            }
            Json::Object(object) => {
                out.push('{');
                for (i, (key, value)) in object.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    write_quoted(key, out);
                    out.push_str(": ");
                    value.write_text(out);
                }
                out.push('}');
            }
            Json::String(s) => write_quoted(s, out),
            Json::Int(_) | Json::UInt(_) | Json::Double(_) | Json::Decimal(_) => self.write_scalar(out),
            _ => {
                out.push('"');
                self.write_scalar(out);
                out.push('"');
            }
        }
    }

    /// The value without quotes, as JSON_UNQUOTE gives it.
    pub fn unquoted(&self) -> String {
        let mut out = String::new();
        match self {
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => self.write_text(&mut out),
            _ => self.write_scalar(&mut out),
        }
        out
    }

    fn write_scalar(&self, out: &mut String) {
        let mut bytes = Vec::new();
        match self {
            Json::Int(v) => write!(out, "{v}").expect("writing into a String cannot fail"),
            Json::UInt(v) => write!(out, "{v}").expect("writing into a String cannot fail"),
            Json::Decimal(v) => write!(out, "{v}").expect("writing into a String cannot fail"),
            Json::Double(v) => write_double(*v, out),
            Json::String(s) => out.push_str(s),
            Json::Date(v) => format_date(*v, &mut bytes),
            Json::Datetime(v) | Json::Timestamp(v) => format_datetime(*v, 6, &mut bytes),
            Json::Time(v) => format_duration(*v, 6, &mut bytes),
            Json::Opaque(kind, data) => {
                write!(out, "base64:type{}:", *kind as u8).expect("writing into a String cannot fail");
                write_base64(data, out);
            }
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => {}
        }
        out.extend(bytes.iter().map(|b| char::from(*b)));
    }

    /// JSON_PRETTY: two spaces per level.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.write_pretty(0, &mut out);
        out
    }

    fn write_pretty(&self, depth: usize, out: &mut String) {
        let line = |out: &mut String, depth: usize| {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        };
        match self {
            Json::Array(items) if !items.is_empty() => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    line(out, depth + 1);
                    item.write_pretty(depth + 1, out);
                }
                line(out, depth);
                out.push(']');
            }
            Json::Object(object) if !object.is_empty() => {
                out.push('{');
                for (i, (key, value)) in object.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    line(out, depth + 1);
                    write_quoted(key, out);
                    out.push_str(": ");
                    value.write_pretty(depth + 1, out);
                }
                line(out, depth);
                out.push('}');
            }
            _ => self.write_text(out),
        }
    }
}

fn write_double(v: f64, out: &mut String) {
    let start = out.len();
    format_double(v, out);
    // A double stays recognisable as one: 1 prints as 1.0.
    if !out[start..].contains(['.', 'e']) {
        out.push_str(".0");
    }
}

/// A JSON string literal.
pub(crate) fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                write!(out, "\\u{:04x}", c as u32).expect("writing into a String cannot fail")
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl Json {
    /// JSON_QUOTE of a text.
    pub fn quote(text: &str) -> String {
        let mut out = String::new();
        write_quoted(text, &mut out);
        out
    }
}

fn write_base64(data: &[u8], out: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in data.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| (w << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i > chunk.len() { '=' } else { char::from(letter) });
        }
    }
}
