//! Constants.

use super::{Parsed, Parser};
use crate::ast::{Expr, ExprKind, IntroducedLiteral, Literal};
use crate::lexer::{Keyword as K, Token, TokenKind, unescape};
use crate::parser::cursor::parse_u64;

impl Parser<'_> {
    /// The literal at the current token, if there is one. Signs are operators, not part of it.
    pub(crate) fn literal(&mut self) -> Parsed<Option<Expr>> {
        let token = self.token;
        let literal = match token.kind {
            TokenKind::Integer => self.integer_literal(token)?,
            TokenKind::String => return self.string_literal().map(Some),
            TokenKind::Decimal => Literal::Decimal(self.digits(token)?),
            TokenKind::Float => Literal::Float(self.digits(token)?),
            TokenKind::Keyword(K::Null) => Literal::Null,
            TokenKind::Keyword(K::True) => Literal::Boolean(true),
            TokenKind::Keyword(K::False) => Literal::Boolean(false),
            TokenKind::Hex => Literal::Hex(hex_bytes(number_digits(self.slice(token)))),
            TokenKind::Bit => Literal::Bit(bit_bytes(number_digits(self.slice(token)))),
            TokenKind::National => {
                Literal::National(unescape(&self.slice(token)[1..], self.backslash_escapes()).into())
            }
            TokenKind::Introducer => return self.introduced_literal().map(Some),
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(Expr::new(ExprKind::Literal(literal), token.span())))
    }

    fn integer_literal(&self, token: Token) -> Parsed<Literal> {
        match parse_u64(self.slice(token)) {
            Some(value) => Ok(Literal::Integer(value)),
            None => self.digits(token).map(Literal::Decimal),
        }
    }

    fn digits(&self, token: Token) -> Parsed<Box<str>> {
        self.text_of(self.slice(token).to_vec()).map(Into::into)
    }

    /// A string and those that follow it directly, joined.
    fn string_literal(&mut self) -> Parsed<Expr> {
        let token = self.advance();
        let mut value = self.bytes_of(token);
        if self.at(TokenKind::String) {
            value = self.joined_strings(value);
        }
        Ok(Expr::new(ExprKind::Literal(Literal::String(value)), self.span_from(token.start)))
    }

    fn joined_strings(&mut self, first: Box<[u8]>) -> Box<[u8]> {
        let mut joined = first.into_vec();
        while self.at(TokenKind::String) {
            let token = self.advance();
            joined.extend_from_slice(&self.bytes_of(token));
        }
        joined.into()
    }

    fn introduced_literal(&mut self) -> Parsed<Expr> {
        let introducer = self.advance();
        let charset = String::from_utf8_lossy(&self.slice(introducer)[1..]).to_ascii_lowercase().into();
        let token = self.token;
        let value = match token.kind {
            TokenKind::String => {
                self.advance();
                self.bytes_of(token)
            }
            TokenKind::Hex | TokenKind::Bit => {
                self.advance();
                let digits = number_digits(self.slice(token));
                if token.is(TokenKind::Hex) { hex_bytes(digits) } else { bit_bytes(digits) }
            }
            _ => return self.unexpected(),
        };
        // Strings behind an introduced one belong to it, as behind any other.
        let from_number = !token.is(TokenKind::String);
        let value = if from_number { value } else { self.joined_strings(value) };
        let literal = Literal::Introduced(Box::new(IntroducedLiteral { charset, value, from_number }));
        Ok(Expr::new(ExprKind::Literal(literal), self.span_from(introducer.start)))
    }

    /// `DATE '...'`, `TIME '...'`, `TIMESTAMP '...'`, the word being current and a string next.
    pub(super) fn temporal_literal(&mut self, keyword: K) -> Parsed<Expr> {
        let start = self.advance().start;
        let value = self.string_bytes()?;
        let literal = match keyword {
            K::Date => Literal::Date(value),
            K::Time => Literal::Time(value),
            _ => Literal::Timestamp(value),
        };
        Ok(Expr::new(ExprKind::Literal(literal), self.span_from(start)))
    }

    /// `{d '...'}`, `{t '...'}`, `{ts '...'}`, and `{name expr}`, which is just the expression.
    pub(super) fn odbc(&mut self) -> Parsed<Expr> {
        let start = self.advance().start;
        let name = self.ident()?;
        let token = self.token;
        let value = self.expr()?;
        self.expect(TokenKind::CloseBrace)?;
        let kind = match value.kind {
            ExprKind::Literal(Literal::String(text)) if token.is(TokenKind::String) => {
                ExprKind::Literal(match name.value.to_ascii_lowercase().as_str() {
                    "d" => Literal::Date(text),
                    "t" => Literal::Time(text),
                    "ts" => Literal::Timestamp(text),
                    _ => Literal::String(text),
                })
            }
            kind => ExprKind::Odbc(Box::new(Expr::new(kind, value.span))),
        };
        Ok(Expr::new(kind, self.span_from(start)))
    }
}

/// The digits of `x'41'`, `0x41`, `b'01'`, `0b01`.
fn number_digits(source: &[u8]) -> &[u8] {
    let digits = source.get(2..).unwrap_or(&[]);
    digits.strip_suffix(b"'").unwrap_or(digits)
}

/// An odd number of digits (possible with `0x` only) gets a zero in front.
fn hex_bytes(digits: &[u8]) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(digits.len().div_ceil(2));
    let (head, pairs) = digits.split_at(digits.len() % 2);
    bytes.extend(head.iter().map(|digit| hex_digit(*digit)));
    bytes.extend(pairs.chunks_exact(2).map(|pair| hex_digit(pair[0]) << 4 | hex_digit(pair[1])));
    bytes.into()
}

fn hex_digit(digit: u8) -> u8 {
    (digit as char).to_digit(16).map_or(0, |value| value as u8)
}

fn bit_bytes(digits: &[u8]) -> Box<[u8]> {
    digits.rchunks(8).rev().map(|byte| byte.iter().fold(0, |value, digit| value << 1 | (digit & 1))).collect()
}
