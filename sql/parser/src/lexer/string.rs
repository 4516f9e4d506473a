//! Quoted text: finding its end, and undoing its escapes.

use super::{Lexer, Token, TokenKind};
use crate::options::SqlMode;

impl Lexer<'_> {
    /// A string whose opening quote is at `self.at`; the token starts at `start` (before a prefix).
    pub(super) fn string_token(&mut self, start: usize, kind: TokenKind) -> Token {
        let backslash = !self.sql_mode.contains(SqlMode::NO_BACKSLASH_ESCAPES);
        let quote = self.text[self.at];
        let mut at = self.at + 1;
        let mut escaped = false;
        while let Some(&byte) = self.text.get(at) {
            if byte == quote {
                if self.text.get(at + 1) != Some(&quote) {
                    self.at = at + 1;
                    return Token { escaped, ..self.token(kind, start) };
                }
                escaped = true;
                at += 2;
            } else if byte == b'\\' && backslash {
                escaped = true;
                at += 2;
            } else {
                at += 1;
            }
        }
        self.at = self.text.len();
        self.token(TokenKind::Invalid, start)
    }

    /// A name in quotes; they are doubled within it, backslashes mean nothing.
    pub(super) fn quoted_name(&mut self, start: usize, quote: u8) -> Token {
        let mut at = self.at + 1;
        let mut escaped = false;
        while let Some(&byte) = self.text.get(at) {
            if byte == quote {
                if self.text.get(at + 1) != Some(&quote) {
                    self.at = at + 1;
                    self.after_name = true;
                    return Token { escaped, ..self.token(TokenKind::QuotedIdent, start) };
                }
                escaped = true;
                at += 1;
            }
            at += 1;
        }
        self.at = self.text.len();
        self.token(TokenKind::Invalid, start)
    }
}

/// The value of quoted text: `quoted` includes its quotes; `backslash` says whether backslash escapes.
pub(crate) fn unescape(quoted: &[u8], backslash: bool) -> Vec<u8> {
    let (Some(&quote), Some(body)) = (quoted.first(), quoted.get(1..quoted.len().saturating_sub(1))) else {
        return Vec::new();
    };
    let mut value = Vec::with_capacity(body.len());
    let mut bytes = body.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if backslash => match bytes.next() {
                Some(escape) => push_escape(&mut value, escape),
                None => value.push(b'\\'),
            },
            // The lexer ends a string at a lone quote, so this one is doubled.
            _ if byte == quote => {
                bytes.next();
                value.push(quote);
            }
            _ => value.push(byte),
        }
    }
    value
}

/// `\%` and `\_` stay as they are, for LIKE to see.
fn push_escape(value: &mut Vec<u8>, escape: u8) {
    let byte = match escape {
        b'0' => 0,
        b'b' => 8,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'Z' => 0x1a,
        b'%' | b'_' => {
            value.push(b'\\');
            escape
        }
        other => other,
    };
    value.push(byte);
}
