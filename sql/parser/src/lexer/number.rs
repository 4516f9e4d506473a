//! Numbers, and names that start with a digit.

use super::{Lexer, Token, TokenKind, is_word};

impl Lexer<'_> {
    /// From a digit, or a dot before a digit.
    pub(super) fn number(&mut self) -> Token {
        let start = self.at;
        if self.text[start] == b'0' {
            let prefixed = match self.byte(1) {
                b'x' => self.prefixed(TokenKind::Hex, |byte| byte.is_ascii_hexdigit()),
                b'b' => self.prefixed(TokenKind::Bit, |byte| matches!(byte, b'0' | b'1')),
                _ => None,
            };
            if let Some(token) = prefixed {
                return token;
            }
        }
        self.skip_digits();
        match self.byte(0) {
            b'.' => self.fraction(start),
            b'e' | b'E' if self.exponent_follows() => self.exponent(start),
            byte if is_word(byte) => {
                self.skip_word();
                self.name(start)
            }
            _ => self.token(TokenKind::Integer, start),
        }
    }

    fn skip_digits(&mut self) {
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn fraction(&mut self, start: usize) -> Token {
        self.at += 1;
        self.skip_digits();
        match self.byte(0) {
            b'e' | b'E' if self.exponent_follows() => self.exponent(start),
            // MySQL's lexer gives up on `5.e`, while `5.a` is `5.` and a name.
            b'e' | b'E' => {
                self.at += 1;
                self.token(TokenKind::Invalid, start)
            }
            _ => self.token(TokenKind::Decimal, start),
        }
    }

    /// Whether the `e` here is followed by digits, perhaps with a sign.
    fn exponent_follows(&self) -> bool {
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        self.byte(1 + sign).is_ascii_digit()
    }

    fn exponent(&mut self, start: usize) -> Token {
        self.at += 2;
        self.skip_digits();
        self.token(TokenKind::Float, start)
    }

    /// `0x41` and `0b01`: at least one digit and no other word byte behind; else the word is a name.
    fn prefixed(&mut self, kind: TokenKind, digit: fn(u8) -> bool) -> Option<Token> {
        let start = self.at;
        let mut length = 2;
        while digit(self.byte(length)) {
            length += 1;
        }
        if length == 2 || is_word(self.byte(length)) {
            return None;
        }
        self.at = start + length;
        Some(self.token(kind, start))
    }

    /// `x'4142'` and `b'01'`; the number of digits must be a multiple of `unit`.
    pub(super) fn digit_string(&mut self, kind: TokenKind, unit: usize, digit: fn(u8) -> bool) -> Token {
        let start = self.at;
        let mut length = 2;
        while digit(self.byte(length)) {
            length += 1;
        }
        if self.byte(length) == b'\'' && (length - 2).is_multiple_of(unit) {
            self.at = start + length + 1;
            self.token(kind, start)
        } else {
            self.at = start + length;
            self.token(TokenKind::Invalid, start)
        }
    }
}
