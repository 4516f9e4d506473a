//! The parser's place in the text, and the small steps everything else is made of.

use super::{Parsed, Parser};
use crate::ast::{Ident, ObjectName, Span};
use crate::error::ParseError;
use crate::lexer::{Keyword, Lexer, Token, TokenKind, unescape};
use crate::options::{ParseOptions, SqlMode};

/// Longest `near` text of a syntax error, in bytes.
const NEAR_LENGTH: usize = 80;

/// What a level of nesting counts, in right operands of operators.
const LEVEL: u32 = 4;

/// A place to come back to.
#[derive(Clone, Copy)]
pub(super) struct Mark<'a> {
    lexer: Lexer<'a>,
    token: Token,
    next: Token,
    previous_end: u32,
    parameter_count: u32,
    tokens: u32,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a [u8], options: &'a ParseOptions) -> Parser<'a> {
        Parser::starting_at(text, options, 0)
    }

    /// A parser whose text goes on behind the statements up to `at`, which [`super::check_length`] has passed.
    pub(crate) fn starting_at(text: &'a [u8], options: &'a ParseOptions, at: usize) -> Parser<'a> {
        let at = at as u32;
        let mut lexer = Lexer::starting_at(text, options.sql_mode, at);
        let token = lexer.next();
        let next = lexer.next();
        Parser {
            text,
            options,
            lexer,
            token,
            next,
            previous_end: at,
            statement_start: 0,
            parameter_count: 0,
            tokens: 0,
            operators: 0,
            nesting: 0,
            query_nesting: 0,
            height: 0,
            pending_into: None,
        }
    }

    pub(super) fn mark(&self) -> Mark<'a> {
        Mark {
            lexer: self.lexer,
            token: self.token,
            next: self.next,
            previous_end: self.previous_end,
            parameter_count: self.parameter_count,
            tokens: self.tokens,
        }
    }

    pub(super) fn reset(&mut self, mark: Mark<'a>) {
        self.lexer = mark.lexer;
        self.token = mark.token;
        self.next = mark.next;
        self.previous_end = mark.previous_end;
        self.parameter_count = mark.parameter_count;
        self.tokens = mark.tokens;
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    pub(crate) fn advance(&mut self) -> Token {
        let token = self.token;
        self.previous_end = token.end;
        self.token = self.next;
        self.next = self.lexer.next();
        self.tokens = self.tokens.saturating_add(1);
        if self.is_too_large() {
            // Nothing more is read; who asked for the statement tells why.
            let end = self.text.len() as u32;
            self.token = Token { kind: TokenKind::End, escaped: false, start: end, end };
            self.next = self.token;
        }
        token
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.tokens > self.options.limits.tokens
    }

    /// The token `distance` tokens ahead; 0 is the current one.
    pub(super) fn peek(&self, distance: usize) -> Token {
        match distance {
            0 => self.token,
            1 => self.next,
            _ => {
                let mut lexer = self.lexer;
                let mut token = lexer.next();
                for _ in 2..distance {
                    token = lexer.next();
                }
                token
            }
        }
    }

    pub(crate) fn at(&self, kind: TokenKind) -> bool {
        self.token.kind == kind
    }

    pub(super) fn at_keyword(&self, keyword: Keyword) -> bool {
        self.token.kind == TokenKind::Keyword(keyword)
    }

    pub(super) fn next_is(&self, keyword: Keyword) -> bool {
        self.next.kind == TokenKind::Keyword(keyword)
    }

    /// The current token as a keyword.
    pub(crate) fn keyword(&self) -> Option<Keyword> {
        match self.token.kind {
            TokenKind::Keyword(keyword) => Some(keyword),
            _ => None,
        }
    }

    pub(super) fn accept(&mut self, kind: TokenKind) -> bool {
        let found = self.token.kind == kind;
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn accept_keyword(&mut self, keyword: Keyword) -> bool {
        self.accept(TokenKind::Keyword(keyword))
    }

    /// Accepts both words or neither.
    pub(super) fn accept_keywords(&mut self, first: Keyword, second: Keyword) -> bool {
        let found = self.at_keyword(first) && self.next_is(second);
        if found {
            self.advance();
            self.advance();
        }
        found
    }

    pub(super) fn expect(&mut self, kind: TokenKind) -> Parsed<Token> {
        if self.token.kind == kind { Ok(self.advance()) } else { self.unexpected() }
    }

    pub(super) fn expect_keyword(&mut self, keyword: Keyword) -> Parsed<()> {
        self.expect(TokenKind::Keyword(keyword)).map(|_| ())
    }

    pub(super) fn expect_keywords(&mut self, keywords: &[Keyword]) -> Parsed<()> {
        keywords.iter().try_for_each(|keyword| self.expect_keyword(*keyword))
    }

    /// Whether the current token is this word, keyword of ours or not.
    pub(super) fn at_word(&self, word: &str) -> bool {
        is_word_token(self.token) && self.slice(self.token).eq_ignore_ascii_case(word.as_bytes())
    }

    pub(super) fn next_is_word(&self, word: &str) -> bool {
        is_word_token(self.next) && self.slice(self.next).eq_ignore_ascii_case(word.as_bytes())
    }

    pub(super) fn accept_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.accept_word(word) { Ok(()) } else { self.unexpected() }
    }

    pub(crate) fn slice(&self, token: Token) -> &'a [u8] {
        token.span().slice(self.text)
    }

    /// The source between two places, as text.
    pub(super) fn source(&self, start: u32, end: u32) -> Box<str> {
        String::from_utf8_lossy(Span::new(start, end).slice(self.text)).into()
    }

    pub(super) fn span_from(&self, start: u32) -> Span {
        Span::new(start, self.previous_end.max(start))
    }

    pub(super) fn mode(&self, flag: SqlMode) -> bool {
        self.options.sql_mode.contains(flag)
    }

    pub(super) fn backslash_escapes(&self) -> bool {
        !self.mode(SqlMode::NO_BACKSLASH_ESCAPES)
    }

    /// A syntax error at the current token.
    pub(super) fn unexpected<T>(&self) -> Parsed<T> {
        Err(self.syntax_error(self.token.start))
    }

    pub(super) fn syntax_error(&self, offset: u32) -> Box<ParseError> {
        let offset = offset.min(self.text.len() as u32);
        let statement = Span::new(self.statement_start, offset).slice(self.text);
        let line = 1 + statement.iter().filter(|byte| **byte == b'\n').count() as u32;
        let rest = self.text.get(offset as usize..).unwrap_or(&[]);
        let mut near = &rest[..rest.len().min(NEAR_LENGTH)];
        // A character cut in two at the end is dropped; broken text elsewhere is shown as it is.
        if let Err(error) = std::str::from_utf8(near)
            && error.error_len().is_none()
        {
            near = &near[..error.valid_up_to()];
        }
        Box::new(ParseError::Syntax { near: String::from_utf8_lossy(near).into_owned(), line, offset })
    }

    /// One level deeper; pair with [`Parser::leave`]. An error ends parsing, so it needs no leave.
    pub(super) fn enter(&mut self) -> Parsed<()> {
        self.descend(LEVEL)
    }

    pub(super) fn leave(&mut self) {
        self.nesting -= LEVEL;
    }

    /// Into the right operand of an operator: it takes stack too, but less than a level.
    pub(super) fn enter_operand(&mut self) -> Parsed<()> {
        self.descend(1)
    }

    pub(super) fn leave_operand(&mut self) {
        self.nesting -= 1;
    }

    fn descend(&mut self, cost: u32) -> Parsed<()> {
        self.nesting += cost;
        let limit = self.options.limits.nesting;
        if self.nesting > limit.saturating_mul(LEVEL) {
            return Err(Box::new(ParseError::TooDeep { what: "expressions", limit }));
        }
        Ok(())
    }

    /// A node over everything parsed since [`Parser::height`] was last taken.
    pub(super) fn raise(&mut self) -> Parsed<()> {
        self.height += 1;
        self.operators = self.operators.saturating_add(1);
        if self.height > self.options.limits.height {
            let limit = self.options.limits.height;
            return Err(Box::new(ParseError::TooDeep { what: "operators", limit }));
        }
        Ok(())
    }

    /// Items separated by commas, at least one.
    pub(super) fn comma_separated<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept(TokenKind::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `( item, item, ... )`, at least one.
    pub(super) fn parenthesized<T>(&mut self, item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect(TokenKind::OpenParen)?;
        let items = self.comma_separated(item)?;
        self.expect(TokenKind::CloseParen)?;
        Ok(items)
    }

    /// Whether the current token can be an identifier.
    pub(super) fn at_ident(&self) -> bool {
        is_ident(self.token)
    }

    pub(super) fn ident(&mut self) -> Parsed<Ident> {
        if !self.at_ident() {
            return self.unexpected();
        }
        let token = self.advance();
        self.ident_of(token)
    }

    /// The identifier a token spells; also for keywords and strings.
    pub(super) fn ident_of(&self, token: Token) -> Parsed<Ident> {
        let source = self.slice(token);
        let quoted = matches!(token.kind, TokenKind::QuotedIdent | TokenKind::String);
        let value = match token.kind {
            // `after` a quote, escapes mean nothing in names; in strings they do.
            TokenKind::QuotedIdent if token.escaped => unescape(source, false),
            TokenKind::String if token.escaped => unescape(source, self.backslash_escapes()),
            TokenKind::QuotedIdent | TokenKind::String => source[1..source.len() - 1].to_vec(),
            _ => source.to_vec(),
        };
        if value.is_empty() && token.kind == TokenKind::QuotedIdent {
            return Err(self.syntax_error(token.start));
        }
        Ok(Ident { value: self.text_of(value)?, quoted, span: token.span() })
    }

    /// Bytes that must be text.
    pub(super) fn text_of(&self, bytes: Vec<u8>) -> Parsed<String> {
        String::from_utf8(bytes).map_err(|error| {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Box::new(ParseError::InvalidText { text })
        })
    }

    /// `ident` or a string: charset names, collations, engines, users.
    pub(super) fn ident_or_text(&mut self) -> Parsed<Ident> {
        if self.at(TokenKind::String) || self.at_ident() {
            let token = self.advance();
            return self.ident_of(token);
        }
        self.unexpected()
    }

    /// `[database.]name`
    pub(super) fn object_name(&mut self) -> Parsed<ObjectName> {
        let first = self.ident()?;
        if self.accept(TokenKind::Dot) {
            return Ok(ObjectName { database: Some(first), name: self.ident()? });
        }
        Ok(ObjectName { database: None, name: first })
    }

    /// A string literal's bytes, adjacent literals not joined.
    pub(super) fn string_bytes(&mut self) -> Parsed<Box<[u8]>> {
        let token = self.expect(TokenKind::String)?;
        Ok(self.bytes_of(token))
    }

    pub(super) fn bytes_of(&self, token: Token) -> Box<[u8]> {
        let source = self.slice(token);
        if token.escaped {
            unescape(source, self.backslash_escapes()).into()
        } else {
            source.get(1..source.len().saturating_sub(1)).unwrap_or(&[]).into()
        }
    }

    /// A string literal that must be text.
    pub(super) fn string(&mut self) -> Parsed<String> {
        let bytes = self.string_bytes()?;
        self.text_of(bytes.into_vec())
    }

    /// An unsigned decimal integer literal.
    pub(super) fn integer(&mut self) -> Parsed<u64> {
        if !self.at(TokenKind::Integer) {
            return self.unexpected();
        }
        match parse_u64(self.slice(self.token)) {
            Some(value) => {
                self.advance();
                Ok(value)
            }
            None => self.unexpected(),
        }
    }
}

fn is_word_token(token: Token) -> bool {
    matches!(token.kind, TokenKind::Ident | TokenKind::Keyword(_))
}

pub(super) fn is_ident(token: Token) -> bool {
    match token.kind {
        TokenKind::Ident | TokenKind::QuotedIdent => true,
        TokenKind::Keyword(keyword) => !keyword.is_reserved(),
        _ => false,
    }
}

/// Digits as a number, if they fit.
pub(super) fn parse_u64(digits: &[u8]) -> Option<u64> {
    // Nineteen digits always fit.
    if digits.len() <= 19 {
        return Some(
            digits.iter().fold(0u64, |value, digit| value * 10 + u64::from(digit.wrapping_sub(b'0'))),
        );
    }
    digits.iter().try_fold(0u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
    })
}
