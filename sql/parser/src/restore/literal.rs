//! Constants.

use super::Restorer;
use crate::ast::Literal;
use std::fmt::Write;

impl Restorer<'_> {
    pub(super) fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Null => self.push("NULL"),
            Literal::Boolean(value) => self.push(if *value { "true" } else { "false" }),
            Literal::Integer(value) => self.push(&value.to_string()),
            Literal::Decimal(text) => self.decimal(text),
            Literal::Float(text) => self.push(text),
            Literal::String(bytes) => {
                let charset = self.charset;
                self.introduced(charset, bytes);
            }
            Literal::National(bytes) => self.introduced("utf8mb3", bytes),
            Literal::Hex(bytes) | Literal::Bit(bytes) => self.hex(bytes),
            Literal::Introduced(introduced) if introduced.from_number => {
                self.push("_");
                self.push(&introduced.charset);
                self.push(" ");
                self.hex(&introduced.value);
            }
            Literal::Introduced(introduced) => self.introduced(&introduced.charset, &introduced.value),
            Literal::Date(bytes) => self.prefixed("DATE", bytes),
            Literal::Time(bytes) => self.prefixed("TIME", bytes),
            Literal::Timestamp(bytes) => self.prefixed("TIMESTAMP", bytes),
        }
    }

    /// `.5` is printed as `0.5`, `1.` as `1`.
    fn decimal(&mut self, text: &str) {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.starts_with('.') {
            self.push("0");
        }
        self.push(text);
    }

    fn introduced(&mut self, charset: &str, bytes: &[u8]) {
        self.push("_");
        self.push(charset);
        self.quoted(bytes);
    }

    fn prefixed(&mut self, word: &str, bytes: &[u8]) {
        self.push(word);
        self.quoted(bytes);
    }

    pub(super) fn quoted(&mut self, bytes: &[u8]) {
        // Bytes that are no text cannot stand in a string of text; they can in hexadecimal.
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.push(" ");
            return self.hex(bytes);
        };
        self.push("'");
        for character in text.chars() {
            match character {
                '\0' => self.push("\\0"),
                '\n' => self.push("\\n"),
                '\r' => self.push("\\r"),
                '\\' => self.push("\\\\"),
                '\'' => self.push("\\'"),
                '\u{1a}' => self.push("\\Z"),
                other => self.text.push(other),
            }
        }
        self.push("'");
    }

    fn hex(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return self.push("x''");
        }
        self.push("0x");
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{byte:02X}");
        }
    }
}
