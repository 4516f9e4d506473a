//! What the lexer yields.

use super::Keyword;
use crate::ast::Span;

/// Kind of a token; words and literals keep only their place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// End of the text, or of the statement when it is one of several.
    End,
    /// A byte or an unfinished literal that no token can start with.
    Invalid,
    Keyword(Keyword),
    Ident,
    /// Includes its quotes.
    QuotedIdent,
    Integer,
    Decimal,
    Float,
    /// `'...'` or `"..."`, quotes included.
    String,
    /// `N'...'`, prefix and quotes included.
    National,
    /// `x'..'` or `0x..`
    Hex,
    /// `b'..'` or `0b..`
    Bit,
    /// `_charset`
    Introducer,
    /// `@name`, `@'name'`, or a lone `@`
    UserVariable,
    /// `@@`
    AtAt,
    /// `/*+ ... */` after a statement's first word
    Hint,
    Question,
    Comma,
    Dot,
    Semicolon,
    Colon,
    OpenParen,
    CloseParen,
    OpenBrace,
    CloseBrace,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Tilde,
    Bang,
    Ampersand,
    /// `&&`
    AndAnd,
    Pipe,
    /// `||`
    PipePipe,
    Equal,
    /// `<=>`
    NullSafeEqual,
    /// `<>` and `!=`
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    ShiftLeft,
    ShiftRight,
    /// `:=`
    Assign,
    /// `->`
    Arrow,
    /// `->>`
    LongArrow,
}

/// A token and its place in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// A string or quoted name whose body needs work: escapes or doubled quotes.
    pub(crate) escaped: bool,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Token {
    pub(crate) fn span(self) -> Span {
        Span::new(self.start, self.end)
    }

    pub(crate) fn is(self, kind: TokenKind) -> bool {
        self.kind == kind
    }
}
