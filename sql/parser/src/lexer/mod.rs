//! Text to tokens, on demand.
//!
//! [`Lexer`] is a small `Copy` state over the borrowed text, so that looking ahead or going back is copying it. It
//! knows `sql_mode` and its own previous token, because MySQL's tokens depend on both: a name may start with a digit,
//! `a.select` is a name after a dot, `"x"` is a string or a name, `/*+` is a hint only behind a statement's first word.
//!
//! ```text
//! mod.rs       dispatch on the first byte, operators, words
//! comment.rs   blanks and comments, /*!NNNNN */ and /*T! */ gates
//! number.rs    1 1. .5 1e3 0x41 0b01, and names that start with digits
//! string.rs    '..' ".." `..` and undoing their escapes
//! charset.rs   the character sets _introducers may name
//! keyword.rs   the words
//! ```
//!
//! Deliberately missing: multi-byte client character sets (the text is UTF-8 by now, only strings may hold other bytes).

mod charset;
mod comment;
mod keyword;
mod number;
mod string;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use keyword::Keyword;
pub(crate) use string::unescape;
pub(crate) use token::{Token, TokenKind};

use crate::options::SqlMode;

#[derive(Clone, Copy)]
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    sql_mode: SqlMode,
    /// Within `/*!NNNNN ... */`: its `*/` is a blank.
    in_version_comment: bool,
    /// The previous token was a name ending at `at`: a dot and a word that follow directly belong to it.
    after_name: bool,
    /// The previous token was such a dot: a name follows, whatever its first byte.
    after_dot: bool,
    /// The previous token was SELECT, INSERT, REPLACE, UPDATE or DELETE.
    hint_allowed: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8], sql_mode: SqlMode) -> Lexer<'a> {
        Lexer {
            text,
            at: 0,
            sql_mode,
            in_version_comment: false,
            after_name: false,
            after_dot: false,
            hint_allowed: false,
        }
    }

    /// A lexer that starts in the middle of the text.
    pub(crate) fn starting_at(text: &'a [u8], sql_mode: SqlMode, at: u32) -> Lexer<'a> {
        Lexer { at: at as usize, ..Lexer::new(text, sql_mode) }
    }

    pub(crate) fn is_in_version_comment(&self) -> bool {
        self.in_version_comment
    }

    fn byte(&self, offset: usize) -> u8 {
        // 0 stands for the end; a NUL byte in the text is no token either.
        self.text.get(self.at + offset).copied().unwrap_or(0)
    }

    pub(crate) fn next(&mut self) -> Token {
        let after_dot = std::mem::take(&mut self.after_dot);
        let after_name = std::mem::take(&mut self.after_name);
        let hint_allowed = std::mem::take(&mut self.hint_allowed);
        if after_dot && is_word(self.byte(0)) {
            return self.word_after_dot();
        }
        if after_name && self.byte(0) == b'.' && is_word(self.byte(1)) {
            self.after_dot = true;
            return self.operator(TokenKind::Dot, 1);
        }
        match self.skip_blanks(hint_allowed) {
            comment::Skipped::Blanks => {}
            comment::Skipped::Hint { start } => return self.token(TokenKind::Hint, start),
            comment::Skipped::Unclosed { start } => {
                self.at = self.text.len();
                return self.token(TokenKind::Invalid, start);
            }
        }
        // C programs send the NUL behind their string along; MySQL takes it for the end.
        if self.text[self.at..].iter().all(|byte| *byte == 0) {
            self.at = self.text.len();
        }
        let start = self.at;
        if start >= self.text.len() {
            let kind = if self.in_version_comment { TokenKind::Invalid } else { TokenKind::End };
            return self.token(kind, start);
        }
        match self.text[start] {
            b'\'' => self.string_token(start, TokenKind::String),
            b'"' if self.sql_mode.contains(SqlMode::ANSI_QUOTES) => self.quoted_name(start, b'"'),
            b'"' => self.string_token(start, TokenKind::String),
            b'`' => self.quoted_name(start, b'`'),
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() => self.number(),
            b'@' => self.at_sign(),
            byte if is_word(byte) => self.word(),
            byte => self.punctuation(byte),
        }
    }

    fn token(&self, kind: TokenKind, start: usize) -> Token {
        Token { kind, escaped: false, start: start as u32, end: self.at as u32 }
    }

    fn operator(&mut self, kind: TokenKind, length: usize) -> Token {
        let start = self.at;
        self.at += length;
        self.token(kind, start)
    }

    fn punctuation(&mut self, byte: u8) -> Token {
        use TokenKind::*;
        let (kind, length) = match byte {
            b',' => (Comma, 1),
            b'(' => (OpenParen, 1),
            b')' => (CloseParen, 1),
            b';' => (Semicolon, 1),
            b'.' => (Dot, 1),
            b'?' => (Question, 1),
            b'{' => (OpenBrace, 1),
            b'}' => (CloseBrace, 1),
            b'+' => (Plus, 1),
            b'-' if self.byte(1) == b'>' && self.byte(2) == b'>' => (LongArrow, 3),
            b'-' if self.byte(1) == b'>' => (Arrow, 2),
            b'-' => (Minus, 1),
            b'*' => (Star, 1),
            b'/' => (Slash, 1),
            b'%' => (Percent, 1),
            b'^' => (Caret, 1),
            b'~' => (Tilde, 1),
            b'!' if self.byte(1) == b'=' => (NotEqual, 2),
            b'!' => (Bang, 1),
            b'&' if self.byte(1) == b'&' => (AndAnd, 2),
            b'&' => (Ampersand, 1),
            b'|' if self.byte(1) == b'|' => (PipePipe, 2),
            b'|' => (Pipe, 1),
            b'=' => (Equal, 1),
            b'<' => match (self.byte(1), self.byte(2)) {
                (b'=', b'>') => (NullSafeEqual, 3),
                (b'=', _) => (LessOrEqual, 2),
                (b'>', _) => (NotEqual, 2),
                (b'<', _) => (ShiftLeft, 2),
                _ => (Less, 1),
            },
            b'>' => match self.byte(1) {
                b'=' => (GreaterOrEqual, 2),
                b'>' => (ShiftRight, 2),
                _ => (Greater, 1),
            },
            b':' if self.byte(1) == b'=' => (Assign, 2),
            b':' => (Colon, 1),
            _ => (Invalid, 1),
        };
        self.operator(kind, length)
    }

    /// A name, a keyword, or a literal with a letter before its quote.
    fn word(&mut self) -> Token {
        let start = self.at;
        if self.byte(1) == b'\'' {
            match self.text[start] {
                b'n' | b'N' => {
                    self.at += 1;
                    return self.string_token(start, TokenKind::National);
                }
                b'x' | b'X' => return self.digit_string(TokenKind::Hex, 2, |byte| byte.is_ascii_hexdigit()),
                b'b' | b'B' => {
                    return self.digit_string(TokenKind::Bit, 1, |byte| matches!(byte, b'0' | b'1'));
                }
                _ => {}
            }
        }
        self.skip_word();
        let word = &self.text[start..self.at];
        // A word right before a dot and another word qualifies it, whatever it spells.
        let qualifier = self.byte(0) == b'.' && is_word(self.byte(1));
        if !qualifier && let Some(keyword) = Keyword::lookup(word) {
            use Keyword::{Delete, Insert, Replace, Select, Update};
            self.hint_allowed = matches!(keyword, Select | Insert | Replace | Update | Delete);
            self.after_name = true;
            return self.token(TokenKind::Keyword(keyword), start);
        }
        if word[0] == b'_' && charset::is_known(&word[1..]) {
            return self.token(TokenKind::Introducer, start);
        }
        // `$$` opens a dollar-quoted string in MySQL 9; a name of nothing but dollars is an error in all versions.
        if word.starts_with(b"$$") {
            return self.token(TokenKind::Invalid, start);
        }
        self.name(start)
    }

    fn word_after_dot(&mut self) -> Token {
        let start = self.at;
        self.skip_word();
        self.name(start)
    }

    fn name(&mut self, start: usize) -> Token {
        self.after_name = true;
        self.token(TokenKind::Ident, start)
    }

    fn skip_word(&mut self) {
        while let Some(byte) = self.text.get(self.at)
            && is_word(*byte)
        {
            self.at += 1;
        }
    }

    /// `@@`, or a user variable: `@` with a name of letters, digits, `_`, `$`, `.`, or a quoted one.
    fn at_sign(&mut self) -> Token {
        let start = self.at;
        if self.byte(1) == b'@' {
            return self.operator(TokenKind::AtAt, 2);
        }
        self.at += 1;
        let quote = self.byte(0);
        let quoted = match quote {
            b'\'' | b'"' => self.string_token(self.at, TokenKind::UserVariable),
            b'`' => self.quoted_name(self.at, quote),
            _ => {
                while is_word(self.byte(0)) || self.byte(0) == b'.' {
                    self.at += 1;
                }
                return self.token(TokenKind::UserVariable, start);
            }
        };
        self.after_name = false;
        match quoted.kind {
            TokenKind::Invalid => quoted,
            _ => Token { kind: TokenKind::UserVariable, start: start as u32, ..quoted },
        }
    }
}

/// Bytes of unquoted names: letters, digits, `_`, `$`, and every byte of a multi-byte character.
pub(crate) fn is_word(byte: u8) -> bool {
    WORD[byte as usize]
}

static WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let character = byte as u8;
        table[byte] = character.is_ascii_alphanumeric() || matches!(character, b'_' | b'$' | 0x80..);
        byte += 1;
    }
    table
};
